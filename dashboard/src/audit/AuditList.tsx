import { IconChevronRight, IconLink, IconLinkOff } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { audit, type AuditQuery } from "../api/queries";
import type { AuditEntry } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { mergePages } from "../lib/pages";
import { Age } from "../ui/Age";
import { ListEnd, useOnEnd } from "../ui/ListEnd";
import { Loading } from "../ui/Notice";
import styles from "./AuditList.module.css";

/** Audit entries, newest first. Each opens to all that was recorded, as text. */
export function AuditList({ query, empty, failed }: {
  query: AuditQuery;
  empty: ReactNode;
  failed: (error: unknown, retry: () => void) => ReactNode;
}) {
  const list = useInfiniteQuery(audit(query));
  const rows = useMemo(() => mergePages(list.data?.pages ?? []), [list.data]);
  const end = useRef<HTMLDivElement>(null);
  const { hasNextPage } = list;
  const more = useOnEnd(list);
  useEffect(() => {
    const element = end.current;
    if (!element) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) more();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [more, rows.length]);
  if (list.error && !list.data) return failed(list.error, () => void list.refetch());
  if (list.isPending) return <Loading lines={8} />;
  if (rows.length === 0) return empty;
  return (
    <div className={styles.scroller} tabIndex={0} role="region" aria-label="Audit entries">
      <ol className={styles.list}>
        {rows.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ol>
      <div ref={end} className={styles.end}>
        <ListEnd list={list} />
        {hasNextPage ? null : <span className="muted">That is all.</span>}
      </div>
    </div>
  );
}

/** Outcomes in words. */
export const OUTCOME_WORDS: Record<AuditEntry["outcome"], string> = { success: "done", refused: "refused" };

function Entry({ entry }: { entry: AuditEntry }) {
  const [open, setOpen] = useState(false);
  const refused = entry.outcome === "refused";
  return (
    <li className={styles.entry}>
      <button type="button" className={styles.line} aria-expanded={open} onClick={() => setOpen(!open)}>
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
      {open ? <Detail entry={entry} /> : null}
    </li>
  );
}

/** The name of what it was done to: of a command, the machine it was for. */
function objectOf(entry: AuditEntry): string | undefined {
  if (entry.target.kind !== "command") return entry.target.label || undefined;
  const { agent } = entry.detail as { agent?: unknown };
  return typeof agent === "string" ? agent : undefined;
}

/** Ways to the machine and to the command, where the entry names them. */
function Ways({ entry }: { entry: AuditEntry }) {
  const agentId = entry.agent_id ?? (entry.target.kind === "agent" ? entry.target.id : undefined);
  const commandId = entry.target.kind === "command" ? entry.target.id : undefined;
  if (!agentId && !commandId) return null;
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
