import type { ReactNode } from "react";
import styles from "./FilterBar.module.css";

/** The row of filters above a list. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <div className={styles.bar} role="search">
      {children}
    </div>
  );
}
