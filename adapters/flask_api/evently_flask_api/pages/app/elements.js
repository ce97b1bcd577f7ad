// Elements of our own: seats as a bar, and the time that is left.

import { count, durationText } from "./format.js";

/** Seats as a bar: taken, set aside for who waits, free. Attributes: capacity, taken, aside, free. */
class SeatMeter extends HTMLElement {
  static observedAttributes = ["taken", "aside", "free"];
  #parts = null;

  connectedCallback() {
    if (this.#parts) return;
    const bar = document.createElement("div");
    bar.className = "bar";
    this.#parts = ["taken", "aside", "free"].map((name) => {
      const part = document.createElement("i");
      part.className = name;
      bar.append(part);
      return part;
    });
    this.append(bar);
    this.setAttribute("role", "img");
    this.#draw();
  }

  attributeChangedCallback() {
    if (this.#parts) this.#draw();
  }

  #draw() {
    const [taken, aside, free] = ["taken", "aside", "free"].map((name) => Math.max(0, Number(this.getAttribute(name))));
    [taken, aside, free].forEach((seats, index) => {
      this.#parts[index].hidden = seats === 0;
      this.#parts[index].style.flexGrow = seats;
    });
    const setAside = aside ? `, ${count(aside, "seat")} set aside for the waitlist` : "";
    this.setAttribute("aria-label", `${count(taken, "seat")} taken${setAside}, ${free} free`);
  }
}

/** The time that is left until an instant, counted down. Attribute: until. Tells "over" once. */
class CountDown extends HTMLElement {
  static observedAttributes = ["until"];
  #timer = 0;

  connectedCallback() {
    this.setAttribute("role", "timer");
    this.#timer = setInterval(() => this.#draw(), 1000);
    this.#draw();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#draw();
  }

  #draw() {
    const left = (new Date(this.getAttribute("until")) - Date.now()) / 1000;
    this.textContent = durationText(left);
    if (left <= 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = 0;
      this.dispatchEvent(new Event("over"));
    }
  }
}

customElements.define("seat-meter", SeatMeter);
customElements.define("count-down", CountDown);
