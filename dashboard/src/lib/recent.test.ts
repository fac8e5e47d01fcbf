import { describe, expect, it } from "vitest";
import { Recent } from "./recent";

describe("Recent", () => {
  it("knows when something of a kind happened last", () => {
    const recent = new Recent<string>();
    for (const [what, at] of [["resync", 1_000], ["agent", 2_000], ["agent", 3_000], ["fleet", 4_000]] as const) {
      recent.add(what, at);
    }
    const last = (what: string) => recent.last((one) => one === what);
    expect([last("resync"), last("agent"), last("command")]).toEqual([1_000, 3_000, 0]);
  });

  it("forgets what is old, and keeps no more than it may", () => {
    const recent = new Recent<number>();
    recent.add(-1, 1);
    recent.add(-2, 10_002);
    const last = (what: number) => recent.last((one) => one === what);
    expect([last(-1), last(-2)]).toEqual([0, 10_002]);
    for (let n = 0; n < 2_000; n++) recent.add(n, 10_003);
    expect([last(-2), last(1_499), last(1_500)]).toEqual([0, 0, 10_003]);
  });
});
