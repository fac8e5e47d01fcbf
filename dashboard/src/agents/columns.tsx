import { IconBrandWindows, IconDeviceDesktop, IconServer2, IconTerminal } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { AgentSummary } from "../api/types";
import { shortSystem } from "../lib/system";
import { formatBytes, levelOf, percentOf } from "../lib/units";
import { RestartAlert, VolumeAlert, volumeWords } from "../ui/Alerts";
import type { Column } from "../ui/DataTable";
import { AGENT_STATE, ROLE_WORDS } from "../ui/looks";
import { Meter } from "../ui/Meter";
import { Presence } from "../ui/Presence";
import { State } from "../ui/State";
import styles from "./AgentsPage.module.css";

export const AGENT_COLUMNS: Column<AgentSummary>[] = [
  { id: "name", header: "Name", sort: "name", grow: 2.2, cell: (agent) => <NameCell agent={agent} /> },
  { id: "presence", header: "State", sort: "last_seen", width: 176, cell: (agent) => <AgentStateCell agent={agent} /> },
  {
    id: "organization",
    header: "Organization",
    sort: "organization",
    from: 560,
    grow: 1.2,
    cell: (agent) => <span title={agent.organization_name}>{agent.organization_name}</span>,
  },
  { id: "site", header: "Site", from: 760, cell: (agent) => <span title={agent.site_name}>{agent.site_name}</span> },
  { id: "os", header: "System", from: 960, grow: 1.5, cell: (agent) => <SystemCell agent={agent} /> },
  { id: "volume", header: "Fullest volume", from: 760, width: 148, cell: (agent) => <VolumeCell agent={agent} /> },
  {
    id: "cpu",
    header: "CPU",
    from: 960,
    width: 66,
    align: "right",
    cell: (agent) => (
      <span className={`num ${styles.share}`} data-level={levelOf(agent.cpu_percent ?? null)}>
        {percent(agent.cpu_percent)}
      </span>
    ),
  },
  { id: "memory", header: "Memory", from: 960, width: 78, align: "right", cell: (agent) => <MemoryCell agent={agent} /> },
  {
    id: "version",
    header: "Version",
    from: 1180,
    width: 84,
    cell: (agent) => <span className="num muted">{agent.agent_version || "–"}</span>,
  },
];

function percent(value: number | null | undefined): string {
  return value == null ? "–" : `${value.toFixed(0)} %`;
}

function NameCell({ agent }: { agent: AgentSummary }) {
  const server = agent.machine_role === "server" || agent.machine_role === "domain_controller";
  const Glyph = server ? IconServer2 : IconDeviceDesktop;
  const role = ROLE_WORDS[agent.machine_role ?? "unknown"] ?? ROLE_WORDS.unknown;
  const quiet = agent.state === "decommissioned";
  const pending = agent.pending_reboot === true && !quiet;
  return (
    <span className={styles.nameCell}>
      <Glyph size={16} stroke={1.7} role="img" aria-label={role} className="muted" />
      <span className={styles.nameText}>
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }} className={styles.name} data-row-link title={agent.name}>
          {agent.name}
        </Link>
        <span className={styles.where}>
          {quiet ? null : <VolumeAlert volume={agent.worst_volume} />}
          {pending ? <RestartAlert /> : null}
          {agent.organization_name} › {agent.site_name}
        </span>
      </span>
      {pending ? (
        <span className={styles.flag}>
          <RestartAlert short />
        </span>
      ) : null}
    </span>
  );
}

/** The one state that matters most: what needs somebody before whether it is there. */
function AgentStateCell({ agent }: { agent: AgentSummary }) {
  if (agent.state !== "active") return <State look={AGENT_STATE[agent.state]} />;
  return <Presence agent={agent} />;
}

function SystemCell({ agent }: { agent: AgentSummary }) {
  if (!agent.os_name) return <span className="muted">–</span>;
  const Glyph = agent.os_family === "windows" ? IconBrandWindows : IconTerminal;
  return (
    <span title={agent.os_name}>
      <Glyph size={14} aria-hidden className={styles.osIcon} /> {shortSystem(agent.os_name)}
    </span>
  );
}

function VolumeCell({ agent }: { agent: AgentSummary }) {
  const volume = agent.worst_volume;
  if (!volume) return <span className="muted">–</span>;
  return <Meter percent={percentOf(volume.used_bytes, volume.total_bytes)} label={volume.mount} title={volumeWords(volume)} />;
}

function MemoryCell({ agent }: { agent: AgentSummary }) {
  const used = percentOf(agent.memory_used_bytes, agent.memory_total_bytes);
  const title =
    agent.memory_used_bytes != null && agent.memory_total_bytes != null
      ? `${formatBytes(agent.memory_used_bytes)} of ${formatBytes(agent.memory_total_bytes)} used`
      : undefined;
  return (
    <span className={`num ${styles.share}`} data-level={levelOf(used)} title={title}>
      {percent(used)}
    </span>
  );
}
