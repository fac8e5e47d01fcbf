/** What stands in the address: checked like any other input, and left out when it says nothing. */

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** As long as the longest name of a program may be. */
const LONGEST_TEXT = 255;

type Raw = Record<string, unknown>;

/** A text parameter; undefined when it is absent or empty. */
export function text(raw: Raw, key: string): string | undefined {
  const value = raw[key];
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const trimmed = String(value).trim().slice(0, LONGEST_TEXT);
  return trimmed === "" ? undefined : trimmed;
}

/** An id; undefined when it is none. */
export function id(raw: Raw, key: string): string | undefined {
  const value = raw[key];
  return typeof value === "string" && ID.test(value) ? value.toLowerCase() : undefined;
}

/** One of a set of words; undefined when it is none of them. */
export function oneOf<const T extends string>(raw: Raw, key: string, words: readonly T[]): T | undefined {
  return words.find((word) => word === raw[key]);
}

/** Where the page looks: everything, an organization, or one of its sites. */
export interface Scope {
  organization_id?: string | undefined;
  site_id?: string | undefined;
}

export function scopeOf(raw: Raw): Scope {
  const organization_id = id(raw, "organization_id");
  return { organization_id, site_id: organization_id ? id(raw, "site_id") : undefined };
}

export const PRESENCES = ["online", "reconnecting", "offline", "never"] as const;
export const OS_FAMILIES = ["windows", "linux", "other"] as const;
export const ROLES = ["any_server", "domain_controller", "server", "workstation", "unknown"] as const;
export const AGENT_STATES = ["active", "quarantined", "decommissioning", "decommissioned"] as const;
const AGENT_SORTS = [
  "attention",
  "-attention",
  "name",
  "-name",
  "last_seen",
  "-last_seen",
  "organization",
  "-organization",
  "volume",
  "-volume",
  "cpu",
  "-cpu",
  "memory",
  "-memory",
] as const;
type AgentSort = (typeof AGENT_SORTS)[number];
/** The order of a list of agents where none is chosen: those that need somebody first. */
export const AGENT_ORDER: AgentSort = "attention";
/** Reasons for which a machine needs somebody, the most urgent first. */
export const ATTENTION_REASONS = ["quarantined", "offline", "volume_full", "clash", "never_connected", "pending_reboot"] as const;
const ATTENTIONS = ["any", ...ATTENTION_REASONS] as const;
export const COMMAND_STATES = [
  "queued",
  "sent",
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "cancelled",
  "expired",
  "unknown",
] as const;

/** Which machines are meant. */
export interface AgentsFilter extends Scope {
  q?: string | undefined;
  presence?: (typeof PRESENCES)[number] | undefined;
  os_family?: (typeof OS_FAMILIES)[number] | undefined;
  role?: (typeof ROLES)[number] | undefined;
  state?: (typeof AGENT_STATES)[number] | undefined;
  attention?: (typeof ATTENTIONS)[number] | undefined;
}

/** The dialogs of saved views. */
const VIEW_DIALOGS = ["save", "edit", "delete"] as const;

/** What a page with saved views has in its address besides what such a view holds. */
export interface ViewAddress {
  /** The saved view that was chosen. */
  saved?: string | undefined;
  view_dialog?: (typeof VIEW_DIALOGS)[number] | undefined;
}

function viewAddress(raw: Raw): ViewAddress {
  return { saved: id(raw, "saved"), view_dialog: oneOf(raw, "view_dialog", VIEW_DIALOGS) };
}

/** What the agents page filters and sorts by; an absent order is `AGENT_ORDER`. */
export interface AgentsSearch extends AgentsFilter, ViewAddress {
  sort?: AgentSort | undefined;
}

/** Only the filter of a search. */
export function agentsFilter(search: AgentsSearch): AgentsFilter {
  const { organization_id, site_id, q, presence, os_family, role, state, attention } = search;
  return { organization_id, site_id, q, presence, os_family, role, state, attention };
}

export function agentsSearch(raw: Raw): AgentsSearch {
  return {
    ...scopeOf(raw),
    q: text(raw, "q"),
    presence: oneOf(raw, "presence", PRESENCES),
    os_family: oneOf(raw, "os_family", OS_FAMILIES),
    role: oneOf(raw, "role", ROLES),
    state: oneOf(raw, "state", AGENT_STATES),
    attention: oneOf(raw, "attention", ATTENTIONS),
    sort: oneOf(raw, "sort", AGENT_SORTS),
    ...viewAddress(raw),
  };
}

/** What the overview shows besides what it always does. */
interface OverviewSearch {
  /** Among the recent changes, who logged in and out. */
  logons?: true | undefined;
}

export function overviewSearch(raw: Raw): OverviewSearch {
  return { logons: raw.logons === true || undefined };
}

interface CommandsSearch extends ViewAddress {
  state?: (typeof COMMAND_STATES)[number] | undefined;
}

export function commandsSearch(raw: Raw): CommandsSearch {
  return { state: oneOf(raw, "state", COMMAND_STATES), ...viewAddress(raw) };
}

/** What the list of runs is narrowed to. */
export interface RunsSearch {
  mine?: boolean | undefined;
  open?: boolean | undefined;
}

export function runsSearch(raw: Raw): RunsSearch {
  return { mine: raw.mine === true || undefined, open: raw.open === true || undefined };
}

/** Where a machine of a run may stand: the states of a command, and given none. */
const RUN_AGENT_STATES = [...COMMAND_STATES, "refused"] as const;

/** Which machines of a run are shown. */
export interface RunSearch {
  q?: string | undefined;
  at?: (typeof RUN_AGENT_STATES)[number] | undefined;
}

export function runSearch(raw: Raw): RunSearch {
  return { q: text(raw, "q"), at: oneOf(raw, "at", RUN_AGENT_STATES) };
}

/** Who keeps track of what is installed. */
export const TITLE_SOURCES = ["windows", "dpkg", "rpm", "other"] as const;
export type TitleSource = (typeof TITLE_SOURCES)[number];

/** Which versions of installed software are looked for. */
export interface VersionSearch {
  /** Only versions below this one. */
  below?: string | undefined;
  /** Only this version and those above. */
  at_least?: string | undefined;
}

/** What the software page filters by. */
export interface SoftwareSearch extends Scope, VersionSearch, ViewAddress {
  q?: string | undefined;
  publisher?: string | undefined;
  source?: TitleSource | undefined;
}

export function softwareSearch(raw: Raw): SoftwareSearch {
  return {
    ...scopeOf(raw),
    q: text(raw, "q"),
    publisher: text(raw, "publisher"),
    source: oneOf(raw, "source", TITLE_SOURCES),
    below: text(raw, "below"),
    at_least: text(raw, "at_least"),
    ...viewAddress(raw),
  };
}

/** What the organizations page filters by. */
interface OrganizationsSearch extends ViewAddress {
  q?: string | undefined;
}

export function organizationsSearch(raw: Raw): OrganizationsSearch {
  return { q: text(raw, "q"), ...viewAddress(raw) };
}

/** Why the software of an agent is not known. */
export const UNKNOWN_STANDINGS = ["never", "unread", "stale", "partial"] as const;

/** What the page of the agents whose software is not known filters by. */
export interface UnknownSearch extends Scope {
  standing?: (typeof UNKNOWN_STANDINGS)[number] | undefined;
}

export function unknownSearch(raw: Raw): UnknownSearch {
  return { ...scopeOf(raw), standing: oneOf(raw, "standing", UNKNOWN_STANDINGS) };
}

/** What the page of one title shows; without a title there is nothing to show. */
export interface TitleSearch extends Scope, VersionSearch {
  title?: string | undefined;
  source?: TitleSource | undefined;
  /** Only this version, as it is written. */
  version?: string | undefined;
}

export function titleSearch(raw: Raw): TitleSearch {
  return {
    ...scopeOf(raw),
    title: text(raw, "title"),
    source: oneOf(raw, "source", TITLE_SOURCES),
    version: text(raw, "version"),
    below: text(raw, "below"),
    at_least: text(raw, "at_least"),
  };
}

/** Reads a value of the address. What looks like a number stays text: 1.10 is a version and not 1.1. */
export function addressValue(value: string): unknown {
  const parsed: unknown = JSON.parse(value);
  if (typeof parsed === "number") throw new TypeError("a number stays text");
  return parsed;
}

export const OUTCOMES = ["success", "refused"] as const;

/** What the audit page filters by, besides the scope. */
export interface AuditSearch extends ViewAddress {
  action?: string | undefined;
  actor?: string | undefined;
  outcome?: (typeof OUTCOMES)[number] | undefined;
  agent_id?: string | undefined;
  /** First and last day, in the reader's own time zone: `2026-11-23`. */
  from?: string | undefined;
  to?: string | undefined;
}

/** A day of the calendar; undefined when it is none. */
export function day(raw: Raw, key: string): string | undefined {
  const value = text(raw, key);
  if (value === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  const at = new Date(`${value}T00:00:00Z`);
  // 30 February would be taken for a day of March.
  return Number.isNaN(at.getTime()) || !at.toISOString().startsWith(value) ? undefined : value;
}

/** When a day begins in the reader's own time zone, so many days later, as the server is asked. */
export function dayStart(day: string | undefined, later = 0): string | undefined {
  if (day === undefined) return undefined;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export function auditSearch(raw: Raw): AuditSearch {
  return {
    action: text(raw, "action"),
    actor: text(raw, "actor"),
    outcome: oneOf(raw, "outcome", OUTCOMES),
    agent_id: id(raw, "agent_id"),
    from: day(raw, "from"),
    to: day(raw, "to"),
    ...viewAddress(raw),
  };
}

/** A path inside the dashboard to go back to after the login; anything else is dropped. */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/";
  return /^\/(login|setup-first-account)(?:[/?#]|$)/.test(next) ? "/" : next;
}
