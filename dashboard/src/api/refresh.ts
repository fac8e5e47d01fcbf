import { matchQuery, type Query, type QueryClient, type QueryKey } from "@tanstack/react-query";
import { tick } from "../lib/order";
import { throttle } from "../lib/throttle";
import type { Answers } from "./answers";
import type { Hint } from "./events";

/** Where hints come from. */
export interface Hints {
  subscribe(listener: (hint: Hint) => void): () => void;
  /** When such a hint came last (a number of `tick`); 0 if none did. */
  last(concerns: (hint: Hint) => boolean): number;
}

/**
 * Keeps what stands under `queryKey` as new as the last hint that concerns it, until the returned function is called.
 * A question that is on its way is left to arrive, so that hints in quick succession starve nobody; its answer is asked
 * for once more, a pause after it came, if a hint came after the question.
 */
export function keepFresh({ client, answers, hints, queryKey, concerns, pause }: {
  client: QueryClient;
  answers: Answers;
  hints: Hints;
  queryKey: QueryKey;
  concerns: (hint: Hint) => boolean;
  pause: () => number;
}): () => void {
  const cache = client.getQueryCache();
  const refresh = throttle(() => void client.invalidateQueries({ queryKey }, { cancelRefetch: false }), pause);
  const counts = (hint: Hint) => hint.kind === "resync" || concerns(hint);
  let last = hints.last(counts);
  const isOld = (query: Query) => answers.askedAt(query) < last;
  const leaveHints = hints.subscribe((hint) => {
    if (!counts(hint)) return;
    last = tick();
    refresh.ask();
  });
  const leaveCache = cache.subscribe((event) => {
    if (event.type !== "updated" || event.action.type !== "success") return;
    if (matchQuery({ queryKey }, event.query) && event.query.isActive() && isOld(event.query as Query)) refresh.ask(pause());
  });
  const old = cache.findAll({ queryKey, type: "active", fetchStatus: "idle" }).filter((query) => query.state.status === "success" && isOld(query));
  // What has just come is shown for a pause first, however many hints there are. A clock that was set back makes no pause longer.
  const ages = old.map((query) => Math.max(0, Date.now() - query.state.dataUpdatedAt));
  if (old.length > 0) refresh.ask(pause() - Math.max(...ages));
  return () => {
    leaveHints();
    leaveCache();
    refresh.stop();
  };
}
