import { useSyncExternalStore } from "react";

/** How long until the server is asked again whether it is back, in milliseconds. */
const PROBE_INTERVAL = 2_000;

type Listener = () => void;

/**
 * Whether the server answers. One failed request is enough to say that it does not; from then on its readiness is
 * probed until it answers, and everything that listens loads again.
 */
class Connection {
  #awaySince: number | null = null;
  #everAnswered = false;
  #listeners = new Set<Listener>();
  #returned = new Set<Listener>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A request got no answer, or one that says "not now". */
  lost() {
    if (this.#awaySince !== null) return;
    this.#awaySince = Date.now();
    this.#tell(this.#listeners);
    this.#probe();
  }

  /** A request got an answer. */
  answered() {
    this.#everAnswered = true;
    if (this.#awaySince === null) return;
    this.#awaySince = null;
    clearTimeout(this.#timer);
    this.#tell(this.#listeners);
    this.#tell(this.#returned);
  }

  /** Asks the server whether it is there, and keeps what it says. */
  async check(): Promise<boolean> {
    const there = await isReady();
    if (there) this.answered();
    else this.lost();
    return there;
  }

  /** Whether the server has answered since this page was opened. */
  everAnswered = () => this.#everAnswered;

  awaySince = () => this.#awaySince;

  subscribe = (listener: Listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Calls `listener` each time the server is back. */
  onReturn(listener: Listener) {
    this.#returned.add(listener);
    return () => void this.#returned.delete(listener);
  }

  #probe() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void isReady().then((there) => (there ? this.answered() : this.#probe()));
    }, PROBE_INTERVAL);
  }

  #tell(listeners: Set<Listener>) {
    for (const listener of listeners) listener();
  }
}

async function isReady(): Promise<boolean> {
  try {
    return (await fetch("/health/ready", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

export const connection = new Connection();

/** When the server stopped answering (milliseconds since the epoch); null while it answers. */
export function useAwaySince(): number | null {
  return useSyncExternalStore(connection.subscribe, connection.awaySince);
}
