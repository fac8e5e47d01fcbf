import { hashKey, type QueryKey } from "@tanstack/react-query";
import { useState } from "react";
import type { Page } from "../api/types";
import type { Identified } from "../lib/pages";
import { type LiveRows, nextRows } from "../lib/liveRows";

const NONE: never[] = [];

/** The rows of a live table, what waits, and what holds and lets it. */
export type LiveTableRows<T extends Identified> = ReturnType<typeof useLiveRows<T>>;

/**
 * Rows that never jump under the pointer or the focus. `hold` goes on the element around the table; `apply` lets what
 * waits happen. Another query has other rows: until they come, those of before stand as they are.
 */
export function useLiveRows<T extends Identified>(queryKey: QueryKey, list: { data?: { pages: readonly Page<T>[] } | undefined; isPlaceholderData: boolean }) {
  const key = hashKey(queryKey);
  const pages: readonly Page<T>[] = list.data?.pages ?? NONE;
  const [pointer, setPointer] = useState(false);
  const [focus, setFocus] = useState(false);
  const held = pointer || focus;
  const [view, setView] = useState<LiveRows<T>>({ key, pages: NONE, rows: [], waiting: 0 });
  const current = list.isPlaceholderData ? view : nextRows(view, { key, pages, held });
  if (current !== view) setView(current);
  const hold = {
    onPointerEnter: (event: { pointerType: string }) => setPointer(event.pointerType === "mouse"),
    onPointerLeave: () => setPointer(false),
    onFocus: () => setFocus(true),
    onBlur: () => setFocus(false),
  };
  const apply = () => setView(nextRows(current, { key, pages, held: false }));
  return { rows: current.rows, waiting: list.isPlaceholderData ? 0 : current.waiting, hold, apply };
}
