/**
 * Runs `work` at once, then at most once per `interval` milliseconds however often it is asked for; a request during
 * the pause is answered at its end.
 */
export function throttle(work: () => void, interval: number | (() => number)): { ask: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = false;
  const run = () => {
    asked = false;
    const pause = typeof interval === "number" ? interval : interval();
    timer = setTimeout(() => {
      timer = undefined;
      if (asked) run();
    }, pause);
    work();
  };
  return {
    ask() {
      if (timer === undefined) run();
      else asked = true;
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      asked = false;
    },
  };
}
