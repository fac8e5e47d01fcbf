/** A schema of the document, as far as it is shown. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  example?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

type Content = Record<string, { schema?: Schema }>;

interface RawOperation {
  operationId?: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Content };
  responses?: Record<string, { description?: string; content?: Content }>;
  security?: unknown[];
}

/** The part of an OpenAPI document that is shown. */
export interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, RawOperation>>;
  components?: { schemas?: Record<string, Schema> };
}

export interface Body {
  type: string;
  schema: Schema | undefined;
  required: boolean;
}

interface Answer {
  status: string;
  description: string;
  bodies: Body[];
}

/** One operation of the API. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  body: Body | undefined;
  answers: Answer[];
  /** Whether somebody must be logged in. */
  secured: boolean;
}

const METHODS = ["get", "post", "put", "patch", "delete"];
/** How deep an example goes: what lies below is left to the description. */
const DEEPEST = 6;

function bodies(content: Content | undefined, required = true): Body[] {
  return Object.entries(content ?? {}).map(([type, { schema }]) => ({ type, schema, required }));
}

/** All operations, by path. */
export function operations(document: Document): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): Operation[] => {
      const raw = item[method];
      if (!raw) return [];
      const { requestBody, responses, security } = raw;
      return [
        {
          id: raw.operationId ?? `${method} ${path}`,
          method: method.toUpperCase(),
          path,
          tag: raw.tags?.[0] ?? "other",
          summary: raw.summary ?? "",
          description: raw.description ?? "",
          parameters: raw.parameters ?? [],
          body: bodies(requestBody?.content, requestBody?.required ?? false)[0],
          answers: Object.entries(responses ?? {}).map(([status, answer]) => ({
            status,
            description: answer.description ?? "",
            bodies: bodies(answer.content),
          })),
          // An empty requirement among them says that none is needed.
          secured: !security?.some((each) => Object.keys(each as object).length === 0),
        },
      ];
    }),
  );
}

/** Operations that have all of the typed words, by their tag in the order of the alphabet. */
export function byTag(all: readonly Operation[], typed: string | undefined): { tag: string; operations: Operation[] }[] {
  const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const tags = new Map<string, Operation[]>();
  for (const operation of all) {
    const { id, method, path, tag, summary } = operation;
    const text = `${id} ${method} ${path} ${tag} ${summary}`.toLowerCase();
    if (words.every((word) => text.includes(word))) tags.set(tag, [...(tags.get(tag) ?? []), operation]);
  }
  return [...tags].map(([tag, list]) => ({ tag, operations: list })).sort((a, b) => a.tag.localeCompare(b.tag));
}

/** The name of a schema that is described once, for all who use it. */
export function refName(schema: Schema): string | undefined {
  return schema.$ref?.replace("#/components/schemas/", "");
}

/** What a reference stands for; everything else stands for itself. */
export function resolve(document: Document, schema: Schema): Schema {
  const name = refName(schema);
  return name === undefined ? schema : (document.components?.schemas?.[name] ?? {});
}

function typesOf(schema: Schema): string[] {
  return Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];
}

/** The choices of a schema, without the one that says null. */
export function choices(schema: Schema): Schema[] {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((each) => !typesOf(each).includes("null"));
}

/** The type in words: `string (uuid)`, `Command or null`, `list of Agent`. */
export function typeWords(schema: Schema): string {
  const name = refName(schema);
  if (name !== undefined) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const all = schema.oneOf ?? schema.anyOf;
  if (all) return all.map(typeWords).join(" or ");
  if (schema.allOf) return schema.allOf.map(typeWords).join(" and ");
  if (schema.enum && schema.enum.length <= 12) return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  const words = typesOf(schema).map((type) => {
    if (type === "array") return `list of ${schema.items ? typeWords(schema.items) : "anything"}`;
    return schema.format && type !== "null" && type !== "object" ? `${type} (${schema.format})` : type;
  });
  return words.length > 0 ? words.join(" or ") : "anything";
}

/** The bounds of a value in words; empty when there are none. */
export function boundWords({ minimum, maximum, minLength, maxLength, maxItems, default: byDefault }: Schema): string {
  const range = (least: number | undefined, most: number | undefined, unit: string) => {
    if (least === undefined && most === undefined) return [];
    if (most === undefined) return [`at least ${least}${unit}`];
    return [least === undefined ? `at most ${most}${unit}` : `${least} to ${most}${unit}`];
  };
  return [
    ...range(minimum, maximum, ""),
    ...range(minLength, maxLength, " characters"),
    ...range(undefined, maxItems, " items"),
    ...(byDefault === undefined ? [] : [`by default ${JSON.stringify(byDefault)}`]),
  ].join("; ");
}

const SAMPLES: Record<string, unknown> = {
  uuid: "0190a6c0-0000-7000-8000-000000000001",
  "date-time": "2026-01-31T12:00:00Z",
  date: "2026-01-31",
};

/** A value as the schema describes it: the required fields, or all where none is required. */
export function example(document: Document, schema: Schema | undefined, depth = 0): unknown {
  if (!schema || depth > DEEPEST) return null;
  const whole = resolve(document, schema);
  if (whole.example !== undefined) return whole.example;
  if (whole.default !== undefined) return whole.default;
  if (whole.const !== undefined) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (whole.allOf) {
    const parts = whole.allOf.map((each) => example(document, each, depth + 1));
    return Object.assign({}, ...parts.filter((part) => typeof part === "object")) as unknown;
  }
  const [choice] = choices(whole);
  if (choice) return example(document, choice, depth + 1);
  const type = typesOf(whole).find((each) => each !== "null");
  if (whole.properties) {
    const names = whole.required && whole.required.length > 0 ? whole.required : Object.keys(whole.properties);
    return Object.fromEntries(names.map((name) => [name, example(document, whole.properties?.[name], depth + 1)]));
  }
  if (type === "array") return whole.items ? [example(document, whole.items, depth + 1)] : [];
  if (type === "integer" || type === "number") return whole.minimum ?? 1;
  if (type === "boolean") return true;
  if (type === "string") return SAMPLES[whole.format ?? ""] ?? "text";
  return {};
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The operation as a line for a shell, with the access token in a variable. */
export function curl(document: Document, { method, path, parameters, body, secured }: Operation, origin: string): string {
  const needed = parameters.filter(({ in: place, required }) => place === "query" && required).map(({ name }) => `${name}=…`);
  const url = `${origin}${path}${needed.length > 0 ? `?${needed.join("&")}` : ""}`;
  const parts = [
    `curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(url)}`,
    ...(secured ? [`-H "Authorization: Bearer $TOKEN"`] : []),
    ...(body ? [`-H ${quoted(`Content-Type: ${body.type}`)}`, `-d ${quoted(JSON.stringify(example(document, body.schema)))}`] : []),
  ];
  return parts.join(" \\\n  ");
}
