import { Checkbox } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Command } from "../api/types";
import { toLines } from "../lib/output";
import { formatBytes, formatCount } from "../lib/units";
import { isFinal } from "../ui/looks";
import { Failure } from "../ui/Notice";
import styles from "./OutputView.module.css";
import type { Output } from "./useOutput";

const LINE_HEIGHT = 19;
/** Within so many pixels of the end the view follows. */
const END = 24;

/** What a command wrote, as it writes it. Lines of the error stream are marked by a word, not by colour alone. */
export function OutputView({ command, output }: { command: Command; output: Output }) {
  const { chunks, complete, error } = output;
  const lines = useMemo(() => toLines(chunks), [chunks]);
  const scroller = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 30,
  });
  useEffect(() => {
    if (follow && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines, virtual]);
  const errors = useMemo(() => lines.filter((line) => line.stream === "stderr").length, [lines]);
  const over = isFinal(command.state);
  const items = virtual.getVirtualItems();
  return (
    <section className={styles.output} aria-label="Output">
      <header className={styles.head}>
        <h2>Output</h2>
        <span className="muted num">
          {formatCount(lines.length)} {lines.length === 1 ? "line" : "lines"}
          {errors > 0 ? `, ${formatCount(errors)} on stderr` : ""}
        </span>
        {over ? null : (
          <Checkbox
            size="xs"
            label="Follow"
            checked={follow}
            onChange={(event) => setFollow(event.currentTarget.checked)}
            className={styles.follow}
          />
        )}
      </header>
      {error ? <Failure error={error} what="The output could not be read; it is tried again." /> : null}
      <div
        ref={scroller}
        className={styles.lines}
        tabIndex={0}
        role="log"
        aria-label="Lines of output"
        aria-live="off"
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          if (!over) setFollow(scrollHeight - scrollTop - clientHeight < END);
        }}
      >
        {lines.length === 0 ? <p className={styles.nothing}>{nothing(command, complete)}</p> : null}
        <div className={styles.sheet} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            return (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                data-stream={line.stream}
                className={styles.line}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <span className={styles.stream}>{line.stream === "stderr" ? "err" : ""}</span>
                <span className={styles.text}>
                  {line.gap > 0 ? <em>[{line.gap} pieces of output are missing] </em> : null}
                  {line.text}
                </span>
              </div>
            );
          })}
        </div>
      </div>
      {command.output_dropped_bytes > 0 ? (
        <p className={styles.dropped}>
          {formatBytes(command.output_dropped_bytes)} beyond the limit of {formatBytes(command.output_limit_bytes)} were
          dropped on the machine.
        </p>
      ) : null}
    </section>
  );
}

function nothing(command: Command, complete: boolean): string {
  if (command.state === "queued") return "It waits for the agent. Output appears here as it is written.";
  if (!isFinal(command.state)) return "Nothing was written yet.";
  return complete || command.output_chunks === 0 ? "It wrote nothing." : "Reading…";
}
