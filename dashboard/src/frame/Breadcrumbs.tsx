import { IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useMatch, useRouterState } from "@tanstack/react-router";
import { agent, organization, site } from "../api/queries";
import { crumbs } from "../lib/crumbs";
import { usePageName } from "../lib/pageName";
import styles from "./Breadcrumbs.module.css";
import { FUNCTIONS } from "./functions";
import { useScope } from "./useScope";

/** The way to this page: organization, site, and the agent or the page. */
export function Breadcrumbs() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const name = usePageName();
  const scope = useScope();
  const { organization_id = "", site_id = "" } = scope;
  const agentId = useMatch({ from: "/frame/agents/$agentId/{-$tab}", shouldThrow: false, select: ({ params }) => params.agentId });
  const { data: chosen } = useQuery({ ...organization(organization_id), enabled: organization_id !== "" });
  const { data: place } = useQuery({ ...site(site_id), enabled: site_id !== "" });
  const { data: machine } = useQuery({ ...agent(agentId ?? ""), enabled: agentId !== undefined });
  const way = crumbs({
    path,
    name,
    scope,
    organizationName: chosen?.name,
    siteName: place?.name,
    agent: agentId === undefined ? undefined : machine,
    functions: FUNCTIONS,
  });
  return (
    <nav aria-label="Breadcrumbs" className={styles.crumbs}>
      <ol className={styles.list}>
        {way.map(({ words, to, scope: target }, index) => (
          <li key={index} className={styles.crumb}>
            {index > 0 ? <IconChevronRight size={13} aria-hidden /> : null}
            {to === undefined ? (
              <span aria-current="page" className="cut" title={words}>
                {words}
              </span>
            ) : (
              <Link to={to} search={{ organization_id: target?.organization_id, site_id: target?.site_id } as never} className="cut" title={words}>
                {words}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
