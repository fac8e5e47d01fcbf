import type { Icon } from "@tabler/icons-react";
import { Since } from "./Age";
import styles from "./State.module.css";

/** The families of states; each has its own colour and never says anything by colour alone. */
export type Family = "good" | "warn" | "bad" | "info" | "unknown" | "quiet";

export interface StateLook {
  family: Family;
  word: string;
  icon: Icon;
}

/** A state: icon, word and, where it is known, for how long; `tip` as for an age. */
export function State({ look, at, title, tip }: {
  look: StateLook;
  at?: string | null | undefined;
  title?: string;
  tip?: boolean | undefined;
}) {
  const Glyph = look.icon;
  return (
    <span className={styles.state} data-family={look.family} title={title}>
      <Glyph size={15} stroke={2} aria-hidden className={styles.icon} />
      <span className={styles.word}>{look.word}</span>
      {at ? (
        <span className={styles.age}>
          <Since at={at} tip={tip} />
        </span>
      ) : null}
    </span>
  );
}
