import type { ReactNode } from "react";

/** What every field of a form has. */
interface Common {
  label: string;
  /** Stands below the label: what it is for, what is typical. */
  help?: string;
  required?: boolean;
}

export type TextField = Common & {
  kind: "text";
  longest?: number;
  placeholder?: string;
  type?: "email";
  autoComplete?: string;
};
/** Typed blind, never kept. */
export type SecretField = Common & { kind: "secret"; shortest?: number; autoComplete?: string };
/** A whole number. */
export type NumberField = Common & { kind: "number"; least: number; most: number; unit?: string; placeholder?: string };
/** A length of time in seconds, typed in the unit that suits it. */
export type DurationField = Common & { kind: "duration"; least: number; most: number };
export type SelectField<T> = Common & { kind: "select"; options: readonly { value: T; label: string }[] };
export type SwitchField = Common & { kind: "switch" };
/** Texts, one a row. */
export type ListField = Common & { kind: "list"; most?: number; one: string };
/** Names with values. */
export type PairsField = Common & { kind: "pairs" };
/** A control of its own. */
export type CustomField<T> = Common & {
  kind: "custom";
  render(field: { value: T; set(value: T): void; error: string | undefined }): ReactNode;
};

/** The fields that can hold a value of a type. */
type FieldOf<T> =
  | CustomField<T>
  | (NonNullable<T> extends boolean
      ? SwitchField
      : NonNullable<T> extends number
        ? NumberField | DurationField | SelectField<NonNullable<T>>
        : NonNullable<T> extends string
          ? TextField | SecretField | SelectField<NonNullable<T>>
          : NonNullable<T> extends string[]
            ? ListField
            : NonNullable<T> extends Record<string, string>
              ? PairsField
              : never);

/** A form for values of a type, in the order of its fields. */
export type Schema<V> = { readonly [Name in keyof V & string]-?: FieldOf<V[Name]> };

export type AnyField =
  | TextField
  | SecretField
  | NumberField
  | DurationField
  | SelectField<string | number>
  | SwitchField
  | ListField
  | PairsField
  | CustomField<unknown>;

/** What is wrong, by path: a field's name, or a place in it such as `tags.2`. */
export type Problems = Readonly<Record<string, string>>;

const isBlank = (value: unknown) =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "") || (Array.isArray(value) && value.length === 0);

/** What must be mended before values can be sent. */
export function problemsIn(schema: Readonly<Record<string, AnyField>>, values: Readonly<Record<string, unknown>>): Problems {
  const problems: Record<string, string> = {};
  for (const [name, field] of Object.entries(schema)) {
    const value = values[name];
    if (isBlank(value)) {
      if (field.required && field.kind !== "switch") problems[name] = "This is needed.";
    } else {
      Object.assign(problems, problemOf(name, field, value));
    }
  }
  return problems;
}

function problemOf(name: string, field: AnyField, value: unknown): Record<string, string> {
  switch (field.kind) {
    case "text":
      return field.longest !== undefined && String(value).trim().length > field.longest ? { [name]: `At most ${field.longest} characters.` } : {};
    case "secret":
      return field.shortest !== undefined && String(value).length < field.shortest ? { [name]: `At least ${field.shortest} characters.` } : {};
    case "number":
    case "duration": {
      const { least, most } = field;
      const fits = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
      if (fits) return {};
      if (field.kind === "duration") return { [name]: `From ${inWords(least)} to ${inWords(most)}.` };
      return { [name]: `A whole number from ${least} to ${most}${field.required ? "" : ", or nothing"}.` };
    }
    case "list":
      return problemsOfList(name, field, value as readonly string[]);
    case "pairs":
      return Object.hasOwn(value as object, "") ? { [name]: "A value has no name." } : {};
    default:
      return {};
  }
}

function problemsOfList(name: string, { most }: ListField, values: readonly string[]): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [index, value] of values.entries()) {
    if (value.trim() === "") problems[`${name}.${index}`] = "Fill it in or remove it.";
    else if (values.findIndex((other) => other.trim() === value.trim()) < index) problems[`${name}.${index}`] = "It stands here twice.";
  }
  if (most !== undefined && values.length > most) problems[name] = `At most ${most}.`;
  return problems;
}

/** Values as they are sent: without blanks around them, and null for what is left empty. */
export function toSend<V extends object>(schema: Schema<V>, values: V): V {
  const fields: [string, AnyField][] = Object.entries(schema);
  const sent = fields.map(([name, field]) => {
    const value = (values as Record<string, unknown>)[name];
    if (field.kind === "text" && typeof value === "string") return [name, value.trim() || (field.required ? "" : null)];
    if (field.kind === "list" && Array.isArray(value)) return [name, value.map((each) => String(each).trim())];
    return [name, isBlank(value) && !Array.isArray(value) ? null : value];
  });
  return Object.fromEntries(sent) as V;
}

/**
 * Puts the server's errors, which it names by path (`memberships.0.role`), where the form has a place for them: at the
 * path itself where that is one of a list's rows, else at the field that the path begins with.
 */
export function placed(schema: Readonly<Record<string, AnyField>>, errors: Problems): { at: Problems; paths: string[] } {
  const at: Record<string, string> = {};
  const paths: string[] = [];
  for (const [path, message] of Object.entries(errors)) {
    const [name = "", row, ...deeper] = path.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
    if (!Object.hasOwn(schema, name)) continue;
    paths.push(path);
    const isRow = schema[name]?.kind === "list" && row !== undefined && /^\d+$/.test(row) && deeper.length === 0;
    const place = isRow ? `${name}.${row}` : name;
    const words = isRow || row === undefined ? message : `${[row, ...deeper].join(".")}: ${message}`;
    at[place] = at[place] === undefined ? words : `${at[place]} ${words}`;
  }
  return { at, paths };
}

/** What may be kept of values in the browser: no secrets, and nothing that a control of its own has more state about. */
export function toKeep(schema: Readonly<Record<string, AnyField>>, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = (name: string) => Object.hasOwn(schema, name) && schema[name]?.kind !== "secret" && schema[name]?.kind !== "custom";
  return Object.fromEntries(Object.entries(values).filter(([name]) => isKept(name)));
}

/** Whether something was typed that is not what the form began with. */
export function isChanged(initial: object, values: object): boolean {
  return JSON.stringify(initial) !== JSON.stringify(values);
}

/** The units of a length of time, in seconds. */
export const UNITS = [
  { seconds: 86_400, one: "day", many: "days" },
  { seconds: 3_600, one: "hour", many: "hours" },
  { seconds: 60, one: "minute", many: "minutes" },
  { seconds: 1, one: "second", many: "seconds" },
] as const;

/** The largest unit in which a time is a whole number. */
export function unitOf(seconds: number): (typeof UNITS)[number] {
  return UNITS.find((unit) => seconds >= unit.seconds && seconds % unit.seconds === 0) ?? UNITS[3];
}

/** A length of time in words: `3 hours`. */
export function inWords(seconds: number): string {
  const unit = unitOf(seconds);
  const count = seconds / unit.seconds;
  return `${count} ${count === 1 ? unit.one : unit.many}`;
}
