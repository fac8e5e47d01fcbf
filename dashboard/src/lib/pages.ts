import type { Page } from "../api/types";

/** What each row of a list has. */
export interface Identified {
  id: string | number;
}

/** What a row is known by. */
export const idOf = (row: Identified): string => String(row.id);

/**
 * The rows of all loaded pages, each once. Keyset pages can overlap when a row moves between two requests: the later
 * answer is the newer truth, the earlier place is kept.
 */
export function mergePages<T extends Identified>(pages: readonly Page<T>[]): T[] {
  const rows = new Map<T["id"], T>();
  for (const page of pages) for (const row of page.items) rows.set(row.id, row);
  return [...rows.values()];
}

/** What a table that must not move shows, and what waits. */
export interface Held<T> {
  rows: T[];
  /** How many rows would appear, vanish or change their place. */
  waiting: number;
}

/**
 * Puts fresh values into the shown rows without moving any: order and membership stay as shown, and what would move
 * is counted.
 */
export function holdRows<T extends Identified>(shown: readonly T[], fresh: readonly T[]): Held<T> {
  const freshById = new Map(fresh.map((row) => [row.id, row]));
  const shownIds = new Set(shown.map((row) => row.id));
  const rows = shown.map((row) => freshById.get(row.id) ?? row);
  const vanished = shown.filter((row) => !freshById.has(row.id)).length;
  const appeared = fresh.filter((row) => !shownIds.has(row.id)).length;
  const before = shown.filter((row) => freshById.has(row.id)).map((row) => row.id);
  const after = fresh.filter((row) => shownIds.has(row.id)).map((row) => row.id);
  return { rows, waiting: vanished + appeared + countMoved(before, after) };
}

/** The least number of elements to take out and put elsewhere to turn one order into the other. */
function countMoved<Id>(before: readonly Id[], after: readonly Id[]): number {
  const place = new Map(after.map((id, index) => [id, index]));
  // Longest increasing run of places (patience sorting): those rows keep their order, the others moved.
  const tails: number[] = [];
  for (const id of before) {
    const at = place.get(id) ?? -1;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    tails[low] = at;
  }
  return before.length - tails.length;
}
