// What every page is: it loads, it draws itself, it stops.

import { html } from "./html.js";
import { complaint } from "./parts.js";
import { Pulse } from "./pulse.js";
import { sentence } from "./reasons.js";
import { Problem } from "./wire.js";

export class View {
  title = "Evently";
  needs = null; // the roles that may see it; null: anyone
  #pulses = [];
  #drawn = false;

  /** @param place {path, params, query} @param app what the frame offers: go, draw */
  constructor(app, place) {
    this.app = app;
    this.params = place.params;
    this.query = place.query;
    this.isOver = false;
    this.busy = "";
    this.wrong = "";
    this.faults = new Map();
  }

  /** Load what is shown first. */
  async load() {}

  /** Return what is shown. */
  template() {
    return html``;
  }

  /** Draw anew, soon: several changes at once are drawn once. */
  draw() {
    if (this.#drawn || this.isOver) return;
    this.#drawn = true;
    // Not in a microtask: whoever awaited what was done has then taken its result in.
    setTimeout(() => {
      this.#drawn = false;
      if (!this.isOver) this.app.draw(this);
    });
  }

  /** Do some work every so often for as long as the page is shown. */
  every(ms, work) {
    const pulse = new Pulse(ms, async () => {
      try {
        await work();
      } finally {
        this.draw();
      }
    });
    this.#pulses.push(pulse);
    return pulse.start();
  }

  stop() {
    this.isOver = true;
    this.#pulses.forEach((pulse) => pulse.stop());
  }

  /**
   * Do what somebody asked for, once at a time. What went wrong stands in `wrong`, and per field in `faults`.
   * @returns what the work returned; undefined if it went wrong
   */
  async act(name, work) {
    if (this.busy) return undefined;
    this.busy = name;
    this.wrong = "";
    this.faults = new Map();
    this.draw();
    try {
      return await work();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.faults = problem.faults;
      this.wrong = problem.faults.size ? "" : sentence(problem);
      return undefined;
    } finally {
      this.busy = "";
      this.draw();
    }
  }

  /** Read anew what something that was done may have changed. What cannot be read now is said, and read later. */
  async again(read) {
    try {
      await read();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.wrong ||= sentence(problem);
    } finally {
      this.draw();
    }
  }

  get wrongShown() {
    return complaint(this.wrong);
  }
}
