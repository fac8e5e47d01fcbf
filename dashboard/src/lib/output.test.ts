import { describe, expect, it } from "vitest";
import type { OutputChunk } from "../api/types";
import { LONGEST_LINE, OutputLog } from "./output";
import { DIRECT, Look, NO_COLOUR, PLAIN } from "./outputAnsi";

const chunk = (index: number, text: string, stream: OutputChunk["stream"] = "stdout"): OutputChunk => ({
  index,
  stream,
  text,
  received_at: "2026-11-23T12:00:00Z",
});
const logOf = (...chunks: OutputChunk[]) => {
  const log = new OutputLog();
  log.append(chunks);
  return log;
};
const texts = (...chunks: OutputChunk[]) => logOf(...chunks).lines.map((line) => line.text);
/** What one chunk shows as its lines. */
const shown = (text: string) => texts(chunk(0, text));
const firstLine = (text: string) => {
  const [line] = logOf(chunk(0, text)).lines;
  if (!line) throw new Error("no line");
  return line;
};

describe("lines", () => {
  it("takes each chunk once, in order", () => {
    const log = logOf(chunk(1, "b"), chunk(0, "a"));
    log.append([chunk(1, "b"), chunk(2, "c")]);
    expect(log.text()).toBe("abc");
  });
  it("joins a line that came in pieces", () => expect(texts(chunk(0, "ab"), chunk(1, "c\nd\n"))).toEqual(["abc", "d"]));
  it("keeps empty lines", () => expect(shown("a\n\nb\n")).toEqual(["a", "", "b"]));
  it("tells the streams apart", () => {
    const log = logOf(chunk(0, "out"), chunk(1, "err\n", "stderr"), chunk(2, "more\n"));
    expect(log.lines.map((line) => [line.stream, line.text])).toEqual([
      ["stdout", "out"],
      ["stderr", "err"],
      ["stdout", "more"],
    ]);
    expect([log.count, log.errors, log.text(0, 3, "stdout")]).toEqual([3, 1, "out\nmore"]);
  });
  it("says how many chunks are missing, and joins nothing across the hole", () => {
    const { lines } = logOf(chunk(0, "a"), chunk(3, "b\n"));
    expect(lines.map(({ gap, text }) => [gap, text])).toEqual([[0, "a"], [2, "b"]]);
  });
  it("leaves markup as it is: it is text", () => expect(shown("<b>x</b>\n")).toEqual(["<b>x</b>"]));
  it("never changes a line that was shown", () => {
    const log = logOf(chunk(0, "\u001b[31mab"));
    const [before] = log.lines;
    log.append([chunk(1, "\rcd")]);
    expect([before?.text, log.lines[0]?.text]).toEqual(["ab", "cd"]);
    expect(before?.spans).toHaveLength(1);
    expect(log.lines[0]).not.toBe(before);
  });
  it("shows a very long line in parts under one number, and takes it away as one", () => {
    const long = "x".repeat(2 * LONGEST_LINE + 5);
    const log = logOf(chunk(0, `${long}\nnext\n`));
    expect(log.lines.map(({ number, continues, text }) => [number, continues, text.length])).toEqual([
      [1, false, LONGEST_LINE],
      [1, true, LONGEST_LINE],
      [1, true, 5],
      [2, false, 4],
    ]);
    expect([log.text(), log.count, log.longest]).toEqual([`${long}\nnext`, 2, LONGEST_LINE]);
  });
});

describe("movement on a line", () => {
  it.each([
    ["a progress bar", "10%\r20%\r100%\n", ["100%"]],
    ["what is shorter leaves the rest, as on a terminal", "hello\rHE\n", ["HEllo"]],
    ["a line end of Windows", "one\r\ntwo\r\n", ["one", "two"]],
    ["backspaces", "ab\b\bX\n", ["Xb"]],
    ["no way back over the beginning", "\b\b\ba\n", ["a"]],
    ["clearing to the end", "downloading 50 %\r\u001b[Kdone\n", ["done"]],
    ["clearing all of it", "spinning\u001b[2K\u001b[1Gready\n", ["ready"]],
    ["clearing the beginning", "abcdef\u001b[3D\u001b[1K\n", ["   def"]],
    ["columns", "a\u001b[5Gb\n", ["a   b"]],
    ["forward", "a\u001b[2Cb\n", ["a  b"]],
    ["a tab", "a\tb\n", ["a\tb"]],
    ["a tab over what stands there", "abcdefghij\r\tX\n", ["abcdefghXj"]],
    ["half a character is a space", "🕐\rx\n", ["x "]],
    ["clearing from the middle of a character", "a🕐\u001b[2G\u001b[C!\n", ["a !"]],
  ])("%s", (_, text, lines) => {
    expect(shown(text)).toEqual(lines);
  });
  it("does not move on the other stream's line", () => {
    expect(texts(chunk(0, "out"), chunk(1, "\r", "stderr"), chunk(2, "put\n"))).toEqual(["output"]);
  });
});

describe("control sequences", () => {
  it.each([
    ["a title", "\u001b]0;title\u0007x\n", ["x"]],
    ["a title whose end was replaced on the way", "\u001b]0;title\ufffdx\n", ["x"]],
    ["a link", "\u001b]8;;https://example.com\u001b\\text\u001b]8;;\u001b\\\n", ["text"]],
    ["the cursor up and about", "a\u001b[2A\u001b[10;20Hb\u001b[2Jc\n", ["abc"]],
    ["modes", "\u001b[?25l\u001b[?1049hx\u001b[>4;2m\u001b[!p\n", ["x"]],
    ["character sets", "\u001b(Bx\u001b)0\u001b7y\u001bM\n", ["xy"]],
    ["C1 forms", "\u009b31mx\u009d0;t\u009c\u0090q\u001b\\y\n", ["xy"]],
    ["bells and nothings", "\u0007a\u0000b\u007f\n", ["ab"]],
    ["one that is not ended in its line", "\u001b]0;never ended\nnext\n", ["", "next"]],
    ["one that is cancelled", "\u001b[31\u0018mx\n", ["mx"]],
    ["one that is cut by a line end", "\u001b[31\nmx\n", ["", "mx"]],
    ["one that is too long to be any", `\u001b[${"1;".repeat(400)}mx\n`, ["x"]],
  ])("drops %s", (_, text, lines) => {
    expect(shown(text)).toEqual(lines);
  });
  it("shows a mark for what would reorder the line", () => expect(shown("a\u202eb\u2066c\n")).toEqual(["a\ufffdb\ufffdc"]));
  it("goes on with a sequence that came in two pieces, in each stream by itself", () => {
    const log = logOf(chunk(0, "a\u001b[3"), chunk(1, "e\u001b[3", "stderr"), chunk(2, "1mb"), chunk(3, "2mf", "stderr"));
    expect(log.lines.map(({ text, spans }) => [text, spans.map(({ style }) => style.foreground)])).toEqual([
      ["a", []],
      ["e", []],
      ["b", [1]],
      ["f", [2]],
    ]);
  });
});

describe("style", () => {
  const styleOf = (sequence: string) => firstLine(`${sequence}x`).spans[0]?.style ?? PLAIN;
  it.each([
    ["\u001b[31m", 1, NO_COLOUR, 0],
    ["\u001b[1;4;97;101m", 15, 9, Look.bold + Look.underline],
    ["\u001b[38;5;208m", 208, NO_COLOUR, 0],
    ["\u001b[38;2;1;2;3;1m", DIRECT + 0x010203, NO_COLOUR, Look.bold],
    ["\u001b[48:2::16:32:48m", NO_COLOUR, DIRECT + 0x102030, 0],
    ["\u001b[38:5:9m", 9, NO_COLOUR, 0],
    ["\u001b[4:3m", NO_COLOUR, NO_COLOUR, Look.underline],
    ["\u001b[4m\u001b[4:0m\u001b[7m", NO_COLOUR, NO_COLOUR, Look.inverse],
    ["\u001b[1;2;3;9m\u001b[22;23m", NO_COLOUR, NO_COLOUR, Look.strike],
    ["\u001b[31;42m\u001b[39m", NO_COLOUR, 2, 0],
    ["\u001b[58;5;3;32m", 2, NO_COLOUR, 0],
  ])("%j", (sequence, foreground, background, looks) => {
    expect(styleOf(sequence)).toEqual({ foreground, background, looks });
  });
  it.each(["\u001b[31m\u001b[0m", "\u001b[31m\u001b[m", "\u001b[38;5;999m", "\u001b[38;2;1;2m", "\u001b[8m", "\u001b[5m"])(
    "%j is plain",
    (sequence) => {
      expect(styleOf(sequence)).toBe(PLAIN);
    },
  );
  it("goes on over line ends and pieces", () => {
    const { lines } = logOf(chunk(0, "\u001b[32ma\n"), chunk(1, "b\u001b[0mc\n"));
    expect(lines.map(({ spans }) => spans.map(({ from, to }) => [from, to]))).toEqual([[[0, 1]], [[0, 1]]]);
  });
  it("is replaced where text is written anew", () => {
    expect(firstLine("\u001b[31mabcdef\r\u001b[0m\u001b[2CXY").spans.map(({ from, to }) => [from, to])).toEqual([[0, 2], [4, 6]]);
  });
});

/** Numbers that look random and are the same in every run. */
function randoms(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("whatever comes", () => {
  const PIECES = [
    "word", " ", "\n", "\r", "\r\n", "\t", "\b", "\u001b[", "\u001b[31m", "\u001b[38;2;1;2;3m", "\u001b[0m", "31", ";", ":", "m", "K", "\u001b[2K",
    "\u001b]0;", "\u0007", "\u001b\\", "\u001b", "\u0018", "\u009b", "\u0090", "\u202e", "🕐", "ö", "\u001b[999999999C", "\u001b[5D", "\u001b[1G", "x".repeat(900),
  ] as const; // prettier-ignore
  const wild = (seed: number) => {
    const random = randoms(seed);
    return Array.from({ length: 200 }, () => PIECES[random(PIECES.length)] ?? "").join("");
  };
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);

  it("is the same however it is cut into pieces", () => {
    for (const seed of seeds) {
      const text = wild(seed);
      const characters = Array.from(text);
      const random = randoms(seed + 1_000);
      const log = new OutputLog();
      for (let at = 0, index = 0; at < characters.length; index++) {
        const to = at + 1 + random(40);
        log.append([chunk(index, characters.slice(at, to).join(""))]);
        at = to;
      }
      expect(log.lines, `seed ${seed}`).toEqual(logOf(chunk(0, text)).lines);
    }
  });

  it("has no control characters, no broken characters and spans in order within each line", () => {
    for (const seed of seeds) {
      for (const { text, spans } of logOf(chunk(0, wild(seed))).lines) {
        expect(text.replaceAll("\t", ""), `seed ${seed}`).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        expect(text, `seed ${seed}`).not.toMatch(/\p{Surrogate}/u);
        expect(text.length).toBeLessThanOrEqual(LONGEST_LINE + 1);
        let at = 0;
        for (const { from, to } of spans) {
          expect(from >= at && to > from && to <= text.length, `seed ${seed}`).toBe(true);
          at = to;
        }
      }
    }
  });
});
