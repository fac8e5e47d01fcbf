import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useId } from "react";
import type { FleetChange } from "../api/types";
import { changeLines, changeName } from "../lib/changes";
import { SECTION_TITLES } from "../lib/inventory";
import type { Scope } from "../lib/search";
import { Age } from "../ui/Age";
import { CHANGE } from "../ui/looks";
import { Failure, Loading } from "../ui/Notice";
import { State } from "../ui/State";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";
import { recentChanges } from "./queries";

/**
 * What changed last on the machines: what it was and what it is; each leads to the machine's own history. Who logs in and
 * out changes all day long, and is left out unless the address says otherwise.
 */
export function Changes({ scope }: { scope: Scope }) {
  const { logons } = useSearch({ from: "/frame/overview" });
  const navigate = useNavigate({ from: "/overview" });
  const list = useQuery(recentChanges(scope, logons === true));
  const id = useId();
  if (list.error && !list.data) {
    return <Failure error={list.error} what="The recent changes could not be loaded." retry={() => void list.refetch()} />;
  }
  return (
    <Panel
      title="Recent changes"
      note={
        <label htmlFor={id} className={styles.logons}>
          <input
            id={id}
            type="checkbox"
            checked={logons === true}
            onChange={({ currentTarget: { checked } }) =>
              void navigate({ to: ".", search: (previous) => ({ ...previous, logons: checked || undefined }), replace: true, resetScroll: false })
            }
          />
          Show logons too
        </label>
      }
    >
      {list.isPending ? (
        <Loading lines={5} />
      ) : list.data.items.length === 0 ? (
        <p className={styles.none}>{logons ? "Nothing" : "Nothing but who is logged in"} has changed since the machines' first reports.</p>
      ) : (
        <ul className={styles.changes}>
          {list.data.items.map((change) => (
            <li key={change.id} className={styles.change}>
              <Change change={change} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Change({ change }: { change: FleetChange }) {
  const [line] = changeLines(change);
  const value = line ? [line.before, line.after].filter((each) => each !== undefined).join(" → ") : "";
  return (
    <>
      <State look={CHANGE[change.kind]} />
      <span className={styles.changed}>
        <strong className="any">{changeName(change)}</strong>{" "}
        <span className="muted any">
          {SECTION_TITLES[change.section] ?? change.section}
          {value ? `: ${value}` : ""}
        </span>
      </span>
      <span className={styles.where}>
        <Link
          to="/agents/$agentId/{-$tab}"
          params={{ agentId: change.agent_id, tab: "inventory" }}
          search={{ view: "changes" }}
          title={`${change.organization_name} › ${change.site_name}`}
          className="any"
        >
          {change.agent_name}
        </Link>
        <span className="muted">
          <Age at={change.at} />
        </span>
      </span>
    </>
  );
}
