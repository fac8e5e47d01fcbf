import { useState } from "react";
import type { Page } from "../api/types";
import { type LiveRows, nextRows } from "../lib/liveRows";

const NONE: never[] = [];

/** The rows of a live table, what waits, and what holds and lets it. */
export type LiveTableRows<T extends { id: string }> = ReturnType<typeof useLiveRows<T>>;

/**
 * Rows that never jump under the pointer or the focus. `hold` goes on the element around the table; `apply` lets what
 * waits happen.
 */
export function useLiveRows<T extends { id: string }>(query: unknown, loaded: readonly Page<T>[] | undefined) {
  const key = JSON.stringify(query);
  const pages: readonly Page<T>[] = loaded ?? NONE;
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const held = pointer || focus;
  const [view, setView] = useState<LiveRows<T>>({ key, pages: NONE, rows: [], waiting: 0 });
  const current = nextRows(view, { key, pages, held });
  if (current !== view) setView(current);
  const hold = {
    onPointerEnter: (event: { pointerType: string }) => setPointer(event.pointerType === "mouse"),
    onPointerLeave: () => setPointer(false),
    onFocus: () => setFocus(true),
    onBlur: () => setFocus(false),
  };
  const apply = () => setView(nextRows(current, { key, pages, held: false }));
  return { rows: current.rows, waiting: current.waiting, hold, apply };
}
