import { useEffect, useState } from "react";
import { api, body } from "../api/client";
import { type Hint, events } from "../api/events";
import { OutputLog } from "../lib/output";
import { throttle } from "../lib/throttle";

/** Chunks per request. */
const LIMIT = 200;
/** While a command runs, its output is asked for at least this often (milliseconds), hint or not. */
const POLL = 5_000;
/** At most one request per so many milliseconds. */
const PAUSE = 250;

/** A command's output as far as it was read. */
export interface Output {
  log: OutputLog;
  /** Another one whenever the log has changed; 0 until the first answer. */
  version: number;
  /** All there will ever be is here. */
  complete: boolean;
  error: unknown;
}

/** A command's output, read on from where it was as more arrives. Mount it once per command (use a key). */
export function useOutput(commandId: string): Output {
  const [output, setOutput] = useState<Output>(() => ({ log: new OutputLog(), version: 0, complete: false, error: null }));
  const { log } = output;
  useEffect(() => {
    const abort = new AbortController();
    const path = { id: commandId };
    let isReading = false;
    let isAskedAgain = false;
    let isComplete = false;

    const readOn = async () => {
      do {
        isAskedAgain = false;
        const query = { after: log.last, limit: LIMIT };
        const { chunks, complete } = await body(
          api.GET("/api/commands/{id}/output", { signal: abort.signal, params: { path, query } }),
        );
        log.append(chunks);
        isComplete = complete;
        isAskedAgain ||= chunks.length >= LIMIT;
        setOutput(({ version }) => ({ log, version: version + 1, complete, error: null }));
      } while (isAskedAgain && !isComplete && !abort.signal.aborted);
    };
    const ask = throttle(() => {
      if (isComplete) return;
      isAskedAgain = true;
      if (isReading) return;
      isReading = true;
      readOn()
        .catch((error: unknown) => {
          if (!abort.signal.aborted) setOutput((known) => ({ ...known, error }));
        })
        .finally(() => {
          isReading = false;
        });
    }, PAUSE);

    const concerns = (hint: Hint) =>
      hint.kind === "resync" || ((hint.kind === "command" || hint.kind === "command_output") && hint.commandId === commandId);
    const leave = events.subscribe((hint) => {
      if (concerns(hint)) ask.ask();
    });
    const timer = setInterval(() => ask.ask(), POLL);
    ask.ask();
    return () => {
      abort.abort();
      clearInterval(timer);
      ask.stop();
      leave();
    };
  }, [commandId, log]);
  return output;
}
