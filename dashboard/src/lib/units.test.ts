import { expect, it } from "vitest";
import { formatBytes, formatPercent, levelOf, percentOf } from "./units";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.50 KiB"],
  [16 * 1024 ** 3, "16 GiB"],
  [15.63 * 1024 ** 3, "15.6 GiB"],
  [931.5 * 1024 ** 3, "932 GiB"],
  [2 ** 63, "8192 PiB"],
  [-1, "0 B"],
])("%d bytes are %s", (bytes, words) => expect(formatBytes(bytes)).toBe(words));

it("a share of nothing or of the unknown is unknown, not zero", () => {
  expect(percentOf(1, 0)).toBeNull();
  expect(percentOf(null, 10)).toBeNull();
  expect(percentOf(5, undefined)).toBeNull();
  expect(percentOf(5, 10)).toBe(50);
  expect(percentOf(11, 10)).toBe(100);
});

it("a little is not nothing", () => {
  expect(formatPercent(0)).toBe("0 %");
  expect(formatPercent(0.4)).toBe("<1 %");
  // What is not yet nearly full does not read as if it were; what the server says in words is rounded in the same way.
  expect(formatPercent(91.99)).toBe("91 %");
  expect(formatPercent(92)).toBe("92 %");
  expect(formatPercent((29 / 100) * 100)).toBe("29 %");
  expect(formatPercent(99.9)).toBe("99 %");
  expect(formatPercent(100)).toBe("100 %");
});

it.each([
  [null, "normal"],
  [79.9, "normal"],
  [80, "warn"],
  [92, "bad"],
] as const)("%s percent ask for attention: %s", (percent, level) => expect(levelOf(percent)).toBe(level));
