import type { OutputLine } from "./output";

/** Where something was found: the line it begins in (an index), where in it, and how long it is. */
export interface Match {
  readonly line: number;
  readonly from: number;
  readonly length: number;
}

/** Beyond so many it is enough to know that there are more. */
export const MOST_MATCHES = 20_000;

const NOTHING = /(?!)/g;

/** Finds a text in output that grows: what was searched once is not searched again. */
export class OutputFinder {
  readonly #pattern: RegExp | null;
  #matches: Match[] = [];
  /** The first line that is not searched for good: it may still be written. */
  #from = 0;

  constructor(query: string, matchCase: boolean) {
    this.#pattern = query === "" ? null : new RegExp(escaped(query), matchCase ? "gu" : "giu");
  }

  /** All that is found in these lines, in order; at most `MOST_MATCHES`. The last line may still change. */
  find(lines: readonly OutputLine[]): readonly Match[] {
    if (!this.#pattern) return this.#matches;
    const found = this.#matches.slice(0, firstFrom(this.#matches, this.#from));
    for (let line = this.#from; line < lines.length && found.length < MOST_MATCHES; ) line = this.#search(lines, line, found);
    this.#from = startOf(lines, lines.length - 1);
    this.#matches = found;
    return found;
  }

  /** Searches a line with the parts that it goes on in, as one; answers where the next one begins. */
  #search(lines: readonly OutputLine[], first: number, found: Match[]): number {
    let next = first + 1;
    while (lines[next]?.continues) next += 1;
    const parts = lines.slice(first, next);
    const text = parts.length === 1 ? (parts[0]?.text ?? "") : parts.map((part) => part.text).join("");
    let part = 0;
    let offset = 0;
    for (const match of text.matchAll(this.#pattern ?? NOTHING)) {
      if (found.length >= MOST_MATCHES) break;
      while (match.index >= offset + (parts[part]?.text.length ?? Infinity)) {
        offset += parts[part]?.text.length ?? 0;
        part += 1;
      }
      found.push({ line: first + part, from: match.index - offset, length: match[0].length });
    }
    return next;
  }
}

/** Where the line begins that this is a part of. */
function startOf(lines: readonly OutputLine[], line: number): number {
  let first = Math.max(0, line);
  while (first > 0 && lines[first]?.continues) first -= 1;
  return first;
}

function escaped(query: string): string {
  return query.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** What is to be marked in a line: its own matches, and the rest of one that began in the part before it. */
export interface Mark {
  readonly from: number;
  readonly to: number;
  /** Which match it belongs to. */
  readonly match: number;
}

export function marksIn(lines: readonly OutputLine[], line: number, matches: readonly Match[]): Mark[] {
  const { text = "", continues = false } = lines[line] ?? {};
  const marks: Mark[] = [];
  let at = firstFrom(matches, line);
  const before = matches[at - 1];
  if (continues && before?.line === line - 1) {
    const rest = before.from + before.length - (lines[line - 1]?.text.length ?? 0);
    if (rest > 0) marks.push({ from: 0, to: Math.min(rest, text.length), match: at - 1 });
  }
  for (let match = matches[at]; match?.line === line; match = matches[(at += 1)]) {
    marks.push({ from: match.from, to: Math.min(match.from + match.length, text.length), match: at });
  }
  return marks;
}

/** The first match at or after a line; their number when there is none. */
export function firstFrom(matches: readonly Match[], line: number): number {
  let [low, high] = [0, matches.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((matches[middle]?.line ?? 0) < line) low = middle + 1;
    else high = middle;
  }
  return low;
}
