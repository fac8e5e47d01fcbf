import { Button } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { sites } from "../api/queries";
import type { OrganizationOverview, Site } from "../api/types";
import { mergePages } from "../lib/pages";
import { mostUrgent, SERVERS_OFFLINE } from "../lib/overview";
import type { AgentsSearch } from "../lib/search";
import { formatCount } from "../lib/units";
import { ATTENTION, PRESENCE } from "../ui/looks";
import { Failure, Loading } from "../ui/Notice";
import { PlainTable } from "../ui/PlainTable";
import styles from "./Overview.module.css";
import { Panel } from "./Panel";
import { overviewOrganizations } from "./queries";

/** Whether somebody should look at an organization. */
const needsSomebody = ({ attention, offline_servers }: OrganizationOverview) => attention > 0 || offline_servers > 0;

/** The organizations that need somebody, the most urgent first, and the others by name. */
export function ByOrganization() {
  const list = useInfiniteQuery(overviewOrganizations);
  if (list.error && !list.data) {
    return <Failure error={list.error} what="The organizations could not be loaded." retry={() => void list.refetch()} />;
  }
  if (list.isPending) return <Loading lines={8} />;
  const all = mergePages(list.data.pages.map((page) => ({ items: page.items.map((each) => ({ ...each, id: each.organization_id })) })));
  const urgent = all.filter(needsSomebody);
  const calm = all.filter((each) => !needsSomebody(each));
  return (
    <Panel title="By organization" note={urgent.length > 0 ? "the most urgent first" : "none needs attention"}>
      {urgent.length > 0 ? (
        <PlainTable label="Organizations that need attention" columns={COLUMNS} rows={urgent} rowId={(each) => each.organization_id} />
      ) : null}
      {calm.length > 0 ? (
        <details className={styles.calmOnes} open={urgent.length === 0 && calm.length <= 20}>
          <summary>
            {urgent.length > 0 ? "Nothing to do in" : "All is well in"} {formatCount(calm.length)}
            {urgent.length > 0 ? " more" : ""} {calm.length === 1 ? "organization" : "organizations"}
            {list.hasNextPage ? ", and in those that are not loaded yet" : ""}
          </summary>
          <ul className={styles.places}>
            {calm.map((each) => (
              <li key={each.organization_id}>
                <Link to="/agents" search={{ organization_id: each.organization_id }}>
                  {each.name}
                </Link>{" "}
                <span className="muted">{onlineWords(each.online, each.agents)}</span>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {list.hasNextPage ? (
        <div className={styles.more}>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Load more
          </Button>
        </div>
      ) : null}
    </Panel>
  );
}

/** Which agents the number of servers that are offline counts. */
const OFFLINE_SERVERS = { role: "any_server", presence: "offline" } as const;

const onlineWords = (online: number, agents: number) =>
  agents === 0 ? "no machines" : `${formatCount(online)} of ${formatCount(agents)} online`;

const COLUMNS: Parameters<typeof PlainTable<OrganizationOverview>>[0]["columns"] = [
  {
    header: "Organization",
    cell: (each) => (
      <Link to="/overview" search={{ organization_id: each.organization_id }} className={styles.place}>
        {each.name}
        <Below of={each} />
      </Link>
    ),
  },
  { header: "Most urgent", cell: (each) => <Worst of={each} /> },
  {
    header: "Needs attention",
    right: true,
    narrow: true,
    hideOnPhone: true,
    cell: (each) => <CountLink count={each.attention} to={{ organization_id: each.organization_id, attention: "any" }} />,
  },
  {
    header: "Servers offline",
    right: true,
    narrow: true,
    hideOnPhone: true,
    cell: ({ organization_id, offline_servers: count }) =>
      count > 0 ? (
        <Link to="/agents" search={{ organization_id, ...OFFLINE_SERVERS }} className={styles.bad} aria-label={`${formatCount(count)} servers offline`}>
          {formatCount(count)}
        </Link>
      ) : (
        <span className="muted">0</span>
      ),
  },
  { header: "Online", right: true, narrow: true, hideOnPhone: true, cell: (each) => onlineWords(each.online, each.agents) },
];

function Worst({ of }: { of: OrganizationOverview }) {
  const urgent = mostUrgent(of);
  if (!urgent) return null;
  const { organization_id } = of;
  const { reason, count } = urgent;
  const { icon: Glyph, family, word } = reason === SERVERS_OFFLINE ? PRESENCE.offline : ATTENTION[reason];
  const search: AgentsSearch = reason === SERVERS_OFFLINE ? { organization_id, ...OFFLINE_SERVERS } : { organization_id, attention: reason };
  return (
    <Link to="/agents" search={search} className={styles.worst} data-family={family}>
      <Glyph size={15} stroke={2} aria-hidden />
      <span>
        {reason === SERVERS_OFFLINE ? (count === 1 ? "Server offline" : "Servers offline") : word}:{"\u00a0"}
        {formatCount(count)}
      </span>
    </Link>
  );
}

/** On a phone, what the columns say that have no room there. */
function Below({ of: { attention, offline_servers, online, agents } }: { of: OrganizationOverview }) {
  return (
    <span className={styles.belowPlace}>
      {[
        attention > 0 ? `${formatCount(attention)} ${attention === 1 ? "needs" : "need"} attention` : null,
        offline_servers > 0 ? `${formatCount(offline_servers)} ${offline_servers === 1 ? "server" : "servers"} offline` : null,
        onlineWords(online, agents),
      ]
        .filter((each) => each !== null)
        .join(" · ")}
    </span>
  );
}

function CountLink({ count, to }: { count: number; to: { organization_id: string; site_id?: string; attention: "any" } }): ReactNode {
  if (count === 0) return <span className="muted">0</span>;
  return (
    <Link to="/agents" search={to} aria-label={`${formatCount(count)} need attention`}>
      {formatCount(count)}
    </Link>
  );
}

/** The sites of an organization, those with the most machines that need attention first. */
export function BySite({ organizationId }: { organizationId: string }) {
  const list = useQuery(sites(organizationId));
  if (list.error && !list.data) {
    return <Failure error={list.error} what="The sites could not be loaded." retry={() => void list.refetch()} />;
  }
  if (list.isPending) return <Loading lines={4} />;
  const rows = [...list.data.items].sort((a, b) => b.attention_count - a.attention_count);
  return (
    <Panel title="By site" note={rows.some((each) => each.attention_count > 0) ? "most machines that need attention first" : "none needs attention"}>
      <PlainTable label="Sites" columns={SITE_COLUMNS} rows={rows} rowId={(each) => each.id} />
    </Panel>
  );
}

const SITE_COLUMNS: Parameters<typeof PlainTable<Site>>[0]["columns"] = [
  {
    header: "Site",
    cell: (each) => (
      <Link to="/overview" search={{ organization_id: each.organization_id, site_id: each.id }} className={styles.place}>
        {each.name}
      </Link>
    ),
  },
  {
    header: "Needs attention",
    right: true,
    narrow: true,
    cell: (each) => (
      <CountLink count={each.attention_count} to={{ organization_id: each.organization_id, site_id: each.id, attention: "any" }} />
    ),
  },
  { header: "Machines", right: true, narrow: true, cell: (each) => formatCount(each.agent_count) },
];
