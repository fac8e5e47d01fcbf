import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { HINTED } from "../api/queries";
import type { Scope } from "../lib/search";

/** Even without a hint, what ages is asked for again at this interval (milliseconds). */
const REFRESH = 60_000;

/** The fleet, or a part of it, at a glance. */
export const overview = ({ organization_id, site_id }: Scope) => {
  const query = { organization_id, site_id };
  return queryOptions({
    queryKey: ["overview", "fleet", query],
    queryFn: ({ signal }) => body(api.GET("/api/overview", { signal, params: { query } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });
};

/** Organizations at a glance, the most urgent first. */
export const overviewOrganizations = infiniteQueryOptions({
  queryKey: ["overview", "organizations"],
  queryFn: ({ signal, pageParam }) =>
    body(api.GET("/api/overview/organizations", { signal, params: { query: { limit: 50, cursor: pageParam } } })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => page.next_cursor ?? undefined,
  staleTime: HINTED,
  refetchInterval: REFRESH,
});

/** What changed last in the inventories of the fleet, or of a part of it; who is logged in only with `logons`. */
export const recentChanges = ({ organization_id, site_id }: Scope, logons: boolean) => {
  const query = { organization_id, site_id, except_section: logons ? undefined : "users", limit: 12 };
  return queryOptions({
    queryKey: ["changes", query],
    queryFn: ({ signal }) => body(api.GET("/api/changes", { signal, params: { query } })),
    staleTime: HINTED,
    refetchInterval: REFRESH,
  });
};
