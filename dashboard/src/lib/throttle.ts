export interface Throttle {
  /** Asks for the work, which is done no sooner than in `wait` milliseconds [default: at once]. */
  ask: (wait?: number) => void;
  /** Forgets what was asked for. */
  stop: () => void;
}

/**
 * Runs `work` at once, then at most once per `interval` milliseconds however often it is asked for; a request during
 * the pause is answered at its end.
 */
export function throttle(work: () => void, interval: number | (() => number)): Throttle {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = false;
  const pause = (time: number) => {
    timer = setTimeout(() => {
      timer = undefined;
      if (asked) run();
    }, time);
  };
  const run = () => {
    asked = false;
    pause(typeof interval === "number" ? interval : interval());
    work();
  };
  return {
    ask(wait = 0) {
      if (timer === undefined && wait <= 0) { run(); return; }
      asked = true;
      if (timer === undefined) pause(wait);
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      asked = false;
    },
  };
}
