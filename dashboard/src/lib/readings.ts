/** Readings come once a minute. One that is older than this (milliseconds) says nothing of now. */
const FRESH = 5 * 60_000;

/** Whether what was measured at an instant holds now; times in milliseconds since 1970. */
export function isOfNow(measuredAt: number, now: number): boolean {
  return now - measuredAt <= FRESH;
}
