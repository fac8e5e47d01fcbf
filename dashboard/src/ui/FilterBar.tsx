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

/** At the end of the row of filters: what is done with the list as it is filtered. */
export function ListTools({ children }: { children: ReactNode }) {
  return <div className={styles.tools}>{children}</div>;
}
