import { Button } from "@mantine/core";
import { IconTerminal2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { command as commandQuery } from "../api/queries";
import type { Agent, Command } from "../api/types";
import { CommandList } from "../commands/CommandList";
import { CommandView } from "../commands/CommandView";
import type { AgentSearch } from "../lib/agentPage";
import { draftOf } from "../lib/runs";
import { type Task, TASK_WORDS, taskDraft } from "../lib/tasks";
import { sentence } from "../lib/words";
import { Banner, Empty, Loading } from "../ui/Notice";
import { type Prepared, RunForm } from "./RunForm";
import styles from "./Tabs.module.css";

/** Runs a command on the machine, shows it as it runs, and lists what was run before. */
export function CommandsTab({ agent, search: { command: current, task, again } }: { agent: Agent; search: AgentSearch }) {
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const earlier = useQuery({ ...commandQuery(again ?? ""), enabled: again !== undefined });
  const prepared = again === undefined ? task && ofTask(task, agent) : earlier.data && ofEarlier(earlier.data);
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
          {earlier.isLoading ? <Loading lines={6} /> : <RunForm key={prepared?.name} agent={agent} prepared={prepared} onStarted={onStarted} />}
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

function ofTask(task: Task, agent: Agent): Prepared | undefined {
  const draft = taskDraft(task, agent);
  return draft ? { name: task, draft, title: "This command was written for you. Read it before you run it.", words: TASK_WORDS[task] } : undefined;
}

function ofEarlier(command: Command): Prepared {
  const secrets = command.secret_names.length > 0 ? " The values of its secret variables are not kept: type them again." : "";
  return { name: `again ${command.id}`, draft: draftOf(command), title: "This is the earlier command, to change and to run again.", words: `Nothing runs until you press Run.${secrets}` };
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
