import { describe, expect, it } from "vitest";
import { boundWords, byTag, curl, type Document, example, operations, type Schema, typeWords } from "./document";

const document: Document = {
  info: { title: "An API", version: "1" },
  paths: {
    "/api/agents/{id}/commands": {
      post: {
        operationId: "create_command",
        summary: "Runs a command on an agent.",
        tags: ["commands"],
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string", format: "uuid" } }],
        requestBody: { required: true, content: { "application/json": { schema: { $ref: "#/components/schemas/New" } } } },
        responses: { 201: { content: { "application/json": { schema: { type: "object" } } } }, default: { description: "What went wrong" } },
      },
    },
    "/api/search": {
      get: { operationId: "find", tags: ["search"], parameters: [{ name: "q", in: "query", required: true }, { name: "limit", in: "query" }] },
    },
    "/health": { get: { operationId: "health", security: [{}] } },
  },
  components: {
    schemas: {
      New: {
        type: "object",
        required: ["program", "label"],
        properties: {
          program: { oneOf: [{ $ref: "#/components/schemas/Shell" }, { type: "null" }] },
          label: { type: "string" },
          note: { type: ["string", "null"] },
        },
      },
      Shell: { type: "object", required: ["script"], properties: { script: { type: "string", example: "it's here" } } },
      Loop: { type: "object", required: ["again"], properties: { again: { $ref: "#/components/schemas/Loop" } } },
    },
  },
};
const all = operations(document);
const named = (id: string) => {
  const found = all.find((each) => each.id === id);
  if (!found) throw new Error(id);
  return found;
};

describe("operations", () => {
  it("are read with all they take and answer", () => {
    expect(named("create_command")).toMatchObject({ method: "POST", tag: "commands", secured: true, body: { required: true } });
    expect(named("create_command").answers.map(({ status }) => status)).toEqual(["201", "default"]);
    expect(named("health").secured).toBe(false);
    expect(named("health").tag).toBe("other");
  });
  it("are found by any of their words", () => {
    const found = (typed?: string) => byTag(all, typed).map(({ tag, operations: list }) => [tag, list.map(({ id }) => id)]);
    expect(found()).toEqual([["commands", ["create_command"]], ["other", ["health"]], ["search", ["find"]]]);
    expect(found("POST agents")).toEqual([["commands", ["create_command"]]]);
    expect(found("nothing")).toEqual([]);
  });
});

describe("schemas in words", () => {
  it.each<[Schema, string]>([
    [{ $ref: "#/components/schemas/New" }, "New"],
    [{ type: ["string", "null"], format: "uuid" }, "string (uuid) or null"],
    [{ type: "array", items: { $ref: "#/components/schemas/New" } }, "list of New"],
    [{ type: "string", enum: ["a", "b"] }, `"a" or "b"`],
    [{}, "anything"],
  ])("%j", (schema, words) => {
    expect(typeWords(schema)).toBe(words);
  });
  it("say the bounds", () => {
    expect(boundWords({ minimum: 1, maximum: 200, default: 50 })).toBe("1 to 200; by default 50");
    expect(boundWords({ maxLength: 100 })).toBe("at most 100 characters");
    expect(boundWords({})).toBe("");
  });
});

it("an example has the required fields, and ends where a schema holds itself", () => {
  expect(example(document, { $ref: "#/components/schemas/New" })).toEqual({ program: { script: "it's here" }, label: "text" });
  expect(JSON.stringify(example(document, { $ref: "#/components/schemas/Loop" }))).toContain("null");
});

it("a line for the shell keeps quotes and asks for the token by its variable", () => {
  expect(curl(document, named("create_command"), "https://rmm.example")).toBe(
    [
      `curl -X POST 'https://rmm.example/api/agents/{id}/commands' \\`,
      `  -H "Authorization: Bearer $TOKEN" \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d '{"program":{"script":"it'\\''s here"},"label":"text"}'`,
    ].join("\n"),
  );
  expect(curl(document, named("find"), "")).toBe(`curl '/api/search?q=…' \\\n  -H "Authorization: Bearer $TOKEN"`);
  expect(curl(document, named("health"), "")).toBe("curl '/health'");
});
