// Upcoming events with their live seats.

import { get } from "../api.js";
import { count, dayLeaf, moneyText, timeText, zoneText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, isOn, sign } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";

const SHOWN = 24;

export default class Events extends View {
  title = "Upcoming events";
  events = [];
  next = null;

  async load() {
    await this.read();
    // A reader who is not signed in shares few requests with everybody at the same address.
    this.pulse = this.every(session.signedIn ? 8_000 : 30_000, () => this.read());
  }

  get wanted() {
    return { status: "published", from: new Date().toISOString(), q: this.query.get("q"), available: this.query.get("available") };
  }

  async read() {
    const limit = Math.min(100, Math.max(SHOWN, this.events.length));
    const page = await get("/events", { ...this.wanted, limit });
    this.events = page.items;
    this.next = page.next_cursor;
  }

  async more() {
    const page = await this.act("more", () => get("/events", { ...this.wanted, limit: SHOWN, cursor: this.next }));
    if (!page) return;
    this.events = [...this.events, ...page.items];
    this.next = page.next_cursor;
  }

  search(event) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const query = new URLSearchParams([...form].filter(([, value]) => value.trim()));
    this.app.go(`/${query.size ? `?${query}` : ""}`);
  }

  template() {
    return html`<div class="headed">
        <div class="row apart"><h1>Upcoming events</h1>${isOn(this.pulse)}</div>
        <form class="row" role="search" @submit=${(event) => this.search(event)}>
          <label class="visually-hidden" for="q">Search events</label>
          <input class="input grow" id="q" name="q" type="search" maxlength="200" placeholder="Title, place or a word" value=${this.query.get("q") ?? ""}>
          <button class="button">Search</button>
          <label class="tick"><input type="checkbox" name="available" value="true" ?checked=${this.query.has("available")}
            @change=${(event) => event.target.form.requestSubmit()}><span>With free seats</span></label>
        </form>
      </div>
      ${this.wrongShown}
      ${this.events.length
        ? html`<ul class="cards">${repeat(this.events, ({ id }) => id, (event) => this.card(event))}</ul>`
        : html`<div class="empty"><p>${this.query.size ? "No event fits that." : "No event is coming up."}</p>
            ${this.query.size ? html`<a class="button" href=${this.app.href("/")}>Show all</a>` : nothing}</div>`}
      ${this.next ? html`<p class="row" id="more">${button({ label: "Show more", busy: this.busy === "more", onClick: () => this.more() })}</p>` : nothing}`;
  }

  card(event) {
    const leaf = dayLeaf(event.starts_at, event.timezone);
    return html`<li class="sheet card">
      <div class="when">
        <div class="leaf" aria-hidden="true"><span>${leaf.month}</span><b>${leaf.day}</b></div>
        <p class="small quiet">${leaf.weekday}<span class="visually-hidden">, ${leaf.day} ${leaf.month} ${leaf.year}</span>, ${timeText(event.starts_at, event.timezone)}<br>${zoneText(event.timezone)}</p>
      </div>
      <div class="stack tight">
        <h2><a href=${this.app.href(`/app/events/${event.id}`)}>${event.title}</a></h2>
        <p class="quiet">${event.venue}</p>
      </div>
      <div class="stack tight">
        <seat-meter taken=${event.seats_taken} aside=${event.seats_free - event.seats_available} free=${event.seats_available}></seat-meter>
        <p class="row apart"><span>${seatsSign(event)}</span><span class="number">${priceText(event)}</span></p>
      </div>
    </li>`;
  }
}

/** Say in a few words how the seats stand. */
export function seatsSign(event) {
  if (event.seats_available > 0) return sign(count(event.seats_available, "seat free", "seats free"), "go");
  if (event.waiting > 0) return sign(`Sold out, ${event.waiting} waiting`, "wait");
  return sign("Sold out", event.policy.waitlist.enabled ? "wait" : "stop");
}

function priceText(event) {
  const prices = event.ticket_types.map(({ price }) => price);
  if (!prices.length) return "";
  const least = prices.reduce((low, price) => (price.amount < low.amount ? price : low));
  const varies = prices.some(({ amount }) => amount !== least.amount);
  return `${varies ? "from " : ""}${moneyText(least)}`;
}
