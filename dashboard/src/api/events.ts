import { useSyncExternalStore } from "react";
import { tick } from "../lib/order";
import { Recent } from "../lib/recent";

/** A hint that something changed: ids only, so whoever listens asks again for what it may see. */
export type Hint =
  | { kind: "agent"; agentId: string }
  | { kind: "command"; commandId: string; agentId: string }
  | { kind: "command_output"; commandId: string; agentId: string }
  /** A run was ordered or cancelled; what becomes of its commands is told of each. */
  | { kind: "run"; runId: string }
  | { kind: "fleet" }
  | { kind: "resync" };

type Listener = (hint: Hint) => void;

/** First and longest wait before the stream is opened again, in milliseconds. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** Without any stream for so long, everything is asked for again at this interval. */
const POLL_INTERVAL = 15_000;

/**
 * The server's stream of hints, open while somebody listens; polling stands in while it is away. Opened again it goes on
 * after the last hint that came; the server begins it with a resync when it no longer holds what was missed.
 */
class Events {
  #listeners = new Set<Listener>();
  #statusListeners = new Set<() => void>();
  #source: EventSource | null = null;
  #wait = FIRST_WAIT;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #poll: ReturnType<typeof setInterval> | undefined;
  #live = false;
  /** The id of the last hint; empty before the first. */
  #lastId = "";
  #recent = new Recent<Hint>(JSON.stringify);

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#close();
    };
  }

  /**
   * When such a hint came last, or may have come (a number of `tick`); 0 if none did. Hints of new output are not kept:
   * there are many, and output is read on from where it was.
   */
  last(concerns: (hint: Hint) => boolean): number {
    return this.#recent.last(concerns);
  }

  onStatus = (listener: () => void) => {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  };

  isLive = () => this.#live;

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = new EventSource(this.#lastId === "" ? "/api/events" : `/api/events?after=${encodeURIComponent(this.#lastId)}`);
    this.#source = source;
    source.onopen = () => {
      this.#wait = FIRST_WAIT;
      clearInterval(this.#poll);
      this.#poll = undefined;
      this.#setLive(true);
    };
    source.onerror = () => {
      source.close();
      this.#setLive(false);
      this.#poll ??= setInterval(() => this.#emit({ kind: "resync" }), POLL_INTERVAL);
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    };
    const keepId = (event: MessageEvent) => {
      this.#lastId = event.lastEventId || this.#lastId;
    };
    const on = (name: string, make: (data: Record<string, string>) => Hint) =>
      source.addEventListener(name, (event) => {
        keepId(event);
        this.#emit(make(parse(String(event.data))));
      });
    // Says only where the stream is: what this reader may not see moves it too.
    source.addEventListener("position", keepId);
    on("agent", (data) => ({ kind: "agent", agentId: data.agent_id ?? "" }));
    on("command", (data) => ({ kind: "command", commandId: data.command_id ?? "", agentId: data.agent_id ?? "" }));
    on("command_output", (data) => ({
      kind: "command_output",
      commandId: data.command_id ?? "",
      agentId: data.agent_id ?? "",
    }));
    on("run", (data) => ({ kind: "run", runId: data.run_id ?? "" }));
    on("fleet", () => ({ kind: "fleet" }));
    on("resync", () => ({ kind: "resync" }));
    // Nothing to ask for: all that happens concerns others.
    source.addEventListener("position", (event) => {
      this.#lastId = event.lastEventId || this.#lastId;
    });
  }

  #close() {
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    this.#poll = undefined;
    this.#source?.close();
    this.#source = null;
    this.#wait = FIRST_WAIT;
    // Whoever listens next may be somebody else, to whom the old place says nothing.
    this.#lastId = "";
    this.#setLive(false);
  }

  #emit(hint: Hint) {
    if (hint.kind !== "command_output") this.#recent.add(hint, tick());
    for (const listener of this.#listeners) listener(hint);
  }

  #setLive(live: boolean) {
    if (this.#live === live) return;
    this.#live = live;
    for (const listener of this.#statusListeners) listener();
  }
}

function parse(data: string): Record<string, string> {
  try {
    return (JSON.parse(data) ?? {}) as Record<string, string>;
  } catch {
    return {};
  }
}

export const events = new Events();

/** Whether hints arrive by push (otherwise by polling). */
export function useLive(): boolean {
  return useSyncExternalStore(events.onStatus, events.isLive);
}
