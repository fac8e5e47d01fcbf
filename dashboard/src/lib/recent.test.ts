import { describe, expect, it } from "vitest";
import { Recent } from "./recent";

describe("Recent", () => {
  it("knows when something of a kind happened last", () => {
    const recent = new Recent<string>((what) => what);
    for (const [what, at] of [["resync", 1], ["agent", 2], ["agent", 3], ["fleet", 4]] as const) recent.add(what, at);
    const last = (what: string) => recent.last((one) => one === what);
    expect([last("resync"), last("agent"), last("command")]).toEqual([1, 3, 0]);
  });

  it("keeps what happens once beside what happens all the time", () => {
    const recent = new Recent<string>((what) => what);
    recent.add("rare", 1);
    for (let at = 2; at < 5_000; at++) recent.add("often", at);
    expect(recent.last((what) => what === "rare")).toBe(1);
  });

  it("does not say that nothing happened when it may have forgotten it", () => {
    const recent = new Recent<number>(String);
    for (let at = 1; at <= 600; at++) recent.add(at, at);
    const last = (what: number) => recent.last((one) => one === what);
    expect([last(600), last(101), last(100), last(7)]).toEqual([600, 101, 100, 100]);
  });
});
