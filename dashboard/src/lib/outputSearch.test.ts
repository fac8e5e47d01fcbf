import { describe, expect, it } from "vitest";
import { LONGEST_LINE, OutputLog } from "./output";
import { firstFrom, marksIn, MOST_MATCHES, OutputFinder } from "./outputSearch";

let index = 0;
const written = (text: string, log = new OutputLog()) => {
  log.append([{ index: index++, stream: "stdout", text, received_at: "2026-11-23T12:00:00Z" }]);
  return log;
};
const logOf = (text: string) => {
  index = 0;
  return written(text);
};
const places = (finder: OutputFinder, log: OutputLog) => finder.find(log.lines).map(({ line, from, length }) => [line, from, length]);

describe("OutputFinder", () => {
  it("finds every place, with and without regard to case", () => {
    const log = logOf("Error: no error\nfine\nERROR\n");
    expect(places(new OutputFinder("error", false), log)).toEqual([[0, 0, 5], [0, 10, 5], [2, 0, 5]]);
    expect(places(new OutputFinder("error", true), log)).toEqual([[0, 10, 5]]);
  });
  it.each(["a.b", "[x]", "c:\\d", "1-2/3", "$(", "{}", "^|*+?"])("takes %j as it is", (query) => {
    expect(places(new OutputFinder(query, false), logOf(`. ${query}\naxb\n`))).toEqual([[0, 2, query.length]]);
  });
  it("finds nothing for nothing", () => expect(places(new OutputFinder("", false), logOf("a\n"))).toEqual([]));
  it("keeps places right where a letter has another length in lower case", () => {
    expect(places(new OutputFinder("x", false), logOf("İİİx\n"))).toEqual([[0, 3, 1]]);
  });
  it("goes on with what is new, and looks again at the line that was still written", () => {
    const log = logOf("one\ntw");
    const finder = new OutputFinder("o", false);
    expect(places(finder, log)).toEqual([[0, 0, 1]]);
    expect(places(finder, written("o\nfour", log))).toEqual([[0, 0, 1], [1, 2, 1], [2, 1, 1]]);
    expect(places(finder, written("\rnone\n", log))).toEqual([[0, 0, 1], [1, 2, 1], [2, 1, 1]]);
    expect(places(finder, written("\n", log))).toEqual(places(new OutputFinder("o", false), log));
  });
  it("finds what goes over the end of a part of a long line, and marks both ends", () => {
    const log = logOf(`${"-".repeat(LONGEST_LINE - 2)}needle${"-".repeat(LONGEST_LINE)}needle\n`);
    const matches = new OutputFinder("needle", true).find(log.lines);
    expect(matches).toEqual([
      { line: 0, from: LONGEST_LINE - 2, length: 6 },
      { line: 2, from: 4, length: 6 },
    ]);
    expect(marksIn(log.lines, 0, matches)).toEqual([{ from: LONGEST_LINE - 2, to: LONGEST_LINE, match: 0 }]);
    expect(marksIn(log.lines, 1, matches)).toEqual([{ from: 0, to: 4, match: 0 }]);
    expect(marksIn(log.lines, 2, matches)).toEqual([{ from: 4, to: 10, match: 1 }]);
  });
  it("stops where it is enough", () => {
    const log = logOf("aaaaaaaaaa\n".repeat(MOST_MATCHES));
    expect(new OutputFinder("a", true).find(log.lines)).toHaveLength(MOST_MATCHES);
  });
});

it("knows the first match from a line on", () => {
  const matches = [1, 3, 3, 7].map((line) => ({ line, from: 0, length: 1 }));
  expect([0, 1, 2, 3, 4, 7, 8].map((line) => firstFrom(matches, line))).toEqual([0, 0, 1, 1, 3, 3, 4]);
});
