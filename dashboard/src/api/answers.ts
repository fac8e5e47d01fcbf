import type { Query, QueryCache } from "@tanstack/react-query";
import { tick } from "../lib/order";

/** Remembers of every query when what it holds was asked for, from the moment the cache exists. */
export class Answers {
  #asking = new WeakMap<Query, number>();
  #answered = new WeakMap<Query, number>();

  constructor(cache: QueryCache) {
    cache.subscribe((event) => {
      if (event.type !== "updated") return;
      const { action } = event;
      const query = event.query as Query;
      // A further page of a list makes the earlier ones no newer.
      if (action.type === "fetch" && !action.meta?.fetchMore) this.#asking.set(query, tick());
      // What the page itself put there (the answer to a change) was asked for at a time nobody wrote down.
      const asking = this.#asking.get(query);
      if (action.type === "success" && !action.manual && asking !== undefined) this.#answered.set(query, asking);
    });
  }

  /** When the data of a query were asked for (a number of `tick`); 0 when that is not known. */
  askedAt(query: Query): number {
    return this.#answered.get(query) ?? 0;
  }
}
