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
type NumberField = Common & { kind: "number"; least: number; most: number; placeholder?: string };
export type SelectField<T> = Common & { kind: "select"; options: readonly { value: T; label: string }[] };
type SwitchField = Common & { kind: "switch" };
/** A control of its own. */
type CustomField<T> = Common & {
  kind: "custom";
  render(field: { value: T; set(value: T): void; error: string | undefined }): ReactNode;
};

/** The fields that can hold a value of a type. */
type FieldOf<T> =
  | CustomField<T>
  | (NonNullable<T> extends boolean
      ? SwitchField
      : NonNullable<T> extends number
        ? NumberField | SelectField<NonNullable<T>>
        : NonNullable<T> extends string
          ? TextField | SecretField | SelectField<NonNullable<T>>
          : never);

/** A form for values of a type, in the order of its fields. */
export type Schema<V> = { readonly [Name in keyof V & string]-?: FieldOf<V[Name]> };

export type AnyField =
  | TextField
  | SecretField
  | NumberField
  | SelectField<string | number>
  | SwitchField
  | CustomField<unknown>;

/** What is wrong, by the field's name. */
export type Problems = Readonly<Record<string, string>>;

const isBlank = (value: unknown) => value === undefined || value === null || (typeof value === "string" && value.trim() === "");

/** What must be mended before values can be sent. */
export function problemsIn(schema: Readonly<Record<string, AnyField>>, values: Readonly<Record<string, unknown>>): Problems {
  const problems: Record<string, string> = {};
  for (const [name, field] of Object.entries(schema)) {
    const value = values[name];
    const problem = isBlank(value) ? (field.required && field.kind !== "switch" ? "This is needed." : undefined) : problemOf(field, value);
    if (problem !== undefined) problems[name] = problem;
  }
  return problems;
}

function problemOf(field: AnyField, value: unknown): string | undefined {
  switch (field.kind) {
    case "text":
      return field.longest !== undefined && String(value).trim().length > field.longest ? `At most ${field.longest} characters.` : undefined;
    case "secret":
      return field.shortest !== undefined && String(value).length < field.shortest ? `At least ${field.shortest} characters.` : undefined;
    case "number": {
      const { least, most, required } = field;
      const fits = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
      return fits ? undefined : `A whole number from ${least} to ${most}${required ? "" : ", or nothing"}.`;
    }
    default:
      return undefined;
  }
}

/** Values as they are sent: without blanks around them, and null for what is left empty. */
export function toSend<V extends object>(schema: Schema<V>, values: V): V {
  const fields: [string, AnyField][] = Object.entries(schema);
  const sent = fields.map(([name, field]) => {
    const value = (values as Record<string, unknown>)[name];
    if (field.kind === "text" && typeof value === "string") return [name, value.trim() || (field.required ? "" : null)];
    return [name, isBlank(value) ? null : value];
  });
  return Object.fromEntries(sent) as V;
}

/**
 * Puts the server's errors, which it names by path (`memberships.0.role`), at the field that the path begins with, where
 * the form has it; `paths` are those that were.
 */
export function placed(schema: Readonly<Record<string, AnyField>>, errors: Problems): { at: Problems; paths: string[] } {
  const at: Record<string, string> = {};
  const paths: string[] = [];
  for (const [path, message] of Object.entries(errors)) {
    const [name = "", ...deeper] = path.replaceAll(/\[(\d+)\]/g, ".$1").split(".");
    if (!Object.hasOwn(schema, name)) continue;
    paths.push(path);
    const words = deeper.length === 0 ? message : `${deeper.join(".")}: ${message}`;
    at[name] = at[name] === undefined ? words : `${at[name]} ${words}`;
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
