import { matchQuery, type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { throttle } from "../lib/throttle";
import { events, type Hint } from "./events";

/** How long an answer may have been on its way, in milliseconds, where it is not known when it was asked for. */
const ON_ITS_WAY = 2_000;

/**
 * Asks again for what stands under `key` when a hint concerns it, at most once per `interval` milliseconds. Queries
 * that are not shown only become stale. An answer that was asked for before the last hint is asked for once more when it
 * arrives: also on a page that begins to listen only then.
 */
export function useRefreshOn(concerns: (hint: Hint) => boolean, key: QueryKey, interval = 1_000) {
  const client = useQueryClient();
  const name = JSON.stringify(key);
  const pause = useRef(interval);
  useEffect(() => {
    pause.current = interval;
  }, [interval]);
  useEffect(() => {
    const queryKey = JSON.parse(name) as QueryKey;
    const cache = client.getQueryCache();
    const refresh = throttle(
      () => void client.invalidateQueries({ queryKey }),
      () => pause.current,
    );
    const counts = (hint: Hint) => hint.kind === "resync" || concerns(hint);
    let last = events.last(counts);
    const asked = new Map<string, number>();
    for (const query of cache.findAll({ queryKey, fetchStatus: "fetching" })) {
      asked.set(query.queryHash, Date.now() - ON_ITS_WAY);
    }
    const leaveEvents = events.subscribe((hint) => {
      if (!counts(hint)) return;
      last = Date.now();
      refresh.ask();
    });
    const leaveCache = cache.subscribe((event) => {
      if (event.type !== "updated" || !matchQuery({ queryKey }, event.query)) return;
      const { queryHash } = event.query;
      if (event.action.type === "fetch") asked.set(queryHash, Date.now());
      if (event.action.type === "success" && (asked.get(queryHash) ?? last) < last) refresh.ask();
    });
    const shown = cache.findAll({ queryKey, type: "active", fetchStatus: "idle" });
    if (shown.some(({ state }) => state.dataUpdatedAt > 0 && state.dataUpdatedAt - ON_ITS_WAY < last)) refresh.ask();
    return () => {
      leaveEvents();
      leaveCache();
      refresh.stop();
    };
  }, [client, name, concerns]);
}
