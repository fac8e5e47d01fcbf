import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { throttle } from "./throttle";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("works at once, then once per pause however often it is asked", () => {
  const work = vi.fn();
  const refresh = throttle(work, 100);
  for (let count = 0; count < 50; count += 1) refresh.ask();
  expect(work).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100);
  expect(work).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(500);
  expect(work).toHaveBeenCalledTimes(2);
});

it("waits when it is told to, and not twice", () => {
  const work = vi.fn();
  const refresh = throttle(work, 100);
  refresh.ask(30);
  refresh.ask();
  vi.advanceTimersByTime(29);
  expect(work).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(1);
  refresh.ask(30);
  vi.advanceTimersByTime(99);
  expect(work).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(2);
});

it("does nothing after it was stopped", () => {
  const work = vi.fn();
  const refresh = throttle(work, 100);
  refresh.ask();
  refresh.ask();
  refresh.stop();
  vi.advanceTimersByTime(500);
  expect(work).toHaveBeenCalledTimes(1);
});
