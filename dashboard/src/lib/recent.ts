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

  /** When something of the kind happened last; 0 if it did not. */
  last(ofKind: (what: T) => boolean): number {
    return this.#all.findLast(({ what }) => ofKind(what))?.at ?? 0;
  }
}
