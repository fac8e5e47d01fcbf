import { Button, Group, Modal, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { agentCount } from "../api/queries";
import { interpretersOf, isNothing, machines, targetOf } from "../lib/runs";
import { agentsFilter } from "../lib/search";
import { countSelected } from "../lib/selection";
import { useSelection } from "../ui/useSelection";
import { OrderDialog } from "./OrderDialog";

/** Runs a command on what is selected in the list of agents. Has its own address. */
export function RunDialog() {
  const search = useSearch({ from: "/frame/agents" });
  const navigate = useNavigate();
  const filter = agentsFilter(search);
  const { selection } = useSelection("agents", filter);
  const count = countSelected(selection, useQuery(agentCount(search)).data?.total);
  const close = () => void navigate({ to: "/agents", search, replace: true });
  if (isNothing(selection)) {
    return (
      <Modal opened onClose={close} title="Nothing is selected" closeButtonProps={{ "aria-label": "Close" }}>
        <Stack>
          <p>Select machines in the list, then run a command on them.</p>
          <Group justify="flex-end">
            <Button onClick={close}>To the list</Button>
          </Group>
        </Stack>
      </Modal>
    );
  }
  return (
    <OrderDialog
      title={count === undefined ? "Run a command on all that match" : `Run a command on ${machines(count)}`}
      name="run"
      target={targetOf(selection, filter)}
      interpreters={interpretersOf(filter)}
      onClose={close}
    />
  );
}
