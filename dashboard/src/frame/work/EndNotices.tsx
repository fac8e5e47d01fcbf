import { IconX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Work, WorkItem } from "../../api/types";
import { endedBetween, progressOf, progressWords } from "../../lib/work";
import { COMMAND_STATE } from "../../ui/looks";
import styles from "./Work.module.css";
import { workLook } from "./workLook";
import { WorkLink } from "./WorkLink";

/** A notice goes away by itself after so many milliseconds, unless the pointer or the focus is on it. */
const SHOWN = 10_000;
/** Most notices at a time; the oldest make room. */
const MOST = 3;

/** Says what of the reader's own work has ended, politely, in the corner. */
export function EndNotices({ work }: { work: Work | undefined }) {
  const [before, setBefore] = useState(work);
  const [notices, setNotices] = useState<WorkItem[]>([]);
  const [held, setHeld] = useState(false);
  if (work && work !== before) {
    const ended = endedBetween(before, work);
    setBefore(work);
    if (ended.length > 0) setNotices([...notices, ...ended].slice(-MOST));
  }
  const first = notices[0]?.id;
  useEffect(() => {
    if (first === undefined || held) return undefined;
    const timer = setTimeout(() => setNotices((all) => all.filter(({ id }) => id !== first)), SHOWN);
    return () => clearTimeout(timer);
  }, [first, held]);
  const drop = (item: WorkItem) => {
    setNotices(notices.filter(({ id }) => id !== item.id));
    setHeld(false);
  };
  return (
    <div
      className={styles.notices}
      role="status"
      aria-label="What has ended"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {notices.map((item) => (
        <Notice key={item.id} item={item} drop={() => drop(item)} />
      ))}
    </div>
  );
}

function Notice({ item, drop }: { item: WorkItem; drop: () => void }) {
  const { icon: Glyph, family } = workLook(item);
  const { summary, counts, state, agent_name } = item;
  return (
    <div className={styles.notice}>
      <span className={styles.glyph} data-family={family}>
        <Glyph size={18} stroke={1.9} aria-hidden />
      </span>
      <WorkLink item={item} className={styles.words} onClick={drop}>
        <span className={styles.summary}>{summary || "(empty)"}</span>
        <span className="muted any">
          {counts ? progressWords(progressOf(counts)) : `${state ? COMMAND_STATE[state].word : "Ended"} on ${agent_name ?? "an agent"}`}
        </span>
      </WorkLink>
      <button type="button" className={styles.close} onClick={drop}>
        <IconX size={15} aria-hidden />
        <span className="sr">Dismiss</span>
      </button>
    </div>
  );
}
