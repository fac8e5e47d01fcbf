import { useRouter } from "@tanstack/react-router";
import { type FocusEvent, type RefObject, type UIEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Places } from "../lib/places";

const places = new Places();

/**
 * Keeps how far a list is scrolled and which of its rows had the focus, for each step of the browser's history. When Back
 * or Forward leads to the step again, the list begins where it was left, and its row gets the focus if nothing else has
 * it. Rows of another filter or order (`of`) begin at the top.
 */
export function usePlace({ label, of, isOld, scroller, shown }: {
  label: string;
  of: string;
  /** The rows are not those of `of` yet. */
  isOld: boolean;
  scroller: RefObject<HTMLElement | null>;
  /** The first rows are in the page. */
  shown: boolean;
}) {
  const { history } = useRouter();
  const list = () => `${history.location.state.__TSR_key ?? ""} ${label}`;
  const [start] = useState(() => places.get(list()));
  const waiting = useRef(start?.rowId);
  useEffect(() => {
    const rowId = waiting.current;
    if (!shown || rowId === undefined) return;
    waiting.current = undefined;
    if (document.activeElement !== document.body) return;
    const row = scroller.current?.querySelector(`[data-row="${CSS.escape(rowId)}"] [data-row-link]`);
    // A row that is gone leaves the focus to the list, where the arrow keys scroll on.
    const target = row instanceof HTMLElement ? row : scroller.current;
    target?.focus({ preventScroll: true });
  }, [shown, scroller]);

  const rowsOf = useRef(of);
  useLayoutEffect(() => {
    if (isOld || rowsOf.current === of) return;
    rowsOf.current = of;
    const key = history.location.state.__TSR_key ?? "";
    scroller.current?.scrollTo({ top: places.get(`${key} ${label}`)?.top ?? 0 });
  }, [of, isOld, label, history, scroller]);
  useLayoutEffect(() => {
    // Rows that nothing can be done with let the focus go; it stays with the list.
    const row = isOld ? document.activeElement?.closest("[data-row]") : null;
    if (row && scroller.current?.contains(row)) scroller.current.focus({ preventScroll: true });
  }, [isOld, scroller]);
  return {
    /** How far the list was scrolled, in pixels. */
    top: start?.top ?? 0,
    onScroll: (event: UIEvent<HTMLElement>) => {
      // The step is the new list's already, the rows are not.
      if (rowsOf.current === of) places.put(list(), { top: event.currentTarget.scrollTop });
    },
    onFocus: (event: FocusEvent) => {
      const row = event.target.closest<HTMLElement>("[data-row]");
      places.put(list(), { rowId: row?.dataset.row });
    },
  };
}
