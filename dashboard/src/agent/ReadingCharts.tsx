import "uplot/dist/uPlot.min.css";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import type { ReadingPoint } from "../api/types";
import { formatAbsolute } from "../lib/age";
import { stepOf, toSeries } from "../lib/series";
import { formatPercent } from "../lib/units";
import styles from "./ReadingCharts.module.css";

const HEIGHT = 150;

interface Line {
  label: string;
  color: string;
  values: (number | null)[];
  dash?: number[];
}

/** CPU, memory and the fullest volume over time, in percent, on one time axis. */
export default function ReadingCharts({ points, hours }: { points: readonly ReadingPoint[]; hours: number }) {
  const series = useMemo(() => toSeries(points, stepOf(points)), [points]);
  const charts = useMemo(
    (): { title: string; lines: Line[] }[] => [
      {
        title: "CPU",
        lines: [
          { label: "average", color: "--accent-text", values: series.cpuAverage },
          { label: "most", color: "--line-strong", values: series.cpuMost, dash: [3, 3] },
        ],
      },
      { title: "Memory", lines: [{ label: "used", color: "--accent-text", values: series.memory }] },
      { title: "Fullest volume", lines: [{ label: "used", color: "--accent-text", values: series.volume }] },
    ],
    [series],
  );
  return (
    <div className={styles.charts}>
      {charts.map((chart) => (
        <Chart key={chart.title} {...chart} at={series.at} hours={hours} />
      ))}
    </div>
  );
}

function Chart({ title, lines, at, hours }: { title: string; lines: Line[]; at: number[]; hours: number }) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme();
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const css = getComputedStyle(document.documentElement);
    const color = (name: string) => css.getPropertyValue(name).trim();
    const axis = {
      stroke: color("--muted"),
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
      font: `11px ${css.getPropertyValue("--mantine-font-family")}`,
    };
    const now = Date.now() / 1_000;
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        cursor: { y: false, points: { size: 6 }, sync: { key: "readings" } },
        legend: { live: true },
        scales: { x: { range: [now - hours * 3_600, now] }, y: { range: [0, 100] } },
        axes: [
          { ...axis, size: 26, space: 70, values: (_, ticks) => ticks.map((tick) => tickWords(tick, hours)) },
          { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => `${tick} %`), splits: [0, 25, 50, 75, 100] },
        ],
        series: [
          // Without a cursor the value is null, whatever the type says: the latest one is then told.
          {
            label: "at",
            value: (_, value: number | null) => {
              const seconds = value ?? at.at(-1);
              return seconds === undefined ? "–" : formatAbsolute(seconds * 1_000);
            },
          },
          ...lines.map((line) => ({
            label: line.label,
            stroke: color(line.color),
            width: 1.5,
            ...(line.dash ? { dash: line.dash } : {}),
            points: { show: at.length < 3 },
            value: (plot: uPlot, value: number | null) => {
              const shown = plot.cursor.idx == null ? line.values.at(-1) : value;
              return shown == null ? "–" : formatPercent(shown);
            },
          })),
        ],
      },
      [at, ...lines.map((line) => line.values)],
      element,
    );
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
    // The theme's colours are read when the chart is drawn.
  }, [at, lines, hours, scheme]);
  return (
    <figure className={styles.chart}>
      <figcaption>
        <h3>{title}</h3>
        <span className="sr">{summary(lines)}</span>
      </figcaption>
      <div ref={place} className={styles.plot} aria-hidden />
    </figure>
  );
}

/** The chart in words, for who does not see it. */
function summary(lines: readonly Line[]): string {
  return lines
    .map(({ label, values }) => {
      const known = values.filter((value) => value !== null);
      if (known.length === 0) return `${label}: nothing measured`;
      const last = known.at(-1) ?? 0;
      return `${label}: ${formatPercent(Math.min(...known))} to ${formatPercent(Math.max(...known))}, last ${formatPercent(last)}`;
    })
    .join("; ");
}

function tickWords(seconds: number, hours: number): string {
  const options: Intl.DateTimeFormatOptions =
    hours <= 24 ? { hour: "2-digit", minute: "2-digit" } : { day: "2-digit", month: "short" };
  return new Intl.DateTimeFormat("en-GB", options).format(seconds * 1_000);
}
