import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { HINTED } from "../api/queries";

/** What is called so, anywhere the user may look. */
export const found = (q: string) =>
  queryOptions({
    queryKey: ["search", q],
    queryFn: ({ signal }) => body(api.GET("/api/search", { signal, params: { query: { q } } })),
    staleTime: 10_000,
  });

/** A site's servers with their state, and how many others there are. */
export const spine = (siteId: string) =>
  queryOptions({
    queryKey: ["spine", siteId],
    queryFn: ({ signal }) => body(api.GET("/api/sites/{id}/spine", { signal, params: { path: { id: siteId } } })),
    staleTime: HINTED,
    refetchInterval: 60_000,
  });

/** What the user has under way, and what of it ended within a day. */
export const work = queryOptions({
  queryKey: ["work"],
  queryFn: ({ signal }) => body(api.GET("/api/work", { signal })),
  staleTime: HINTED,
  refetchInterval: 60_000,
});
