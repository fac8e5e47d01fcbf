import { expect, it } from "vitest";
import { isOfNow } from "./readings";

it("a reading is of now for a few minutes", () => {
  const at = Date.UTC(2026, 10, 24);
  expect([0, 60_000, 300_000, 300_001, 86_400_000].map((later) => isOfNow(at, at + later))).toEqual([true, true, true, false, false]);
});
