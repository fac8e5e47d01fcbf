import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { AgentSummary } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { Since } from "./Age";
import styles from "./Attention.module.css";
import { ATTENTION } from "./looks";

type Reason = AgentSummary["attention"][number];

/**
 * Why a machine needs somebody, in the server's words: the most urgent reason with its age, and how many more there are;
 * nothing when it does not. In the list of agents, reasons of `agentId` open to their evidence.
 */
export function Attention({ reasons, agentId }: { reasons: readonly Reason[]; agentId?: string }) {
  const [first, ...others] = reasons;
  const [second] = others;
  if (!first) return null;
  const { icon: Glyph, family } = ATTENTION[first.reason];
  return (
    <span className={styles.attention} data-family={family}>
      <Glyph size={15} stroke={2} aria-hidden className={styles.icon} />
      <span className={styles.words} title={inFull(first)}>
        <Opens agentId={agentId} reason={first}>
          {first.words}
        </Opens>
      </span>
      {/* How long it has been offline stands in its state. */}
      {first.since && first.reason !== "offline" ? (
        <span className={styles.since}>
          <Since at={first.since} />
        </span>
      ) : null}
      {second ? (
        <span className={styles.more} title={others.map(inFull).join("; ")}>
          <Opens agentId={agentId} reason={second}>
            <span aria-hidden>+{others.length}</span>
            <span className="sr">Also: {others.map(({ words }) => words).join("; ")}</span>
          </Opens>
        </span>
      ) : null}
    </span>
  );
}

function inFull({ words, since }: Reason): string {
  return since ? `${words}, since ${formatAbsolute(Date.parse(since))}` : words;
}

/** Leads to the evidence of a reason, where there is somewhere to lead to. */
function Opens({ agentId, reason: { reason }, children }: { agentId: string | undefined; reason: Reason; children: ReactNode }) {
  if (!agentId) return children;
  return (
    <Link to="/agents/evidence/$agentId/$reason" params={{ agentId, reason }} search className={styles.link} preload={false}>
      {children}
    </Link>
  );
}
