import type { ReactNode } from "react";
import styles from "./TwoLines.module.css";

/** What a row is about. On a phone, which has no room for the other columns, a second line says the most of them. */
export function TwoLines({ children, below }: { children: ReactNode; below: ReactNode }) {
  return (
    <span className={styles.lines}>
      <span className={styles.first}>{children}</span>
      <span className={styles.below}>{below}</span>
    </span>
  );
}
