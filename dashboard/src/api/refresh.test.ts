import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { tick } from "../lib/order";
import { Recent } from "../lib/recent";
import { Answers } from "./answers";
import type { Hint } from "./events";
import { type Hints, keepFresh } from "./refresh";

const PAUSE = 1_000;
const agentHint: Hint = { kind: "agent", agentId: "1" };

/** A stream of hints that the test speaks into. */
class Spoken implements Hints {
  #listeners = new Set<(hint: Hint) => void>();
  #recent = new Recent<Hint>(JSON.stringify);

  subscribe(listener: (hint: Hint) => void) {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  last(concerns: (hint: Hint) => boolean) {
    return this.#recent.last(concerns);
  }

  say(hint: Hint) {
    this.#recent.add(hint, tick());
    for (const listener of this.#listeners) listener(hint);
  }
}

/** A page that shows one list; each question waits until the test answers it with what is true at that moment. */
function page() {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: 0, retry: false } } });
  const answers = new Answers(client.getQueryCache());
  const hints = new Spoken();
  const waiting: { answer: (value: string) => void; signal: AbortSignal }[] = [];
  const observer = new QueryObserver(client, {
    queryKey: ["agents", "list"],
    queryFn: ({ signal }) => new Promise<string>((answer) => waiting.push({ answer, signal })),
  });
  const show = () => observer.subscribe(() => undefined);
  const listen = () =>
    keepFresh({
      client,
      answers,
      hints,
      queryKey: ["agents"],
      concerns: (hint) => hint.kind === "agent",
      pause: () => PAUSE,
    });
  /** Answers the oldest open question. */
  const answer = async (value: string) => {
    waiting.shift()?.answer(value);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { client, hints, waiting, show, listen, answer, data: () => observer.getCurrentResult().data };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks once more for an answer that was asked for before a hint, and does not cut it off", async () => {
  const { hints, waiting, show, listen, answer, data } = page();
  show();
  listen();
  hints.say(agentHint);
  await vi.advanceTimersByTimeAsync(0);
  expect(waiting.map(({ signal }) => signal.aborted)).toEqual([false]);
  await answer("before the hint");
  await vi.advanceTimersByTimeAsync(PAUSE);
  await answer("after the hint");
  expect(data()).toBe("after the hint");
  await vi.advanceTimersByTimeAsync(10 * PAUSE);
  expect(waiting).toHaveLength(0);
});

it("lets answers arrive however quickly hints come", async () => {
  const { hints, show, listen, answer, data } = page();
  show();
  listen();
  for (let n = 0; n < 20; n++) {
    hints.say(agentHint);
    await vi.advanceTimersByTimeAsync(PAUSE);
  }
  await answer("first");
  expect(data()).toBe("first");
});

it("finds out about a hint that came before it listened, while the question was on its way", async () => {
  const { hints, waiting, show, listen, answer } = page();
  show();
  hints.say(agentHint);
  await vi.advanceTimersByTimeAsync(60_000);
  listen();
  await answer("asked a minute before the page listened");
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(waiting).toHaveLength(1);
});

it("finds out about a hint that came before it listened, after the answer", async () => {
  const { hints, waiting, show, listen, answer } = page();
  show();
  await answer("early");
  hints.say(agentHint);
  listen();
  await vi.advanceTimersByTimeAsync(PAUSE - 1);
  expect(waiting).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(waiting).toHaveLength(1);
});

it("asks at once for what is older than a pause", async () => {
  const { hints, waiting, show, listen, answer } = page();
  show();
  await answer("early");
  await vi.advanceTimersByTimeAsync(PAUSE);
  hints.say(agentHint);
  listen();
  await vi.advanceTimersByTimeAsync(0);
  expect(waiting).toHaveLength(1);
});

it("is not led astray by a clock that is set back", async () => {
  const { hints, waiting, show, listen, answer } = page();
  show();
  listen();
  await answer("first");
  hints.say(agentHint);
  await vi.advanceTimersByTimeAsync(0);
  vi.setSystemTime(Date.now() - 3_600_000);
  await answer("after the hint");
  await vi.advanceTimersByTimeAsync(10 * PAUSE);
  expect(waiting).toHaveLength(0);
  hints.say(agentHint);
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(waiting).toHaveLength(1);
});

it("loses nothing when it stops and begins again, as React's strict mode does", async () => {
  const { hints, waiting, show, listen, answer, data } = page();
  show();
  await answer("first");
  const stop = listen();
  hints.say(agentHint);
  hints.say(agentHint);
  stop();
  listen();
  await vi.advanceTimersByTimeAsync(0);
  while (waiting.length > 0) {
    await answer("new");
    await vi.advanceTimersByTimeAsync(PAUSE);
  }
  expect(data()).toBe("new");
});

it("asks for nothing that nobody shows, and for nothing when the hint concerns something else", async () => {
  const { hints, waiting, show, listen, answer } = page();
  const hide = show();
  listen();
  await answer("first");
  hints.say({ kind: "fleet" });
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(waiting).toHaveLength(0);
  hide();
  hints.say(agentHint);
  await vi.advanceTimersByTimeAsync(PAUSE);
  expect(waiting).toHaveLength(0);
  show();
  await vi.advanceTimersByTimeAsync(0);
  expect(waiting).toHaveLength(1);
});
