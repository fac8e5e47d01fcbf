import { type ReactNode, useId } from "react";
import styles from "./Overview.module.css";

/** A part of the overview with its heading. */
export function Panel({ title, note, children }: { title: string; note?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <header className={styles.panelHead}>
        <h2 id={id}>{title}</h2>
        {note ? <span className={styles.note}>{note}</span> : null}
      </header>
      {children}
    </section>
  );
}
