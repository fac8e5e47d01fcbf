/** What is asked of a column to choose it. */
export interface Choosable {
  id: string;
  header: string;
  fixed?: boolean;
  off?: boolean;
  scoped?: boolean;
}

/**
 * A choice of columns, as far as it differs from what is usual: what it says nothing about, because it stands in another
 * scope or came with a later version, is shown or not as usual. No choice is undefined.
 */
export interface ColumnChoice {
  added: readonly string[];
  removed: readonly string[];
}

/** Begins the names by which a saved view holds a choice, and keeps them from being empty: `usual, +role, -cpu`. */
const USUAL = "usual";

/** The columns to show, in their fixed order. */
export function shownColumns<T extends Choosable>(columns: readonly T[], chosen: ColumnChoice | undefined): T[] {
  return columns.filter(({ id, fixed, off }) => fixed || (off ? chosen?.added.includes(id) : !chosen?.removed.includes(id)));
}

/** What a file of a list has for these columns, as the server is asked; undefined where that is everything it knows. */
export function exportedColumns(shown: readonly { exports?: readonly string[] }[]): string | undefined {
  return [...new Set(shown.flatMap(({ exports }) => exports ?? []))].join() || undefined;
}

/** The choice after one column was put in or taken out; undefined where it is again what is usual. */
export function withColumn(chosen: ColumnChoice | undefined, { id, off = false }: Choosable, on: boolean): ColumnChoice | undefined {
  const others = (ids: readonly string[] = []) => ids.filter((each) => each !== id);
  return choiceOf([...others(chosen?.added), ...(on && off ? [id] : [])], [...others(chosen?.removed), ...(on || off ? [] : [id])]);
}

function choiceOf(added: readonly string[], removed: readonly string[]): ColumnChoice | undefined {
  return added.length + removed.length === 0 ? undefined : { added, removed };
}

/** The names by which a saved view holds a choice. */
export function columnNames(chosen: ColumnChoice | undefined): string[] {
  const added = chosen?.added.map((id) => `+${id}`) ?? [];
  const removed = chosen?.removed.map((id) => `-${id}`) ?? [];
  return [USUAL, ...added.sort(), ...removed.sort()];
}

/** The choice that a saved view holds. Older ones name the columns that were shown, as older choices do. */
export function choiceNamed(names: readonly string[], columns: readonly Choosable[]): ColumnChoice | undefined {
  if (names[0] !== USUAL) return choiceShown(names, columns);
  const begun = (sign: string) => names.filter((name) => name.startsWith(sign)).map((name) => name.slice(1));
  return choiceOf(begun("+"), begun("-"));
}

/** The choice that showed these columns. One that is not in every scope is not known to have been taken out. */
function choiceShown(ids: readonly string[], columns: readonly Choosable[]): ColumnChoice | undefined {
  const isOther = ({ id, fixed, off = false }: Choosable) => !fixed && off === ids.includes(id);
  const others = columns.filter(isOther);
  return choiceOf(
    others.filter(({ off }) => off).map(({ id }) => id),
    others.filter(({ off, scoped }) => !off && !scoped).map(({ id }) => id),
  );
}

/** A choice as it was kept on this computer; undefined when that is nothing of the kind. */
export function keptChoice(kept: unknown, columns: readonly Choosable[]): ColumnChoice | undefined {
  if (isNames(kept)) return kept.length > 0 ? choiceShown(kept, columns) : undefined;
  const { added, removed } = (kept ?? {}) as Partial<Record<keyof ColumnChoice, unknown>>;
  return isNames(added) && isNames(removed) ? choiceOf(added, removed) : undefined;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
