// The tickets of one booking, to show at the door or to print.

import { get, getBlob, getIfThere } from "../api.js";
import { count, momentText, spanText, zoneText } from "../format.js";
import { html, nothing } from "../html.js";
import { button, sign } from "../parts.js";
import { View } from "../view.js";

export default class Tickets extends View {
  title = "Tickets";
  needs = ["attendee", "organiser", "admin"];
  tickets = [];
  picture = null;

  get path() {
    return `/bookings/${this.params.id}`;
  }

  async load() {
    this.booking = await get(this.path);
    this.event = await get(`/events/${this.booking.event_id}`);
    this.title = `Tickets, ${this.event.title}`;
    this.tickets = (await getIfThere(`${this.path}/tickets`))?.items ?? [];
    if (this.tickets.length) this.picture = URL.createObjectURL(await getBlob(`${this.path}/ticket.svg`));
    this.every(5_000, () => this.look());
  }

  /** Look whether somebody came in meanwhile. */
  async look() {
    if (this.tickets.some(({ checked_in_at: at }) => !at)) this.tickets = (await getIfThere(`${this.path}/tickets`))?.items ?? [];
  }

  stop() {
    super.stop();
    if (this.picture) URL.revokeObjectURL(this.picture);
  }

  /** Save the tickets for printing: they are fetched with the bearer, so a plain link would not do. */
  async save() {
    const file = await this.act("save", () => getBlob(`${this.path}/ticket.pdf`));
    if (!file) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = `${this.booking.reference}.pdf`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  template() {
    const { booking, event, tickets } = this;
    return html`<div class="headed">
        <p class="over small"><a href=${this.app.href("/app/bookings")}>My bookings</a></p>
        <h1>${event.title}</h1>
        <p class="quiet">${spanText(event)}, ${zoneText(event.timezone)} · ${event.venue}</p>
        <p>${count(booking.quantity, "seat")}, reference <code>${booking.reference}</code></p>
      </div>
      ${this.wrongShown}
      ${tickets.length ? this.shown() : html`<div class="empty"><p>There are no tickets: ${booking.status === "confirmed" ? "this server gives none out" : `the booking is ${booking.status}`}.</p></div>`}`;
  }

  shown() {
    return html`<div class="stack loose">
      <p class="row">${button({ label: "Save as PDF", kind: "main", busy: this.busy === "save", onClick: () => this.save() })}</p>
      <img class="paper" src=${this.picture} alt="Tickets with their QR codes; the codes stand below">
      <details><summary>Codes to copy or to type</summary>
        <ol class="items">${this.tickets.map((ticket) => html`<li class="stack tight">
          <p class="row apart"><strong>Seat ${ticket.seat}</strong>${ticket.checked_in_at ? sign(`In since ${momentText(ticket.checked_in_at, this.event.timezone)}`, "go") : nothing}</p>
          <code class="wrap">${ticket.code}</code>
          <p>${button({ label: "Copy", kind: "small", onClick: () => this.copy(ticket) })}${this.copied === ticket.seat ? html` <span class="small quiet" role="status">copied</span>` : nothing}</p>
        </li>`)}</ol></details>
    </div>`;
  }

  async copy({ seat, code }) {
    await navigator.clipboard?.writeText(code);
    this.copied = seat;
    this.draw();
  }
}
