import type { Virtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useMemo, useRef } from "react";
import { useShortcuts } from "../frame/useShortcuts";
import type { Shortcut } from "../lib/shortcuts";

interface Rows {
  scroller: RefObject<HTMLDivElement | null>;
  ids: readonly string[];
  virtual: Virtualizer<HTMLDivElement, Element>;
  /** Of a row, in pixels. */
  height: number;
  selectable: boolean;
  toggle: (id: string, range: boolean) => void;
  extend: (from: string, to: string) => void;
}

/**
 * The row that the keyboard stands on: the one whose link (`data-row-link`) has the focus. `j`, `k` and the arrow keys move
 * it, `x` selects it, Shift with either extends the selection over the way; Enter presses the link. Where a row leads
 * nowhere, its name can have the focus in the place of a link.
 */
export function useActiveRow(rows: Rows): { onKeyDown: (event: KeyboardEvent) => void } {
  const latest = useRef(rows);
  const { scroller, selectable } = rows;
  const none = rows.ids.length === 0;
  /** The row that had the focus last. */
  const active = useRef<string>(undefined);
  /** The row that gets the focus as soon as it is rendered, unless the reader has gone elsewhere from where they were. */
  const wanted = useRef<{ id: string; from: Element | null }>(undefined);

  const focus = useCallback((id: string): boolean => {
    const link = latest.current.scroller.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"] [data-row-link]`);
    link?.focus({ preventScroll: true });
    return link != null;
  }, []);

  useEffect(() => {
    latest.current = rows;
    if (wanted.current === undefined) return;
    const { id, from } = wanted.current;
    // The row that had the focus may be out of the page by now.
    const isThere = [from, document.body, rows.scroller.current].includes(document.activeElement);
    if (!isThere || focus(id)) wanted.current = undefined;
  });

  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const onFocus = (event: FocusEvent) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-row]") : null;
      if (row) active.current = row.dataset.row;
    };
    // A row that scrolls out of the page would take the focus with it: then the table has it.
    const observer = new MutationObserver((changes) => {
      if (active.current === undefined) return;
      const gone = changes.some(({ removedNodes }) =>
        [...removedNodes].some((node) => node instanceof HTMLElement && node.dataset.row === active.current),
      );
      if (gone && document.activeElement === document.body) element.focus({ preventScroll: true });
    });
    element.addEventListener("focusin", onFocus);
    const body = element.querySelector("tbody, ol");
    if (body) observer.observe(body, { childList: true });
    return () => {
      element.removeEventListener("focusin", onFocus);
      observer.disconnect();
    };
  }, [scroller]);

  const move = useCallback(
    (by: 1 | -1, extending: boolean) => {
      const { ids, virtual, height, extend, scroller } = latest.current;
      const from = active.current === undefined ? -1 : ids.indexOf(active.current);
      const top = Math.ceil((scroller.current?.scrollTop ?? 0) / height);
      const to = from < 0 ? top : Math.min(ids.length - 1, Math.max(0, from + by));
      const [left, id] = [ids[from], ids[to]];
      if (id === undefined) return;
      if (extending) extend(left ?? id, id);
      virtual.scrollToIndex(to, { align: "auto" });
      active.current = id;
      if (!focus(id)) wanted.current = { id, from: document.activeElement };
    },
    [focus],
  );

  const pick = useCallback(() => {
    const { ids, toggle } = latest.current;
    if (active.current !== undefined && ids.includes(active.current)) toggle(active.current, false);
  }, []);

  const list = useMemo((): Shortcut[] => {
    if (none) return [];
    const moving: Shortcut[] = [
      { keys: ["j"], words: "Next row", group: "Table", run: () => move(1, false), repeats: true },
      { keys: ["k"], words: "Previous row", group: "Table", run: () => move(-1, false), repeats: true },
    ];
    if (!selectable) return moving;
    return [
      ...moving,
      { keys: ["x"], words: "Select the row", group: "Table", run: pick },
      { keys: ["Shift+J"], words: "Extend the selection down", group: "Table", run: () => move(1, true), repeats: true },
      { keys: ["Shift+K"], words: "Extend the selection up", group: "Table", run: () => move(-1, true), repeats: true },
    ];
  }, [none, selectable, move, pick]);
  useShortcuts(list);

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : undefined;
      if (by === undefined) return;
      event.preventDefault();
      move(by, event.shiftKey && selectable);
    },
    [move, selectable],
  );
  return { onKeyDown };
}
