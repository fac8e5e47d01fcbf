import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { throttle } from "../lib/throttle";
import { events, type Hint } from "./events";

/**
 * Asks again for what stands under `key` when a hint concerns it, at most once per `interval` milliseconds. Queries
 * that are not shown only become stale.
 */
export function useRefreshOn(concerns: (hint: Hint) => boolean, key: QueryKey, interval = 1_000) {
  const client = useQueryClient();
  const name = JSON.stringify(key);
  const refresh = useMemo(
    () => throttle(() => void client.invalidateQueries({ queryKey: JSON.parse(name) as QueryKey }), interval),
    [client, name, interval],
  );
  useEffect(() => {
    const leave = events.subscribe((hint) => {
      if (concerns(hint)) refresh.ask();
    });
    return () => {
      leave();
      refresh.stop();
    };
  }, [refresh, concerns]);
}
