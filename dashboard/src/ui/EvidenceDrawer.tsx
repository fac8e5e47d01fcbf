import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import styles from "./EvidenceDrawer.module.css";
import { Facts } from "./Facts";
import { State, type StateLook } from "./State";

/** What stands behind a verdict. */
export interface Evidence {
  look: StateLook;
  /** What it is in this very case, in sentences; nothing where the verdict says all. */
  reason: string;
  /** Since when it holds, where that is known. */
  since?: string | null | undefined;
  /** The values that it was computed from, each with its age where it has one. */
  facts: readonly (readonly [name: string, value: ReactNode])[];
  /** Who judges, by what rule, on what. */
  judged: ReactNode;
  /** How to fix it, in the order to try. */
  fix: readonly ReactNode[];
  /** The buttons that do, the first one first. */
  actions: ReactNode;
}

/** A verdict opened to what it rests on, how to fix it and the button that does. Has its own address. */
export function EvidenceDrawer({ subject, ways, evidence, close, children }: {
  /** What the verdict is about. */
  subject: string;
  /** Ways to the subject and to its other verdicts. */
  ways?: ReactNode;
  /** Null while it is loaded, or where there is none: then `children` say so. */
  evidence: Evidence | null;
  close: () => void;
  children?: ReactNode;
}) {
  return (
    <Drawer
      opened
      onClose={close}
      position="right"
      size="min(480px, 100%)"
      title={subject}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={styles.evidence}>
        {ways}
        {children}
        {evidence ? (
          <>
            <p className={styles.verdict}>
              <State look={evidence.look} at={evidence.since} tip />
            </p>
            {evidence.reason ? <p className="any">{evidence.reason}</p> : null}
            <section className={styles.part}>
              <h3>Computed from</h3>
              <div className={styles.facts}>
                <Facts facts={evidence.facts} />
              </div>
            </section>
            <section className={styles.part}>
              <h3>Rule</h3>
              <p className="muted">{evidence.judged}</p>
            </section>
            <section className={styles.part}>
              <h3>How to fix it</h3>
              <ol className={styles.steps}>
                {evidence.fix.map((step, index) => (
                  <li key={index}>{step}</li>
                ))}
              </ol>
              <div className={styles.actions}>{evidence.actions}</div>
            </section>
          </>
        ) : null}
      </div>
    </Drawer>
  );
}
