import { Button, Checkbox, Group, Modal, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { SiteChoice } from "../agents/PlaceChoice";
import { api, body } from "../api/client";
import { agent as agentQuery } from "../api/queries";
import type { Agent } from "../api/types";
import type { AgentSearch } from "../lib/agentPage";
import type { Schema } from "../lib/schema";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { Failure } from "../ui/Notice";
import { SchemaForm } from "../ui/SchemaForm";

/** The dialog that the address names. */
export function AgentDialogs({ agent, dialog, close }: { agent: Agent; dialog: AgentSearch["dialog"]; close: () => void }) {
  if (dialog === "rename" && agent.permissions.edit.allowed) return <RenameDialog agent={agent} close={close} />;
  if (dialog === "move" && agent.permissions.edit.allowed) return <MoveDialog agent={agent} close={close} />;
  if (dialog === "decommission" && agent.permissions.decommission.allowed) {
    return <DecommissionDialog agent={agent} close={close} />;
  }
  return null;
}

/** Saves a change and shows the agent as the server answered it. */
function useEdit(agent: Agent) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: { display_name?: string | null; site_id?: string }) =>
      body(api.PATCH("/api/agents/{id}", { params: { path: { id: agent.id } }, body: change })),
    onSuccess: (changed) => {
      client.setQueryData(agentQuery(agent.id).queryKey, changed);
      void client.invalidateQueries({ queryKey: ["agents"] });
    },
  });
}

function RenameDialog({ agent, close }: { agent: Agent; close: () => void }) {
  const edit = useEdit(agent);
  const schema: Schema<{ display_name: string | null }> = {
    display_name: {
      kind: "text",
      label: "Display name",
      help: `Leave empty to show the host name ${agent.hostname}.`,
      placeholder: agent.hostname,
      longest: 100,
    },
  };
  return (
    <Modal opened onClose={close} title="Change the display name" closeButtonProps={{ "aria-label": "Close" }}>
      <SchemaForm
        schema={schema}
        initial={{ display_name: agent.display_name ?? null }}
        save={(change) => edit.mutateAsync(change)}
        onDone={close}
        action="Save"
        failure="The name was not changed."
        onCancel={close}
        guard
      />
    </Modal>
  );
}

function MoveDialog({ agent, close }: { agent: Agent; close: () => void }) {
  const [siteId, setSiteId] = useState<string | null>(agent.site_id);
  const edit = useEdit(agent);
  return (
    <Modal opened onClose={close} title="Move to another site" closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (siteId) edit.mutate({ site_id: siteId }, { onSuccess: close });
        }}
      >
        <Stack>
          <p className="muted any">
            Sites of {agent.organization_name}. An agent never changes its organization; enroll it anew for that.
          </p>
          <SiteChoice organizationId={agent.organization_id} value={siteId} onChange={setSiteId} />
          {edit.error ? <Failure error={edit.error} what="The agent was not moved." /> : null}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" disabled={!siteId || siteId === agent.site_id} loading={edit.isPending}>
              Move
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function DecommissionDialog({ agent, close }: { agent: Agent; close: () => void }) {
  const client = useQueryClient();
  const [uninstall, setUninstall] = useState(true);
  const { state } = agent.presence;
  // Nobody can be told: the record ends at once.
  const unreachable = agent.state === "quarantined" || state === "never";
  return (
    <ConfirmDialog
      title={`Decommission ${agent.name}?`}
      action={`Decommission ${agent.name}`}
      typeName={agent.name}
      run={async () => {
        const params = { path: { id: agent.id }, query: { uninstall: uninstall && !unreachable } };
        client.setQueryData(agentQuery(agent.id).queryKey, await body(api.DELETE("/api/agents/{id}", { params })));
        void client.invalidateQueries({ queryKey: ["agents"] });
      }}
      onDone={close}
      onClose={close}
    >
      <p>
        {unreachable
          ? "Its key is revoked at once. The machine cannot be told to leave: remove the agent from it by hand."
          : state === "online"
            ? "The machine is told to leave, and its key is revoked as soon as it obeys."
            : "The machine is told to leave when it connects again. Then its key is revoked, and without it after 30 days."}{" "}
        Commands that wait for it are cancelled. To manage the machine again it must be enrolled anew. Its history stays:
        commands, output, inventory and audit.
      </p>
      {unreachable ? null : (
        <Checkbox
          label="Also uninstall the agent from the machine"
          description="Its program and data are removed."
          checked={uninstall}
          onChange={(event) => setUninstall(event.currentTarget.checked)}
        />
      )}
    </ConfirmDialog>
  );
}
