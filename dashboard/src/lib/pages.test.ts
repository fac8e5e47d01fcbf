import { describe, expect, it } from "vitest";
import { nextRows } from "./liveRows";
import { holdRows, mergePages } from "./pages";

interface Row {
  id: string;
  value: number;
}
const rows = (text: string, value = 0): Row[] => text.split("").map((id) => ({ id, value }));
const page = (text: string, value = 0) => ({ items: rows(text, value), next_cursor: null });
const order = (list: readonly Row[]) => list.map((row) => row.id).join("");

describe("mergePages", () => {
  it("keeps each row once, at its first place, with its newest values", () => {
    const merged = mergePages([page("abc", 1), page("cd", 2)]);
    expect(order(merged)).toBe("abcd");
    expect(merged[2]?.value).toBe(2);
  });
});

describe("holdRows", () => {
  it("takes fresh values without moving a row", () => {
    const held = holdRows(rows("abc", 1), rows("cab", 2));
    expect(order(held.rows)).toBe("abc");
    expect(held.rows.every((row) => row.value === 2)).toBe(true);
    expect(held.waiting).toBe(1);
  });
  it("counts what would appear and vanish, and keeps showing what vanished", () => {
    const held = holdRows(rows("abc"), rows("bcd"));
    expect(order(held.rows)).toBe("abc");
    expect(held.waiting).toBe(2);
  });
  it("counts nothing when nothing would move", () => {
    expect(holdRows(rows("abc"), rows("abc")).waiting).toBe(0);
  });
  it("counts a reversal as all but one", () => {
    expect(holdRows(rows("abcde"), rows("edcba")).waiting).toBe(4);
  });
});

describe("nextRows", () => {
  const start = { key: "k", pages: [], rows: [], waiting: 0 };
  it("holds while the reader is on the table, and lets go afterwards", () => {
    const first = nextRows<Row>(start, { key: "k", pages: [page("abc")], held: false });
    const fresh = [page("cab")];
    const held = nextRows(first, { key: "k", pages: fresh, held: true });
    expect(order(held.rows)).toBe("abc");
    expect(held.waiting).toBe(1);
    expect(nextRows(held, { key: "k", pages: fresh, held: true })).toBe(held);
    const free = nextRows(held, { key: "k", pages: fresh, held: false });
    expect(order(free.rows)).toBe("cab");
    expect(free.waiting).toBe(0);
    expect(nextRows(free, { key: "k", pages: fresh, held: false })).toBe(free);
  });
  it("appends pages that were scrolled for, even while held", () => {
    const one = page("ab");
    const first = nextRows<Row>(start, { key: "k", pages: [one], held: true });
    const second = nextRows(first, { key: "k", pages: [one, page("cd")], held: true });
    expect(order(second.rows)).toBe("abcd");
    expect(second.waiting).toBe(0);
  });
  it("shows another list at once", () => {
    const first = nextRows<Row>(start, { key: "k", pages: [page("ab")], held: true });
    const other = nextRows(first, { key: "other", pages: [page("xy")], held: true });
    expect(order(other.rows)).toBe("xy");
  });
});
