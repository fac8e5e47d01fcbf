import { describe, expect, it } from "vitest";
import { countSelected, fromKept, isSelected, NOTHING, rangeOf, select, type Selection, toKept, underFilter } from "./selection";

const of = (...ids: string[]): Selection => ({ all: false, ids: new Set(ids) });
const allBut = (...ids: string[]): Selection => ({ all: true, ids: new Set(ids) });

describe("a selection of rows", () => {
  it("turns a row over", () => {
    const one = select(NOTHING, { type: "toggle", id: "a" });
    expect(isSelected(one, "a")).toBe(true);
    expect(isSelected(one, "b")).toBe(false);
    expect(select(one, { type: "toggle", id: "a" })).toEqual(NOTHING);
  });
  it("adds and removes several without losing others", () => {
    const three = select(of("x"), { type: "set", ids: ["a", "b"], on: true });
    expect(three).toEqual(of("x", "a", "b"));
    expect(select(three, { type: "set", ids: ["x", "b", "unknown"], on: false })).toEqual(of("a"));
  });
  it("leaves what it was made from as it was", () => {
    const before = of("a");
    select(before, { type: "toggle", id: "b" });
    expect(before).toEqual(of("a"));
  });
});

describe("a selection of all that match", () => {
  const all = select(of("a"), { type: "all" });
  it("includes what is not loaded", () => expect(isSelected(all, "never seen")).toBe(true));
  it("keeps exceptions", () => {
    const most = select(all, { type: "toggle", id: "a" });
    expect(most).toEqual(allBut("a"));
    expect(isSelected(most, "a")).toBe(false);
    expect(select(most, { type: "set", ids: ["a", "b"], on: true })).toEqual(allBut());
    expect(select(most, { type: "set", ids: ["b"], on: false })).toEqual(allBut("a", "b"));
  });
  it("is as many as match, less the exceptions", () => {
    expect(countSelected(allBut("a", "b"), 214)).toBe(212);
    expect(countSelected(allBut("a"), undefined)).toBeUndefined();
    expect(countSelected(allBut("a", "b"), 1)).toBe(0);
    expect(countSelected(of("a", "b"), undefined)).toBe(2);
  });
});

describe("a range", () => {
  const ids = ["a", "b", "c", "d"];
  it("goes either way", () => {
    expect(rangeOf(ids, "b", "d")).toEqual(["b", "c", "d"]);
    expect(rangeOf(ids, "d", "b")).toEqual(["b", "c", "d"]);
  });
  it("is one row without a beginning", () => {
    expect(rangeOf(ids, undefined, "c")).toEqual(["c"]);
    expect(rangeOf(ids, "gone", "c")).toEqual(["c"]);
  });
});

describe("under another filter", () => {
  const state = { key: "servers", selection: of("a"), cleared: false };
  it("nothing stays selected, and that is said", () => {
    expect(underFilter(state, "workstations")).toEqual({ key: "workstations", selection: NOTHING, cleared: true });
    expect(underFilter({ ...state, selection: allBut() }, "x").cleared).toBe(true);
  });
  it("nothing is said where nothing was lost", () => {
    expect(underFilter({ ...state, selection: NOTHING }, "x").cleared).toBe(false);
    expect(underFilter(state, "servers")).toBe(state);
  });
});

describe("what is kept in the tab", () => {
  it("comes back as it was", () => {
    const state = { key: "k", selection: allBut("a"), cleared: false };
    expect(fromKept(JSON.parse(JSON.stringify(toKept(state))))).toEqual(state);
  });
  it.each([null, 1, {}, { key: "k", all: true, ids: [1] }, { key: "k", all: "yes", ids: [] }])("%j is nothing", (kept) =>
    expect(fromKept(kept)).toBeUndefined(),
  );
});
