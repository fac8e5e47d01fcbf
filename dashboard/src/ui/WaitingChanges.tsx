import { IconArrowBarToDown } from "@tabler/icons-react";
import styles from "./WaitingChanges.module.css";

/** What waits because the reader is on the table: so many rows would move. Pressing lets them. */
export function WaitingChanges({ count, apply }: { count: number; apply: () => void }) {
  return (
    <div className={styles.place} role="status">
      {count > 0 ? (
        <button type="button" className={styles.pill} onClick={apply}>
          <IconArrowBarToDown size={14} aria-hidden />
          {count} changed
        </button>
      ) : null}
    </div>
  );
}
