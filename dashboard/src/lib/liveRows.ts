import type { Page } from "../api/types";
import { holdRows, type Identified, mergePages } from "./pages";

/** What a live table shows, and from what it was made. */
export interface LiveRows<T> {
  /** Filters and order: another list altogether when it changes. */
  key: string;
  pages: readonly Page<T>[];
  rows: T[];
  /** How many rows would appear, vanish or move if they were let. */
  waiting: number;
}

/**
 * The next view of a live table. While `held` (the pointer or the focus is on it), values change in place and nothing
 * moves; rows of pages that were not loaded before are appended, because the reader scrolled for them.
 */
export function nextRows<T extends Identified>(
  view: LiveRows<T>,
  input: { key: string; pages: readonly Page<T>[]; held: boolean },
): LiveRows<T> {
  const { key, pages, held } = input;
  const unchanged = view.key === key && view.pages === pages;
  if (unchanged && (held || view.waiting === 0)) return view;
  const fresh = mergePages(pages);
  if (!held || view.key !== key || view.rows.length === 0) return { key, pages, rows: fresh, waiting: 0 };
  const shown = [...view.rows];
  const ids = new Set(shown.map((row) => row.id));
  for (const row of mergePages(pages.slice(view.pages.length))) if (!ids.has(row.id)) shown.push(row);
  return { key, pages, ...holdRows(shown, fresh) };
}
