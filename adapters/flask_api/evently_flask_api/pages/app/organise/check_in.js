// The door: codes by camera, by a scanner that types, or by hand.

import { get, getIfThere, post, remove } from "../api.js";
import { secondText, sinceText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, confirmed, figure, given } from "../parts.js";
import { sentence } from "../reasons.js";
import { Problem } from "../wire.js";
import { EventView } from "./event_view.js";

const LOOK_MS = 5_000;
const SCAN_MS = 250;
const SAME_CODE_MS = 4_000; // a ticket that is still before the camera is not shown again
const WHY = {
  unknown: "This is no ticket of ours.",
  wrong_event: "This ticket is for another event.",
  cancelled: "This seat was given back.",
  check_in_undone: "This check-in was taken back; let the organiser decide.",
};

export default class CheckIn extends EventView {
  tab = "/check-in";
  door = null;
  outcome = null;
  scanner = null;
  #stream = null;
  #last = { code: "", at: 0 };

  async load() {
    await super.load();
    await this.readDoor();
    this.pulse = this.door ? this.every(LOOK_MS, () => this.readDoor()) : undefined;
  }

  async readDoor() {
    this.door = await getIfThere(`/events/${this.id}/check-ins`, { limit: 20 });
  }

  stop() {
    super.stop();
    this.closeCamera();
  }

  async submit(event) {
    event.preventDefault();
    const form = event.target;
    const { code } = given(form);
    const input = form.querySelector("input");
    form.reset(); // at once: a scanner types the next code while this one is being asked about
    input.focus();
    if (!code) return;
    try {
      await this.show(code.trim());
    } catch (failure) {
      input.value ||= code; // what somebody typed by hand need not be typed again
      throw failure;
    }
  }

  /** Let somebody in by a code, and say what came of it. */
  async show(code) {
    try {
      const arrival = await post(`/events/${this.id}/check-ins`, { code });
      this.outcome = { way: "in", arrival, name: await this.nameOf(arrival) };
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.outcome = { way: "out", problem };
    }
    this.draw();
    navigator.vibrate?.(this.outcome.way === "in" ? 80 : [80, 60, 80]);
    await this.again(() => this.readDoor());
  }

  /** Who has the booking that somebody came in by. */
  async nameOf({ booking_id: id }) {
    const { user_id: user } = await get(`/bookings/${id}`);
    await this.people.learn([user]);
    return this.people.name(user);
  }

  async undo(arrival) {
    const reason = await confirmed({ title: `Take seat ${arrival.seat} of ${arrival.reference} back?`, text: "It counts as not in.", action: "Take back", reasonNeeded: true, keep: "Leave it" });
    if (!reason) return;
    await this.act(`undo-${arrival.code}`, () => remove(`/events/${this.id}/check-ins/${encodeURIComponent(arrival.code)}`, { reason }).then(() => true));
    await this.again(() => this.readDoor());
  }

  // --- the camera -----------------------------------------------------------------------------------------------

  get hasCamera() {
    return "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);
  }

  async openCamera() {
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      this.wrong = "The camera cannot be used. Allow it, or type the code.";
      return this.draw();
    }
    this.scanner = new BarcodeDetector({ formats: ["qr_code"] });
    this.draw();
    await new Promise(requestAnimationFrame);
    const video = document.getElementById("finder");
    video.srcObject = this.#stream;
    await video.play();
    this.scan(video);
  }

  async scan(video) {
    while (this.#stream && !this.isOver) {
      const [found] = await this.scanner.detect(video).catch(() => []);
      if (found && !this.isRepeated(found.rawValue)) await this.show(found.rawValue);
      await new Promise((resolve) => setTimeout(resolve, SCAN_MS));
    }
  }

  isRepeated(code) {
    const repeated = code === this.#last.code && Date.now() - this.#last.at < SAME_CODE_MS;
    this.#last = { code, at: Date.now() };
    return repeated;
  }

  closeCamera() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.scanner = null;
  }

  // --- what is shown --------------------------------------------------------------------------------------------

  content() {
    if (!this.door) return html`<div class="empty"><p>This server checks nobody in.</p></div>`;
    return html`<div class="split">
      <div class="stack">
        ${this.outcomeWord()}
        <form class="sheet stack" aria-label="Check in" autocomplete="off" @submit=${(event) => this.submit(event)}>
          <div class="field"><label for="code">Code</label>
            <input id="code" name="code" required maxlength="1000" spellcheck="false" autocapitalize="characters" aria-describedby="code-hint">
            <span class="hint" id="code-hint">A scanner that types ends with Enter, and so may you.</span></div>
          <div class="row">${button({ label: "Check in", kind: "main", type: "submit" })}
            ${this.hasCamera ? button({ label: this.scanner ? "Close the camera" : "Use the camera", onClick: () => (this.scanner ? (this.closeCamera(), this.draw()) : this.openCamera()) }) : nothing}</div>
          ${this.scanner ? html`<video id="finder" class="finder" playsinline muted aria-label="What the camera sees"></video>` : nothing}
        </form>
      </div>
      <section class="stack" aria-label="Who is in">
        <dl class="figures">${figure("in", this.door.checked_in, `of ${this.door.expected}`)}${figure("to come", this.door.expected - this.door.checked_in)}</dl>
        <seat-meter class="large" taken=${this.door.checked_in} aside="0" free=${this.door.expected - this.door.checked_in}></seat-meter>
        <ul class="items">${repeat(this.door.items, ({ code }) => code, (arrival) => html`<li class="row apart">
          <span>${arrival.reference}, seat ${arrival.seat} <span class="small quiet">${secondText(arrival.at, this.event.timezone)}</span></span>
          ${button({ label: "Undo", kind: "small plain", busy: this.busy === `undo-${arrival.code}`, onClick: () => this.undo(arrival) })}</li>`)}</ul>
      </section>
    </div>`;
  }

  outcomeWord() {
    if (!this.outcome) return html`<div class="verdict" role="status"><p>Show a ticket.</p></div>`;
    const { way, arrival, name, problem } = this.outcome;
    if (way === "in") {
      return html`<div class="verdict go" role="status"><p class="large">Welcome, ${name}</p><p>${arrival.reference}, seat ${arrival.seat}${this.hasKinds ? `, ${this.kindName(arrival.ticket_type_id)}` : ""}</p></div>`;
    }
    const since = problem.figures.checked_in_at ?? problem.figures.at;
    const why = problem.code === "already_in" ? `In already${since ? `, ${sinceText(since)}` : ""}.` : WHY[problem.code] ?? sentence(problem);
    return html`<div class="verdict stop" role="alert"><p class="large">No</p><p>${why}</p></div>`;
  }
}
