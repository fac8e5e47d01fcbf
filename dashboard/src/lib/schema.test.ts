import { describe, expect, it } from "vitest";
import { inWords, isChanged, placed, problemsIn, type Schema, toKeep, toSend } from "./schema";

interface Values {
  name: string;
  note: string | null;
  password: string;
  uses: number | null;
  pause: number;
  role: "viewer" | "admin";
  active: boolean;
  tags: string[];
  variables: Record<string, string>;
}

const schema: Schema<Values> = {
  name: { kind: "text", label: "Name", required: true, longest: 5 },
  note: { kind: "text", label: "Note" },
  password: { kind: "secret", label: "Password", shortest: 12, required: true },
  uses: { kind: "number", label: "Uses", least: 1, most: 100 },
  pause: { kind: "duration", label: "Pause", least: 60, most: 86_400, required: true },
  role: { kind: "select", label: "Role", options: [{ value: "viewer", label: "Viewer" }] },
  active: { kind: "switch", label: "Active" },
  tags: { kind: "list", label: "Tags", one: "tag", most: 3 },
  variables: { kind: "pairs", label: "Variables" },
};
const good: Values = {
  name: " Ann ",
  note: "  ",
  password: "correct horse battery",
  uses: null,
  pause: 3_600,
  role: "viewer",
  active: false,
  tags: ["a ", "b"],
  variables: { A: "1" },
};
const problems = (change: Record<string, unknown>) => problemsIn(schema, { ...good, ...change });

describe("problemsIn", () => {
  it("finds nothing wrong with good values", () => expect(problems({})).toEqual({}));
  it.each([
    [{ name: "  " }, "name"],
    [{ name: "too long" }, "name"],
    [{ password: "short" }, "password"],
    [{ uses: 0 }, "uses"],
    [{ uses: 1.5 }, "uses"],
    [{ uses: "1e9" }, "uses"],
    [{ pause: 59 }, "pause"],
    [{ pause: null }, "pause"],
    [{ tags: ["a", " "] }, "tags.1"],
    [{ tags: ["a", "b", "a"] }, "tags.2"],
    [{ tags: ["a", "b", "c", "d"] }, "tags"],
    [{ variables: { "": "x" } }, "variables"],
  ])("%j", (change, path) => {
    expect(Object.keys(problems(change))).toEqual([path]);
  });
});

it("sends no blanks, and null for what is empty", () => {
  expect(toSend(schema, good)).toEqual({ ...good, name: "Ann", note: null, tags: ["a", "b"] });
});

it("puts the server's errors at their fields, rows and neighbours, and leaves the others", () => {
  const errors = {
    name: "is taken",
    "tags.1": "is too long",
    "tags[0]": "is odd",
    "variables.PATH": "is reserved",
    "memberships.0.role": "is not known",
  };
  expect(placed(schema, errors)).toEqual({
    at: { name: "is taken", "tags.1": "is too long", "tags.0": "is odd", variables: "PATH: is reserved" },
    paths: ["name", "tags.1", "tags[0]", "variables.PATH"],
  });
  const memberships = { memberships: { kind: "custom", label: "Memberships", render: () => null } } as const;
  expect(placed(memberships, errors).at).toEqual({ memberships: "0.role: is not known" });
});

it("keeps neither secrets nor what it does not know", () => {
  const own = { ...schema, note: { kind: "custom", label: "Note", render: () => null } } as const;
  expect(Object.keys(toKeep(own, { ...good, more: 1 }))).toEqual(["name", "uses", "pause", "role", "active", "tags", "variables"]);
});

it("knows whether something changed", () => {
  expect([isChanged(good, { ...good }), isChanged(good, { ...good, tags: [] })]).toEqual([false, true]);
});

it.each([[60, "1 minute"], [90, "90 seconds"], [7_200, "2 hours"], [86_400, "1 day"], [0, "0 seconds"]])("%d seconds are %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});
