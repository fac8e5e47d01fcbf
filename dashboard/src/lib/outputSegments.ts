import type { OutputLine } from "./output";
import { PLAIN, type Style } from "./outputAnsi";
import type { Mark } from "./outputSearch";

/** A stretch of a line that looks the same from its beginning to its end. */
export interface Segment {
  readonly text: string;
  readonly style: Style;
  /** Which match it is a part of. */
  readonly match: number | null;
}

/** A line cut where its style or a mark begins or ends. */
export function segmentsOf({ text, spans }: OutputLine, marks: readonly Mark[]): Segment[] {
  const cuts = new Set([0, text.length]);
  for (const { from, to } of [...spans, ...marks]) cuts.add(from).add(to);
  const edges = [...cuts].toSorted((a, b) => a - b);
  const segments: Segment[] = [];
  let [span, mark] = [0, 0];
  for (const [index, from] of edges.entries()) {
    const to = edges[index + 1];
    if (to === undefined) break;
    while ((spans[span]?.to ?? Infinity) <= from) span += 1;
    while ((marks[mark]?.to ?? Infinity) <= from) mark += 1;
    const [dressed, marked] = [spans[span], marks[mark]];
    segments.push({
      text: text.slice(from, to),
      style: dressed && dressed.from <= from ? dressed.style : PLAIN,
      match: marked && marked.from <= from ? marked.match : null,
    });
  }
  return segments;
}
