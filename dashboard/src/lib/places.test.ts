import { expect, it } from "vitest";
import { Places } from "./places";

it("keeps scroll and focus apart, and the latest of each", () => {
  const places = new Places();
  expect(places.get("a")).toBeUndefined();
  places.put("a", { rowId: "r1" });
  places.put("a", { top: 120 });
  expect(places.get("a")).toEqual({ top: 120, rowId: "r1" });
  places.put("a", { rowId: undefined });
  expect(places.get("a")).toEqual({ top: 120, rowId: undefined });
});

it("forgets the lists that were not looked at for longest", () => {
  const places = new Places();
  places.put("kept", { top: 1 });
  places.put("old", { top: 2 });
  places.put("kept", { top: 3 });
  for (let n = 0; n < 49; n += 1) places.put(`list ${n}`, { top: n });
  expect(places.get("old")).toBeUndefined();
  expect(places.get("kept")).toEqual({ top: 3 });
});
