import type { Run } from "../api/types";
import { endedOf, RUN_STATES, type RunState } from "../lib/runs";
import { formatCount } from "../lib/units";
import { RUN_AGENT_STATE } from "../ui/looks";
import styles from "./Runs.module.css";

/** How a run stands over all of its machines: a bar, and the numbers that it is drawn from, each of which filters. */
export function RunProgress({ run, chosen, choose }: {
  run: Run;
  chosen: RunState | undefined;
  choose: (state: RunState | undefined) => void;
}) {
  const ended = endedOf(run);
  const states = RUN_STATES.filter((state) => run.counts[state] > 0 || state === chosen);
  return (
    <section className={styles.progress} aria-label="Progress">
      <p className={styles.far} role="status">
        <strong className="num">
          {formatCount(ended)} of {formatCount(run.total)}
        </strong>{" "}
        ended
      </p>
      <RunBar run={run} />
      <ul className={styles.states} aria-label="Agents by state">
        {states.map((state) => {
          const { icon: Glyph, word, family } = RUN_AGENT_STATE[state];
          return (
            <li key={state}>
              <button
                type="button"
                className={styles.state}
                data-family={family}
                aria-pressed={state === chosen}
                onClick={() => choose(state === chosen ? undefined : state)}
              >
                <Glyph size={15} stroke={2} aria-hidden />
                <span className={styles.word}>{word}</span>
                <strong className="num">{formatCount(run.counts[state])}</strong>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const OPEN: ReadonlySet<RunState> = new Set(["queued", "sent", "running"]);

/** The shares of the states. It only repeats the numbers. */
export function RunBar({ run: { counts, total } }: { run: Pick<Run, "counts" | "total"> }) {
  // Only what is over fills the bar, from its beginning; what runs follows in a paler tone.
  const order = [...RUN_STATES.toReversed().filter((state) => !OPEN.has(state)), "running"] as const;
  const widths = order.map((state) => (total > 0 ? (counts[state] / total) * 100 : 0));
  return (
    <svg className={styles.bar} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden>
      <rect width="100" height="8" className={styles.track} />
      {order.map((state, index) => {
        const start = widths.slice(0, index).reduce((sum, width) => sum + width, 0);
        return <rect key={state} x={start} width={widths[index]} height="8" data-family={state === "running" ? "open" : RUN_AGENT_STATE[state].family} />;
      })}
    </svg>
  );
}
