import { Button } from "@mantine/core";
import { IconRepeat, IconTerminal2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ApiError } from "../api/client";
import { command as commandQuery, run as runQuery } from "../api/queries";
import type { Command } from "../api/types";
import { formatDuration } from "../lib/age";
import { machines } from "../lib/runs";
import { formatBytes } from "../lib/units";
import { Age } from "../ui/Age";
import { Facts } from "../ui/Facts";
import { isFinal } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { CommandView } from "./CommandView";
import styles from "./CommandView.module.css";

/** One command: what was asked, how it went, what it wrote. */
export function CommandPage() {
  const { commandId } = useParams({ from: "/frame/commands/$commandId" });
  const { data, error } = useQuery(commandQuery(commandId));
  if (!data && error instanceof ApiError && error.status === 404) return <NoCommand />;
  return (
    <>
      <PageHeader
        tab={data ? `Command on ${data.agent_name}` : "Command"}
        title={data ? <span className="cut">{data.summary}</span> : "Command"}
        detail={
          data ? (
            <>
              <span className="any">
                on{" "}
                <Link to="/agents/$agentId/{-$tab}" params={{ agentId: data.agent_id, tab: "commands" }}>
                  {data.agent_name}
                </Link>
              </span>
              {data.run_id ? <PartOf runId={data.run_id} /> : null}
            </>
          ) : null
        }
        actions={data && isFinal(data.state) && data.program.kind !== "selftest" ? <Again command={data} /> : null}
      />
      <div className={styles.page}>
        <CommandView key={commandId} commandId={commandId} />
        {data ? <Details command={data} /> : null}
      </div>
    </>
  );
}

/** Leads to the form on the agent's page, with this command in it. */
function Again({ command }: { command: Command }) {
  return (
    <Button
      variant="default"
      leftSection={<IconRepeat size={16} aria-hidden />}
      renderRoot={(props) => (
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: command.agent_id, tab: "commands" }} search={{ again: command.id }} {...props} />
      )}
    >
      Edit and run again
    </Button>
  );
}

function NoCommand() {
  return (
    <>
      <PageHeader title="No such command" />
      <Empty
        icon={IconTerminal2}
        title="There is no command with this id"
        action={
          <Button variant="default" renderRoot={(props) => <Link to="/commands" {...props} />}>
            All commands
          </Button>
        }
      >
        It may be of a machine that you do not see.
      </Empty>
    </>
  );
}

/** The way to the run on many machines, which says how it went on the others. */
function PartOf({ runId }: { runId: string }) {
  const { data } = useQuery(runQuery(runId));
  return (
    <span>
      part of{" "}
      <Link to="/commands/runs/$runId" params={{ runId }}>
        {data ? `the run on ${machines(data.total)}` : "a run"}
      </Link>
    </span>
  );
}

function programTitle(program: Command["program"]): string {
  switch (program.kind) {
    case "shell":
      return `Script (${program.interpreter})`;
    case "exec":
      return "Program and arguments";
    case "selftest":
      return "Self-test of the agent";
  }
}

function programText(program: Command["program"]): string {
  switch (program.kind) {
    case "shell":
      return program.script;
    case "exec":
      return program.argv.map((argument) => JSON.stringify(argument)).join("\n");
    case "selftest":
      return "The agent examines itself, its machine and the way to this server.";
  }
}

function Details({ command }: { command: Command }) {
  const { program } = command;
  const environment = Object.entries(command.environment);
  return (
    <div className={styles.columns}>
      <section className={styles.panel}>
        <h2>{programTitle(program)}</h2>
        <pre className={styles.program}>{programText(program)}</pre>
      </section>
      <section className={styles.panel}>
        <h2>Details</h2>
        <Facts
          facts={[
            ["Ordered by", command.requested_by],
            ["Ordered", <Age key="created" at={command.created_at} />],
            ["Sent", command.sent_at ? <Age key="sent" at={command.sent_at} /> : "not yet"],
            ["Started", command.started_at ? <Age key="started" at={command.started_at} /> : "not known"],
            ["Expires", <Age key="expires" at={command.expires_at} />],
            ["Timeout", formatDuration(command.timeout_seconds * 1_000)],
            ["Output limit", formatBytes(command.output_limit_bytes)],
            ["Working directory", command.working_directory ?? "the agent's own choice"],
            [
              "Environment",
              environment.length === 0 ? "none" : environment.map(([name, value]) => <div key={name} className="mono">{name}={value}</div>),
            ],
            ["Secret variables", command.secret_names.length === 0 ? "none" : command.secret_names.join(", ")],
            ["Command id", <span key="id" className="mono">{command.id}</span>],
          ]}
        />
      </section>
    </div>
  );
}
