import { describe, expect, it } from "vitest";
import { formatAbsolute, formatDuration, formatRelative, formatSince, inWords } from "./age";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("formatDuration", () => {
  it.each([
    [0, "0 s"],
    [59.9 * SECOND, "59 s"],
    [MINUTE, "1 min"],
    [HOUR - 1, "59 min"],
    [HOUR, "1 h"],
    [3 * HOUR + 20 * MINUTE, "3 h 20 min"],
    [14 * HOUR + 20 * MINUTE, "14 h"],
    [DAY, "1 d"],
    [59 * DAY, "59 d"],
    [61 * DAY, "2 months"],
    [731 * DAY, "2 years"],
    [-5, "0 s"],
  ])("%d ms is %s", (ms, words) => expect(formatDuration(ms)).toBe(words));
});

describe("formatRelative", () => {
  const now = Date.UTC(2026, 10, 23, 12, 0, 0);
  it("says past and future", () => {
    expect(formatRelative(now - 2 * MINUTE, now)).toBe("2 min ago");
    expect(formatRelative(now + 3 * HOUR, now)).toBe("in 3 h");
    expect(formatRelative(now + 3 * DAY - 2 * SECOND, now)).toBe("in 3 d");
    expect(formatRelative(now + 40 * SECOND, now)).toBe("in 40 s");
  });
  it("hides a small difference of clocks", () => {
    expect(formatRelative(now + 3 * SECOND, now)).toBe("just now");
    expect(formatRelative(now - 4 * SECOND, now)).toBe("just now");
    expect(formatRelative(now - 5 * SECOND, now)).toBe("5 s ago");
  });
});

it("formatSince says how long, never before it began", () => {
  expect(formatSince(0, 4 * MINUTE)).toBe("for 4 min");
  expect(formatSince(3 * SECOND, 0)).toBe("just now");
});

it("formatAbsolute names the zone", () => {
  const words = formatAbsolute(Date.UTC(2026, 10, 23, 12, 0, 5), "Asia/Tokyo");
  expect(words).toContain("21:00:05");
  expect(words).toContain("GMT+9");
  expect(words).toContain("23 Nov 2026");
});

it.each([[60, "1 minute"], [90, "90 seconds"], [7_200, "2 hours"], [86_400, "1 day"], [0, "0 seconds"]])("%d seconds are %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});
