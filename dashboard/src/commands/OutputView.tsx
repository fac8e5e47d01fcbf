import { useLocalStorage } from "@mantine/hooks";
import { type ClipboardEvent, type KeyboardEvent, useDeferredValue, useMemo, useRef, useState } from "react";
import type { Command } from "../api/types";
import { downloadText } from "../lib/clipboard";
import { OutputFinder } from "../lib/outputSearch";
import { formatBytes, formatCount } from "../lib/units";
import { isFinal } from "../ui/looks";
import { Failure } from "../ui/Notice";
import styles from "./OutputView.module.css";
import { type Choice, isChosen, OutputViewLines } from "./OutputViewLines";
import { OutputViewTools, type Search } from "./OutputViewTools";
import type { Output } from "./useOutput";

/**
 * What a command wrote, as it writes it: in the program's colours, made readable, with a search of its own (Mod+F or
 * slash while the focus is within). Lines of the error stream are marked by a word, not by colour alone.
 */
export function OutputView({ command, output }: { command: Command; output: Output }) {
  const { log, version, complete, error } = output;
  const over = isFinal(command.state);
  // What is over is read from its beginning.
  const [follow, setFollow] = useState(!over);
  const [wrap, setWrap] = useLocalStorage({ key: "gururmm-output-wrap", defaultValue: true });
  const [search, setSearch] = useState<Search>({ query: "", matchCase: false, at: 0 });
  const [choice, setChoice] = useState<Choice | null>(null);
  const section = useRef<HTMLElement>(null);
  const field = useRef<HTMLInputElement>(null);

  const query = useDeferredValue(search.query);
  const finder = useMemo(() => new OutputFinder(query, search.matchCase), [query, search.matchCase]);
  // The log is the same one while it grows; its version says that it did.
  const matches = useMemo(() => (version === 0 ? [] : finder.find(log.lines)), [finder, log, version]);
  const current = matches.length === 0 ? undefined : Math.min(search.at, matches.length - 1);

  const change = (more: Partial<Search>) => {
    setSearch((known) => ({ ...known, ...more }));
    setFollow(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "f";
    const isSlash = event.key === "/" && !(event.target instanceof HTMLInputElement);
    if (!isFind && !isSlash) return;
    event.preventDefault();
    event.stopPropagation();
    field.current?.focus();
    field.current?.select();
  };
  const leave = () => {
    setSearch((known) => ({ ...known, query: "", at: 0 }));
    section.current?.querySelector<HTMLElement>("[role=log]")?.focus();
  };
  const chosenText = () => {
    if (!choice) return log.text();
    const from = log.lines.findIndex(({ number }) => isChosen(choice, number));
    const to = log.lines.findLastIndex(({ number }) => isChosen(choice, number)) + 1;
    return log.text(from, to);
  };
  const onCopy = (event: ClipboardEvent) => {
    const isOwn = event.target instanceof HTMLInputElement || !(getSelection()?.isCollapsed ?? true);
    if (!choice || isOwn) return;
    event.clipboardData.setData("text/plain", chosenText());
    event.preventDefault();
  };
  const chosen = choice ? Math.abs(choice.anchor - choice.head) + 1 : 0;

  return (
    <section ref={section} className={styles.output} aria-label="Output" onKeyDown={onKeyDown} onCopy={onCopy}>
      <header className={styles.head}>
        <h2>Output</h2>
        <span className="muted num">
          {formatCount(log.count)} {log.count === 1 ? "line" : "lines"}
          {log.errors > 0 ? `, ${formatCount(log.errors)} on stderr` : ""}
        </span>
        <OutputViewTools
          field={field}
          search={search}
          setSearch={change}
          found={matches.length}
          leave={leave}
          follow={over ? null : { on: follow, set: setFollow }}
          wrap={{ on: wrap, set: setWrap }}
          copy={{ label: chosen === 0 ? "Copy all" : `Copy ${formatCount(chosen)} chosen ${chosen === 1 ? "line" : "lines"}`, text: chosenText }}
          download={() => downloadText(`command-${command.id}.txt`, `${log.text()}\n`)}
        />
      </header>
      {error ? <Failure error={error} what="The output could not be read; it is tried again." /> : null}
      <OutputViewLines
        log={log}
        version={version}
        follow={follow}
        // Where nothing more comes, the end is no place to be held at.
        setFollow={(on) => setFollow(on && !over)}
        wrap={wrap}
        matches={matches}
        current={current}
        choice={choice}
        setChoice={setChoice}
      >
        <p className={styles.nothing}>{nothing(command, complete)}</p>
      </OutputViewLines>
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
