import { expect, it } from "vitest";
import { parseVisits, type Visit, withVisit } from "./visits";

const visit = (id: string, name = id): Visit => ({ kind: "agent", id, name, place: "Contoso" });

it("the latest visit is first, once, with its newest name", () => {
  const visits = withVisit([visit("a"), visit("b")], visit("b", "renamed"));
  expect(visits.map(({ name }) => name)).toEqual(["renamed", "a"]);
});

it("only the latest are kept", () => {
  const visits = Array.from({ length: 20 }, (_, index) => visit(String(index))).reduce<Visit[]>(withVisit, []);
  expect(visits.map(({ id }) => id)).toEqual(["19", "18", "17", "16", "15", "14", "13", "12"]);
});

it("what cannot be used of the store is left out", () => {
  expect(parseVisits(null)).toEqual([]);
  expect(parseVisits("{")).toEqual([]);
  expect(parseVisits('{"a":1}')).toEqual([]);
  expect(parseVisits(JSON.stringify([1, null, { kind: "agent" }, visit("a")]))).toEqual([visit("a")]);
});
