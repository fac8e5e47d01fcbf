import { Button, Menu, Modal } from "@mantine/core";
import { IconDots, IconEdit, IconMapPin, IconStethoscope, IconTerminal2, IconTrash } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Agent } from "../api/types";
import type { AgentSearch, AgentTab } from "../lib/agentPage";
import { GatedButton } from "../ui/GatedButton";
import { GatedItem } from "../ui/GatedItem";
import { Failure } from "../ui/Notice";
import { selftestPermission, useSelftest } from "./useSelftest";

/** What can be done with an agent. What may not be done stays in its place, with the reason. */
export function AgentActions({ agent, tab, open }: {
  agent: Agent;
  /** The tab that is open: the one of commands has its own form. */
  tab: AgentTab;
  open: (dialog: AgentSearch["dialog"]) => void;
}) {
  const { command, edit, decommission } = agent.permissions;
  const selftest = useSelftest();
  return (
    <>
      {tab === "commands" && command.allowed ? null : (
        <GatedButton
          permission={command}
          leftSection={<IconTerminal2 size={16} aria-hidden />}
          renderRoot={(props) => (
            <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id, tab: "commands" }} {...props} />
          )}
        >
          Run a command
        </GatedButton>
      )}
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconDots size={16} aria-hidden />}>
            More
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <GatedItem
            permission={selftestPermission(agent, selftest.isPending)}
            icon={<IconStethoscope size={16} aria-hidden />}
            onClick={() => selftest.mutate(agent.id)}
          >
            Self-test
          </GatedItem>
          <Menu.Divider />
          <GatedItem permission={edit} icon={<IconEdit size={16} aria-hidden />} onClick={() => open("rename")}>
            Change the display name
          </GatedItem>
          <GatedItem permission={edit} icon={<IconMapPin size={16} aria-hidden />} onClick={() => open("move")}>
            Move to another site
          </GatedItem>
          <Menu.Divider />
          <GatedItem
            permission={decommission}
            icon={<IconTrash size={16} aria-hidden />}
            color="red"
            onClick={() => open("decommission")}
          >
            Decommission
          </GatedItem>
        </Menu.Dropdown>
      </Menu>
      {selftest.error ? (
        <Modal opened onClose={selftest.reset} title="Self-test" closeButtonProps={{ "aria-label": "Close" }}>
          <Failure error={selftest.error} what="The self-test was not accepted." />
        </Modal>
      ) : null}
    </>
  );
}
