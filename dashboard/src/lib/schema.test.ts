import { describe, expect, it } from "vitest";
import { isChanged, placed, problemsIn, type Schema, toKeep, toSend } from "./schema";

interface Values {
  name: string;
  note: string | null;
  password: string;
  uses: number | null;
  role: "viewer" | "admin";
  active: boolean;
  memberships: { role: string }[];
}

const schema: Schema<Values> = {
  name: { kind: "text", label: "Name", required: true, longest: 5 },
  note: { kind: "text", label: "Note" },
  password: { kind: "secret", label: "Password", shortest: 12, required: true },
  uses: { kind: "number", label: "Uses", least: 1, most: 100 },
  role: { kind: "select", label: "Role", options: [{ value: "viewer", label: "Viewer" }], required: true },
  active: { kind: "switch", label: "Active", required: true },
  memberships: { kind: "custom", label: "Memberships", render: () => null },
};
const good: Values = {
  name: " Ann ",
  note: "  ",
  password: "correct horse battery",
  uses: null,
  role: "viewer",
  active: false,
  memberships: [],
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
    [{ role: null }, "role"],
  ])("%j", (change, path) => {
    expect(Object.keys(problems(change))).toEqual([path]);
  });
});

it("sends no blanks, and null for what is empty", () => {
  expect(toSend(schema, good)).toEqual({ ...good, name: "Ann", note: null });
  expect(toSend(schema, { ...good, name: " " }).name).toBe("");
});

it("puts the server's errors at their fields, and leaves the others", () => {
  const errors = { name: "is taken", "memberships.0.role": "is not known", "memberships[1]": "is odd", colour: "is not known" };
  expect(placed(schema, errors)).toEqual({
    at: { name: "is taken", memberships: "0.role: is not known 1: is odd" },
    paths: ["name", "memberships.0.role", "memberships[1]"],
  });
});

it("keeps neither secrets nor what it does not know", () => {
  const own = { ...schema, note: { kind: "custom", label: "Note", render: () => null } } as const;
  expect(Object.keys(toKeep(own, { ...good, more: 1 }))).toEqual(["name", "uses", "role", "active"]);
});

it("knows whether something changed", () => {
  expect([isChanged(good, { ...good }), isChanged(good, { ...good, note: "" })]).toEqual([false, true]);
});
