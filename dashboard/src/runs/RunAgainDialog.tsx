import { Button, Group, Modal, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { run as runQuery, runAgentIds } from "../api/queries";
import { draftOf, machines, RETRIED } from "../lib/runs";
import { Failure, Loading } from "../ui/Notice";
import { OrderDialog } from "./OrderDialog";

/** Orders a run once more on the machines where it failed, ran out of time or expired. Has its own address. */
export function RunAgainDialog() {
  const { runId } = useParams({ from: "/frame/commands/runs/$runId/again" });
  const search = useSearch({ from: "/frame/commands/runs/$runId" });
  const navigate = useNavigate();
  const run = useQuery(runQuery(runId));
  const ids = useQuery({
    queryKey: ["runs", "failed", runId],
    queryFn: ({ signal }) => runAgentIds(runId, RETRIED, signal),
    // The machines that were seen to fail are meant, also when one of them changes while the dialog is open.
    staleTime: "static",
    gcTime: 0,
  });
  const close = () => void navigate({ to: "/commands/runs/$runId", params: { runId }, search, replace: true });
  if (run.data && ids.data && ids.data.length > 0) {
    return (
      <OrderDialog
        title={`Run again on ${machines(ids.data.length)}`}
        name={`again-${runId}`}
        target={{ agent_ids: ids.data }}
        interpreters={["powershell", "cmd", "sh"]}
        initial={draftOf(run.data)}
        onClose={close}
      />
    );
  }
  return (
    <Modal opened onClose={close} title="Run again" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        {ids.error ? (
          <Failure error={ids.error} what="The machines could not be loaded." retry={() => void ids.refetch()} />
        ) : ids.data ? (
          <p>It failed on no machine.</p>
        ) : (
          <Loading lines={3} />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Close
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
