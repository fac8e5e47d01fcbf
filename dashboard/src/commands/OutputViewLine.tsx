import { memo } from "react";
import type { OutputLine } from "../lib/output";
import { Look } from "../lib/outputAnsi";
import { coloursOf, type Scheme } from "../lib/outputColour";
import type { Mark } from "../lib/outputSearch";
import { type Segment, segmentsOf } from "../lib/outputSegments";
import styles from "./OutputView.module.css";

const NO_MARKS: readonly Mark[] = [];

/** The text of one line: what the program styled, what was searched for, and nothing else of what it sent. */
export const LineText = memo(function LineText({ line, marks = NO_MARKS, current, scheme }: {
  line: OutputLine;
  marks?: readonly Mark[] | undefined;
  /** The match that the reader is at. */
  current?: number | undefined;
  scheme: Scheme;
}) {
  return (
    <span className={styles.text}>
      {line.gap > 0 ? <em>[{line.gap === 1 ? "a piece" : `${line.gap} pieces`} of output missing] </em> : null}
      {line.spans.length === 0 && marks.length === 0
        ? line.text
        : segmentsOf(line, marks).map((segment, index) => (
            <Piece key={index} segment={segment} current={current} scheme={scheme} />
          ))}
    </span>
  );
});

function Piece({ segment, current, scheme }: { segment: Segment; current: number | undefined; scheme: Scheme }) {
  const { text, style, match } = segment;
  const { looks } = style;
  const className = [
    looks & Look.bold && styles.bold,
    looks & Look.italic && styles.italic,
    looks & Look.underline && styles.underline,
    looks & Look.strike && styles.strike,
  ]
    .filter(Boolean)
    .join(" ");
  // What was found has the theme's own colours: they can be told from whatever the program chose.
  if (match !== null) {
    return (
      <mark className={`${styles.mark} ${className}`} data-current={match === current || undefined}>
        {text}
      </mark>
    );
  }
  const colours = coloursOf(style, scheme);
  return (
    <span className={className || undefined} style={colours}>
      {text}
    </span>
  );
}
