import { IconBrandWindows, IconDeviceDesktop, IconServer2, IconTerminal } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { AgentSummary } from "../api/types";
import { formatAbsolute } from "../lib/age";
import type { Scope } from "../lib/search";
import { shortSystem } from "../lib/system";
import { formatBytes, formatPercent, levelOf, percentOf } from "../lib/units";
import { volumeWords } from "../ui/Alerts";
import { Attention } from "../ui/Attention";
import type { Column } from "../ui/DataTable";
import { AGENT_STATE, ROLE_WORDS } from "../ui/looks";
import { Meter } from "../ui/Meter";
import { Presence } from "../ui/Presence";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";
import styles from "./AgentsPage.module.css";

const NAME: Column<AgentSummary> = { id: "name", header: "Name", exports: ["name"], fixed: true, sort: "name", grow: 2.8, cell: (agent) => <NameCell agent={agent} /> };
const STATE: Column<AgentSummary> = { id: "presence", header: "State", exports: ["state", "presence", "last_seen_at"], sort: "last_seen", width: 164, cell: (agent) => <AgentStateCell agent={agent} /> };
const ATTENTION: Column<AgentSummary> = {
  id: "attention",
  header: "Needs attention",
  exports: ["attention"],
  sort: "attention",
  from: 760,
  grow: 3.9,
  cell: (agent) => <Attention reasons={agent.attention} agentId={agent.id} />,
};
const ORGANIZATION: Column<AgentSummary> = {
  id: "organization",
  header: "Organization",
  exports: ["organization"],
  scoped: true,
  sort: "organization",
  from: 560,
  grow: 2.7,
  cell: (agent) => <span title={agent.organization_name}>{agent.organization_name}</span>,
};
const site = (from: 560 | 1180): Column<AgentSummary> => ({
  id: "site",
  header: "Site",
  exports: ["site"],
  scoped: true,
  from,
  grow: 2,
  cell: (agent) => <span title={agent.site_name}>{agent.site_name}</span>,
});
const ROLE: Column<AgentSummary> = {
  id: "role",
  header: "Role",
  exports: ["machine_role"],
  off: true,
  from: 760,
  width: 140,
  cell: (agent) => ROLE_WORDS[agent.machine_role ?? "unknown"] ?? ROLE_WORDS.unknown,
};
const REST: Column<AgentSummary>[] = [
  { id: "os", header: "System", exports: ["os_name"], from: 1180, grow: 2.2, cell: (agent) => <SystemCell agent={agent} /> },
  {
    id: "version",
    header: "Version",
    exports: ["agent_version"],
    from: 1180,
    width: 84,
    cell: (agent) => <span className="num muted">{agent.agent_version || "–"}</span>,
  },
  { id: "volume", header: "Fullest volume", exports: ["volume", "volume_used_bytes", "volume_total_bytes"], sort: "volume", mostFirst: true, from: 760, width: 150, cell: (agent) => <VolumeCell agent={agent} /> },
  { id: "cpu", header: "CPU", exports: ["cpu_percent"], sort: "cpu", mostFirst: true, from: 960, width: 68, align: "right", cell: (agent) => <CpuCell agent={agent} /> },
  { id: "memory", header: "Memory", exports: ["memory_used_bytes", "memory_total_bytes"], sort: "memory", mostFirst: true, from: 960, width: 98, align: "right", cell: (agent) => <MemoryCell agent={agent} /> },
];

export const agentName = (agent: AgentSummary): string => agent.name;

/** The columns of a list of this scope: what would be the same in every row is left out. */
export function columnsIn(scope: Scope): Column<AgentSummary>[] {
  const places = scope.site_id ? [] : scope.organization_id ? [site(560)] : [ORGANIZATION, site(1180)];
  return [NAME, STATE, ATTENTION, ...places, ROLE, ...REST];
}

function NameCell({ agent }: { agent: AgentSummary }) {
  const server = agent.machine_role === "server" || agent.machine_role === "domain_controller";
  const Glyph = server ? IconServer2 : IconDeviceDesktop;
  const role = ROLE_WORDS[agent.machine_role ?? "unknown"] ?? ROLE_WORDS.unknown;
  return (
    <span className={styles.nameCell}>
      <Glyph size={16} stroke={1.7} role="img" aria-label={role} className="muted" />
      <TwoLines
        wide
        below={
          <>
            <Attention reasons={agent.attention} />
            {agent.organization_name} › {agent.site_name}
          </>
        }
      >
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId: agent.id }} className={styles.name} data-row-link title={agent.name}>
          {agent.name}
        </Link>
      </TwoLines>
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

/** That a value is not of now: the machine is away. */
function measured(agent: AgentSummary): string {
  const away = agent.presence.state !== "online";
  return away && agent.reading_at ? `, measured ${formatAbsolute(Date.parse(agent.reading_at))}` : "";
}

function VolumeCell({ agent }: { agent: AgentSummary }) {
  const volume = agent.worst_volume;
  if (!volume) return <span className="muted">–</span>;
  return (
    <Meter
      percent={percentOf(volume.used_bytes, volume.total_bytes)}
      label={volume.mount}
      title={`${volumeWords(volume)}${measured(agent)}`}
    />
  );
}

function CpuCell({ agent }: { agent: AgentSummary }) {
  const used = agent.cpu_percent ?? null;
  return <Share used={used} words={used === null ? "" : `${used.toFixed(1)} % of the CPU used`} agent={agent} />;
}

function MemoryCell({ agent }: { agent: AgentSummary }) {
  const { memory_used_bytes: part, memory_total_bytes: whole } = agent;
  const words = part != null && whole != null ? `${formatBytes(part)} of ${formatBytes(whole)} used` : "";
  return <Share used={percentOf(part, whole)} words={words} agent={agent} />;
}

/** A share at the latest reading. What was measured before the machine went away asks for nothing now. */
function Share({ used, words, agent }: { used: number | null; words: string; agent: AgentSummary }) {
  const online = agent.presence.state === "online";
  return (
    <span
      className={`num ${styles.share}`}
      data-level={online ? levelOf(used) : undefined}
      data-old={online ? undefined : true}
      title={words ? `${words}${measured(agent)}` : undefined}
    >
      {used === null ? "–" : formatPercent(used)}
    </span>
  );
}
