import { useComputedColorScheme } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from "react";
import type { OutputLog } from "../lib/output";
import { type Match, marksIn } from "../lib/outputSearch";
import styles from "./OutputView.module.css";
import { LineText } from "./OutputViewLine";

const LINE_HEIGHT = 19;
/** Within so many pixels of the end the view follows. */
const END = 24;

/** Lines by their numbers, from the one that was chosen first to the one that was chosen last. */
export interface Choice {
  anchor: number;
  head: number;
}

export function isChosen(choice: Choice | null, line: number): boolean {
  return choice !== null && line >= Math.min(choice.anchor, choice.head) && line <= Math.max(choice.anchor, choice.head);
}

/** Scrolls to the first or to the last line. */
function scrollTo(element: Element, end: "start" | "end") {
  element.scrollTop = end === "start" ? 0 : element.scrollHeight;
}

/** The lines themselves; only those in sight are in the page. */
export function OutputViewLines({ log, version, follow, setFollow, wrap, matches, current, choice, setChoice, children }: {
  log: OutputLog;
  version: number;
  follow: boolean;
  setFollow: (follow: boolean) => void;
  wrap: boolean;
  matches: readonly Match[];
  current: number | undefined;
  choice: Choice | null;
  setChoice: (choice: Choice | null) => void;
  /** Stands in the place of the lines while there are none. */
  children: ReactNode;
}) {
  const { lines } = log;
  const scheme = useComputedColorScheme("light");
  const scroller = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  // Where Home and End led, kept while the lines there are measured, until the reader goes elsewhere.
  const held = useRef<"start" | "end" | null>(null);
  const release = () => {
    held.current = null;
  };
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
  });
  const height = virtual.getTotalSize();
  useLayoutEffect(() => {
    const element = scroller.current;
    const end = follow ? "end" : held.current;
    if (!end || !element) return;
    scrollTo(element, end);
    top.current = element.scrollTop;
  }, [follow, version, height]);
  useLayoutEffect(() => virtual.measure(), [virtual, wrap]);
  const found = current === undefined ? undefined : matches[current];
  const foundLine = found?.line;
  const foundFrom = found?.from;
  useEffect(() => {
    if (foundLine === undefined) return undefined;
    held.current = null;
    virtual.scrollToIndex(foundLine, { align: "center" });
    // A line that is not wrapped, or fills the page by itself, hides what was found in it.
    const frame = requestAnimationFrame(() =>
      scroller.current?.querySelector("[data-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" }),
    );
    return () => cancelAnimationFrame(frame);
  }, [virtual, foundLine, foundFrom, current]);

  const onKeyDown = (event: KeyboardEvent) => {
    release();
    if ((event.ctrlKey || event.metaKey) && event.key === "a") {
      event.preventDefault();
      getSelection()?.removeAllRanges();
      setChoice({ anchor: 1, head: log.count });
    } else if (event.shiftKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const first = lines[virtual.getVirtualIndexes().find((index) => (virtual.measurementsCache[index]?.start ?? 0) >= top.current) ?? 0];
      const from = choice ?? { anchor: first?.number ?? 1, head: first?.number ?? 1 };
      const step = choice === null ? 0 : event.key === "ArrowDown" ? 1 : -1;
      const head = Math.min(log.count, Math.max(1, from.head + step));
      setChoice({ anchor: from.anchor, head });
      const index = lines.findIndex((line) => line.number === head);
      if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    } else if ((event.key === "Home" || event.key === "End") && !event.shiftKey) {
      // The browser glides there, and stops short of it where lines turn out to be higher than they were thought to be.
      event.preventDefault();
      held.current = event.key === "Home" ? "start" : "end";
      setFollow(held.current === "end");
      scrollTo(event.currentTarget, held.current);
    } else if (event.key === "Escape" && choice) {
      event.stopPropagation();
      setChoice(null);
    }
  };

  const digits = `${String(Math.max(log.count, 10)).length}ch`;
  return (
    <div
      ref={scroller}
      className={styles.lines}
      data-wrap={wrap || undefined}
      tabIndex={0}
      role="log"
      aria-label="Lines of output"
      aria-live="off"
      aria-description="Slash searches, Shift with an arrow chooses lines, Control A chooses all, Control C copies what is chosen."
      onKeyDown={onKeyDown}
      onWheel={release}
      onTouchMove={release}
      onPointerDown={release}
      onScroll={({ currentTarget }) => {
        if (held.current === "start") scrollTo(currentTarget, "start");
        const { scrollTop, scrollHeight, clientHeight } = currentTarget;
        // Only the reader goes up; that the end moves away as lines arrive is no reason to stop.
        if (scrollTop < top.current - 1) setFollow(false);
        else if (scrollHeight - scrollTop - clientHeight < END) setFollow(true);
        top.current = scrollTop;
      }}
    >
      {lines.length === 0 ? children : null}
      <div className={styles.sheet} style={{ height, minWidth: wrap ? undefined : `calc(${log.longest}ch + ${digits} + 80px)` }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const line = lines[index];
          if (!line) return null;
          const { stream, number, continues } = line;
          return (
            <div
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              data-stream={stream}
              data-chosen={isChosen(choice, number) || undefined}
              className={styles.line}
              style={{ transform: `translateY(${start}px)` }}
            >
              <span
                className={styles.number}
                style={{ width: `calc(${digits} + 22px)` }}
                onClick={(event) =>
                  setChoice(event.shiftKey && choice ? { ...choice, head: number } : choice?.anchor === number && choice.head === number ? null : { anchor: number, head: number })
                }
              >
                {continues ? "…" : number}
              </span>
              {log.errors > 0 ? <span className={styles.stream}>{stream === "stderr" ? "err" : ""}</span> : null}
              <LineText
                line={line}
                marks={matches.length > 0 ? marksIn(lines, index, matches) : undefined}
                current={current}
                scheme={scheme}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}
