/** How long something counts as recent, in milliseconds. */
const KEPT = 10_000;
/** Most that is kept; the oldest goes first. */
const MOST = 500;

/** What happened a short while ago, for whoever begins to listen too late to have heard it. */
export class Recent<T> {
  #all: { at: number; what: T }[] = [];

  add(what: T, at: number): void {
    this.#all = [...this.#all.filter((one) => at - one.at <= KEPT).slice(1 - MOST), { at, what }];
  }

  /** Whether something of the kind happened at this time or later. */
  had(since: number, ofKind: (what: T) => boolean): boolean {
    return this.#all.some(({ at, what }) => at >= since && ofKind(what));
  }
}
