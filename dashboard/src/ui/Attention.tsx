import { formatAbsolute } from "../lib/age";
import type { AgentSummary } from "../api/types";
import styles from "./Attention.module.css";
import { ATTENTION } from "./looks";

/** Why a machine needs somebody, in the server's words, the most urgent first; nothing when it does not. */
export function Attention({ reasons }: { reasons: AgentSummary["attention"] }) {
  const [first] = reasons;
  if (!first) return null;
  const title = reasons
    .map(({ words, since }) => (since ? `${words}, since ${formatAbsolute(Date.parse(since))}` : words))
    .join("\n");
  const { icon: Glyph, family } = ATTENTION[first.reason];
  return (
    <span className={styles.attention} data-family={family} title={title}>
      <Glyph size={15} stroke={2} aria-hidden className={styles.icon} />
      <span className={styles.words}>{reasons.map(({ words }) => words).join("; ")}</span>
    </span>
  );
}
