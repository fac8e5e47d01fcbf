import { useRouter } from "@tanstack/react-router";
import { type FocusEvent, type RefObject, type UIEvent, useEffect, useRef, useState } from "react";
import { Places } from "../lib/places";

const places = new Places();

/**
 * Keeps where the reader is in a list, by the step of the browser's history, and tells it when Back or Forward leads
 * here again. The focus goes back to its row only when it would otherwise be nowhere.
 */
export function usePlace(label: string, scroller: RefObject<HTMLElement | null>, shown: boolean) {
  const { history } = useRouter();
  const list = () => `${history.location.state.__TSR_key ?? ""} ${label}`;
  const [start] = useState(() => places.get(list()));
  const waiting = useRef(start?.rowId);
  useEffect(() => {
    const rowId = waiting.current;
    if (!shown || rowId === undefined) return;
    waiting.current = undefined;
    if (document.activeElement !== document.body) return;
    const row = scroller.current?.querySelector(`[data-row="${CSS.escape(rowId)}"] a[data-row-link]`);
    // A row that is gone leaves the focus to the list, where the arrow keys scroll on.
    const target = row instanceof HTMLElement ? row : scroller.current;
    target?.focus({ preventScroll: true });
  }, [shown, scroller]);
  return {
    /** How far the list was scrolled, in pixels. */
    top: start?.top ?? 0,
    onScroll: (event: UIEvent<HTMLElement>) => places.put(list(), { top: event.currentTarget.scrollTop }),
    onFocus: (event: FocusEvent) => {
      const row = event.target.closest<HTMLElement>("[data-row]");
      places.put(list(), { rowId: row?.dataset.row });
    },
  };
}
