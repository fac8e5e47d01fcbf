import type { CommandState, Work, WorkItem } from "../api/types";
import { formatCount } from "./units";

type Counts = NonNullable<WorkItem["counts"]>;

const BAD = ["failed", "timed_out", "expired", "unknown", "refused"] as const;

/** How far a run is. */
export interface Progress {
  total: number;
  /** Machines on which it is over, in whatever way. */
  ended: number;
  /** Of these: where it did not succeed, cancelled ones apart. */
  failed: number;
  cancelled: number;
}

export function progressOf(counts: Counts): Progress {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const open = counts.queued + counts.sent + counts.running;
  return { total, ended: total - open, failed: BAD.reduce((sum, state) => sum + counts[state], 0), cancelled: counts.cancelled };
}

/** How far a run is, in words. */
export function progressWords({ total, ended, failed, cancelled }: Progress): string {
  const over = ended === total;
  if (over && failed === 0 && cancelled === 0) return `all ${formatCount(total)} succeeded`;
  const words = [over ? `all ${formatCount(total)} ended` : `${formatCount(ended)} of ${formatCount(total)} ended`];
  if (failed > 0) words.push(`${formatCount(failed)} failed`);
  if (cancelled > 0) words.push(`${formatCount(cancelled)} cancelled`);
  return words.join(", ");
}

/** What was open before and is over now. */
export function endedBetween(before: Work | undefined, after: Work): WorkItem[] {
  const open = new Set(before?.items.filter(({ ended_at }) => !ended_at).map(({ id }) => id));
  return after.items.filter(({ id, ended_at }) => ended_at && open.has(id));
}

/** How much of it ended after the reader last looked (milliseconds since 1970). */
export function unreadCount(items: readonly WorkItem[], seen: number): number {
  return items.filter(({ ended_at }) => ended_at && Date.parse(ended_at) > seen).length;
}

/** When the latest of it ended: what was seen by whoever looks at it; 0 if nothing did. */
export function latestEnd(items: readonly WorkItem[]): number {
  return Math.max(0, ...items.map(({ ended_at }) => (ended_at ? Date.parse(ended_at) : 0)));
}

/** How it ended: of a run, the worst end that it had anywhere, a cancelled one being no failure. */
export function endOf({ counts, state }: Pick<WorkItem, "counts" | "state">): CommandState {
  if (!counts) return state ?? "unknown";
  const { failed, cancelled } = progressOf(counts);
  return failed > 0 ? "failed" : cancelled > 0 ? "cancelled" : "succeeded";
}
