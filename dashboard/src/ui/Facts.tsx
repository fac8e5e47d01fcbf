import type { ReactNode } from "react";
import styles from "./Facts.module.css";

/** Names and values. A value that is not known is said to be so. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name} className={styles.fact}>
          <dt>{name}</dt>
          <dd>{value === null || value === undefined || value === "" ? <span className="muted" title="The machine has not reported it.">unknown</span> : value}</dd>
        </div>
      ))}
    </dl>
  );
}
