import { IconFilterOff } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Hint } from "../api/events";
import { runAgents } from "../api/queries";
import type { RunAgent } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { formatDuration } from "../lib/age";
import { useClock } from "../lib/clock";
import { idOf } from "../lib/pages";
import type { RunSearch } from "../lib/search";
import { sentence } from "../lib/words";
import { Age } from "../ui/Age";
import type { Column } from "../ui/DataTable";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { LiveTable } from "../ui/LiveTable";
import { RUN_AGENT_STATE } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";
import { useLiveRows } from "../ui/useLiveRows";
import styles from "./Runs.module.css";

const concernsRuns = (hint: Hint) => hint.kind === "command" || hint.kind === "run";

/** The machines of a run, live: how it stands on each, and the way to what it wrote there. */
export function RunAgents({ runId, search: { q, at } }: { runId: string; search: RunSearch }) {
  const asked = runAgents(runId, { q, state: at });
  const list = useInfiniteQuery(asked);
  useRefreshOn(concernsRuns, ["runs", "agents", runId], 1_000 + 1_000 * (list.data?.pages.length ?? 0));
  const live = useLiveRows(asked.queryKey, list);
  const paging = usePaging(asked.queryKey, list);
  return (
    <ListBody
      list={list}
      isEmpty={live.rows.length === 0}
      what="The agents of the run could not be loaded."
      empty={
        <Empty icon={IconFilterOff} title="No agent of this run matches">
          {at ? `None is in the state ${RUN_AGENT_STATE[at].word.toLowerCase()}${q ? ", with such a name" : " any more"}.` : "None has such a name."}
        </Empty>
      }
    >
      <LiveTable label="Agents of the run" columns={COLUMNS} live={live} rowId={idOf} {...paging} />
    </ListBody>
  );
}

const COLUMNS: Column<RunAgent>[] = [
  { id: "name", header: "Agent", grow: 2.4, cell: (row) => <Name row={row} /> },
  {
    id: "place",
    header: "Site",
    from: 760,
    grow: 2.6,
    cell: (row) => (
      <span title={`${row.organization_name} › ${row.site_name}`}>
        {row.organization_name} › {row.site_name}
      </span>
    ),
  },
  { id: "state", header: "State", width: 150, cell: (row) => <State look={RUN_AGENT_STATE[row.command?.state ?? "refused"]} /> },
  { id: "exit", header: "Exit", from: 560, width: 64, align: "right", cell: (row) => <span className="num">{row.command?.exit_code ?? "–"}</span> },
  { id: "ran", header: "Ran", from: 760, width: 84, align: "right", cell: (row) => <Ran row={row} /> },
  { id: "why", header: "Why", from: 560, cell: (row) => <Why row={row} /> },
  {
    id: "ended",
    header: "Ended",
    from: 960,
    width: 120,
    cell: (row) => (row.command?.finished_at ? <Age at={row.command.finished_at} /> : <span className="muted">–</span>),
  },
];

/** Leads to the output; where nothing was run, to the machine. */
function Name({ row: { agent_id, agent_name, organization_name, site_name, command, refusal } }: { row: RunAgent }) {
  const look = { className: styles.name, "data-row-link": true, title: agent_name };
  return (
    <TwoLines below={refusal ? sentence(refusal.words) : `${organization_name} › ${site_name}`}>
      {command ? (
        <Link to="/commands/$commandId" params={{ commandId: command.id }} {...look}>
          {agent_name}
        </Link>
      ) : (
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent_id }} {...look}>
          {agent_name}
        </Link>
      )}
    </TwoLines>
  );
}

function Ran({ row: { command } }: { row: RunAgent }) {
  const from = command?.started_at ? Date.parse(command.started_at) : undefined;
  const to = command?.finished_at ? Date.parse(command.finished_at) : undefined;
  const length = useClock((now) => (from === undefined ? "–" : formatDuration((to ?? now) - from)));
  return <span className="num">{length}</span>;
}

function Why({ row: { refusal } }: { row: RunAgent }) {
  if (!refusal) return <span className="muted">–</span>;
  const words = sentence(refusal.words);
  return <span title={words}>{words}</span>;
}
