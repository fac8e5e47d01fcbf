import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { softwareCoverage } from "../api/queries";
import type { Scope } from "../lib/search";
import { unknownParts } from "../lib/software";
import { formatCount } from "../lib/units";
import { STANDING } from "../ui/looks";
import { State } from "../ui/State";
import styles from "./Software.module.css";

/** How many agents were searched, and of how many nobody knows what they have: they must not pass for agents without it. */
export function Coverage({ organization_id, site_id }: Scope) {
  const { data } = useQuery(softwareCoverage({ organization_id, site_id }));
  if (!data) return null;
  const parts = unknownParts(data);
  const unknown = parts.reduce((sum, { count }) => sum + count, 0);
  return (
    <span className={styles.coverage}>
      <span>
        Reported by <strong>{formatCount(data.known)}</strong> of {formatCount(data.agents)} {data.agents === 1 ? "agent" : "agents"}
      </span>
      {unknown > 0 ? (
        <>
          <Link to="/software/unknown" search={{ organization_id, site_id }}>
            <State look={{ ...STANDING.partial, word: `${formatCount(unknown)} may have more than is listed` }} />
          </Link>
          <span>{parts.map(({ count, words }) => (parts.length === 1 ? words : `${formatCount(count)} ${words}`)).join(", ")}</span>
        </>
      ) : null}
    </span>
  );
}
