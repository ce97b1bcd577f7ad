// The events one organises.

import { get } from "../api.js";
import { count, spanText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, sign } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";
import { STATUS } from "./event_view.js";

const SHOWN = 50;
const KINDS = [["", "Open"], ["completed", "Completed"], ["cancelled", "Cancelled"]];

export default class OrganisedEvents extends View {
  title = "My events";
  needs = ["organiser", "admin"];
  events = [];
  next = null;

  get wanted() {
    return { status: this.query.get("status"), organiser_id: session.user.role === "admin" ? undefined : session.user.id, limit: SHOWN };
  }

  async load() {
    await this.read();
    this.every(10_000, () => (this.events.length > SHOWN ? undefined : this.read()));
  }

  async read() {
    const page = await get("/events", this.wanted);
    this.events = page.items;
    this.next = page.next_cursor;
  }

  async more() {
    const page = await this.act("more", () => get("/events", { ...this.wanted, cursor: this.next }));
    if (!page) return;
    this.events = [...this.events, ...page.items];
    this.next = page.next_cursor;
  }

  template() {
    const status = this.query.get("status") ?? "";
    return html`<div class="headed">
        <div class="row apart"><h1>${session.user.role === "admin" ? "All events" : "My events"}</h1><p class="row"><a class="button plain" href=${this.app.href("/app/organise/webhooks")}>Webhooks</a><a class="button main" href=${this.app.href("/app/organise/new")}>New event</a></p></div>
        <nav class="tabs" aria-label="Which events">${KINDS.map(([kind, name]) => html`<a href=${this.app.href(`/app/organise${kind ? `?status=${kind}` : ""}`)} aria-current=${kind === status ? "page" : nothing}>${name}</a>`)}</nav>
      </div>
      ${this.wrongShown}
      ${this.events.length ? html`<ul class="items">${repeat(this.events, ({ id }) => id, (event) => this.row(event))}</ul>` : html`<div class="empty"><p>No events here.</p></div>`}
      ${this.next ? html`<p class="row">${button({ label: "Show more", busy: this.busy === "more", onClick: () => this.more() })}</p>` : nothing}`;
  }

  row(event) {
    return html`<li class="organised">
      <div class="stack tight"><h2><a class="title" href=${this.app.href(`/app/organise/${event.id}`)}>${event.title}</a></h2>
        <p class="small quiet">${spanText(event)}${event.venue ? ` · ${event.venue}` : ""}</p></div>
      <div class="stack tight"><seat-meter taken=${event.seats_taken} aside=${event.seats_free - event.seats_available} free=${event.seats_available}></seat-meter>
        <p class="row apart small"><span>${event.seats_taken} of ${count(event.capacity, "seat")} taken${event.waiting ? `, ${event.waiting} waiting` : ""}</span>${sign(event.status, STATUS[event.status])}</p></div>
    </li>`;
  }
}
