import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useCallback } from "react";
import type { Hint } from "../api/events";
import { commands, type CommandsQuery } from "../api/queries";
import type { CommandSummary } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { idOf } from "../lib/pages";
import { Age } from "../ui/Age";
import type { Column } from "../ui/DataTable";
import { LiveTable } from "../ui/LiveTable";
import { COMMAND_STATE } from "../ui/looks";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";
import { useLiveRows } from "../ui/useLiveRows";
import styles from "./CommandList.module.css";

/** Commands, newest first, live. */
export function CommandList({ query, empty, withAgent }: { query: CommandsQuery; empty: ReactNode; withAgent: boolean }) {
  const { agent_id } = query;
  const listed = commands(query);
  const list = useInfiniteQuery(listed);
  const concerns = useCallback(
    (hint: Hint) => hint.kind === "run" || (hint.kind === "command" && (agent_id === undefined || hint.agentId === agent_id)),
    [agent_id],
  );
  useRefreshOn(concerns, ["commands", "list"], 1_000 + 1_000 * (list.data?.pages.length ?? 0));
  const live = useLiveRows(listed.queryKey, list);
  const paging = usePaging(listed.queryKey, list);
  return (
    <ListBody list={list} isEmpty={live.rows.length === 0} what="The commands could not be loaded." empty={empty}>
      <LiveTable label="Commands" columns={withAgent ? FLEET_COLUMNS : AGENT_COLUMNS} live={live} rowId={idOf} {...paging} />
    </ListBody>
  );
}

const SUMMARY: Column<CommandSummary> = {
  id: "summary",
  header: "Command",
  exports: ["summary"],
  grow: 4,
  cell: (command) => (
    <TwoLines
      below={
        <>
          {command.agent_name}, <Age at={command.created_at} />
        </>
      }
    >
      <Link
        to="/commands/$commandId"
        params={{ commandId: command.id }}
        className={styles.link}
        data-row-link
        title={command.summary}
      >
        {command.summary || "(empty)"}
      </Link>
    </TwoLines>
  ),
};

const AGENT: Column<CommandSummary> = {
  id: "agent",
  header: "Agent",
  exports: ["agent"],
  from: 560,
  cell: (command) => <span title={command.agent_name}>{command.agent_name}</span>,
};

const REST: Column<CommandSummary>[] = [
  {
    id: "state",
    header: "State",
    exports: ["state"],
    width: 150,
    cell: (command) => <State look={lookOf(command)} title={command.exit_code == null ? undefined : `exit code ${command.exit_code}`} />,
  },
  { id: "exit", header: "Exit", exports: ["exit_code"], from: 960, width: 60, align: "right", cell: (command) => <span className="num">{command.exit_code ?? "–"}</span> },
  { id: "by", header: "Ordered by", exports: ["requested_by"], from: 760, cell: (command) => <span title={command.requested_by}>{command.requested_by}</span> },
  { id: "at", header: "Ordered", exports: ["created_at"], from: 560, width: 120, cell: (command) => <Age at={command.created_at} /> },
];

/** A failure is told apart by its exit code, where it has one. */
function lookOf({ state, exit_code }: CommandSummary) {
  const look = COMMAND_STATE[state];
  return state === "failed" && exit_code != null ? { ...look, word: `${look.word} (${exit_code})` } : look;
}

/** What a list of commands of many machines shows. */
export const FLEET_COLUMNS = [SUMMARY, AGENT, ...REST];
const AGENT_COLUMNS = [SUMMARY, ...REST];
