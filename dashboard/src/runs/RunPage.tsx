import { Button } from "@mantine/core";
import { IconListCheck, IconPlayerStop, IconRepeat } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { api, ApiError, body } from "../api/client";
import type { Hint } from "../api/events";
import { run as runQuery } from "../api/queries";
import type { Run } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { endedOf, machines, RETRIED } from "../lib/runs";
import type { RunSearch } from "../lib/search";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { FilterBar } from "../ui/FilterBar";
import { GatedButton } from "../ui/GatedButton";
import { Empty, ListFailure, Loading } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { SearchInput } from "../ui/SearchInput";
import { RunAgents } from "./RunAgents";
import { RunProgress } from "./RunProgress";

const concernsRuns = (hint: Hint) => hint.kind === "command" || hint.kind === "run";

/** One command on many machines: how far it is, and how it went on each. */
export function RunPage() {
  const { runId } = useParams({ from: "/frame/commands/runs/$runId" });
  const run = useQuery(runQuery(runId));
  useRefreshOn(concernsRuns, ["runs", "one", runId], 1_000);
  if (run.data) return <Loaded key={runId} run={run.data} />;
  if (run.error instanceof ApiError && run.error.status === 404) {
    return (
      <>
        <PageHeader title="No such run" />
        <Empty
          icon={IconListCheck}
          title="There is no run with this id"
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/commands/runs" {...props} />}>
              All runs
            </Button>
          }
        >
          All of its machines may belong to organizations that you do not see.
        </Empty>
      </>
    );
  }
  if (run.error) return <ListFailure error={run.error} what="The run could not be loaded." retry={() => void run.refetch()} />;
  return <Loading lines={10} />;
}

function Loaded({ run }: { run: Run }) {
  const search = useSearch({ from: "/frame/commands/runs/$runId" });
  const navigate = useNavigate();
  const client = useQueryClient();
  const [cancelling, setCancelling] = useState(false);
  const set = useCallback(
    (change: RunSearch) =>
      void navigate({
        to: "/commands/runs/$runId",
        params: { runId: run.id },
        search: (previous) => ({ ...previous, ...change }),
        replace: true,
      }),
    [navigate, run.id],
  );
  const setText = useCallback((q: string | undefined) => set({ q }), [set]);
  const failed = RETRIED.reduce((sum, state) => sum + run.counts[state], 0);
  const open = run.total - endedOf(run);
  const again = run.program.kind !== "selftest" && failed > 0 && open === 0;
  return (
    <>
      <PageHeader
        tab={`Run: ${run.summary}`}
        title={<span className="cut">{run.summary}</span>}
        detail={
          <>
            <span className="num">{machines(run.total)}</span>
            <span>
              ordered <Age at={run.created_at} /> by {run.requested_by}
            </span>
            {run.ended_at ? <Age at={run.ended_at} prefix="ended" /> : <Age at={run.expires_at} prefix="expires" />}
          </>
        }
        actions={
          <>
            {again ? (
              <Button
                variant="default"
                leftSection={<IconRepeat size={16} aria-hidden />}
                renderRoot={(props) => <Link to="/commands/runs/$runId/again" params={{ runId: run.id }} search={search} {...props} />}
              >
                Run again on the {formatCount(failed)} that failed
              </Button>
            ) : null}
            {open > 0 ? (
              <GatedButton
                permission={run.permissions.cancel}
                color="red"
                variant="light"
                leftSection={<IconPlayerStop size={16} aria-hidden />}
                onClick={() => setCancelling(true)}
              >
                Cancel the run
              </GatedButton>
            ) : null}
          </>
        }
      />
      <RunProgress run={run} chosen={search.at} choose={(at) => set({ at })} />
      <FilterBar>
        <SearchInput label="Find an agent" value={search.q} onChange={setText} />
      </FilterBar>
      <RunAgents runId={run.id} search={search} />
      {cancelling ? (
        <ConfirmDialog
          title="Cancel the run?"
          action={`Cancel it on ${machines(open)}`}
          run={() => body(api.POST("/api/runs/{id}/cancel", { params: { path: { id: run.id } } }))}
          onDone={() => {
            setCancelling(false);
            void client.invalidateQueries({ queryKey: ["runs"] });
          }}
          onClose={() => setCancelling(false)}
        >
          <p className="any">
            <span className="mono">{run.summary}</span> has not ended on {machines(open)}. Where it waits it never starts;
            where it runs it is killed, and what it did until then stays done.
          </p>
        </ConfirmDialog>
      ) : null}
      <Outlet />
    </>
  );
}
