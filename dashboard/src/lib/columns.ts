/** What is asked of a column to choose it. */
export interface Choosable {
  id: string;
  header: string;
  fixed?: boolean;
  off?: boolean;
}

/** The ids of the columns that are shown when nobody chose. */
export function defaultColumns(columns: readonly Choosable[]): string[] {
  return columns.filter(({ off }) => !off).map(({ id }) => id);
}

/** The columns to show, in their fixed order. Names that are no longer columns are passed over. */
export function shownColumns<T extends Choosable>(columns: readonly T[], chosen: readonly string[] | undefined): T[] {
  const ids = new Set(chosen ?? defaultColumns(columns));
  return columns.filter(({ id, fixed }) => fixed || ids.has(id));
}

/** What a file of a list has for these columns, as the server is asked; undefined where that is everything it knows. */
export function exportedColumns(shown: readonly { exports?: readonly string[] }[]): string | undefined {
  return [...new Set(shown.flatMap(({ exports }) => exports ?? []))].join() || undefined;
}

/** The choice after one column was put in or taken out; undefined where it is again what is shown by default. */
export function withColumn(columns: readonly Choosable[], chosen: readonly string[] | undefined, id: string, on: boolean): string[] | undefined {
  const ids = new Set(shownColumns(columns, chosen).map((column) => column.id));
  if (on) ids.add(id);
  else ids.delete(id);
  const next = columns.filter((column) => ids.has(column.id)).map((column) => column.id);
  return next.join() === defaultColumns(columns).join() ? undefined : next;
}

/** A kept choice; undefined when it is nothing of the kind. */
export function keptColumns(kept: unknown): string[] | undefined {
  return Array.isArray(kept) && kept.length > 0 && kept.every((id) => typeof id === "string") ? kept : undefined;
}
