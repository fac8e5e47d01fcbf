import { useCallback, useMemo, useState } from "react";
import { keptColumns, shownColumns } from "../lib/columns";
import type { Column } from "./DataTable";

const PREFIX = "gururmm-columns:";

function read(page: string): string[] | undefined {
  try {
    return keptColumns(JSON.parse(localStorage.getItem(PREFIX + page) ?? "null"));
  } catch {
    return undefined;
  }
}

function write(page: string, chosen: readonly string[] | undefined): void {
  try {
    if (chosen) localStorage.setItem(PREFIX + page, JSON.stringify(chosen));
    else localStorage.removeItem(PREFIX + page);
  } catch {
    // It holds until the page is left.
  }
}

/** The choice of columns of a page, kept on this computer. */
export function useColumns<T>(page: string, columns: readonly Column<T>[]) {
  const [chosen, setChosen] = useState(() => read(page));
  const choose = useCallback(
    (next: readonly string[] | undefined) => {
      const kept = keptColumns(next);
      setChosen(kept);
      write(page, kept);
    },
    [page],
  );
  const shown = useMemo(() => shownColumns(columns, chosen), [columns, chosen]);
  return { columns, shown, chosen, choose };
}
