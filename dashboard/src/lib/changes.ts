import type { InventoryChange } from "../api/types";
import { formatAbsolute } from "./age";
import { formatCount } from "./units";

/** One line of what changed: a field, and what it was and is. Absent: there was, or is, none. */
export interface ChangeLine {
  field: string;
  before?: string;
  after?: string;
}

/** Sections whose changes are named by a property. */
const OF_PROPERTIES: ReadonlySet<string> = new Set(["os", "hardware", "reboot"]);
/** Fields that only say again what the change is named by. */
const NAMES: ReadonlySet<string> = new Set(["name", "mount", "serial", "id"]);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

type Fields = Record<string, unknown>;

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** `installed_on` as people write it. */
function fieldWords(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function valueWords(value: unknown): string | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") {
    const at = INSTANT.test(value) ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? value : formatAbsolute(at);
  }
  if (typeof value === "number") return String(value);
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join(", ") || undefined;
  return JSON.stringify(value);
}

function line(field: string, before: unknown, after: unknown): ChangeLine[] {
  const [was, is] = [valueWords(before), valueWords(after)];
  if (was === is) return [];
  return [{ field, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }];
}

/** What the change is about. */
export function changeName(change: InventoryChange): string {
  if (change.kind === "more") return "More changes than are kept";
  if (change.kind === "unsure") return "Perhaps changed: parts could not be read";
  return OF_PROPERTIES.has(change.section) ? fieldWords(change.key) : change.key;
}

/** What changed of it, field by field; of what was added or removed, all that was said of it. */
export function changeLines({ kind, key, before, after }: InventoryChange): ChangeLine[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  if (kind === "more" || kind === "unsure") {
    const parts = Object.entries(is ?? {}).filter(([, count]) => typeof count === "number" && count > 0);
    return [{ field: "", after: parts.map(([word, count]) => `${formatCount(count as number)} ${word}`).join(", ") }];
  }
  if (!was && !is) return line("", before, after);
  const names = [...new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])];
  const told = names.filter((name) => !NAMES.has(name) || (valueWords(was?.[name] ?? is?.[name]) !== key && was && is));
  return told.flatMap((name) => line(fieldWords(name), was?.[name], is?.[name]));
}
