import { NEARLY_FULL } from "./attention";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** A size in binary units with three significant figures: `15.6 GiB`. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits).replace(/\.0+$/, "")} ${UNITS[unit]}`;
}

/** The part of a whole in percent, 0 to 100; null when the whole is unknown or nothing. */
export function percentOf(part: number | null | undefined, whole: number | null | undefined): number | null {
  if (part == null || whole == null || whole <= 0) return null;
  return Math.min(100, Math.max(0, (part / whole) * 100));
}

/** Share from which a value deserves a look, and from which it needs somebody, in percent. */
const FULL = { warn: 80, bad: NEARLY_FULL };

type Level = "normal" | "warn" | "bad";

/** How much a share of CPU, memory or a volume asks for attention: one rule everywhere. */
export function levelOf(percent: number | null): Level {
  if (percent === null || percent < FULL.warn) return "normal";
  return percent < FULL.bad ? "warn" : "bad";
}

/**
 * A percentage without decimals; `<1 %` rather than a false zero. Rounded down, so that a value reads as the bound it is
 * judged by only when it has reached it.
 */
export function formatPercent(percent: number): string {
  if (percent > 0 && percent < 1) return "<1 %";
  // 0.29 * 100 is a little less than 29.
  return `${Math.floor(percent + 1e-9)} %`;
}

const COUNT = new Intl.NumberFormat("en-US");

/** A whole number with separators. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}
