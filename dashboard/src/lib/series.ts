import type { ReadingPoint } from "../api/types";

/** Readings as columns for a chart: seconds since the epoch, then one column per line. */
interface Series {
  at: number[];
  cpuAverage: (number | null)[];
  cpuMost: (number | null)[];
  memory: (number | null)[];
  /** The fullest volume at each instant. */
  volume: (number | null)[];
}

/** A hole longer than this many steps is drawn as a hole, never as a line across it. */
const LONGEST_STEP = 2.5;

/** Turns points into columns in percent, with a break wherever nothing was measured. `step` is in seconds. */
export function toSeries(points: readonly ReadingPoint[], step: number): Series {
  const series: Series = { at: [], cpuAverage: [], cpuMost: [], memory: [], volume: [] };
  const push = (at: number, values: [number | null, number | null, number | null, number | null]) => {
    series.at.push(at);
    series.cpuAverage.push(values[0]);
    series.cpuMost.push(values[1]);
    series.memory.push(values[2]);
    series.volume.push(values[3]);
  };
  let last: number | undefined;
  for (const point of points) {
    const at = Date.parse(point.at) / 1_000;
    if (last !== undefined && at - last > step * LONGEST_STEP) push(last + step, [null, null, null, null]);
    push(at, [point.cpu_avg, point.cpu_max, share(point.memory_used_avg, point.memory_total), fullest(point)]);
    last = at;
  }
  return series;
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? (part / whole) * 100 : null;
}

function fullest(point: ReadingPoint): number | null {
  const shares = point.volumes.map((volume) => share(volume.used_bytes, volume.total_bytes));
  const known = shares.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

/** The smallest distance between neighbours: how often was measured. In seconds; 300 when it cannot be told. */
export function stepOf(points: readonly ReadingPoint[]): number {
  let least = Infinity;
  for (let index = 1; index < points.length; index += 1) {
    const distance = (Date.parse(points[index]?.at ?? "") - Date.parse(points[index - 1]?.at ?? "")) / 1_000;
    if (distance > 0) least = Math.min(least, distance);
  }
  return Number.isFinite(least) ? least : 300;
}
