import type { ReactNode } from "react";
import styles from "./TwoLines.module.css";

/** What a row is about. On a phone, which has no room for the other columns, a second line says the most of them. */
export function TwoLines({ children, below, wide = false }: {
  children: ReactNode;
  below: ReactNode;
  /** The second line runs on under the cells beside it, which then have one line. */
  wide?: boolean;
}) {
  return (
    <span className={styles.lines} data-wide={wide || undefined}>
      <span className={styles.first}>{children}</span>
      <span className={styles.below}>{below}</span>
    </span>
  );
}
