import { describe, expect, it } from "vitest";
import type { InventoryChange } from "../api/types";
import { changeLines, changeName } from "./changes";

const change = (part: Partial<InventoryChange>): InventoryChange => ({
  id: 1,
  at: "2026-11-23T12:00:00Z",
  section: "software",
  kind: "changed",
  key: "Chrome",
  ...part,
});

describe("what changed, in lines", () => {
  it("tells only the fields that differ", () => {
    const before = { name: "Chrome", version: "119", publisher: "Google", source: "machine" };
    expect(changeLines(change({ before, after: { ...before, version: "120.0" } }))).toEqual([
      { field: "Version", before: "119", after: "120.0" },
    ]);
  });
  it("tells a field that came or went", () => {
    const lines = changeLines(change({ before: { name: "Chrome", version: null }, after: { name: "Chrome", version: "1", user: "ada" } }));
    expect(lines).toEqual([{ field: "Version", after: "1" }, { field: "User", after: "ada" }]);
  });
  it("tells all of what was added or removed, without its name", () => {
    const value = { name: "Chrome", version: "119", installed_on: null, removable: false };
    expect(changeLines(change({ kind: "added", after: value }))).toEqual([{ field: "Version", after: "119" }, { field: "Removable", after: "no" }]);
    expect(changeLines(change({ kind: "removed", before: value }))).toEqual([{ field: "Version", before: "119" }, { field: "Removable", before: "no" }]);
  });
  it("tells a new name of a thing that is known by another field", () => {
    const lines = changeLines(change({ section: "disks", key: "S1", before: { name: "sda", serial: "S1" }, after: { name: "sdb", serial: "S1" } }));
    expect(lines).toEqual([{ field: "Name", before: "sda", after: "sdb" }]);
  });
  it("tells properties by their names, and instants as times", () => {
    const booted = change({ section: "os", key: "booted_at", before: "2026-11-22T10:00:00Z", after: "2026-11-23T10:00:00Z" });
    expect(changeName(booted)).toBe("Booted at");
    const [line] = changeLines(booted);
    expect(line?.field).toBe("");
    expect(line?.before).not.toContain("T10:00:00Z");
    expect(changeLines(change({ section: "reboot", key: "pending", before: false, after: true }))).toEqual([{ field: "", before: "no", after: "yes" }]);
  });
  it("tells how many are beyond what is kept", () => {
    const more = change({ kind: "more", key: "", after: { added: 1200, removed: 0, changed: 3 } });
    expect(changeLines(more)).toEqual([{ field: "", after: "1,200 added, 3 changed" }]);
    expect(changeName(more)).toBe("More changes than are kept");
    const unsure = change({ kind: "unsure", key: "", after: { added: 0, removed: 2, changed: 0 } });
    expect(changeLines(unsure)).toEqual([{ field: "", after: "2 removed" }]);
    expect(changeName(unsure)).toBe("Perhaps changed: parts could not be read");
  });
  it.each([null, undefined, 7, "text", [], [1, { a: 2 }], { nested: { deep: true } }])("does not fail on %j", (value) => {
    expect(() => changeLines(change({ before: value, after: { name: "x" } }))).not.toThrow();
    expect(() => changeLines(change({ kind: "more", after: value }))).not.toThrow();
  });
});
