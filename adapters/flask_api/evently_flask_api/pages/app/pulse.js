// Reading again and again, within what the server allows.

import { budget, Problem } from "./wire.js";

const SLOWEST_MS = 60_000;
const KEPT_BACK = 60; // reads that are left to whatever somebody clicks

/** Does some work every so often: not while the page is hidden, slower when told so, one at a time. */
export class Pulse {
  #timer = 0;
  #stopped = true;
  #failures = 0;

  constructor(everyMs, work) {
    this.everyMs = everyMs;
    this.work = work;
    this.troubled = false;
    this.onVisible = () => document.hidden || this.#beat();
  }

  start() {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.onVisible);
    this.#later(this.everyMs);
    return this;
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  /** Do it soon, whatever the rhythm. */
  soon() {
    if (!this.#stopped) this.#later(0);
  }

  #later(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#beat(), ms);
  }

  async #beat() {
    clearTimeout(this.#timer);
    if (this.#stopped || document.hidden) return; // it goes on when the page is seen again
    let pause = Math.max(this.everyMs, affordableMs());
    try {
      await this.work();
      this.#failures = 0;
      this.troubled = false;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.troubled = true;
      this.#failures += 1;
      const told = problem.retryAfter * 1000;
      pause = told || Math.min(SLOWEST_MS, pause * 2 ** this.#failures);
    } finally {
      if (!this.#stopped) this.#later(pause);
    }
  }
}

/** Return how far apart reads have to be so that they last until there are new ones. */
function affordableMs() {
  if (budget.remaining === Infinity || !budget.seconds) return 0;
  return (budget.seconds * 1000) / Math.max(1, budget.remaining - KEPT_BACK);
}
