// One's bookings and places in line, of all events.

import { get, getAll, getIfThere } from "../api.js";
import { spanText, zoneText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { bookingCard, isHeld, isOpen } from "../own/booking_card.js";
import { entryCard, waits } from "../own/entry_card.js";
import { isOn } from "../parts.js";
import { View } from "../view.js";

export default class Bookings extends View {
  title = "My bookings";
  needs = ["attendee", "organiser", "admin"];
  bookings = [];
  entries = [];
  events = new Map();

  async load() {
    await this.read();
    this.pulse = this.every(6_000, () => this.look());
  }

  async read() {
    [this.bookings, this.entries] = await Promise.all([getAll("/bookings"), getAll("/waitlist")]);
    await this.readEvents();
  }

  /** Look again at what may move: the lines. When something did, at all of it. */
  async look() {
    if (this.bookings.some(isHeld)) return this.read(); // it may lapse
    if (!this.entries.some(waits)) return;
    const { items } = await get("/waitlist", { limit: 100 });
    const state = (entries) => entries.filter(waits).map(({ id, status, offers }) => `${id} ${status} ${offers.map((offer) => offer.status)}`).join();
    if (state(items) !== state(this.entries)) await this.read();
    else this.entries = items;
  }

  async readEvents() {
    const named = new Set([...this.bookings, ...this.entries].map(({ event_id: id }) => id));
    const unknown = [...named].filter((id) => !this.events.has(id));
    await Promise.all(unknown.map(async (id) => this.events.set(id, await getIfThere(`/events/${id}`))));
  }

  changed = () => this.again(() => this.read());

  /** What one has, event by event: those with something open first, then by their start. */
  get groups() {
    const shown = (thing) => !(thing.origin === "waitlist" && thing.status === "held"); // an offer stands with its entry
    const groups = [...this.events].filter(([, event]) => event).map(([id, event]) => ({
      event,
      bookings: this.bookings.filter((booking) => booking.event_id === id && shown(booking)),
      entries: this.entries.filter((entry) => entry.event_id === id),
    }));
    return groups.sort((a, b) => new Date(a.event.starts_at) - new Date(b.event.starts_at));
  }

  template() {
    const isAlive = ({ event, bookings, entries }) => new Date(event.ends_at) > new Date() && (bookings.some(isOpen) || entries.some(waits));
    const groups = this.groups;
    const alive = groups.filter(isAlive);
    const over = groups.filter((group) => !isAlive(group) && group.bookings.length + group.entries.length);
    return html`<div class="headed"><div class="row apart"><h1>My bookings</h1>${this.entries.some(waits) ? isOn(this.pulse) : nothing}</div></div>
      <div class="stack loose">
        ${this.wrongShown}
        ${alive.length
          ? html`<div class="cards wide">${repeat(alive, ({ event }) => event.id, (group) => this.group(group, (things, isOf) => things.filter(isOf)))}</div>`
          : html`<div class="empty"><p>You have no seats and wait for none.</p><a class="button main" href=${this.app.href("/")}>See what is coming up</a></div>`}
        ${over.length ? html`<details><summary>Past and given back</summary><div class="cards wide">${repeat(over, ({ event }) => event.id, (group) => this.group(group, (things) => things))}</div></details>` : nothing}
      </div>`;
  }

  group({ event, bookings, entries }, chosen) {
    return html`<section class="sheet stack" aria-labelledby="e-${event.id}">
      <header class="stack tight">
        <h2 id="e-${event.id}"><a class="title" href=${this.app.href(`/app/events/${event.id}`)}>${event.title}</a></h2>
        <p class="small quiet">${spanText(event)}, ${zoneText(event.timezone)}${event.status === "cancelled" ? html` · <strong>cancelled</strong>` : nothing}</p>
      </header>
      ${repeat(chosen(entries, waits), ({ id }) => id, (entry) => html`<hr class="rule">${entryCard(this, entry, event, this.changed)}`)}
      ${repeat(chosen(bookings, isOpen), ({ id }) => id, (booking) => html`<hr class="rule">${bookingCard(this, booking, event, this.changed)}`)}
    </section>`;
  }
}
