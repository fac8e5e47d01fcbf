import { IconChevronRight, IconCircleCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReasonCount } from "../api/types";
import type { Scope } from "../lib/search";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
import { ATTENTION } from "../ui/looks";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";

/** Why machines need somebody, the most urgent first; each leads to these machines. */
export function Reasons({ reasons, attention, asOf, scope }: {
  reasons: readonly ReasonCount[];
  attention: number;
  asOf: string;
  scope: Scope;
}) {
  if (attention === 0) {
    return (
      <section className={styles.calm} aria-label="Needs you">
        <IconCircleCheck size={22} stroke={1.8} aria-hidden />
        <div>
          <h2>Nothing needs you</h2>
          <p className="muted">
            No machine is quarantined, enrolled twice, offline for too long or nearly full, and none waits for a restart: <Age at={asOf} />.
          </p>
        </div>
      </section>
    );
  }
  return (
    <Panel
      title="Needs you"
      note={
        <Link to="/agents" search={{ ...scope, attention: "any" }}>
          {formatCount(attention)} {attention === 1 ? "machine" : "machines"}
        </Link>
      }
    >
      <ul className={styles.reasons}>
        {reasons.map(({ reason, count }) => {
          const { icon: Glyph, family, word } = ATTENTION[reason];
          return (
            <li key={reason}>
              <Link to="/agents" search={{ ...scope, attention: reason }} className={styles.reason}>
                <span className={styles.family} data-family={family}>
                  <Glyph size={18} stroke={1.9} aria-hidden />
                </span>
                <strong className={styles.number}>{formatCount(count)}</strong>
                <span>{word}</span>
                <IconChevronRight size={15} aria-hidden className={styles.go} />
              </Link>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
