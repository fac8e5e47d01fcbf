import { expect, it } from "vitest";
import { stepOf, toSeries } from "./series";

const point = (minute: number, cpu: number) => ({
  at: new Date(Date.UTC(2026, 10, 23, 12, minute)).toISOString(),
  cpu_avg: cpu,
  cpu_max: cpu * 2,
  memory_used_avg: 4,
  memory_total: 8,
  samples: 5,
  volumes: [
    { mount: "/", used_bytes: 1, total_bytes: 4 },
    { mount: "/srv", used_bytes: 3, total_bytes: 4 },
    { mount: "/empty", used_bytes: 0, total_bytes: 0 },
  ],
});

it("breaks the line where nothing was measured", () => {
  const points = [point(0, 1), point(5, 2), point(30, 3)];
  const series = toSeries(points, stepOf(points));
  expect(series.cpuAverage).toEqual([1, 2, null, 3]);
  expect(series.at).toHaveLength(4);
});

it("shows memory and the fullest volume in percent", () => {
  const series = toSeries([point(0, 1)], 300);
  expect(series.memory).toEqual([50]);
  expect(series.volume).toEqual([75]);
});

it("does not know the step of a single point", () => expect(stepOf([point(0, 1)])).toBe(300));
