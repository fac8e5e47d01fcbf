import { Link } from "@tanstack/react-router";
import type { AgentSummary } from "../api/types";
import { formatAbsolute } from "../lib/age";
import styles from "./Attention.module.css";
import { ATTENTION } from "./looks";

/**
 * Why a machine needs somebody, in the server's words, the most urgent first; nothing when it does not. In the list of
 * agents, each reason of `agentId` opens to its evidence.
 */
export function Attention({ reasons, agentId }: { reasons: AgentSummary["attention"]; agentId?: string }) {
  const [first] = reasons;
  if (!first) return null;
  const { icon: Glyph, family } = ATTENTION[first.reason];
  return (
    <span className={styles.attention} data-family={family}>
      <Glyph size={15} stroke={2} aria-hidden className={styles.icon} />
      <span className={styles.words}>
        {reasons.map(({ reason, words, since }, index) => {
          const title = since ? `${words}, since ${formatAbsolute(Date.parse(since))}` : words;
          return (
            <span key={reason} title={title}>
              {index > 0 ? "; " : ""}
              {agentId ? (
                <Link
                  to="/agents/evidence/$agentId/$reason"
                  params={{ agentId, reason }}
                  search
                  className={styles.link}
                  preload={false}
                >
                  {words}
                </Link>
              ) : (
                words
              )}
            </span>
          );
        })}
      </span>
    </span>
  );
}
