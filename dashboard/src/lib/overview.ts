import type { AgentCount, OrganizationOverview, ReasonCount, ReasonOverview } from "../api/types";

/** Servers that are not connected, for however short a time: no reason of one machine's own, but of an organization. */
export const SERVERS_OFFLINE = "servers_offline";

/** What is most urgent at an organization, and how many machines have it; null when nothing is. */
export function mostUrgent({ worst, offline_servers }: Pick<OrganizationOverview, "worst" | "offline_servers">): {
  reason: ReasonCount["reason"] | typeof SERVERS_OFFLINE;
  count: number;
} | null {
  // The server sorts organizations in the same way.
  if (offline_servers > 0 && worst?.reason !== "quarantined" && worst?.reason !== "offline") {
    return { reason: SERVERS_OFFLINE, count: offline_servers };
  }
  return worst ?? null;
}

/** Whether no machine is connected, though several were, and servers among them, which nobody switches off: then it is hardly the machines. */
export function allAway({ online, reconnecting, offline }: AgentCount, servers: Pick<AgentCount, "offline">): boolean {
  return online === 0 && reconnecting === 0 && offline > 1 && servers.offline > 0;
}

/** What is wrong with the worst machine besides what its number already says. */
export function worstWords({ reason, worst }: Pick<ReasonOverview, "reason" | "worst">): string {
  if (!worst) return "";
  return reason === "volume_full" ? `${worst.name}: ${worst.words}` : worst.name;
}
