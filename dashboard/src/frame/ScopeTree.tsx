import { IconBuilding, IconChevronRight, IconMapPin, IconWorld } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { organizations, sites } from "../api/queries";
import type { Organization } from "../api/types";
import type { Scope } from "../lib/search";
import { formatCount } from "../lib/units";
import { messageOf } from "../ui/Notice";
import { SearchInput } from "../ui/SearchInput";
import styles from "./ScopeTree.module.css";
import { useScope, useSetScope } from "./useScope";

/** Organizations and their sites. Choosing one scopes the page that is open. */
export function ScopeTree({ onChoose }: { onChoose?: () => void }) {
  const [q, setQ] = useState<string>();
  const scope = useScope();
  const setScope = useSetScope();
  const list = useQuery({ ...organizations(q), placeholderData: keepPreviousData });
  const choose = (next: Scope) => {
    setScope(next);
    onChoose?.();
  };
  return (
    <div className={styles.tree}>
      <SearchInput label="Find an organization" width="100%" value={q} onChange={setQ} />
      <ul className={styles.list}>
        <li className={styles.line} data-chosen={scope.organization_id ? undefined : true}>
          <button
            type="button"
            className={styles.node}
            aria-current={scope.organization_id ? undefined : "true"}
            onClick={() => choose({})}
          >
            <IconWorld size={15} aria-hidden />
            <span className="cut">All organizations</span>
          </button>
        </li>
        {list.data?.items.map((each) => (
          <OrganizationNode key={each.id} organization={each} scope={scope} choose={choose} />
        ))}
      </ul>
      {list.error ? <p className={styles.note}>{messageOf(list.error)}</p> : null}
      {list.data?.items.length === 0 ? (
        <p className={styles.note}>{q ? "No organization has this in its name." : "There is no organization yet."}</p>
      ) : null}
      {list.data?.next_cursor ? <p className={styles.note}>There are more: type a part of the name.</p> : null}
    </div>
  );
}

function OrganizationNode({ organization, scope, choose }: {
  organization: Organization;
  scope: Scope;
  choose: (scope: Scope) => void;
}) {
  const chosen = scope.organization_id === organization.id;
  const [opened, setOpened] = useState<boolean>();
  const open = opened ?? chosen;
  const list = useQuery({ ...sites(organization.id), enabled: open });
  return (
    <li>
      <div className={styles.line} data-chosen={(chosen && !scope.site_id) || undefined}>
        <button
          type="button"
          className={styles.fold}
          aria-expanded={open}
          aria-label={`Sites of ${organization.name}`}
          onClick={() => setOpened(!open)}
        >
          <IconChevronRight size={13} aria-hidden />
        </button>
        <button
          type="button"
          className={styles.node}
          aria-current={chosen && !scope.site_id ? "true" : undefined}
          onClick={() => choose({ organization_id: organization.id })}
        >
          <IconBuilding size={15} aria-hidden />
          <span className="cut">{organization.name}</span>
          <span className={styles.count}>
            {formatCount(organization.agent_count)}
            <span className="sr"> agents</span>
          </span>
        </button>
      </div>
      {open ? (
        <ul>
          {list.data?.items.map((site) => (
            <li key={site.id} className={styles.line} data-chosen={scope.site_id === site.id || undefined}>
              <button
                type="button"
                className={`${styles.node} ${styles.site}`}
                aria-current={scope.site_id === site.id ? "true" : undefined}
                onClick={() => choose({ organization_id: organization.id, site_id: site.id })}
              >
                <IconMapPin size={14} aria-hidden />
                <span className="cut">{site.name}</span>
                <span className={styles.count}>
                  {formatCount(site.agent_count)}
                  <span className="sr"> agents</span>
                </span>
              </button>
            </li>
          ))}
          {list.data?.items.length === 0 ? <li className={styles.note}>No sites yet.</li> : null}
        </ul>
      ) : null}
    </li>
  );
}
