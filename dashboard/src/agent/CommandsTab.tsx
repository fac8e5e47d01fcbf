import { IconTerminal2 } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Agent, Command } from "../api/types";
import { CommandList } from "../commands/CommandList";
import { CommandView } from "../commands/CommandView";
import { Banner, Empty } from "../ui/Notice";
import { RunForm } from "./RunForm";
import styles from "./Tabs.module.css";

/** Runs a command on the machine, shows it as it runs, and lists what was run before. */
export function CommandsTab({ agent }: { agent: Agent }) {
  const [current, setCurrent] = useState<Command>();
  const { command } = agent.permissions;
  return (
    <>
      {command.allowed ? (
        <RunForm agent={agent} onStarted={setCurrent} />
      ) : (
        <Banner family="info" title="You cannot run commands on this agent.">
          <p>{command.reason}</p>
        </Banner>
      )}
      {current ? (
        <section className={styles.current} aria-label="The command you started">
          <h2 className="cut">
            <Link to="/commands/$commandId" params={{ commandId: current.id }} className="mono">
              {current.summary}
            </Link>
          </h2>
          <CommandView key={current.id} commandId={current.id} />
        </section>
      ) : null}
      <div className={styles.list}>
        <CommandList
          query={{ agent_id: agent.id }}
          withAgent={false}
          empty={
            <Empty icon={IconTerminal2} title="Nothing was run on this agent yet">
              A command that you run above is listed here with its output and its end.
            </Empty>
          }
        />
      </div>
    </>
  );
}
