import type { OutputChunk } from "../api/types";
import { AnsiParser, isSameStyle, PLAIN, type Style, type Terminal } from "./outputAnsi";

/** A stretch of a line that is not plain. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly style: Style;
}

/** One line of a command's output, or a part of a very long one. Once it is shown it is never changed, only replaced. */
export interface OutputLine {
  readonly stream: OutputChunk["stream"];
  readonly text: string;
  /** In order, without overlaps; what lies between is plain. */
  readonly spans: readonly Span[];
  /** Chunks that are missing before this line. */
  readonly gap: number;
  /** Counted from 1; parts of one line have the same number. */
  readonly number: number;
  /** It goes on from the line before it, which was too long to show as one. */
  readonly continues: boolean;
}

/** So many characters are shown as one line; what is longer goes on in the next, as on a terminal. */
export const LONGEST_LINE = 2_000;
const TAB = 8;

type Writable = { -readonly [Key in Exclude<keyof OutputLine, "spans">]: OutputLine[Key] } & { spans: Span[] };

/**
 * A command's output as lines. Chunks are taken in once each, and only what is new is parsed. A line that its stream has
 * not ended goes on with the stream's next chunk, unless the other stream wrote in between. A carriage return goes back
 * to the line's beginning, and what comes then replaces what stands there, as on a terminal.
 */
export class OutputLog {
  readonly #lines: OutputLine[] = [];
  readonly #parsers = { stdout: this.#parser("stdout"), stderr: this.#parser("stderr") };
  #next = 0;
  #gap = 0;
  #errors = 0;
  #longest = 0;
  /** The line that is being written: the last one, in a copy that nobody has seen yet. */
  #open: Writable | null = null;
  #column = 0;

  /** The lines so far; the array grows, and its last line is replaced while it is written. */
  get lines(): readonly OutputLine[] {
    return this.#lines;
  }

  /** How many lines there are, long ones counted once. */
  get count(): number {
    return this.#lines.at(-1)?.number ?? 0;
  }

  /** How many of them came from the error stream. */
  get errors(): number {
    return this.#errors;
  }

  /** Characters of the longest line. */
  get longest(): number {
    return this.#longest;
  }

  /** Index of the last chunk that was taken in. */
  get last(): number | undefined {
    return this.#next === 0 ? undefined : this.#next - 1;
  }

  /** Takes in what is new among chunks, in order. */
  append(chunks: readonly OutputChunk[]): void {
    const fresh = chunks.filter(({ index }) => index >= this.#next).toSorted((a, b) => a.index - b.index);
    if (fresh.length === 0) return;
    if (this.#open) this.#replaceLast({ ...this.#open, spans: [...this.#open.spans] });
    for (const { index, stream, text } of fresh) {
      if (index < this.#next) continue;
      if (index > this.#next) this.#interrupt(index - this.#next);
      this.#next = index + 1;
      this.#parsers[stream].write(text);
    }
  }

  /** Lines as plain text; of one stream only, where it is named. */
  text(from = 0, to = this.#lines.length, stream?: OutputChunk["stream"]): string {
    const lines = this.#lines.slice(from, to).filter((line) => stream === undefined || line.stream === stream);
    return lines.map((line, index) => (index > 0 && !line.continues ? "\n" : "") + line.text).join("");
  }

  #interrupt(missing: number) {
    this.#gap += missing;
    this.#open = null;
    for (const parser of Object.values(this.#parsers)) parser.interrupt();
  }

  #parser(stream: OutputChunk["stream"]): AnsiParser {
    const terminal: Terminal = {
      print: (text, style) => this.#print(stream, text, style),
      lineFeed: () => {
        this.#line(stream);
        this.#open = null;
      },
      tab: () => {
        const { text } = this.#line(stream);
        if (this.#column >= text.length) this.#print(stream, "\t", PLAIN);
        else this.#column = Math.min(text.length, (Math.floor(this.#column / TAB) + 1) * TAB);
      },
      moveTo: (column) => {
        // Going back to the beginning of a line that is not there begins none.
        if (column === 0 && this.#open?.stream !== stream) return;
        this.#line(stream);
        this.#column = Math.min(column, LONGEST_LINE - 1);
      },
      moveBy: (columns) => {
        this.#line(stream);
        this.#column = Math.min(Math.max(0, this.#column + columns), LONGEST_LINE - 1);
      },
      eraseLine: (part) => {
        if (this.#open?.stream === stream) this.#erase(this.#open, part);
      },
    };
    return new AnsiParser(terminal);
  }

  /** The line that the stream writes on, begun where there is none. */
  #line(stream: OutputChunk["stream"]): Writable {
    if (this.#open?.stream === stream) return this.#open;
    this.#column = 0;
    if (stream === "stderr") this.#errors += 1;
    return this.#push({ stream, text: "", spans: [], gap: this.#gap, number: this.count + 1, continues: false });
  }

  #push(line: Writable): Writable {
    this.#gap = 0;
    this.#open = line;
    this.#lines.push(line);
    return line;
  }

  #replaceLast(line: Writable) {
    this.#open = line;
    this.#lines[this.#lines.length - 1] = line;
  }

  #print(stream: OutputChunk["stream"], text: string, style: Style) {
    let rest = text;
    while (rest !== "") {
      let line = this.#line(stream);
      if (this.#column >= LONGEST_LINE) {
        line = this.#push({ ...line, text: "", spans: [], gap: 0, continues: true });
        this.#column = 0;
      }
      let length = Math.min(rest.length, LONGEST_LINE - this.#column);
      // A character of two halves stays whole, even if the line gets one longer.
      if (isFirstHalf(rest.charCodeAt(length - 1)) && length < rest.length) length += 1;
      overwrite(line, this.#column, rest.slice(0, length), style);
      this.#column += length;
      this.#longest = Math.max(this.#longest, line.text.length);
      rest = rest.slice(length);
    }
  }

  #erase(line: Writable, part: "after" | "before" | "all") {
    const column = Math.min(this.#column, line.text.length);
    if (part === "after") cut(line, column);
    else if (part === "all") cut(line, 0);
    else overwrite(line, 0, " ".repeat(column), PLAIN);
  }
}

/** Shortens a line. */
function cut(line: Writable, to: number) {
  line.text = line.text.slice(0, to);
  line.spans = line.spans.filter((span) => span.from < to).map((span) => (span.to > to ? { ...span, to } : span));
}

/** Puts text at a column in place of what stands there. */
function overwrite(line: Writable, column: number, text: string, style: Style) {
  const { text: old } = line;
  const to = column + text.length;
  if (column >= old.length) {
    line.text = old + " ".repeat(column - old.length) + text;
  } else {
    line.text = unbroken(old.slice(0, column)) + text + unbroken(old.slice(to));
    line.spans = without(line.spans, column, to);
  }
  if (style === PLAIN) return;
  const span = { from: column, to, style };
  const at = line.spans.findLastIndex((each) => each.to <= column) + 1;
  const before = line.spans[at - 1];
  if (before && before.to === column && isSameStyle(before.style, style)) line.spans[at - 1] = { ...before, to };
  else line.spans.splice(at, 0, span);
}

/** The spans that are left when a stretch of the line is written anew. */
function without(spans: readonly Span[], from: number, to: number): Span[] {
  return spans.flatMap((span) => {
    if (span.to <= from || span.from >= to) return [span];
    const left = span.from < from ? [{ ...span, to: from }] : [];
    return span.to > to ? [...left, { ...span, from: to }] : left;
  });
}

const isFirstHalf = (code: number) => code >= 0xd800 && code <= 0xdbff;
const isSecondHalf = (code: number) => code >= 0xdc00 && code <= 0xdfff;

/** Half a character is left as a space, as on a terminal. */
function unbroken(text: string): string {
  let whole = text;
  if (isFirstHalf(whole.charCodeAt(whole.length - 1))) whole = `${whole.slice(0, -1)} `;
  if (isSecondHalf(whole.charCodeAt(0))) whole = ` ${whole.slice(1)}`;
  return whole;
}
