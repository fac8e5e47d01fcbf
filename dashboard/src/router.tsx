import {
  createRootRoute,
  createRoute,
  createRouter,
  notFound,
  parseSearchWith,
  redirect,
  retainSearchParams,
  stringifySearchWith,
} from "@tanstack/react-router";
import {
  agent,
  agentCount,
  agents,
  audit,
  auditQuery,
  commands,
  enrollmentTokens,
  me,
  organization,
  organizationList,
  queryClient,
  softwareAgents,
  softwareTitles,
  softwareUnknown,
} from "./api/queries";
import { events } from "./api/events";
import { Frame } from "./frame/Frame";
import { NotFound } from "./frame/NotFound";
import { PageFailure } from "./frame/PageFailure";
import { page } from "./frame/pages";
import { overview } from "./overview/queries";
import { Root } from "./frame/Root";
import { AGENT_TABS, agentSearch, type AgentTab } from "./lib/agentPage";
import {
  addressValue,
  agentsSearch,
  ATTENTION_REASONS,
  auditSearch,
  commandsSearch,
  oneOf,
  organizationsSearch,
  runSearch,
  runsSearch,
  safeNext,
  scopeOf,
  softwareSearch,
  text,
  titleSearch,
  unknownSearch,
  overviewSearch,
} from "./lib/search";

/**
 * Loaders only begin to ask, also when the pointer comes near a link: nothing waits for them, and the page says how it went.
 * What was asked for within so many milliseconds is not asked for again.
 */
const WARM = 5_000;
/** The page asks too, and says what went wrong. */
const toThePage = () => undefined;

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound, errorComponent: PageFailure });

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  validateSearch: (raw: Record<string, unknown>): { next?: string | undefined; ended?: boolean | undefined } => ({
    next: raw.next === undefined ? undefined : safeNext(raw.next),
    ended: raw.ended === true || undefined,
  }),
  component: page(() => import("./auth/LoginPage"), "LoginPage"),
});

const firstAccountRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup-first-account",
  component: page(() => import("./auth/FirstAccountPage"), "FirstAccountPage"),
});

/** Everything behind the login: the frame, and the scope that all its pages share. */
export const frameRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "frame",
  validateSearch: scopeOf,
  search: { middlewares: [retainSearchParams(["organization_id", "site_id"])] },
  beforeLoad: () => {
    // Asked for along with the page's code, not when that is here.
    queryClient.query(me).catch(toThePage);
    return events.ready();
  },
  component: Frame,
});

const indexRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/",
  beforeLoad: ({ search }) => {
    throw redirect({ to: "/overview", search, replace: true });
  },
});

export const overviewRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/overview",
  validateSearch: overviewSearch,
  loaderDeps: ({ search: { organization_id, site_id } }) => ({ organization_id, site_id }),
  loader: ({ deps }) => {
    queryClient.query({ ...overview(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./overview/OverviewPage"), "OverviewPage"),
});

export const agentsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/agents",
  validateSearch: agentsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...agents(deps), staleTime: WARM }).catch(toThePage);
    queryClient.query({ ...agentCount(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./agents/AgentsPage"), "AgentsPage"),
});

/** The enrollment dialog, over the list in which the new agent will appear. */
export const enrollRoute = createRoute({
  getParentRoute: () => agentsRoute,
  path: "enroll",
  component: page(() => import("./agents/EnrollDialog"), "EnrollDialog"),
});

/** Why one of the listed agents needs somebody, over the list. */
export const evidenceRoute = createRoute({
  getParentRoute: () => agentsRoute,
  path: "evidence/$agentId/$reason",
  params: {
    parse: ({ agentId, reason }) => {
      const known = ATTENTION_REASONS.find((each) => each === reason);
      if (!known) throw notFound();
      return { agentId, reason: known };
    },
    stringify: ({ agentId, reason }) => ({ agentId, reason }),
  },
  component: page(() => import("./agent/AgentEvidence"), "ListEvidence"),
});

/** The dialog that runs a command on what is selected in the list. */
export const runDialogRoute = createRoute({
  getParentRoute: () => agentsRoute,
  path: "run",
  component: page(() => import("./runs/RunDialog"), "RunDialog"),
});

export const agentRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/agents/$agentId/{-$tab}",
  params: {
    parse: ({ agentId, tab }): { agentId: string; tab?: AgentTab | undefined } => ({
      agentId,
      tab: oneOf({ tab }, "tab", AGENT_TABS),
    }),
    stringify: ({ agentId, tab }) => ({ agentId, tab }),
  },
  validateSearch: agentSearch,
  loader: ({ params }) => {
    queryClient.query({ ...agent(params.agentId), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./agent/AgentPage"), "AgentPage"),
});

export const softwareRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/software",
  validateSearch: softwareSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...softwareTitles(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./software/SoftwarePage"), "SoftwarePage"),
});

export const titleRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/software/title",
  validateSearch: titleSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps: { title, source, ...rest } }) => {
    if (title === undefined || source === undefined) return;
    queryClient.infiniteQuery({ ...softwareAgents({ ...rest, title, source }), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./software/TitlePage"), "TitlePage"),
});

export const unknownRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/software/unknown",
  validateSearch: unknownSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...softwareUnknown(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./software/UnknownPage"), "UnknownPage"),
});

export const commandsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/commands",
  validateSearch: commandsSearch,
  loaderDeps: ({ search: { state, organization_id, site_id } }) => ({ state, organization_id, site_id }),
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...commands(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./commands/CommandsPage"), "CommandsPage"),
});

export const commandRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/commands/$commandId",
  component: page(() => import("./commands/CommandPage"), "CommandPage"),
});

export const runsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/commands/runs",
  validateSearch: runsSearch,
  component: page(() => import("./runs/RunsPage"), "RunsPage"),
});

export const runRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/commands/runs/$runId",
  validateSearch: runSearch,
  component: page(() => import("./runs/RunPage"), "RunPage"),
});

/** The dialog that orders a run once more, on the machines where it failed. */
export const runAgainRoute = createRoute({
  getParentRoute: () => runRoute,
  path: "again",
  component: page(() => import("./runs/RunAgainDialog"), "RunAgainDialog"),
});

export const organizationsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/organizations",
  validateSearch: organizationsSearch,
  loaderDeps: ({ search: { q } }) => ({ q }),
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...organizationList(deps.q), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./organizations/OrganizationsPage"), "OrganizationsPage"),
});

export const organizationRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/organizations/$organizationId",
  loader: ({ params }) => {
    queryClient.query({ ...organization(params.organizationId), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./organizations/OrganizationPage"), "OrganizationPage"),
});

export const tokensRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/enrollment-tokens",
  loaderDeps: ({ search: { organization_id, site_id } }) => ({ organization_id, site_id }),
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...enrollmentTokens(deps), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./tokens/TokensPage"), "TokensPage"),
});

export const auditRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/audit",
  validateSearch: auditSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ deps }) => {
    queryClient.infiniteQuery({ ...audit(auditQuery(deps)), staleTime: WARM }).catch(toThePage);
  },
  component: page(() => import("./audit/AuditPage"), "AuditPage"),
});

/** The API of this server, in the reader's words. */
export const apiRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: "/reference",
  validateSearch: (raw: Record<string, unknown>): { op?: string | undefined; q?: string | undefined } => ({
    op: text(raw, "op"),
    q: text(raw, "q"),
  }),
  component: page(() => import("./apidocs/ApiPage"), "ApiPage"),
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  firstAccountRoute,
  frameRoute.addChildren([
    indexRoute,
    overviewRoute,
    agentsRoute.addChildren([enrollRoute, evidenceRoute, runDialogRoute]),
    agentRoute,
    softwareRoute,
    titleRoute,
    unknownRoute,
    commandsRoute,
    commandRoute,
    runsRoute,
    runRoute.addChildren([runAgainRoute]),
    organizationsRoute,
    organizationRoute,
    tokensRoute,
    auditRoute,
    apiRoute,
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  // What is kept and for how long is the query cache's matter.
  defaultPreloadStaleTime: 0,
  defaultErrorComponent: PageFailure,
  parseSearch: parseSearchWith(addressValue),
  stringifySearch: stringifySearchWith(JSON.stringify, addressValue),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
