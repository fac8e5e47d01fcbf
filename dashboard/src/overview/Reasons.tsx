import { IconChevronRight, IconCircleCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReasonCount } from "../api/types";
import type { Scope } from "../lib/search";
import { formatCount } from "../lib/units";
import { ATTENTION, NOBODY_MISSED } from "../ui/looks";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";

/** Why machines need somebody, the most urgent first; each leads to these machines. */
export function Reasons({ reasons, attention, scope }: {
  reasons: readonly ReasonCount[];
  attention: number;
  scope: Scope;
}) {
  if (attention === 0) {
    return (
      <section className={styles.calm} aria-label="Needs attention">
        <IconCircleCheck size={22} stroke={1.8} aria-hidden />
        <div>
          <h2>No machine needs attention</h2>
          <p className="muted">
            {NOBODY_MISSED}
          </p>
        </div>
      </section>
    );
  }
  return (
    <Panel
      title="Needs attention"
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
