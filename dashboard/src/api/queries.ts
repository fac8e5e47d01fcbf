import { type InfiniteData, infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import type { RunState } from "../lib/runs";
import { AGENT_ORDER, agentsFilter, type AgentsSearch, type AuditSearch, dayStart, type Scope, type SoftwareSearch, type TitleSearch, type TitleSource, type UnknownSearch } from "../lib/search";
import type { CommandState, View, ViewPage } from "./types";
import { Answers } from "./answers";
import { api, ApiError, body, ServerAwayError } from "./client";
import { sharePage, sharePages } from "./sharedPages";

/** Rows per request of a list that is read to its end by scrolling. */
const PAGE_SIZE = 100;
/** Titles per request: each is counted over the whole fleet. */
const SOFTWARE_PAGE = 50;
/** Longest lists of a scope selector; beyond it the reader searches. */
const CHOICES = 200;
/** A list that was left is kept so long (milliseconds), so that Back finds all that was loaded of it. */
const KEPT = 30 * 60_000;
/**
 * What hints tell of is not asked for again within so many milliseconds (its page may come right after its loader):
 * `useRefreshOn` knows whether a hint came since.
 */
export const HINTED = 5_000;
/** Even without a hint, what ages is asked for again at this interval (milliseconds). */
const REFRESH = 60_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      // Hints that came while nobody listened are lost, so whatever is shown anew is asked for anew.
      staleTime: 0,
      refetchOnWindowFocus: "always",
      // What the server answered stays answered; a server that is away is probed elsewhere.
      retry: (count, error) => !(error instanceof ApiError) && !(error instanceof ServerAwayError) && count < 2,
    },
    mutations: { networkMode: "always" },
  },
});

/** When each answer was asked for. */
export const answers = new Answers(queryClient.getQueryCache());

/**
 * What all lists have that are read page by page. What stands there stays while another filter or order is asked for,
 * marked as being of before.
 */
const PAGED = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor?: string | null }) => page.next_cursor ?? undefined,
  gcTime: KEPT,
  placeholderData: keepPreviousData,
};

export const authStatus = queryOptions({
  queryKey: ["auth-status"],
  queryFn: ({ signal }) => body(api.GET("/api/auth/status", { signal })),
});

export const me = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => body(api.GET("/api/auth/me", { signal })),
  staleTime: REFRESH,
});

export const agents = (search: AgentsSearch) => {
  const query = { ...agentsFilter(search), sort: search.sort ?? AGENT_ORDER };
  return infiniteQueryOptions({
    queryKey: ["agents", "list", query],
    queryFn: async ({ client, queryKey, signal, pageParam }) => {
      const page = await body(api.GET("/api/agents", { signal, params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } } }));
      return sharePage(client.getQueryData<InfiniteData<typeof page>>(queryKey), pageParam, page);
    },
    structuralSharing: sharePages,
    ...PAGED,
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });
};

/** Whether the reader may enroll machines where they look. */
export const mayEnroll = ({ organization_id, site_id }: Scope) => {
  const query = { organization_id, site_id, limit: 1 };
  return queryOptions({
    queryKey: ["agents", "may-enroll", query],
    queryFn: async ({ signal }) => (await body(api.GET("/api/agents", { signal, params: { query } }))).permissions.create,
    staleTime: REFRESH,
  });
};

export const agentCount = (search: AgentsSearch) => {
  const query = agentsFilter(search);
  return queryOptions({
    queryKey: ["agents", "count", query],
    queryFn: ({ signal }) => body(api.GET("/api/agents/count", { signal, params: { query } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });
};

export const agent = (id: string) =>
  queryOptions({
    queryKey: ["agents", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/agents/{id}", { signal, params: { path: { id } } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

export const inventory = (id: string) =>
  queryOptions({
    queryKey: ["agents", "inventory", id],
    queryFn: ({ signal }) => body(api.GET("/api/agents/{id}/inventory", { signal, params: { path: { id } } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

/** What changed in an agent's inventory, newest first; of one section, or of all. */
export const inventoryChanges = (id: string, section: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["agents", "inventory", id, "changes", section],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/agents/{id}/inventory/changes", {
          signal,
          params: { path: { id }, query: { section, limit: PAGE_SIZE, cursor: pageParam } },
        }),
      ),
    ...PAGED,
    refetchInterval: REFRESH,
  });

/** Readings of the last `hours` hours. */
export const readings = (id: string, hours: number) =>
  queryOptions({
    queryKey: ["agents", "readings", id, hours],
    queryFn: ({ signal }) => {
      const to = Date.now();
      const query = { from: new Date(to - hours * 3_600_000).toISOString(), to: new Date(to).toISOString() };
      return body(api.GET("/api/agents/{id}/readings", { signal, params: { path: { id }, query } }));
    },
    refetchInterval: REFRESH,
  });

/** Titles that are installed in the fleet, by name. */
export const softwareTitles = ({ q, publisher, source, below, at_least, organization_id, site_id }: SoftwareSearch) => {
  const query = { search: q, publisher, source, version_below: below, version_at_least: at_least, organization_id, site_id };
  return infiniteQueryOptions({
    queryKey: ["software", "titles", query],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/software", { signal, params: { query: { ...query, limit: SOFTWARE_PAGE, cursor: pageParam } } })),
    ...PAGED,
  });
};

/** A title with its source: enough to ask for it. */
export type TitleAsked = TitleSearch & { title: string; source: TitleSource };

/** The newest versions of a title. */
export const softwareVersions = ({ title, source, organization_id, site_id }: TitleAsked) => {
  const query = { title, source, organization_id, site_id, limit: CHOICES };
  return queryOptions({
    queryKey: ["software", "versions", query],
    queryFn: ({ signal }) => body(api.GET("/api/software/versions", { signal, params: { query } })),
  });
};

/** Agents that have a title, the lowest versions first. */
export const softwareAgents = ({ title, source, version, below, at_least, organization_id, site_id }: TitleAsked) => {
  const query = { title, source, version, version_below: below, version_at_least: at_least, organization_id, site_id };
  return infiniteQueryOptions({
    queryKey: ["software", "agents", query],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/software/agents", { signal, params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } } })),
    ...PAGED,
  });
};

/** How many agents' software is known. */
export const softwareCoverage = ({ organization_id, site_id }: Scope) => {
  const query = { organization_id, site_id };
  return queryOptions({
    queryKey: ["software", "coverage", query],
    queryFn: ({ signal }) => body(api.GET("/api/software/coverage", { signal, params: { query } })),
    refetchInterval: REFRESH,
  });
};

/** Agents whose software is not known, by name. */
export const softwareUnknown = ({ standing, organization_id, site_id }: UnknownSearch) => {
  const query = { standing, organization_id, site_id };
  return infiniteQueryOptions({
    queryKey: ["software", "unknown", query],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/software/unknown", { signal, params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } } })),
    ...PAGED,
  });
};

export interface CommandsQuery extends Scope {
  state?: CommandState | undefined;
  agent_id?: string | undefined;
}

export const commands = (query: CommandsQuery) =>
  infiniteQueryOptions({
    queryKey: ["commands", "list", query],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/commands", {
          signal,
          params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } },
        }),
      ),
    ...PAGED,
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

export const command = (id: string) =>
  queryOptions({
    queryKey: ["commands", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/commands/{id}", { signal, params: { path: { id } } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

interface RunsQuery {
  organization_id?: string | undefined;
  mine?: boolean | undefined;
  open?: boolean | undefined;
}

/** Runs, newest first. */
export const runs = (query: RunsQuery) =>
  infiniteQueryOptions({
    queryKey: ["runs", "list", query],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/runs", { signal, params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } } })),
    ...PAGED,
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

export const run = (id: string) =>
  queryOptions({
    queryKey: ["runs", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/runs/{id}", { signal, params: { path: { id } } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

/** The machines of a run, by name. */
export const runAgents = (id: string, query: { state?: RunState | undefined; q?: string | undefined }) =>
  infiniteQueryOptions({
    queryKey: ["runs", "agents", id, query],
    queryFn: async ({ signal, pageParam }) => {
      const page = await body(
        api.GET("/api/runs/{id}/agents", { signal, params: { path: { id }, query: { ...query, limit: PAGE_SIZE, cursor: pageParam } } }),
      );
      return { ...page, items: page.items.map((item) => ({ ...item, id: item.agent_id })) };
    },
    ...PAGED,
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

/** The ids of all machines of a run that stand in one of these states, to the last page. */
export async function runAgentIds(id: string, states: readonly RunState[], signal: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  for (const state of states) {
    let cursor: string | undefined;
    do {
      const query = { state, limit: CHOICES, cursor };
      const page = await body(api.GET("/api/runs/{id}/agents", { signal, params: { path: { id }, query } }));
      ids.push(...page.items.map(({ agent_id }) => agent_id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
  }
  return ids;
}

/** All views of a page that the reader has, by name, with whom they may share. */
export const views = (page: ViewPage) =>
  queryOptions({
    queryKey: ["views", page],
    queryFn: async ({ signal }) => {
      const items: View[] = [];
      let cursor: string | undefined;
      for (;;) {
        const listed = await body(api.GET("/api/views", { signal, params: { query: { page, limit: CHOICES, cursor } } }));
        items.push(...listed.items);
        if (listed.next_cursor == null) return { items, permissions: listed.permissions };
        cursor = listed.next_cursor;
      }
    },
  });

export const organizations = (q?: string) =>
  queryOptions({
    queryKey: ["organizations", "choices", q ?? ""],
    queryFn: ({ signal }) => body(api.GET("/api/organizations", { signal, params: { query: { q, limit: CHOICES } } })),
    // What needs attention also comes with the time alone.
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

export const organizationList = (q?: string) =>
  infiniteQueryOptions({
    queryKey: ["organizations", "list", q ?? ""],
    queryFn: ({ signal, pageParam }) =>
      body(api.GET("/api/organizations", { signal, params: { query: { q, limit: PAGE_SIZE, cursor: pageParam } } })),
    ...PAGED,
  });

export const organization = (id: string) =>
  queryOptions({
    queryKey: ["organizations", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/organizations/{id}", { signal, params: { path: { id } } })),
  });

export const sites = (organizationId: string) =>
  queryOptions({
    queryKey: ["sites", "of", organizationId],
    queryFn: ({ signal }) =>
      body(
        api.GET("/api/organizations/{id}/sites", {
          signal,
          params: { path: { id: organizationId }, query: { limit: CHOICES } },
        }),
      ),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });

export const site = (id: string) =>
  queryOptions({
    queryKey: ["sites", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/sites/{id}", { signal, params: { path: { id } } })),
  });

export const enrollmentTokens = (query: Scope) =>
  infiniteQueryOptions({
    queryKey: ["enrollment-tokens", query],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/enrollment-tokens", {
          signal,
          params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } },
        }),
      ),
    ...PAGED,
    refetchInterval: REFRESH,
  });

export interface AuditQuery {
  action?: string | undefined;
  actor?: string | undefined;
  outcome?: AuditSearch["outcome"];
  organization_id?: string | undefined;
  agent_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** What the server is asked for the audit page's address; days are whole ones of the reader's time zone. */
export function auditQuery({ action, actor, outcome, agent_id, organization_id, from, to }: AuditSearch & Scope): AuditQuery {
  return { action, actor, outcome, agent_id, organization_id, from: dayStart(from), to: dayStart(to, 1) };
}

export const audit = (query: AuditQuery) =>
  infiniteQueryOptions({
    queryKey: ["audit", query],
    queryFn: ({ signal, pageParam }) =>
      body(
        api.GET("/api/audit", {
          signal,
          params: { query: { ...query, limit: PAGE_SIZE, cursor: pageParam } },
        }),
      ),
    ...PAGED,
    refetchInterval: REFRESH,
  });
