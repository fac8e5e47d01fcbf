import type { Scope } from "./search";

/** One step of the way to a page. The last one is the page itself and leads nowhere. */
interface Crumb {
  words: string;
  to?: string;
  /** The scope it leads to. */
  scope?: Scope;
}

/** What is known of where the reader is. */
interface Whereabouts {
  path: string;
  /** The page's own name. */
  name: string;
  scope: Scope;
  organizationName?: string | undefined;
  siteName?: string | undefined;
  /** The agent whose page it is. */
  agent?: { organization_id: string; organization_name: string; site_id: string; site_name: string } | undefined;
  functions: readonly { to: string; word: string }[];
}

function placeCrumbs(to: string, scope: Scope, organizationName = "Organization", siteName = "Site"): Crumb[] {
  const { organization_id, site_id } = scope;
  if (!organization_id) return [{ words: "All organizations", to, scope: {} }];
  const place: Crumb[] = [{ words: organizationName, to, scope: { organization_id } }];
  return site_id ? [...place, { words: siteName, to, scope: { organization_id, site_id } }] : place;
}

/** The way to a page: organization, site, and the agent or the page. */
export function crumbs({ path, name, scope, organizationName, siteName, agent, functions }: Whereabouts): Crumb[] {
  if (agent) {
    const { organization_id, organization_name, site_id, site_name } = agent;
    return [...placeCrumbs("/agents", { organization_id, site_id }, organization_name, site_name), { words: name }];
  }
  const own = functions.find(({ to }) => path === to || path.startsWith(`${to}/`));
  const exact = own !== undefined && (path === own.to || name === own.word);
  const place = placeCrumbs(own?.to ?? "/agents", scope, organizationName, siteName);
  if (exact) return [...place, { words: own.word }];
  return own ? [...place, { words: own.word, to: own.to, scope }, { words: name }] : [...place, { words: name }];
}
