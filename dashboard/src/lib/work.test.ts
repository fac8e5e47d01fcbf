import { expect, it } from "vitest";
import type { Work, WorkItem } from "../api/types";
import { endedBetween, endOf, latestEnd, progressOf, progressWords, unreadCount } from "./work";

const none = { queued: 0, sent: 0, running: 0, succeeded: 0, failed: 0, timed_out: 0, cancelled: 0, expired: 0, unknown: 0, refused: 0 };
const item = (id: string, ended_at: string | null = null) => ({ kind: "command", id, ended_at, state: "running" }) as WorkItem;
const work = (...items: WorkItem[]): Work => ({ items, open: items.filter(({ ended_at }) => !ended_at).length });
const END = "2026-01-01T10:00:00Z";

it("progress counts every end, and what did not succeed apart", () => {
  const progress = progressOf({ ...none, queued: 2, running: 1, succeeded: 4, failed: 1, refused: 1, cancelled: 1 });
  expect(progress).toEqual({ total: 10, ended: 7, failed: 2, cancelled: 1 });
  expect(progressWords(progress)).toBe("7 of 10 ended, 2 failed, 1 cancelled");
  expect(progressWords(progressOf({ ...none, succeeded: 3 }))).toBe("all 3 succeeded");
});

it("what ended is told once: only what was seen open", () => {
  const before = work(item("a"), item("b"));
  const after = work(item("a", END), item("b"), item("c", END));
  expect(endedBetween(before, after).map(({ id }) => id)).toEqual(["a"]);
  expect(endedBetween(after, after)).toEqual([]);
  expect(endedBetween(undefined, after)).toEqual([]);
});

it("what ended after the last look is unread", () => {
  const items = [item("a", END), item("b"), item("c", "2026-01-01T11:00:00Z")];
  expect(unreadCount(items, 0)).toBe(2);
  expect(unreadCount(items, Date.parse(END))).toBe(1);
  expect(unreadCount(items, latestEnd(items))).toBe(0);
  expect(latestEnd([])).toBe(0);
});

it("a run ends as the worst of its machines did, and a cancelled one is no failure", () => {
  expect(endOf({ counts: { ...none, succeeded: 1 } })).toBe("succeeded");
  expect(endOf({ counts: { ...none, succeeded: 1, cancelled: 1 } })).toBe("cancelled");
  expect(endOf({ counts: { ...none, timed_out: 1, cancelled: 1 } })).toBe("failed");
  expect(endOf({ state: "cancelled" })).toBe("cancelled");
  expect(endOf({})).toBe("unknown");
});
