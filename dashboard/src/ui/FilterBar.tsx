import { IconFilter } from "@tabler/icons-react";
import { Children, type ReactNode, useState } from "react";
import styles from "./FilterBar.module.css";

/**
 * The filters above a list. On a phone, of more than two, the first stands there with those that are chosen; a button shows the
 * others.
 */
export function FilterBar({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const [first, ...rest] = Children.toArray(children);
  return (
    <div className={styles.bar} role="search">
      <div className={styles.first}>{first}</div>
      {rest.length <= 1 ? (
        rest
      ) : (
        <>
          <button type="button" className={styles.toggle} aria-expanded={open} onClick={() => setOpen(!open)}>
            <IconFilter size={15} aria-hidden /> Filters
          </button>
          <div className={styles.rest} data-open={open || undefined}>
            {rest}
          </div>
        </>
      )}
    </div>
  );
}

/** Beside a list's title: what is done with the list as it is filtered. On a phone only the pictures have room. */
export function ListTools({ children }: { children: ReactNode }) {
  return <div className={styles.tools}>{children}</div>;
}
