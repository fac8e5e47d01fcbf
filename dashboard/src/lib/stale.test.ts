import { expect, it } from "vitest";
import { asOf, staleParts } from "./stale";

it("names what could not be refreshed", () => {
  expect(staleParts([["organizations", "list", ""]])).toBe("The organizations");
  expect(staleParts([["agents", "list", {}], ["agents", "list", { q: "x" }]])).toBe("The list of agents");
  expect(staleParts([["agents", "list", {}], ["agents", "count", {}]])).toBe("The list of agents and the number of agents");
});

it("names none where there are many, or one is unknown", () => {
  expect(staleParts([["agents", "list"], ["audit"], ["work"]])).toBe("Parts of this page");
  expect(staleParts([["something"]])).toBe("Parts of this page");
  expect(staleParts([["audit"], ["something"]])).toBe("Parts of this page");
});

it("is never of just now", () => {
  const at = Date.parse("2026-11-24T09:12:03Z");
  expect(asOf(at, at)).toMatch(/^\d\d:\d\d:03 \(less than a minute ago\)$/);
  expect(asOf(at, at + 3 * 60_000)).toMatch(/\(3 min ago\)$/);
});
