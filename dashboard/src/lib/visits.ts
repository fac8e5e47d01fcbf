/** A page that somebody looked at: enough to name it and to go there again. */
export interface Visit {
  kind: "agent" | "organization";
  id: string;
  name: string;
  /** Where it is, in words. */
  place: string;
}

/** So many are kept. */
const MOST = 8;
const PREFIX = "gururmm-visits:";

/** The visits with one more, the latest first, each page once. */
export function withVisit(visits: readonly Visit[], visit: Visit): Visit[] {
  return [visit, ...visits.filter(({ kind, id }) => kind !== visit.kind || id !== visit.id)].slice(0, MOST);
}

function isVisit(value: unknown): value is Visit {
  if (typeof value !== "object" || value === null) return false;
  const { kind, id, name, place } = value as Record<string, unknown>;
  return (kind === "agent" || kind === "organization") && [id, name, place].every((each) => typeof each === "string");
}

/** What stands in the store, as far as it is usable. */
export function parseVisits(stored: string | null): Visit[] {
  try {
    const value: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(value) ? value.filter(isVisit).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** What this user looked at last, in this tab: whoever else signs in sees none of it. */
export function readVisits(userId: string): Visit[] {
  try {
    return parseVisits(sessionStorage.getItem(PREFIX + userId));
  } catch {
    return [];
  }
}

/** Keeps a visit. A browser that keeps nothing is no reason to fail. */
export function rememberVisit(userId: string, visit: Visit): void {
  try {
    sessionStorage.setItem(PREFIX + userId, JSON.stringify(withVisit(readVisits(userId), visit)));
  } catch {
    return;
  }
}

/** Forgets the visits of everybody. */
export function forgetVisits(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    return;
  }
}
