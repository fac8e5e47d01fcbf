import { expect, it } from "vitest";
import { PLAIN } from "./outputAnsi";
import { segmentsOf } from "./outputSegments";

const red = { ...PLAIN, foreground: 1 };
const bold = { ...PLAIN, looks: 1 };
const line = (text: string, spans: { from: number; to: number; style: typeof red }[]) =>
  ({ stream: "stdout", text, spans, gap: 0, number: 1, continues: false }) as const;

it("is one piece where nothing is special, and none where nothing is", () => {
  expect(segmentsOf(line("plain", []), [])).toEqual([{ text: "plain", style: PLAIN, match: null }]);
  expect(segmentsOf(line("", []), [])).toEqual([]);
});

it("cuts where style and marks begin and end", () => {
  const spans = [{ from: 1, to: 4, style: red }, { from: 4, to: 5, style: bold }];
  const marks = [{ from: 0, to: 2, match: 3 }, { from: 4, to: 7, match: 4 }];
  expect(segmentsOf(line("abcdefgh", spans), marks).map(({ text, style, match }) => [text, style, match])).toEqual([
    ["a", PLAIN, 3],
    ["b", red, 3],
    ["cd", red, null],
    ["e", bold, 4],
    ["fg", PLAIN, 4],
    ["h", PLAIN, null],
  ]);
});
