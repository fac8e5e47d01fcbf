import { useCallback, useMemo, useState } from "react";
import { type ColumnChoice, keptChoice, shownColumns } from "../lib/columns";
import type { Column } from "./DataTable";

const PREFIX = "gururmm-columns:";

function read(page: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + page) ?? "null");
  } catch {
    return undefined;
  }
}

function write(page: string, chosen: ColumnChoice | undefined): void {
  try {
    if (chosen) localStorage.setItem(PREFIX + page, JSON.stringify(chosen));
    else localStorage.removeItem(PREFIX + page);
  } catch {
    // It holds until the page is left.
  }
}

/** The choice of columns of a page, kept on this computer. */
export function useColumns<T>(page: string, columns: readonly Column<T>[]) {
  const [chosen, setChosen] = useState(() => keptChoice(read(page), columns));
  const choose = useCallback(
    (next: ColumnChoice | undefined) => {
      setChosen(next);
      write(page, next);
    },
    [page],
  );
  const shown = useMemo(() => shownColumns(columns, chosen), [columns, chosen]);
  return { columns, shown, chosen, choose };
}
