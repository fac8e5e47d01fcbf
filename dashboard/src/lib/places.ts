/** Where the reader was in a list. */
export interface Place {
  /** How far it was scrolled, in pixels. */
  top: number;
  /** The row that had the focus. */
  rowId?: string | undefined;
}

/** Places are kept for so many lists, the latest ones. */
const MOST = 50;

/** Remembers places by list while the page is open. */
export class Places {
  readonly #places = new Map<string, Place>();

  get(list: string): Place | undefined {
    return this.#places.get(list);
  }

  /** Keeps a change; the list becomes the latest. */
  put(list: string, change: Partial<Place>): void {
    const place = { top: 0, ...this.#places.get(list), ...change };
    this.#places.delete(list);
    this.#places.set(list, place);
    for (const oldest of this.#places.keys()) {
      if (this.#places.size <= MOST) break;
      this.#places.delete(oldest);
    }
  }
}
