/** Most that is kept; what was longest not heard of goes first. */
const MOST = 500;

/** When each thing happened last (a number of `tick`), for whoever begins to listen too late to have heard it. */
export class Recent<T> {
  readonly #nameOf: (what: T) => string;
  #all = new Map<string, { at: number; what: T }>();
  #forgotten = 0;

  /** Things of the same name are the same thing. */
  constructor(nameOf: (what: T) => string) {
    this.#nameOf = nameOf;
  }

  add(what: T, at: number): void {
    const name = this.#nameOf(what);
    this.#all.delete(name);
    this.#all.set(name, { at, what });
    if (this.#all.size <= MOST) return;
    for (const [oldest, dropped] of this.#all) {
      this.#all.delete(oldest);
      this.#forgotten = dropped.at;
      return;
    }
  }

  /** When something of the kind happened last, or may have: what was forgotten counts as of any kind. 0: never. */
  last(ofKind: (what: T) => boolean): number {
    let last = this.#forgotten;
    for (const { at, what } of this.#all.values()) if (at > last && ofKind(what)) last = at;
    return last;
  }
}
