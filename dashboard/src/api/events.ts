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
/** Longest that what is to be asked for waits for the stream, in milliseconds. */
const READY_WAIT = 250;
/** A stream that nobody listens to is closed after so long, in milliseconds. */
const UNHEARD_WAIT = 30_000;
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
  /** Whether the stream began, or could not. */
  #begun = false;
  #awaited = new Set<() => void>();
  #unheard: ReturnType<typeof setTimeout> | undefined;

  /**
   * Opens the stream before anybody listens. Resolves when it has begun, or could not, or not soon enough: what is asked
   * for only then is newer than the stream's first hint, and need not be asked for again because of it.
   */
  ready(): Promise<void> {
    if (this.#begun) return Promise.resolve();
    if (this.#source === null) {
      this.#open();
      this.#unheard = setTimeout(() => {
        if (this.#listeners.size === 0) this.#close();
      }, UNHEARD_WAIT);
    }
    return new Promise((resolve) => {
      this.#awaited.add(resolve);
      setTimeout(resolve, READY_WAIT);
    });
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    clearTimeout(this.#unheard);
    if (this.#source === null) this.#open();
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
      if (this.#listeners.size === 0) { this.#close(); return; }
      source.close();
      this.#begin();
      this.#setLive(false);
      this.#poll ??= setInterval(() => this.#emit({ kind: "resync" }), POLL_INTERVAL);
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    };
    const keepId = (event: MessageEvent) => {
      this.#lastId = event.lastEventId || this.#lastId;
      this.#begin();
    };
    const on = (name: string, make: (data: Record<string, string>) => Hint) =>
      source.addEventListener(name, (event) => {
        this.#emit(make(parse(String(event.data))));
        keepId(event);
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
    this.#begin();
    this.#begun = false;
  }

  #begin() {
    this.#begun = true;
    for (const resolve of this.#awaited) resolve();
    this.#awaited.clear();
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
