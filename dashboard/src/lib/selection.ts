/** What is selected in a list: these rows, or all that match its filter but these. */
export interface Selection {
  all: boolean;
  /** The selected rows; where all are, the exceptions. */
  ids: ReadonlySet<string>;
}

export type SelectionAction =
  /** Turns one row over. */
  | { type: "toggle"; id: string }
  /** Selects rows, or takes them out. */
  | { type: "set"; ids: readonly string[]; on: boolean }
  /** Everything that matches the filter, loaded or not. */
  | { type: "all" }
  | { type: "none" };

export const NOTHING: Selection = { all: false, ids: new Set() };

export function isSelected({ all, ids }: Selection, id: string): boolean {
  return all !== ids.has(id);
}

export function select(selection: Selection, action: SelectionAction): Selection {
  switch (action.type) {
    case "toggle":
      return select(selection, { type: "set", ids: [action.id], on: !isSelected(selection, action.id) });
    case "set": {
      const ids = new Set(selection.ids);
      for (const id of action.ids) {
        if (action.on === selection.all) ids.delete(id);
        else ids.add(id);
      }
      return { all: selection.all, ids };
    }
    case "all":
      return { all: true, ids: new Set() };
    case "none":
      return NOTHING;
  }
}

/** How many rows are selected when so many match; undefined while that is not known. */
export function countSelected({ all, ids }: Selection, matching: number | undefined): number | undefined {
  if (!all) return ids.size;
  return matching === undefined ? undefined : Math.max(0, matching - ids.size);
}

/** The rows from one to another, both included, in the order of the list; only the latter when the first is not in it. */
export function rangeOf(ids: readonly string[], from: string | undefined, to: string): string[] {
  const start = from === undefined ? -1 : ids.indexOf(from);
  const end = ids.indexOf(to);
  if (start < 0 || end < 0) return [to];
  return ids.slice(Math.min(start, end), Math.max(start, end) + 1);
}

/** The selection of a list under one filter. */
export interface FilteredSelection {
  /** The filter that it was made under. */
  key: string;
  selection: Selection;
  /** It was cleared because the filter changed. */
  cleared: boolean;
}

/** The selection under another filter: what was selected is no longer what is seen, so it is cleared, and that is said. */
export function underFilter(state: FilteredSelection, key: string): FilteredSelection {
  if (state.key === key) return state;
  const { all, ids } = state.selection;
  return { key, selection: NOTHING, cleared: all || ids.size > 0 };
}

/** As it is kept in the tab. */
export function toKept({ key, selection }: FilteredSelection): unknown {
  return { key, all: selection.all, ids: [...selection.ids] };
}

/** What was kept; undefined when it is nothing of the kind. */
export function fromKept(kept: unknown): FilteredSelection | undefined {
  if (kept === null || typeof kept !== "object") return undefined;
  const { key, all, ids } = kept as Record<string, unknown>;
  if (typeof key !== "string" || typeof all !== "boolean" || !Array.isArray(ids)) return undefined;
  if (!ids.every((id): id is string => typeof id === "string")) return undefined;
  return { key, selection: { all, ids: new Set(ids) }, cleared: false };
}
