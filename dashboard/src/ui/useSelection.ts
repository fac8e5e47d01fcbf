import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { me } from "../api/queries";
import { readKept, writeKept } from "../lib/draftStore";
import { type FilteredSelection, fromKept, NOTHING, select, type SelectionAction, toKept, underFilter } from "../lib/selection";

/** What is selected on a page under its filter: it outlives a reload, another page and a login in this tab. */
export function useSelection(page: string, filter: unknown) {
  const userId = useQueryClient().getQueryData(me.queryKey)?.id ?? "";
  const name = `selected-${page}`;
  const key = JSON.stringify(filter);
  const [state, setState] = useState<FilteredSelection>(
    () => fromKept(readKept(userId, name)) ?? { key, selection: NOTHING, cleared: false },
  );
  const current = underFilter(state, key);
  if (current !== state) setState(current);
  useEffect(() => writeKept(userId, name, toKept(current)), [userId, name, current]);
  const dispatch = useCallback(
    (action: SelectionAction) =>
      setState((known) => ({ ...known, selection: select(known.selection, action), cleared: false })),
    [],
  );
  return { selection: current.selection, cleared: current.cleared, dispatch };
}
