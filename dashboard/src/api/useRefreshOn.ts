import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { events, type Hint } from "./events";
import { answers } from "./queries";
import { keepFresh } from "./refresh";

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
  useEffect(
    () =>
      keepFresh({
        client,
        answers,
        hints: events,
        queryKey: JSON.parse(name) as QueryKey,
        concerns,
        pause: () => pause.current,
      }),
    [client, name, concerns],
  );
}
