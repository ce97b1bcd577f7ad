// Who has seats, and who waits: with moves and their reasons.

import { get, patch, remove } from "../api.js";
import { count, momentText, moneyText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, confirmed, field, given, note, openDialog, sign } from "../parts.js";
import { sentence } from "../reasons.js";
import { EventView } from "./event_view.js";

const SHOWN = 50;
const TONE = { confirmed: "go", held: "wait", waiting: "wait", offered: "go", cancelled: "", expired: "" };

export default class Guests extends EventView {
  tab = "/people";
  line = { items: [], next_cursor: null };
  bookings = { items: [], next_cursor: null };
  explained = null;

  get status() {
    return this.query.get("status") ?? "";
  }

  async load() {
    await super.load();
    await this.read();
    this.pulse = this.every(8_000, () => this.look());
  }

  async read() {
    const [line, bookings] = await Promise.all([this.readLine(), this.readBookings()]);
    this.line = line;
    this.bookings = bookings;
    await this.people.learn([...line.items, ...bookings.items].map(({ user_id: id }) => id));
  }

  readLine(cursor) {
    return get(`/events/${this.id}/waitlist`, { limit: SHOWN, cursor });
  }

  readBookings(cursor) {
    return get(`/events/${this.id}/bookings`, { limit: SHOWN, cursor, status: this.status });
  }

  /** Look again, unless somebody has read further: then what they read stays. */
  async look() {
    await this.readEvent();
    if (Math.max(this.line.items.length, this.bookings.items.length) <= SHOWN) await this.read();
  }

  async more(which, read) {
    const page = await this.act(`more-${which}`, () => read.call(this, this[which].next_cursor));
    if (!page) return;
    await this.people.learn(page.items.map(({ user_id: id }) => id));
    this[which] = { items: [...this[which].items, ...page.items], next_cursor: page.next_cursor };
    this.draw();
  }

  async move(entry) {
    const answer = await openDialog("Move in the line", (dialog) => html`<form method="dialog" @submit=${(event) => {
      event.preventDefault();
      dialog.done(given(event.target));
    }}>
      <h2>Move ${this.people.name(entry.user_id)}</h2>
      <p>A higher priority goes first; within one, whoever came first. Newcomers have 0.</p>
      ${field({ name: "priority", label: "Priority", type: "number", min: -100, max: 100, value: String(entry.priority), required: true })}
      ${field({ name: "reason", label: "Reason", hint: "It is kept in the journal.", required: true, maxlength: 500 })}
      <div class="row end"><button type="button" class="button plain" @click=${() => dialog.done()}>Leave it</button><button class="button main">Move</button></div>
    </form>`);
    if (!answer) return;
    const moved = await this.act(`move-${entry.id}`, () => patch(`/waitlist/${entry.id}`, { priority: Number(answer.priority), reason: answer.reason }));
    if (moved) note(moved.position === null ? "Moved, and served." : `Moved to place ${moved.position}.`);
    await this.again(() => this.read());
  }

  async explain(entry) {
    const answer = await this.act(`explain-${entry.id}`, () => get(`/events/${this.id}/explain`, { user_id: entry.user_id }));
    const line = answer?.lines.find(({ waitlist_entry_id: id }) => id === entry.id);
    if (line) this.explained = { id: entry.id, text: line.reason ? sentence(line.reason) : "Nothing is in the way: the next pass serves it." };
  }

  async cancel(booking) {
    const reason = await confirmed({
      title: `Cancel ${booking.reference}?`,
      text: `${this.people.name(booking.user_id)} loses ${count(booking.quantity, "seat")}; they go to the next in line.`,
      action: "Cancel the booking", danger: true, reasonNeeded: true,
    });
    if (!reason) return;
    if (await this.act(`cancel-${booking.id}`, () => remove(`/bookings/${booking.id}`, { reason }))) note("Cancelled.");
    await this.again(() => Promise.all([this.readEvent(), this.read()]));
  }

  content() {
    return html`<div class="stack loose">
      <section class="stack" aria-labelledby="line-h"><div class="row apart"><h2 id="line-h">Waiting</h2><span class="quiet">${count(this.event.waiting, "party", "parties")}</span></div>
        ${this.line.items.length ? this.lineTable() : html`<p class="quiet">Nobody waits.</p>`}
        ${this.line.next_cursor ? html`<p>${button({ label: "Show more", busy: this.busy === "more-line", onClick: () => this.more("line", this.readLine) })}</p>` : nothing}
      </section>
      <section class="stack" aria-labelledby="bookings-h"><div class="row apart"><h2 id="bookings-h">Bookings</h2>${this.filter()}</div>
        ${this.bookings.items.length ? this.bookingTable() : html`<p class="quiet">No bookings.</p>`}
        ${this.bookings.next_cursor ? html`<p>${button({ label: "Show more", busy: this.busy === "more-bookings", onClick: () => this.more("bookings", this.readBookings) })}</p>` : nothing}
      </section>
    </div>`;
  }

  filter() {
    const go = (event) => this.app.go(`/app/organise/${this.id}/people${event.target.value ? `?status=${event.target.value}` : ""}`);
    return html`<label class="row"><span class="small quiet">Status</span><select class="input auto" @change=${go}>
      ${["", "confirmed", "held", "cancelled", "expired"].map((status) => html`<option value=${status} ?selected=${status === this.status}>${status || "any"}</option>`)}</select></label>`;
  }

  who(id) {
    return html`<span class="number">${this.people.name(id)}</span><br><span class="small quiet">${this.people.email(id)}</span>`;
  }

  lineTable() {
    return html`<div class="scroll" tabindex="0" role="region" aria-label="The line"><table>
      <thead><tr><th scope="col">Place</th><th scope="col">Who</th>${this.hasKinds ? html`<th scope="col">Ticket</th>` : nothing}<th scope="col" class="end">Seats</th><th scope="col" class="end">Priority</th><th scope="col">Since</th><th scope="col"><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>${repeat(this.line.items, ({ id }) => id, (entry) => html`<tr>
        <td>${entry.position}</td><td>${this.who(entry.user_id)}</td>${this.hasKinds ? html`<td>${this.kindName(entry.ticket_type_id)}</td>` : nothing}
        <td class="end">${entry.quantity}</td><td class="end">${entry.priority}</td><td class="nowrap">${momentText(entry.joined_at, this.event.timezone)}</td>
        <td class="end nowrap">${button({ label: "Why?", kind: "small plain", busy: this.busy === `explain-${entry.id}`, onClick: () => this.explain(entry) })} ${button({ label: "Move", kind: "small", busy: this.busy === `move-${entry.id}`, onClick: () => this.move(entry) })}</td>
      </tr>${this.explained?.id === entry.id ? html`<tr><td colspan="7"><div class="word wait" role="status"><p>${this.explained.text}</p></div></td></tr>` : nothing}`)}</tbody>
    </table></div>`;
  }

  bookingTable() {
    const canCancel = ({ status }) => status === "confirmed" || status === "held";
    return html`<div class="scroll" tabindex="0" role="region" aria-label="The bookings"><table>
      <thead><tr><th scope="col">Reference</th><th scope="col">Who</th>${this.hasKinds ? html`<th scope="col">Ticket</th>` : nothing}<th scope="col" class="end">Seats</th><th scope="col" class="end">Total</th><th scope="col">Booked</th><th scope="col">Status</th><th scope="col"><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>${repeat(this.bookings.items, ({ id }) => id, (booking) => html`<tr>
        <td><code>${booking.reference}</code></td><td>${this.who(booking.user_id)}</td>${this.hasKinds ? html`<td>${this.kindName(booking.ticket_type_id)}</td>` : nothing}
        <td class="end">${booking.quantity}</td><td class="end">${moneyText(booking.total)}</td><td class="nowrap">${momentText(booking.created_at, this.event.timezone)}</td><td>${sign(booking.status, TONE[booking.status])}</td>
        <td class="end">${canCancel(booking) ? button({ label: "Cancel", kind: "small plain", busy: this.busy === `cancel-${booking.id}`, onClick: () => this.cancel(booking) }) : nothing}</td>
      </tr>`)}</tbody>
    </table></div>`;
  }
}
