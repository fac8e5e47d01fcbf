import { IconChevronRight, IconLink, IconLinkOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { AuditEntry } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { Age } from "../ui/Age";
import styles from "./AuditList.module.css";

/** Outcomes in words. */
export const OUTCOME_WORDS: Record<AuditEntry["outcome"], string> = { success: "done", refused: "refused" };

/** One entry of the audit log in a line, which opens to all that was recorded, as text. */
export function Entry({ entry, isOpen, turn }: { entry: AuditEntry; isOpen: boolean; turn: () => void }) {
  const refused = entry.outcome === "refused";
  return (
    <>
      <button type="button" className={styles.line} aria-expanded={isOpen} onClick={turn} data-row-link>
        <IconChevronRight size={14} aria-hidden className={styles.fold} />
        <span className={styles.at}>
          <Age at={entry.at} />
        </span>
        <span className={styles.action}>{entry.action}</span>
        <span className={styles.words}>
          {entry.actor.label}
          {entry.target.kind === "command" ? (
            <span className="mono"> {entry.target.label}</span>
          ) : null}
          {objectOf(entry) ? (
            <>
              <span className="muted"> on </span>
              {objectOf(entry)}
            </>
          ) : null}
        </span>
        <span className={styles.outcome} data-refused={refused || undefined}>
          {OUTCOME_WORDS[entry.outcome]}
        </span>
        <Seal sealed={entry.sealed} />
      </button>
      {isOpen ? <Detail entry={entry} /> : null}
    </>
  );
}

/** The name of what it was done to: of a command, the machine it was for. */
function objectOf(entry: AuditEntry): string | undefined {
  if (entry.target.kind !== "command") return entry.target.label || undefined;
  const { agent } = entry.detail as { agent?: unknown };
  return typeof agent === "string" ? agent : undefined;
}

/** Ways to the machine, the command and the run, where the entry names them. */
function Ways({ entry: { agent_id, target } }: { entry: AuditEntry }) {
  const idOfKind = (kind: string) => (target.kind === kind ? target.id : undefined);
  const agentId = agent_id ?? idOfKind("agent");
  const commandId = idOfKind("command");
  const runId = idOfKind("run");
  if (!agentId && !commandId && !runId) return null;
  return (
    <p className={styles.ways}>
      {agentId ? (
        <Link to="/agents/$agentId/{-$tab}" params={{ agentId }}>
          Open the agent
        </Link>
      ) : null}
      {agentId ? (
        <Link to="/audit" search={(previous) => ({ ...previous, agent_id: agentId })}>
          Only entries about it
        </Link>
      ) : null}
      {commandId ? (
        <Link to="/commands/$commandId" params={{ commandId }}>
          Open the command
        </Link>
      ) : null}
      {runId ? (
        <Link to="/commands/runs/$runId" params={{ runId }}>
          Open the run
        </Link>
      ) : null}
    </p>
  );
}

function Seal({ sealed }: { sealed: boolean }) {
  const Glyph = sealed ? IconLink : IconLinkOff;
  return (
    <span className={styles.seal} title={sealed ? "In the hash chain: any later change shows." : "Waits for the next seal."}>
      <Glyph size={14} aria-hidden />
      {sealed ? "sealed" : "not yet sealed"}
    </span>
  );
}

function Detail({ entry }: { entry: AuditEntry }) {
  const lines: [string, string][] = [
    ["time", formatAbsolute(Date.parse(entry.at))],
    ["actor", `${entry.actor.kind} ${entry.actor.label}${entry.actor.id ? ` (${entry.actor.id})` : ""}`],
    ["target", `${entry.target.kind} ${entry.target.label}${entry.target.id ? ` (${entry.target.id})` : ""}`],
    ["address", entry.address ?? "–"],
    ["request", entry.request_id ?? "–"],
    ["detail", JSON.stringify(entry.detail, null, 2)],
  ];
  return (
    <>
      <Ways entry={entry} />
      <dl className={styles.detail}>
        {lines.map(([name, value]) => (
          <div key={name} className={styles.pair}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
