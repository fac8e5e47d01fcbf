import { useCallback, useEffect, useRef, useState } from "react";
import { api, body } from "../api/client";
import { type Hint, events } from "../api/events";
import type { OutputChunk } from "../api/types";
import { appendChunks } from "../lib/output";
import { throttle } from "../lib/throttle";

/** Chunks per request. */
const LIMIT = 200;
/** While a command runs, its output is asked for at least this often (milliseconds), hint or not. */
const POLL = 5_000;
/** At most one request per so many milliseconds. */
const PAUSE = 250;

export interface Output {
  chunks: OutputChunk[];
  /** All there will ever be is here. */
  complete: boolean;
  error: unknown;
}

const NOTHING: Output = { chunks: [], complete: false, error: null };

/** A command's output, read on from where it was as more arrives. Mount it once per command (use a key). */
export function useOutput(commandId: string): Output {
  const [output, setOutput] = useState<Output>(NOTHING);
  const after = useRef<number | undefined>(undefined);
  const busy = useRef(false);
  const again = useRef(false);

  const read = useCallback(
    async (signal: AbortSignal) => {
      if (busy.current) {
        again.current = true;
        return;
      }
      busy.current = true;
      try {
        do {
          again.current = false;
          const query = { after: after.current, limit: LIMIT };
          const page = await body(
            api.GET("/api/commands/{id}/output", { signal, params: { path: { id: commandId }, query } }),
          );
          after.current = page.chunks.at(-1)?.index ?? after.current;
          again.current ||= page.chunks.length >= LIMIT;
          setOutput((known) => ({ chunks: appendChunks(known.chunks, page.chunks), complete: page.complete, error: null }));
        } while (again.current);
      } catch (error) {
        if (!signal.aborted) setOutput((known) => ({ ...known, error }));
      } finally {
        busy.current = false;
      }
    },
    [commandId],
  );

  useEffect(() => {
    const abort = new AbortController();
    const ask = throttle(() => void read(abort.signal), PAUSE);
    ask.ask();
    const concerns = (hint: Hint) =>
      hint.kind === "resync" || ((hint.kind === "command" || hint.kind === "command_output") && hint.commandId === commandId);
    const leave = events.subscribe((hint) => {
      if (concerns(hint)) ask.ask();
    });
    return () => {
      abort.abort();
      ask.stop();
      leave();
    };
  }, [read, commandId]);

  useEffect(() => {
    if (output.complete) return undefined;
    const abort = new AbortController();
    const timer = setInterval(() => void read(abort.signal), POLL);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [read, output.complete]);

  return output;
}
