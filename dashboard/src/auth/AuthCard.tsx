import { type ReactNode, useEffect } from "react";
import styles from "./AuthCard.module.css";

/** The page before the frame: one card with one form. */
export function AuthCard({ title, children, lead }: { title: string; lead?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · GuruRMM`;
  }, [title]);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <img src="/favicon.svg" alt="" width={32} height={32} />
          <span>GuruRMM</span>
        </div>
        <h1>{title}</h1>
        {lead ? <div className={styles.lead}>{lead}</div> : null}
        {children}
      </div>
    </main>
  );
}
