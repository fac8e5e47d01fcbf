import type { OutputChunk } from "../api/types";

/** One line of a command's output. */
export interface OutputLine {
  stream: OutputChunk["stream"];
  text: string;
  /** Chunks that are missing before this line. */
  gap: number;
}

/** Adds newly read chunks to the known ones, each index once and in order. */
export function appendChunks(known: readonly OutputChunk[], more: readonly OutputChunk[]): OutputChunk[] {
  const last = known.at(-1)?.index ?? -1;
  const fresh = more.filter((chunk) => chunk.index > last).toSorted((a, b) => a.index - b.index);
  return fresh.length === 0 ? (known as OutputChunk[]) : [...known, ...fresh];
}

// Control sequences (colours, cursor moves, titles) as ECMA-48 and xterm define them. Output is shown as plain text.
 
const CONTROL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/**
 * Chunks as lines. A line that its stream has not ended goes on with the stream's next chunk, unless the other stream
 * wrote in between. A carriage return starts the line over, as on a terminal.
 */
export function toLines(chunks: readonly OutputChunk[]): OutputLine[] {
  const lines: OutputLine[] = [];
  let open = false;
  let next = 0;
  for (const chunk of chunks) {
    const gap = Math.max(0, chunk.index - next);
    next = chunk.index + 1;
    const parts = chunk.text.split("\n");
    const ends = parts.at(-1) === "";
    if (ends) parts.pop();
    parts.forEach((part, index) => {
      const last = lines.at(-1);
      if (index === 0 && open && gap === 0 && last?.stream === chunk.stream) last.text += part;
      else lines.push({ stream: chunk.stream, text: part, gap: index === 0 ? gap : 0 });
    });
    if (parts.length > 0) open = !ends;
  }
  for (const line of lines) line.text = plain(line.text);
  return lines;
}

function plain(text: string): string {
  const clean = text.replace(CONTROL, "").replaceAll("\u001b", "");
  const trimmed = clean.endsWith("\r") ? clean.slice(0, -1) : clean;
  return trimmed.slice(trimmed.lastIndexOf("\r") + 1);
}
