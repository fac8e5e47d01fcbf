import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { throttle } from "../lib/throttle";
import { events, type Hint } from "./events";

/**
 * Asks again for what stands under `key` when a hint concerns it, at most once per `interval` milliseconds. Queries
 * that are not shown only become stale. What a page shows was often asked for before the page listens: what was hinted
 * at meanwhile counts, too.
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
    const answers = client.getQueryCache().findAll({ queryKey: JSON.parse(name) as QueryKey });
    const missed = ({ state }: (typeof answers)[number]) =>
      state.dataUpdatedAt > 0 && events.missedBy(state.dataUpdatedAt, concerns);
    if (answers.some(missed)) refresh.ask();
    return () => {
      leave();
      refresh.stop();
    };
  }, [client, name, refresh, concerns]);
}
