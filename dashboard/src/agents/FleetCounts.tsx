import { Link } from "@tanstack/react-router";
import type { AgentCount } from "../api/types";
import type { AgentsSearch } from "../lib/search";
import { formatCount } from "../lib/units";
import styles from "./AgentsPage.module.css";

/** How many agents match, exactly, by presence. What is zero and not worth a word is left out. */
export function FleetCounts({ count, search }: { count: AgentCount | undefined; search: AgentsSearch }) {
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
      {count.attention > 0 && !search.attention ? (
        <Link to="/agents" search={{ ...search, attention: "any" }} className={styles.attention}>
          {formatCount(count.attention)} {count.attention === 1 ? "needs" : "need"} attention
        </Link>
      ) : null}
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
