import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Agent, AttentionReason, InventorySection } from "../api/types";
import { inWords } from "../lib/age";
import { FIRST_CONNECTION, NEARLY_FULL, OTHER_MISSED, SERVER_MISSED, wordsBeyond } from "../lib/attention";
import { rebootOf, rebootWords } from "../lib/inventory";
import { type Task, taskDraft } from "../lib/tasks";
import { formatBytes, formatPercent, percentOf } from "../lib/units";
import { sentence } from "../lib/words";
import { Age } from "../ui/Age";
import { CopyLine } from "../ui/CopyLine";
import type { Evidence } from "../ui/EvidenceDrawer";
import { GatedButton } from "../ui/GatedButton";
import { ATTENTION, ROLE_WORDS } from "../ui/looks";
import styles from "./AgentPage.module.css";

/** The rules by which the server judges, in words. */
const RULES: Record<AttentionReason, string> = {
  quarantined: "An agent is quarantined when two machines prove that they hold its key.",
  clash: "Suspected when a machine enrolls whose machine id a living record of the same organization has.",
  offline: `A server or domain controller is reported missing after ${inWords(SERVER_MISSED)} without a connection, any other machine after ${inWords(OTHER_MISSED)}.`,
  never_connected: `An enrolled machine connects within seconds; one that has not done so after ${inWords(FIRST_CONNECTION)} is reported.`,
  volume_full: `A volume is reported from ${formatPercent(NEARLY_FULL)} on, by the latest reading.`,
  pending_reboot: "The machine itself reports that it waits for a restart.",
};

/**
 * What the reason `of` rests on, and what to do. `judgedAt` is when the server was asked (milliseconds since 1970), `reboot`
 * the section of the inventory that says why a restart is due.
 */
export function evidenceOf(agent: Agent, of: AttentionReason, judgedAt: number, reboot?: InventorySection): Evidence | null {
  const attention = agent.attention.find((each) => each.reason === of);
  if (!attention) return null;
  const { reason, facts, fix, actions } = CASES[of](agent, attention, reboot);
  return {
    look: ATTENTION[of],
    reason: reason ?? sentence(wordsBeyond(of, attention.words) ?? ""),
    since: attention.since,
    facts,
    judged: (
      <>
        {RULES[of]} Computed by the server <Age at={new Date(judgedAt).toISOString()} tip />.
      </>
    ),
    fix,
    actions,
  };
}

/** In the place of an instant that nobody wrote down. */
const NOT_TOLD = "not known: it was so before this server kept it";

/** `reason` where more is known than the server's words say. */
type Case = Pick<Evidence, "facts" | "fix" | "actions"> & { reason?: string };

const CASES: Record<AttentionReason, (agent: Agent, attention: Agent["attention"][number], reboot?: InventorySection) => Case> = {
  quarantined: (agent) => ({
    facts: [
      ["Because", sentence(agent.quarantine?.reason ?? "")],
      ["Quarantined", agent.quarantine ? <Age key="since" at={agent.quarantine.since} tip /> : null],
      [
        "Machines with its key",
        agent.quarantine?.machines.map((machine) => (
          <div key={`${machine.machine_id} ${machine.boot_id} ${machine.address}`}>
            <strong className="any">{machine.hostname}</strong>
            {machine.address ? ` ${machine.address},` : ""} seen <Age at={machine.seen_at} tip />
            <div className="mono any">{machine.machine_id}</div>
          </div>
        )),
      ],
      ["On record until now", agent.machine_id ? <span key="id" className="mono">{agent.machine_id}</span> : null],
    ],
    fix: [
      "Find out which of these machines this agent is; the other is usually a copy of its disk.",
      "Say so on the agent's page. It goes on as this agent, and the other is refused.",
      "Enroll the other machine anew: it then gets a key and a record of its own.",
    ],
    actions: <ToAgent agent={agent}>Say which machine it is</ToAgent>,
  }),
  clash: (agent) => ({
    reason: agent.duplicate_of ? `${agent.duplicate_of.name} has the same machine id.` : "",
    facts: [
      [
        "Older record",
        agent.duplicate_of ? (
          <Link key="older" to="/agents/$agentId/{-$tab}" params={{ agentId: agent.duplicate_of.id }}>
            {agent.duplicate_of.name}
          </Link>
        ) : null,
      ],
      ["This record created", <Age key="enrolled" at={agent.enrolled_at} tip />],
      ["Host name", agent.hostname],
      ["Machine id of both", agent.machine_id ? <span key="id" className="mono">{agent.machine_id}</span> : null],
    ],
    fix: [
      "Compare the two records: a machine that was installed anew or restored is one, copies of one disk are two.",
      "Merge them, and the machine goes on under the older record with its history; or keep them apart.",
    ],
    actions: <ToAgent agent={agent}>Merge or keep apart</ToAgent>,
  }),
  offline: (agent) => ({
    facts: [
      ["Offline", agent.presence.since ? <Age key="since" at={agent.presence.since} tip /> : null],
      ["Last seen", agent.presence.last_seen_at ? <Age key="seen" at={agent.presence.last_seen_at} tip /> : "never"],
      ["Role", ROLE_WORDS[agent.machine_role ?? "unknown"]],
      ["Missed after", inWords(isServer(agent) ? SERVER_MISSED : OTHER_MISSED)],
      ["Last address", agent.address],
    ],
    fix: [
      "See whether other machines of the site are away too: then it is the site's power or internet, and not this machine.",
      "See that it is switched on, and that its service gururmm-agent runs.",
      "Decommission it if it is gone for good. Its history stays.",
    ],
    actions: (
      <>
        <Button
          renderRoot={(props) => (
            <Link
              to="/agents"
              search={{ organization_id: agent.organization_id, site_id: agent.site_id, presence: "offline" }}
              {...props}
            />
          )}
        >
          Who else is offline at {agent.site_name}
        </Button>
        <Decommission agent={agent} />
      </>
    ),
  }),
  never_connected: (agent) => ({
    reason: "No connection has come from it since it was enrolled: its service does not run, or something on the way is closed.",
    facts: [
      ["Enrolled", <Age key="enrolled" at={agent.enrolled_at} tip />],
      ["Connected", "never"],
      ["Missed after", inWords(FIRST_CONNECTION)],
      ["Host name", agent.hostname],
    ],
    fix: [
      "See that the service gururmm-agent runs on the machine.",
      <div key="selftest" className={styles.step}>
        Let the agent examine itself there: it says what is in its way, such as name resolution, a proxy or a firewall.
        <CopyLine text="gururmm-agent selftest" label="The command to run on the machine" />
      </div>,
      "Decommission the record if the machine will never come, and enroll it again when it does.",
    ],
    actions: <Decommission agent={agent} />,
  }),
  volume_full: (agent, { since }) => ({
    facts: [
      ...agent.latest_volumes
        .toSorted((a, b) => share(b) - share(a))
        .map((volume): [string, ReactNode] => [
          volume.mount,
          <span key={volume.mount}>
            <strong>{formatPercent(share(volume))}</strong>, {formatBytes(volume.total_bytes - volume.used_bytes)} free of{" "}
            {formatBytes(volume.total_bytes)}
          </span>,
        ]),
      ["Nearly full from", formatPercent(NEARLY_FULL)],
      ["Nearly full since", since ? <Age key="since" at={since} tip /> : NOT_TOLD],
      ["Measured", agent.reading_at ? <Age key="at" at={agent.reading_at} tip /> : null],
    ],
    fix: [
      <span key="charts">
        See{" "}
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }} hash="readings">
          in the charts
        </Link>{" "}
        whether it filled slowly or at once; at once points to a log, a dump or a runaway job.
      </span>,
      "Find what takes the room and remove it, or enlarge the volume.",
    ],
    actions: <RunTask agent={agent} task="space" otherwise="Run a command on it">Find what takes the room…</RunTask>,
  }),
  pending_reboot: (agent, { since }, section) => {
    const { sources } = rebootOf(section?.data);
    return {
      reason: rebootWords(sources),
      facts: [
        ["First reported", since ? <Age key="since" at={since} tip /> : NOT_TOLD],
        ["Source", sources.length > 0 ? sources.map((source) => <div key={source}>{source}</div>) : null],
        ["Last read", section ? <Age key="read" at={section.collected_at} tip /> : null],
        ["Running for", agent.uptime_seconds == null ? null : `${Math.floor(agent.uptime_seconds / 86_400)} days`],
      ],
      fix: [
        "Agree with its users on a time; until then updates are installed in part only.",
        "Restart it. The agent comes back by itself, and this goes away with its next report.",
      ],
      actions: <RunTask agent={agent} task="restart" otherwise="Run a command on it">Restart…</RunTask>,
    };
  },
};

function isServer({ machine_role }: Agent): boolean {
  return machine_role === "server" || machine_role === "domain_controller";
}

function share(volume: Agent["latest_volumes"][number]): number {
  return percentOf(volume.used_bytes, volume.total_bytes) ?? 0;
}

/** Leads to the agent's page, whose banner has the buttons that decide. */
function ToAgent({ agent, children }: { agent: Agent; children: ReactNode }) {
  return (
    <GatedButton
      permission={agent.permissions.edit}
      renderRoot={(props) => <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }} {...props} />}
    >
      {children}
    </GatedButton>
  );
}

/** Leads to the command that takes the step, written out for the reader to run; where none fits, to an empty one. */
function RunTask({ agent, task, otherwise, children }: { agent: Agent; task: Task; otherwise: string; children: string }) {
  const search = taskDraft(task, agent) ? { task } : {};
  return (
    <>
      <GatedButton
        permission={agent.permissions.command}
        renderRoot={(props) => <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id, tab: "commands" }} search={search} {...props} />}
      >
        {search.task ? children : otherwise}
      </GatedButton>
      {agent.permissions.command.allowed && agent.presence.state !== "online" ? (
        <p className="muted">It is not online: a command waits until it connects, or expires.</p>
      ) : null}
    </>
  );
}

function Decommission({ agent }: { agent: Agent }) {
  return (
    <GatedButton
      permission={agent.permissions.decommission}
      variant="default"
      renderRoot={(props) => (
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }} search={{ dialog: "decommission" }} {...props} />
      )}
    >
      Decommission it
    </GatedButton>
  );
}
