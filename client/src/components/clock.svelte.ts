import { createSubscriber } from "svelte/reactivity";

/** A clock that only ticks while something on the page shows it. */
class Clock {
  readonly #subscribe: () => void;

  constructor(everyMs: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, everyMs);
      return () => clearInterval(timer);
    });
  }

  /** Milliseconds since 1970, as of the last tick. */
  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** For durations of running cells. */
export const fast = new Clock(100);
/** For seconds since something. */
export const slow = new Clock(1000);
