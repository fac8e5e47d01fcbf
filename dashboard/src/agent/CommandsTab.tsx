import { Button } from "@mantine/core";
import { IconTerminal2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { command as commandQuery } from "../api/queries";
import type { Agent, Command } from "../api/types";
import { CommandList } from "../commands/CommandList";
import { CommandView } from "../commands/CommandView";
import type { Task } from "../lib/tasks";
import { sentence } from "../lib/words";
import { Banner, Empty } from "../ui/Notice";
import { RunForm } from "./RunForm";
import styles from "./Tabs.module.css";

/** Runs a command on the machine, shows it as it runs, and lists what was run before. */
export function CommandsTab({ agent, current, task }: { agent: Agent; current: string | undefined; task: Task | undefined }) {
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const { command } = agent.permissions;
  const onStarted = (made: Command) => {
    setEditing(false);
    void navigate({
      to: "/agents/$agentId/{-$tab}",
      params: { agentId: agent.id, tab: "commands" },
      search: (previous) => ({ ...previous, command: made.id }),
      replace: true,
    });
  };
  // While a command is shown the form steps aside, with all that was typed, so that the output has the room.
  const aside = current !== undefined && !editing;
  return (
    <>
      {command.allowed ? (
        <div hidden={aside}>
          <RunForm key={task} agent={agent} task={task} onStarted={onStarted} />
        </div>
      ) : (
        <Banner family="info" title="You cannot run commands on this agent.">
          <p>{sentence(command.reason ?? "")}</p>
        </Banner>
      )}
      {current === undefined ? null : (
        <Current id={current} onEdit={aside && command.allowed ? () => setEditing(true) : undefined} />
      )}
      <div className={styles.list}>
        <CommandList
          query={{ agent_id: agent.id }}
          withAgent={false}
          empty={
            <Empty icon={IconTerminal2} title="Nothing was run on this agent">
              {command.allowed ? "A command that you run above is listed here with its output and its end." : null}
            </Empty>
          }
        />
      </div>
    </>
  );
}

function Current({ id, onEdit }: { id: string; onEdit: (() => void) | undefined }) {
  const { data } = useQuery(commandQuery(id));
  return (
    <section className={styles.current} aria-label="The command you started">
      <div className={styles.currentHead}>
        <h2 className="cut">
          <Link to="/commands/$commandId" params={{ commandId: id }} className="mono">
            {data?.summary ?? "Command"}
          </Link>
        </h2>
        {onEdit ? (
          <Button variant="default" onClick={onEdit}>
            Edit and run again
          </Button>
        ) : null}
      </div>
      <CommandView key={id} commandId={id} />
    </section>
  );
}
