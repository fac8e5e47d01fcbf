import { Link } from "@tanstack/react-router";
import type { AgentCount, AgentVersionCount, PresenceState } from "../api/types";
import type { AgentsSearch, Scope } from "../lib/search";
import { formatCount, percentOf } from "../lib/units";
import { AGENT_STATE, PRESENCE } from "../ui/looks";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";

const PRESENCES: readonly PresenceState[] = ["online", "offline", "reconnecting", "never"];

/** How many machines there are, by presence: all, and the servers among them. */
export function Fleet({ fleet, servers, scope }: { fleet: AgentCount; servers: AgentCount; scope: Scope }) {
  return (
    <Panel title="Fleet">
      <table className={styles.fleet} aria-label="Machines by presence">
        <thead>
          <tr>
            <td />
            <th scope="col">All</th>
            <th scope="col">Servers</th>
          </tr>
        </thead>
        <tbody>
          {PRESENCES.filter((state) => state === "online" || fleet[state] > 0).map((state) => (
            <Row key={state} look={PRESENCE[state]} all={fleet[state]} servers={servers[state]} search={{ ...scope, presence: state }} />
          ))}
          {fleet.quarantined > 0 ? (
            <Row
              look={AGENT_STATE.quarantined}
              all={fleet.quarantined}
              servers={servers.quarantined}
              search={{ ...scope, state: "quarantined" }}
            />
          ) : null}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Machines</th>
            <td>
              <Link to="/agents" search={scope}>
                {formatCount(fleet.total)}
              </Link>
            </td>
            <td>{formatCount(servers.total)}</td>
          </tr>
        </tfoot>
      </table>
    </Panel>
  );
}

function Row({ look: { icon: Glyph, family, word }, all, servers, search }: {
  look: (typeof PRESENCE)[PresenceState];
  all: number;
  servers: number;
  search: AgentsSearch;
}) {
  return (
    <tr>
      <th scope="row">
        <span className={styles.family} data-family={family}>
          <Glyph size={15} stroke={2} aria-hidden />
        </span>{" "}
        {word}
      </th>
      <td>
        {all > 0 ? (
          <Link to="/agents" search={search} aria-label={`${formatCount(all)} ${word.toLowerCase()}`}>
            {formatCount(all)}
          </Link>
        ) : (
          "0"
        )}
      </td>
      <td className={family === "bad" && servers > 0 ? styles.bad : undefined}>{formatCount(servers)}</td>
    </tr>
  );
}

/** Which versions of the agent run, the most common first. */
export function Versions({ versions, total }: { versions: readonly AgentVersionCount[]; total: number }) {
  const counted = versions.reduce((sum, { count }) => sum + count, 0);
  const [only] = versions;
  if (only && versions.length === 1) {
    return (
      <Panel title="Agent versions">
        <p className={styles.none}>
          {total === 1 ? "The only machine runs" : `All ${formatCount(total)} run`} <span className="any num">{only.version || "a version that is not said"}</span>.
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="Agent versions">
      <ul className={styles.versions}>
        {versions.map(({ version, count }) => (
          <li key={version} className={styles.version}>
            <span className="any num">{version || "not said"}</span>
            <span className={styles.track} aria-hidden>
              <span className={styles.share} style={{ width: `${percentOf(count, total) ?? 0}%` }} />
            </span>
            <span className="num">{formatCount(count)}</span>
          </li>
        ))}
      </ul>
      {counted < total ? <p className={styles.other}>{formatCount(total - counted)} run another version, or have not said which.</p> : null}
    </Panel>
  );
}
