import { IconBan, IconCheck, IconChevronRight, IconLink, IconLinkOff } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { AuditEntry } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { actionWords, changeWords, objectOf } from "../lib/audit";
import { Age } from "../ui/Age";
import { State, type StateLook } from "../ui/State";
import styles from "./AuditList.module.css";

/** Outcomes as they are shown. */
export const OUTCOMES: Record<AuditEntry["outcome"], StateLook> = {
  success: { family: "quiet", word: "Done", icon: IconCheck },
  refused: { family: "bad", word: "Refused", icon: IconBan },
};

/** What the columns of the entries are, in the order in which they stand. */
export function EntryHeads() {
  return (
    <div className={styles.heads} aria-hidden>
      <span />
      <span>When</span>
      <span>What</span>
      <span>Who</span>
      <span>On what, and what changed</span>
      <span>Result</span>
      <span>Chain</span>
    </div>
  );
}

/** One entry of the audit log in a line, which opens to all that was recorded, as text. */
export function Entry({ entry, ofOne, isOpen, turn }: {
  entry: AuditEntry;
  /** The list is about one agent alone, whose name it need not repeat. */
  ofOne: boolean;
  isOpen: boolean;
  turn: () => void;
}) {
  const isItself = ofOne && entry.target.kind === "agent" && entry.target.id === entry.agent_id;
  const object = isItself ? undefined : objectOf(entry);
  const change = changeWords(entry);
  return (
    <>
      <button type="button" className={styles.line} aria-expanded={isOpen} onClick={turn} data-row-link>
        <IconChevronRight size={14} aria-hidden className={styles.fold} />
        <span className={styles.at}>
          <Age at={entry.at} />
        </span>
        <span className={styles.action}>{actionWords(entry.action)}</span>
        <span className={styles.who} title={entry.actor.label}>
          {entry.actor.label}
        </span>
        <span className={styles.words} title={[object, change].filter(Boolean).join(", ")}>
          {object}
          {entry.target.kind === "command" ? <span className="mono"> {entry.target.label}</span> : null}
          {change ? (
            <span className="muted">
              {object ? " · " : ""}
              {change}
            </span>
          ) : null}
        </span>
        <span className={styles.outcome}>
          <State look={OUTCOMES[entry.outcome]} />
        </span>
        <Seal sealed={entry.sealed} />
      </button>
      {isOpen ? <Detail entry={entry} /> : null}
    </>
  );
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
    ["action", entry.action],
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
