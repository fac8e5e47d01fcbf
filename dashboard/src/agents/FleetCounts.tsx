import type { AgentCount } from "../api/types";
import { formatCount } from "../lib/units";
import styles from "./AgentsPage.module.css";

/** How many agents match, exactly, by presence. What is zero and not worth a word is left out. */
export function FleetCounts({ count }: { count: AgentCount | undefined }) {
  if (!count) return null;
  const parts: [number, string][] = [
    [count.online, "online"],
    [count.offline, "offline"],
    [count.reconnecting, "reconnecting"],
    [count.never, "never seen"],
    [count.quarantined, "quarantined"],
  ];
  return (
    <span className={styles.counts}>
      <span>
        <strong>{formatCount(count.total)}</strong> {count.total === 1 ? "agent" : "agents"}
      </span>
      {parts
        .filter(([number]) => number > 0)
        .map(([number, word]) => (
          <span key={word}>
            {formatCount(number)} {word}
          </span>
        ))}
    </span>
  );
}
