import { formatPercent, levelOf } from "../lib/units";
import styles from "./Meter.module.css";

/** A share as a number with a small bar. The bar only repeats the number. */
export function Meter({ percent, label, title }: {
  percent: number | null;
  label?: string | undefined;
  title?: string | undefined;
}) {
  if (percent === null) return <span className="muted">–</span>;
  return (
    <span className={styles.meter} data-level={levelOf(percent)} data-labelled={label ? true : undefined} title={title}>
      {label ? <span className={styles.label}>{label}</span> : null}
      <svg className={styles.bar} viewBox="0 0 40 4" preserveAspectRatio="none" aria-hidden>
        <rect width="40" height="4" className={styles.track} />
        <rect width={(percent / 100) * 40} height="4" className={styles.fill} />
      </svg>
      <span className={styles.value}>{formatPercent(percent)}</span>
    </span>
  );
}
