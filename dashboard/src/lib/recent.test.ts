import { describe, expect, it } from "vitest";
import { Recent } from "./recent";

describe("Recent", () => {
  it("knows what happened since a time, by kind", () => {
    const recent = new Recent<string>();
    recent.add("resync", 1_000);
    recent.add("agent", 2_000);
    const had = (since: number, what: string) => recent.had(since, (one) => one === what);
    expect(had(1_000, "resync")).toBe(true);
    expect(had(1_001, "resync")).toBe(false);
    expect(had(0, "fleet")).toBe(false);
    expect(had(1_500, "agent")).toBe(true);
  });

  it("forgets what is old, and keeps no more than it may", () => {
    const recent = new Recent<number>();
    recent.add(-1, 0);
    recent.add(-2, 10_001);
    expect(recent.had(0, (one) => one === -1)).toBe(false);
    for (let n = 0; n < 2_000; n++) recent.add(n, 10_002);
    expect(recent.had(0, (one) => one === -2)).toBe(false);
    expect(recent.had(0, (one) => one === 1_500)).toBe(true);
    expect(recent.had(0, (one) => one === 1_499)).toBe(false);
  });
});
