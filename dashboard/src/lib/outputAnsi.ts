/**
 * Control sequences of terminals (ECMA-48, and xterm's extensions) in one stream of text: tells text and its style from
 * the few movements that matter on a single line, and drops everything else. What is cut in two by the end of a piece of
 * text is put together with the next one.
 */

/** How text looks. A colour is `NO_COLOUR`, 0..255 of the usual palette, or `DIRECT` plus 24 bits of red, green, blue. */
export interface Style {
  readonly foreground: number;
  readonly background: number;
  /** A sum of `Look`s. */
  readonly looks: number;
}

export const NO_COLOUR = -1;
export const DIRECT = 0x1000000;
export const Look = { bold: 1, dim: 2, italic: 4, underline: 8, inverse: 16, strike: 32 } as const;
export const PLAIN: Style = { foreground: NO_COLOUR, background: NO_COLOUR, looks: 0 };

export function isSameStyle(one: Style, other: Style): boolean {
  return one.foreground === other.foreground && one.background === other.background && one.looks === other.looks;
}

/** What happens to the line that is being written. */
export interface Terminal {
  print(text: string, style: Style): void;
  lineFeed(): void;
  tab(): void;
  /** Goes to a column, counted from 0; or by so many columns from where it is. */
  moveTo(column: number): void;
  moveBy(columns: number): void;
  /** Clears from the cursor to the end of the line, from its beginning up to the cursor, or all of it. */
  eraseLine(part: "after" | "before" | "all"): void;
}

/** A sequence that is longer is none, and is dropped up to its end. */
const LONGEST_SEQUENCE = 256;
/** A string (a window's title, a link) that is longer, or not ended in its line, is given up: it must not swallow the rest. */
const LONGEST_STRING = 8_192;

// Everything that is not plain text: C0, DEL, C1, and what reorders the text around it, which a terminal does not do.
const SPECIAL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const ESC = 0x1b;

type State = "text" | "escape" | "sequence" | "string";

/** One stream's parser. */
export class AnsiParser {
  readonly #terminal: Terminal;
  #state: State = "text";
  #parameters = "";
  #skipped = 0;
  #style: Style = PLAIN;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Something in between is lost: what was begun does not go on. */
  interrupt(): void {
    this.#state = "text";
  }

  write(text: string): void {
    let at = 0;
    while (at < text.length) at = this.#state === "text" ? this.#text(text, at) : this.#special(text.charCodeAt(at), at);
  }

  /** Prints up to the next special character and takes that in; answers where to go on. */
  #text(text: string, from: number): number {
    SPECIAL.lastIndex = from;
    const end = SPECIAL.exec(text)?.index ?? text.length;
    if (end > from) this.#terminal.print(text.slice(from, end), this.#style);
    if (end < text.length) this.#control(text.charCodeAt(end));
    return end + 1;
  }

  #control(code: number): void {
    if (code === ESC) this.#begin("escape");
    else if (code === 0x9b) this.#begin("sequence");
    else if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) this.#begin("string");
    else if (code === 0x0a) this.#terminal.lineFeed();
    else if (code === 0x0d) this.#terminal.moveTo(0);
    else if (code === 0x08) this.#terminal.moveBy(-1);
    else if (code === 0x09) this.#terminal.tab();
    else if (code > 0x9f) this.#terminal.print("\ufffd", this.#style);
  }

  #begin(state: State): void {
    this.#state = state;
    this.#parameters = "";
    this.#skipped = 0;
  }

  /** Takes in one character inside a sequence; answers where to go on. */
  #special(code: number, at: number): number {
    // These end whatever was begun, in every state.
    if (code === 0x18 || code === 0x1a) {
      this.#state = "text";
      return at + 1;
    }
    if (code === ESC) {
      this.#begin("escape");
      return at + 1;
    }
    if (this.#state === "string") return this.#string(code, at);
    // A terminal obeys a line end in the middle of a sequence; here it ends the sequence too, so that none is lost.
    if (code < 0x20 || code > 0x7e) {
      this.#state = "text";
      return at;
    }
    if (this.#state === "escape") this.#escape(code);
    else this.#sequence(code);
    return at + 1;
  }

  #string(code: number, at: number): number {
    this.#skipped += 1;
    // A bell ends most titles; older agents send U+FFFD in its place.
    if (code === 0x07 || code === 0x9c || code === 0xfffd) {
      this.#state = "text";
      return at + 1;
    }
    if (code === 0x0a || this.#skipped > LONGEST_STRING) {
      this.#state = "text";
      return at;
    }
    return at + 1;
  }

  #escape(code: number): void {
    // "[" begins a sequence; "]", "P", "X", "^" and "_" a string; 0x20..0x2f is followed by one more; others are whole.
    if (code === 0x5b) this.#begin("sequence");
    else if (code === 0x5d || code === 0x50 || code === 0x58 || code === 0x5e || code === 0x5f) this.#begin("string");
    else if (code > 0x2f) this.#state = "text";
  }

  #sequence(code: number): void {
    if (code < 0x40) {
      if (this.#parameters.length < LONGEST_SEQUENCE) this.#parameters += String.fromCharCode(code);
      return;
    }
    this.#state = "text";
    if (this.#parameters.length >= LONGEST_SEQUENCE || !/^[\d;:]*$/.test(this.#parameters)) return;
    const first = Number.parseInt(this.#parameters, 10) || 0;
    const count = Math.max(1, first);
    const final = String.fromCharCode(code);
    if (final === "m") this.#style = styled(this.#style, this.#parameters);
    else if (final === "K" && first <= 2) this.#terminal.eraseLine((["after", "before", "all"] as const)[first] ?? "all");
    else if (final === "G" || final === "`") this.#terminal.moveTo(count - 1);
    else if (final === "C") this.#terminal.moveBy(count);
    else if (final === "D") this.#terminal.moveBy(-count);
  }
}

const ON: Record<number, number> = {
  1: Look.bold,
  2: Look.dim,
  3: Look.italic,
  4: Look.underline,
  7: Look.inverse,
  9: Look.strike,
  21: Look.underline,
};
const OFF: Record<number, number> = {
  22: Look.bold | Look.dim,
  23: Look.italic,
  24: Look.underline,
  27: Look.inverse,
  29: Look.strike,
};

/** The style after a "select graphic rendition". Concealed text stays visible: whoever reads a log wants to see it. */
export function styled(style: Style, parameters: string): Style {
  let { foreground, background, looks } = style;
  const groups = parameters.split(";");
  for (let at = 0; at < groups.length; at++) {
    const parts = (groups[at] ?? "").split(":");
    const code = Number(parts[0] || 0);
    if (code === 0) {
      ({ foreground, background, looks } = PLAIN);
    } else if (code === 38 || code === 48 || code === 58) {
      const ofColons = parts.length > 1;
      const [colour, used] = extended(ofColons ? withoutSpace(parts.slice(1)) : groups.slice(at + 1, at + 5));
      if (!ofColons) at += used;
      if (colour !== null && code === 38) foreground = colour;
      if (colour !== null && code === 48) background = colour;
    } else if (code === 4 && parts[1] === "0") {
      looks &= ~Look.underline;
    } else {
      looks = (looks | (ON[code] ?? 0)) & ~(OFF[code] ?? 0);
      if (code >= 30 && code <= 37) foreground = code - 30;
      else if (code >= 90 && code <= 97) foreground = code - 82;
      else if (code === 39) foreground = NO_COLOUR;
      else if (code >= 40 && code <= 47) background = code - 40;
      else if (code >= 100 && code <= 107) background = code - 92;
      else if (code === 49) background = NO_COLOUR;
    }
  }
  const next = { foreground, background, looks };
  return isSameStyle(next, PLAIN) ? PLAIN : next;
}

/** ITU T.416 puts the name of a colour space before the three parts of a colour; most programs leave it out. */
function withoutSpace(parts: string[]): string[] {
  return parts[0] === "2" && parts.length > 4 ? ["2", ...parts.slice(2)] : parts;
}

/** A colour of the palette of 256 (`5;n`) or one of its own (`2;r;g;b`), and how many parameters it takes. */
function extended(parts: readonly string[]): [colour: number | null, used: number] {
  const [kind, ...rest] = parts.map((part) => Number(part || 0));
  const isPart = (part: number | undefined): part is number => part !== undefined && part >= 0 && part <= 255;
  const [first, second, third] = rest;
  if (kind === 5) return [isPart(first) ? first : null, 2];
  if (kind !== 2) return [null, parts.length];
  if (!isPart(first) || !isPart(second) || !isPart(third)) return [null, 4];
  return [DIRECT + (first << 16) + (second << 8) + third, 4];
}
