// One event: what it is, how its seats stand, booking, and what one has of it.

import { freshKey, get, post } from "../api.js";
import { count, isElsewhere, momentText, moneyText, spanText, timeText, zoneText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { outlook } from "../outlook.js";
import { bookingCard, isHeld, isOpen } from "../own/booking_card.js";
import { entryCard, waits } from "../own/entry_card.js";
import { button, isOn, sign, stepper } from "../parts.js";
import { sentence } from "../reasons.js";
import { session } from "../session.js";
import { View } from "../view.js";
import { API } from "../wire.js";
import { seatsSign } from "./events.js";

export default class EventPage extends View {
  event = null;
  bookings = [];
  entries = [];
  explained = null;
  answer = null;
  chosen = null;
  quantity = 1;
  acceptPartial = false;
  joinWaitlist = true;
  key = freshKey();

  get id() {
    return this.params.id;
  }

  async load() {
    await Promise.all([this.readEvent(), this.readOwn()]);
    this.title = this.event.title;
    this.chosen = this.event.ticket_types[0]?.id;
    this.quantity = this.kind?.min_per_booking ?? 1;
    this.pulse = this.every(session.signedIn ? 4_000 : 20_000, () => this.look());
  }

  /** Look again: at what one waits for, and at the seats. */
  async look() {
    const before = this.event.updated_at;
    await this.readEvent();
    if (session.signedIn && (this.entries.some(waits) || this.bookings.some(isHeld) || this.event.updated_at !== before)) await this.readOwn();
  }

  async readEvent() {
    this.event = await get(`/events/${this.id}`);
  }

  async readOwn() {
    if (!session.signedIn) return;
    const [bookings, entries] = await Promise.all([
      get("/bookings", { event_id: this.id, limit: 100 }),
      get("/waitlist", { event_id: this.id, limit: 100 }),
    ]);
    this.bookings = bookings.items;
    this.entries = entries.items;
  }

  /** After something was done: read everything again. */
  changed = () => this.again(() => Promise.all([this.readEvent(), this.readOwn()]));

  async explain() {
    this.explained = await this.act("explain", () => get(`/events/${this.id}/explain`));
  }

  get kind() {
    return this.event?.ticket_types.find(({ id }) => id === this.chosen);
  }

  get isBookable() {
    return this.event.status === "published" && new Date(this.event.starts_at) > new Date();
  }

  get expected() {
    const { acceptPartial, joinWaitlist } = this;
    return outlook(this.kind, this.quantity, { acceptPartial, joinWaitlist, waitlistOn: this.event.policy.waitlist.enabled });
  }

  choose(change) {
    Object.assign(this, change);
    this.key = freshKey(); // another wish is another request
    this.draw();
  }

  async book(event) {
    event.preventDefault();
    if (!session.signedIn) return this.app.go(`/app/log-in?to=${encodeURIComponent(`/app/events/${this.id}`)}`);
    const wish = {
      event_id: this.id,
      ticket_type_id: this.chosen,
      quantity: this.quantity,
      accept_partial: this.acceptPartial,
      join_waitlist: this.joinWaitlist && this.event.policy.waitlist.enabled,
    };
    this.answer = null;
    this.answer = (await this.act("book", () => post("/bookings", wish, { key: this.key }))) ?? null;
    this.key = freshKey();
    if (this.answer) this.quantity = this.kind.min_per_booking;
    await this.changed();
  }

  template() {
    const { event } = this;
    return html`<div class="split">
      <div class="stack loose">
        <header class="stack">
          <p class="over">${spanText(event)}<br><span class="quiet">${zoneText(event.timezone)}${isElsewhere(event.starts_at, event.timezone) ? `, ${momentText(event.starts_at)} where you are` : ""}</span></p>
          <h1>${event.title}</h1>
          <p class="lead">${event.venue}</p>
          ${event.status === "published" ? html`<p><a class="small" href="${API}/events/${event.id}.ics" download>Add to my calendar</a></p>` : nothing}
        </header>
        ${this.seats()}
      </div>
      <aside class="stack stays" aria-label="Your seats">
        ${this.wrongShown}
        ${this.own()}
        ${this.isBookable ? this.panel() : this.closed()}
      </aside>
      <div class="stack loose">
        ${event.description ? html`<p class="told">${event.description}</p>` : nothing}
        ${this.terms()}
      </div>
    </div>`;
  }

  seats() {
    const { event } = this;
    const several = event.ticket_types.length > 1;
    return html`<section class="stack" aria-labelledby="seats-h">
      <div class="row apart"><h2 id="seats-h">Seats</h2>${isOn(this.pulse)}</div>
      <seat-meter class="large" taken=${event.seats_taken} aside=${event.seats_free - event.seats_available} free=${event.seats_available}></seat-meter>
      <p class="row apart">${seatsSign(event)}<span class="quiet">${event.seats_taken} of ${event.capacity} taken${event.waiting ? `, ${count(event.waiting, "party waits", "parties wait")}` : ""}</span></p>
      ${several ? html`<div class="scroll"><table>
        <thead><tr><th scope="col">Ticket</th><th scope="col" class="end">Price</th><th scope="col" class="end">Free</th><th scope="col" class="end">Waiting</th></tr></thead>
        <tbody>${repeat(event.ticket_types, ({ id }) => id, (kind) => html`<tr><td>${kind.name}</td><td class="end">${moneyText(kind.price)}</td><td class="end">${kind.seats_available}</td><td class="end">${kind.waiting}</td></tr>`)}</tbody>
      </table></div>` : nothing}
    </section>`;
  }

  terms() {
    const { policy, starts_at: start, timezone } = this.event;
    const lines = [
      `Up to ${count(this.kind?.max_per_booking ?? policy.max_per_booking, "seat")} in one booking${policy.max_per_user ? `, ${policy.max_per_user} per person` : ""}.`,
      `Seats can be given back until ${momentText(policy.cancel_until ?? start, timezone)}.`,
      policy.hold_for_seconds ? `A booking is held for ${Math.round(policy.hold_for_seconds / 60)} minutes until you confirm it.` : "",
      policy.waitlist.enabled ? waitlistTerms(policy.waitlist) : "There is no waitlist.",
    ];
    return html`<section class="stack tight" aria-labelledby="terms-h"><h2 id="terms-h">Good to know</h2><ul class="stack tight quiet">${lines.filter(Boolean).map((line) => html`<li>${line}</li>`)}</ul></section>`;
  }

  own() {
    const open = this.bookings.filter(isOpen).filter(({ origin, status }) => !(origin === "waitlist" && status === "held"));
    const waiting = this.entries.filter(waits);
    if (!open.length && !waiting.length) return nothing;
    return html`<section class="sheet stack" aria-labelledby="own-h">
      <h2 id="own-h">Yours</h2>
      ${repeat(waiting, ({ id }) => id, (entry) => entryCard(this, entry, this.event, this.changed, this.whyButton()))}
      ${this.whyWords()}
      ${repeat(open, ({ id }) => id, (booking) => html`<hr class="rule">${bookingCard(this, booking, this.event, this.changed)}`)}
    </section>`;
  }

  whyButton() {
    return button({ label: "Why do I wait?", kind: "small plain", busy: this.busy === "explain", onClick: () => this.explain() });
  }

  whyWords() {
    const reasons = this.explained?.lines.filter(({ reason }) => reason) ?? [];
    return reasons.map(({ reason }) => html`<div class="word wait" role="status"><p>${sentence(reason)}</p></div>`);
  }

  closed() {
    const words = { draft: "This is a draft: only you can see it.", cancelled: "The event was cancelled.", completed: "The event is over.", published: "The event has begun." };
    return html`<div class="sheet stack"><h2>No booking</h2><p>${words[this.event.status]}</p></div>`;
  }

  panel() {
    const { event } = this;
    return html`<form class="sheet stack" aria-labelledby="book-h" @submit=${(submitted) => this.book(submitted)}>
      <h2 id="book-h">Book</h2>
      ${this.answer ? answerWord(this.answer) : nothing}
      ${event.ticket_types.length > 1 ? this.kinds() : nothing}
      ${this.isInLine ? html`<p class="quiet">You wait in this line. To ask for another party, leave it first.</p>` : this.wish()}
    </form>`;
  }

  /** Whether one waits for seats of the chosen kind: one line has one place for everybody. */
  get isInLine() {
    return this.entries.some((entry) => entry.status === "waiting" && entry.ticket_type_id === this.chosen);
  }

  wish() {
    const { event, kind } = this;
    return html`<div class="row apart">
        <label for="quantity" class="number">Seats</label>
        ${stepper({ id: "quantity", label: "Seats", value: this.quantity, min: kind.min_per_booking, max: kind.max_per_booking, onChange: (quantity) => this.choose({ quantity }) })}
      </div>
      <fieldset class="stack tight">
        <legend>If there are not enough</legend>
        ${this.tick("acceptPartial", "Take fewer", "What is free is booked at once.")}
        ${event.policy.waitlist.enabled ? this.tick("joinWaitlist", "Wait for the rest", "You keep your place, and nobody behind you is served before.") : nothing}
      </fieldset>
      ${this.outlookWord()}
      ${button({ label: this.bookLabel(), kind: "main wide", type: "submit", busy: this.busy === "book" })}
      ${kind.price.amount ? html`<p class="row apart quiet small"><span>${moneyText(kind.price)} a seat</span><span>${count(this.quantity, "seat")}: ${moneyText({ ...kind.price, amount: kind.price.amount * this.quantity })}</span></p>` : nothing}`;
  }

  kinds() {
    return html`<fieldset class="choice"><legend>Ticket</legend>${this.event.ticket_types.map((kind) => html`<label>
      <input type="radio" name="kind" value=${kind.id} ?checked=${kind.id === this.chosen} @change=${() => this.choose({ chosen: kind.id, quantity: Math.min(kind.max_per_booking, Math.max(this.quantity, kind.min_per_booking)) })}>
      <span class="number">${kind.name}</span><span>${moneyText(kind.price)}</span>
      <span class="hint">${kind.seats_available ? `${kind.seats_available} free` : `Sold out, ${kind.waiting} waiting`}</span>
    </label>`)}</fieldset>`;
  }

  tick(name, label, hint) {
    return html`<label class="tick"><input type="checkbox" name=${name} ?checked=${this[name]} @change=${(event) => this.choose({ [name]: event.target.checked })}><span>${label}<span class="hint">${hint}</span></span></label>`;
  }

  outlookWord() {
    const { now, waiting, place, free } = this.expected;
    const kindOf = now && !waiting ? "go" : now || waiting ? "wait" : "stop";
    return html`<div class="word outlook ${kindOf}" aria-live="polite"><p class="seats">${outlookText(now, waiting, place)}</p>
      ${now < this.quantity ? html`<p class="small">${free ? `${count(free, "seat is", "seats are")} free right now.` : "No seat is free right now."}</p>` : nothing}</div>`;
  }

  bookLabel() {
    if (!session.signedIn) return "Log in to book";
    const { now, waiting } = this.expected;
    if (now && waiting) return `Book ${now}, wait for ${waiting}`;
    if (waiting) return "Join the waitlist";
    return `Book ${count(now || this.quantity, "seat")}`;
  }
}

function waitlistTerms({ offer_window_seconds: offered, on_silence: silence }) {
  if (!offered) return "Seats that come free go to the waitlist, in order, at once.";
  const after = silence === "requeue" ? "the first time you go to the end of the line" : "they go to the next";
  return `Seats that come free are offered to the waitlist, in order. An offer stands for ${spanOf(offered)}; without an answer ${after}.`;
}

function spanOf(seconds) {
  if (seconds % 3600 === 0) return count(seconds / 3600, "hour");
  return count(Math.round(seconds / 60), "minute");
}

/** "2 now, 8 wait at place 1". */
export function outlookText(now, waiting, place) {
  if (now && waiting) return `${now} now, ${waiting} ${waiting === 1 ? "waits" : "wait"} at place ${place}`;
  if (waiting) return `${waiting} ${waiting === 1 ? "waits" : "wait"} at place ${place}`;
  if (now) return `${count(now, "seat")} now`;
  return "That would be refused";
}

function answerWord({ booking, waitlist_entry: entry, rest_refused: refused }) {
  const had = booking?.quantity ?? 0;
  const waiting = entry?.quantity ?? 0;
  const held = booking?.status === "held";
  return html`<div class="word ${entry ? "wait" : "go"}" role="status">
    <p><strong>${outlookText(had, waiting, entry?.position)}</strong></p>
    <p class="small">${booking ? html`${held ? "Held" : "Booked"} as <code>${booking.reference}</code>. ` : nothing}${entry ? "We keep your place; it is shown above as it moves." : nothing}${refused ? `The rest was not booked: ${sentence(refused)}` : nothing}</p>
  </div>`;
}
