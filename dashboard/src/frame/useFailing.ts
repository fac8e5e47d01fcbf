import { type Query, useQueryClient } from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { ApiError } from "../api/client";

/** What the page shows, or would show, and the server could not answer because of a fault of its own. */
function isFailing(query: Query): boolean {
  const { error, fetchStatus } = query.state;
  return query.isActive() && error instanceof ApiError && error.status >= 500 && fetchStatus === "idle";
}

/** Whether a part of the page is missing or old because the server failed. */
export function useFailing(): boolean {
  const cache = useQueryClient().getQueryCache();
  const subscribe = useCallback((listener: () => void) => cache.subscribe(listener), [cache]);
  return useSyncExternalStore(subscribe, () => cache.getAll().some(isFailing));
}
