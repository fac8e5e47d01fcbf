import { Button } from "@mantine/core";
import { IconFilterOff, IconListCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { Hint } from "../api/events";
import { runs as runsQuery } from "../api/queries";
import type { Run } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { CommandTabs } from "../commands/CommandTabs";
import { useScope } from "../frame/useScope";
import { idOf } from "../lib/pages";
import { endedOf, machines, outcomeOf } from "../lib/runs";
import type { RunsSearch } from "../lib/search";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
import type { Column } from "../ui/DataTable";
import { FilterBar } from "../ui/FilterBar";
import { ToggleChip } from "../ui/Chip";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { LiveTable } from "../ui/LiveTable";
import { Empty } from "../ui/Notice";
import { RUN_AGENT_STATE } from "../ui/looks";
import { PageHeader } from "../ui/PageHeader";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";
import { useLiveRows } from "../ui/useLiveRows";
import { RunBar } from "./RunProgress";
import styles from "./Runs.module.css";

const concernsRuns = (hint: Hint) => hint.kind === "command" || hint.kind === "run";

/** What was ordered for many machines at once, newest first, live. */
export function RunsPage() {
  const { mine, open } = useSearch({ from: "/frame/commands/runs" });
  const { organization_id } = useScope();
  const navigate = useNavigate();
  const set = (change: RunsSearch) =>
    void navigate({ to: "/commands/runs", search: (previous) => ({ ...previous, ...change }), replace: true });
  const asked = runsQuery({ organization_id, mine, open });
  const list = useInfiniteQuery(asked);
  useRefreshOn(concernsRuns, ["runs", "list"], 2_000 + 1_000 * (list.data?.pages.length ?? 0));
  const live = useLiveRows(asked.queryKey, list);
  const paging = usePaging(asked.queryKey, list);
  return (
    <>
      <PageHeader title="Commands" detail="runs on many machines, newest first" />
      <CommandTabs />
      <FilterBar>
        <ToggleChip label="Mine" on={mine === true} onChange={(on) => set({ mine: on || undefined })} />
        <ToggleChip label="Not ended" on={open === true} onChange={(on) => set({ open: on || undefined })} />
      </FilterBar>
      <ListBody
        list={list}
        isEmpty={live.rows.length === 0}
        what="The runs could not be loaded."
        empty={
          mine || open || organization_id ? (
            <Empty icon={IconFilterOff} title="No run matches">
              Remove a filter or choose another scope.
            </Empty>
          ) : (
            <Empty
              icon={IconListCheck}
              title="Nothing was run on many machines yet"
              action={
                <Button variant="default" renderRoot={(props) => <Link to="/agents" {...props} />}>
                  To the agents
                </Button>
              }
            >
              Select machines in the list of agents and run a command on all of them at once.
            </Empty>
          )
        }
      >
        <LiveTable label="Runs" columns={COLUMNS} live={live} rowId={idOf} {...paging} />
      </ListBody>
    </>
  );
}

const COLUMNS: Column<Run>[] = [
  {
    id: "summary",
    header: "Run",
    grow: 4,
    cell: (run) => (
      <TwoLines
        below={
          <>
            {machines(run.total)}, <Age at={run.created_at} />
          </>
        }
      >
        <Link to="/commands/runs/$runId" params={{ runId: run.id }} className={styles.summary} data-row-link title={run.summary}>
          {run.summary || "(empty)"}
        </Link>
      </TwoLines>
    ),
  },
  { id: "progress", header: "Ended", from: 560, width: 190, cell: (run) => <Progress run={run} /> },
  { id: "result", header: "Result", width: 160, cell: (run) => <Result run={run} /> },
  { id: "by", header: "Ordered by", from: 760, cell: (run) => <span title={run.requested_by}>{run.requested_by}</span> },
  { id: "at", header: "Ordered", from: 560, width: 120, cell: (run) => <Age at={run.created_at} /> },
];

function Progress({ run }: { run: Run }) {
  return (
    <span className={styles.small}>
      <span className="num">
        {formatCount(endedOf(run))} of {formatCount(run.total)}
      </span>
      <RunBar run={run} />
    </span>
  );
}

function Result({ run }: { run: Run }) {
  const { like, words } = outcomeOf(run);
  return <State look={{ ...RUN_AGENT_STATE[like], word: words }} />;
}
