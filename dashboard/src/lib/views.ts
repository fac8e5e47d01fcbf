import { type Scope, scopeOf, type ViewAddress } from "./search";

/** What a saved view holds of an address. */
export type ViewQuery = Readonly<Record<string, string>>;

/** Reads an address as its page does. */
export type Parse = (raw: Record<string, unknown>) => object;

/** Parameters that say which view it is, and those that say where it looks. */
const WHICH = new Set<string>(["saved", "view_dialog"] satisfies (keyof ViewAddress)[]);
const SCOPE = new Set<string>(["organization_id", "site_id"] satisfies (keyof Scope)[]);

/** What of an address a view can hold: all that says something, but not which view it is. */
export function queryOf(search: object): Record<string, string> {
  const says = Object.entries(search).filter(([name, value]) => value !== undefined && !WHICH.has(name));
  return Object.fromEntries(says.map(([name, value]) => [name, String(value)]));
}

/** An address without where it looks. */
export function withoutScope(query: ViewQuery): Record<string, string> {
  return Object.fromEntries(Object.entries(query).filter(([name]) => !SCOPE.has(name)));
}

/** What the page knows of a view. */
function known(query: ViewQuery, parse: Parse): Record<string, string> {
  return queryOf({ ...parse(query), ...scopeOf(query) });
}

/** The filters of a view that its page does not know any more, by name. */
export function lostFilters(query: ViewQuery, parse: Parse): string[] {
  const kept = known(query, parse);
  return Object.keys(query).filter((name) => !Object.hasOwn(kept, name)).sort();
}

/** Where the page looks under a view: a view that says nothing about it is of wherever the reader is. */
function scopeUnder(query: ViewQuery, search: Scope): Scope {
  const { organization_id, site_id } = scopeOf(query).organization_id ? scopeOf(query) : search;
  return { organization_id, site_id };
}

/** The address that a view leads to. */
export function addressOf(view: { id: string; query: ViewQuery }, search: Scope, parse: Parse): Record<string, unknown> {
  return { ...known(view.query, parse), ...scopeUnder(view.query, search), saved: view.id };
}

/** Whether an address is another than that of the view. */
export function isOther(view: { id: string; query: ViewQuery }, search: Scope, parse: Parse): boolean {
  const sorted = (query: ViewQuery) => JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(queryOf(addressOf(view, search, parse))) !== sorted(queryOf(search));
}
