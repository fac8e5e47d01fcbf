import { checkWords, type CheckState, type SelftestCheck, type SelftestReport as Report } from "../lib/selftest";
import { formatCount } from "../lib/units";
import { SELFTEST_STATE } from "../ui/looks";
import { State } from "../ui/State";
import styles from "./SelftestReport.module.css";

/** What an agent found when it examined itself: what is to be done first, each with its reason and its evidence. */
export function SelftestReport({ report }: { report: Report }) {
  const count = (state: CheckState) => report.checks.filter((check) => check.state === state).length;
  const parts = (["failed", "warning", "ok", "skipped"] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `${formatCount(count(state))} ${COUNTED[state]}`);
  const urgent = report.checks.filter(({ state }) => state === "failed" || state === "warning");
  const rest = report.checks.filter(({ state }) => state === "ok" || state === "skipped");
  return (
    <section className={styles.report} aria-label="Self-test report">
      <header className={styles.head}>
        <h2>Self-test</h2>
        <State look={SELFTEST_STATE[report.overall]} />
        <span className="muted num">{parts.join(", ")}</span>
        <span className="muted any">
          agent {report.agentVersion} on {report.system}, took {(report.durationMs / 1_000).toFixed(1)} s
        </span>
      </header>
      {urgent.length > 0 ? <Checks checks={urgent} /> : null}
      {rest.length > 0 ? (
        <details open={urgent.length === 0}>
          <summary className={styles.rest}>{rest.length === 1 ? "The other check" : `The other ${formatCount(rest.length)} checks`}</summary>
          <Checks checks={rest} />
        </details>
      ) : null}
    </section>
  );
}

const COUNTED: Record<CheckState, string> = { failed: "failed", warning: "with a warning", ok: "ok", skipped: "skipped" };

function Checks({ checks }: { checks: readonly SelftestCheck[] }) {
  return (
    <ul className={styles.checks}>
      {checks.map((check, index) => (
        <CheckRow key={`${index} ${check.name}`} check={check} />
      ))}
    </ul>
  );
}

/** A text of the agent, in which what one would type stands between back-ticks. */
function Ticked({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

function CheckRow({ check }: { check: SelftestCheck }) {
  const { name, state, code, reason, fix, evidence } = check;
  return (
    <li className={styles.check}>
      <State look={SELFTEST_STATE[state]} />
      <div className={styles.words}>
        <p className="any">
          <strong>{checkWords(name)}</strong> <span className={state === "skipped" ? "muted" : undefined}><Ticked text={reason} /></span>
        </p>
        {fix ? (
          <p className={`any ${styles.fix}`}>
            <span className="muted">What to do:</span> <Ticked text={fix} />
          </p>
        ) : null}
        <details>
          <summary className="muted">
            Details
            <span className={styles.of}> of {checkWords(name)}</span>
          </summary>
          <ul className={styles.evidence}>
            {evidence.map((line, index) => (
              <li key={index} className="mono any">
                {line}
              </li>
            ))}
            <li className="muted">
              code <span className="mono any">{code}</span>
            </li>
          </ul>
        </details>
      </div>
    </li>
  );
}
