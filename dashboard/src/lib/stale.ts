import { formatRelative, formatTime } from "./age";

/** What the questions of a page are about, by the beginning of their keys; the longer one counts. */
const PARTS: Record<string, string> = {
  "agents list": "the list of agents",
  "agents count": "the number of agents",
  "agents one": "this agent",
  "agents inventory": "the inventory",
  "agents readings": "the readings",
  audit: "the audit log",
  changes: "the recent changes",
  "commands list": "the list of commands",
  "commands one": "this command",
  "enrollment-tokens": "the enrollment tokens",
  organizations: "the organizations",
  overview: "the overview",
  "runs agents": "the agents of this run",
  "runs list": "the list of runs",
  "runs one": "this run",
  sites: "the sites",
  software: "the software",
  spine: "the servers in the tree",
  views: "the saved views",
  work: "the work in progress",
};

function partOf(key: readonly unknown[]): string | undefined {
  return PARTS[`${String(key[0])} ${String(key[1])}`] ?? PARTS[String(key[0])];
}

/** What could not be refreshed, at most two of them by name. */
export function staleParts(keys: readonly (readonly unknown[])[]): string {
  const names = [...new Set(keys.map(partOf))];
  const [one, two] = names;
  if (one === undefined || names.length > 2 || (names.length === 2 && two === undefined)) return "Parts of this page";
  const words = two === undefined ? one : `${one} and ${two}`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Of when it is what is shown: never "just now", for it is known to be old. */
export function asOf(at: number, now: number): string {
  const age = now - at < 60_000 ? "less than a minute ago" : formatRelative(at, now);
  return `${formatTime(at, now)} (${age})`;
}
