import { describe, expect, it } from "vitest";
import type { OutputChunk } from "../api/types";
import { appendChunks, toLines } from "./output";

const chunk = (index: number, text: string, stream: OutputChunk["stream"] = "stdout"): OutputChunk => ({
  index,
  stream,
  text,
  received_at: "2026-11-23T12:00:00Z",
});
const texts = (chunks: OutputChunk[]) => toLines(chunks).map((line) => line.text);

describe("appendChunks", () => {
  it("takes each chunk once, in order", () => {
    const known = appendChunks([], [chunk(1, "b"), chunk(0, "a")]);
    expect(appendChunks(known, [chunk(1, "b"), chunk(2, "c")]).map((each) => each.text)).toEqual(["a", "b", "c"]);
  });
  it("keeps the same list when there is nothing new", () => {
    const known = [chunk(0, "a")];
    expect(appendChunks(known, [chunk(0, "a")])).toBe(known);
  });
});

describe("toLines", () => {
  it("joins a line that came in pieces", () => expect(texts([chunk(0, "ab"), chunk(1, "c\nd\n")])).toEqual(["abc", "d"]));
  it("keeps empty lines", () => expect(texts([chunk(0, "a\n\nb\n")])).toEqual(["a", "", "b"]));
  it("tells the streams apart", () => {
    const lines = toLines([chunk(0, "out"), chunk(1, "err\n", "stderr"), chunk(2, "more\n")]);
    expect(lines.map((line) => [line.stream, line.text])).toEqual([
      ["stdout", "out"],
      ["stderr", "err"],
      ["stdout", "more"],
    ]);
  });
  it("says how many chunks are missing, and joins nothing across the hole", () => {
    const lines = toLines([chunk(0, "a"), chunk(3, "b\n")]);
    expect(lines.map((line) => line.gap)).toEqual([0, 2]);
  });
  it("removes control sequences and starts over at a carriage return", () => {
    expect(texts([chunk(0, "\u001b[31mred\u001b[0m\r\n10%\r20%\n\u001b]0;title\u0007x\u001b\n")])).toEqual(["red", "20%", "x"]);
  });
  it("leaves markup as it is: it is text", () => expect(texts([chunk(0, "<b>x</b>\n")])).toEqual(["<b>x</b>"]));
});
