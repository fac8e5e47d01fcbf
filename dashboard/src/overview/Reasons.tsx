import { type Icon, IconChevronRight, IconCircleCheck } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { Overview, WorstAgent } from "../api/types";
import { allAway, worstWords } from "../lib/overview";
import type { AgentsSearch, Scope } from "../lib/search";
import { formatCount } from "../lib/units";
import { Age, Since } from "../ui/Age";
import { ATTENTION, NOBODY_MISSED, PRESENCE } from "../ui/looks";
import type { Family } from "../ui/State";
import { Banner } from "../ui/Notice";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";

/** Why machines need somebody, the most urgent first, each with the worst of them; each leads to these machines. */
export function Reasons({ overview: { fleet, servers, reasons, offline_server, last_seen_at }, scope }: { overview: Overview; scope: Scope }) {
  const { attention } = fleet;
  if (attention === 0 && servers.offline === 0) {
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
    <>
      {allAway(fleet, servers) ? (
        <Banner family="bad" title={<>No machine is connected{last_seen_at ? <>; the last one was seen <Age at={last_seen_at} tip /></> : null}</>}>
          All of them at once is rarely the machines: see the network of {scope.organization_id ? "the place" : "this server"}.
        </Banner>
      ) : null}
      <Panel
        title="Needs attention"
        note={
          attention > 0 ? (
            <Link to="/agents" search={{ ...scope, attention: "any" }}>
              {formatCount(attention)} {attention === 1 ? "machine" : "machines"}
            </Link>
          ) : null
        }
      >
        <ul className={styles.reasons}>
          {servers.offline > 0 ? (
            <Reason
              look={{ ...PRESENCE.offline, word: servers.offline === 1 ? "Server offline" : "Servers offline" }}
              count={servers.offline}
              worst={offline_server}
              words={offline_server?.name ?? ""}
              to={{ ...scope, role: "any_server", presence: "offline" }}
            />
          ) : null}
          {reasons.map((each) => (
            <Reason
              key={each.reason}
              look={ATTENTION[each.reason]}
              count={each.count}
              worst={each.worst}
              words={worstWords(each)}
              to={{ ...scope, attention: each.reason }}
            />
          ))}
        </ul>
      </Panel>
    </>
  );
}

function Reason({ look: { icon: Glyph, family, word }, count, worst, words, to }: {
  look: { icon: Icon; family: Family; word: string };
  count: number;
  worst: WorstAgent | null | undefined;
  /** The worst machine and what is wrong with it. */
  words: string;
  to: AgentsSearch;
}) {
  return (
    <li>
      <Link to="/agents" search={to} className={styles.reason}>
        <span className={styles.family} data-family={family}>
          <Glyph size={18} stroke={1.9} aria-hidden />
        </span>
        <strong className={styles.number}>{formatCount(count)}</strong>
        <span className={styles.what}>
          <span>{word}</span>
          {worst ? (
            <span className={styles.worstOne}>
              <span className={styles.worstName} title={`${worst.organization_name}: ${words}`}>
                {words}
              </span>
              {worst.since ? <Since at={worst.since} /> : null}
            </span>
          ) : null}
        </span>
        <IconChevronRight size={15} aria-hidden className={styles.go} />
      </Link>
    </li>
  );
}
