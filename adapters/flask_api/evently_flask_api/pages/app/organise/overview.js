// The figures of all one's events; of everybody's for admins.

import { get } from "../api.js";
import { behind, columnChart } from "../chart.js";
import { count, dayText, minorDigits, monthText, numberText, percentText, roughSumText, sumText, sumsText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, field, figure, focusOnFault, given, sign } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";
import { Problem } from "../wire.js";
import { STATUS } from "./event_view.js";

const DAY_MS = 86_400_000;
const RANKINGS = {
  seats: "seats sold",
  revenue: "takings",
  utilisation: "share of seats sold",
  cancellation_rate: "share of bookings cancelled",
  waitlist_conversion: "share of waiting parties served",
};

export default class Overview extends View {
  title = "Figures";
  needs = ["organiser", "admin"];
  sort = "seats";
  revenue = null;

  async load() {
    [this.all, this.ranked, this.users] = await Promise.all([get("/analytics/overview"), this.readRanked(), get("/analytics/users")]);
    try {
      this.revenue = await this.readRevenue(this.query);
    } catch (problem) {
      if (!(problem instanceof Problem && problem.faults.size)) throw problem;
      this.faults = problem.faults; // the address named days that there are not
    }
  }

  readRevenue(query) {
    return get("/analytics/revenue", Object.fromEntries(["from", "to", "interval"].map((name) => [name, query.get(name)])));
  }

  readRanked(cursor) {
    return get("/analytics/events", { sort: this.sort, limit: 20, cursor });
  }

  /** Show other days; the address names them, so that it can be kept. */
  async choose(query) {
    const revenue = await this.act("revenue", () => this.readRevenue(query));
    if (!revenue) return focusOnFault();
    this.revenue = revenue;
    this.query = query;
    history.replaceState(null, "", this.app.href(`/app/figures${query.size ? `?${query}` : ""}`));
  }

  async rank(sort) {
    this.sort = sort;
    this.ranked = (await this.act("rank", () => this.readRanked())) ?? this.ranked;
  }

  async more() {
    const page = await this.act("more", () => this.readRanked(this.ranked.next_cursor));
    if (page) this.ranked = { ...page, items: [...this.ranked.items, ...page.items] };
  }

  template() {
    return html`<div class="headed"><h1>Figures</h1><p class="lead">${session.user.role === "admin" ? "Of everybody's events." : "Of all your events."}</p></div>
      ${this.wrongShown}
      ${this.all.events ? this.shown() : html`<div class="empty"><p>There is no event to tell of.</p><a class="button main" href=${this.app.href("/app/organise/new")}>New event</a></div>`}`;
  }

  shown() {
    return html`<div class="stack loose">${this.overview()}${this.takings()}${this.ranking()}${this.people()}</div>`;
  }

  overview() {
    const { all } = this;
    const states = all.events_by_status.map(({ status, events }) => `${numberText(events)} ${status}`).join(", ");
    return html`<section class="stack" aria-label="Overview"><dl class="figures">
        ${figure("seats sold", numberText(all.seats_sold), `of ${numberText(all.capacity)}`)}
        ${figure("of all seats are sold", percentText(all.utilisation))}
        ${all.revenue.length ? all.revenue.map((sum) => figure("taken in", sumText(sum))) : figure("taken in", "–")}
        ${figure(all.bookings === 1 ? "booking" : "bookings", numberText(all.bookings))}
        ${figure("seats held or on offer", numberText(all.held))}
        ${figure("seats waited for", numberText(all.waiting), all.waiting_entries ? `by ${count(all.waiting_entries, "party", "parties")}` : "")}
      </dl>
      <p class="quiet">${count(all.events, "event")}: ${states}.</p></section>`;
  }

  // --- takings --------------------------------------------------------------------------------------------------

  takings() {
    return html`<section class="sheet stack" aria-labelledby="takings-h"><div class="row apart"><h2 id="takings-h">Sales</h2>${this.spans()}</div>
      ${this.spanForm()}
      ${this.revenue ? this.sold() : nothing}</section>`;
  }

  /** The spans that are asked for most, as links. */
  spans() {
    const ago = (days) => new Date(Date.now() - (days - 1) * DAY_MS).toISOString().slice(0, 10);
    const spans = [["30 days", {}], ["90 days", { from: ago(90) }], ["12 months", { interval: "month" }]];
    return html`<nav class="tabs bare" aria-label="Which days">${spans.map(([name, span]) => {
      const query = new URLSearchParams(span);
      const isShown = this.revenue && String(query) === String(this.query);
      return html`<a href=${this.app.href(`/app/figures${query.size ? `?${query}` : ""}`)} aria-current=${isShown ? "true" : nothing}
        @click=${(event) => { event.preventDefault(); this.choose(query); }}>${name}</a>`;
    })}</nav>`;
  }

  spanForm() {
    const { from, to, interval = "day" } = this.revenue ?? Object.fromEntries(this.query);
    const submit = (event) => {
      event.preventDefault();
      this.choose(new URLSearchParams(given(event.target)));
    };
    return html`<form class="spans" aria-label="Days to tell of" novalidate @submit=${submit}>
      ${field({ name: "from", label: "From", type: "date", value: from, required: true, fault: this.faults.get("from") })}
      ${field({ name: "to", label: "To", type: "date", value: to, required: true, fault: this.faults.get("to") })}
      ${field({ name: "interval", label: "By", required: true, control: ({ id }) => html`<select id=${id} name="interval">${["day", "month"].map((unit) => html`<option ?selected=${unit === interval}>${unit}</option>`)}</select>` })}
      ${button({ label: "Show", type: "submit", busy: this.busy === "revenue" })}
    </form>`;
  }

  sold() {
    const { items, interval } = this.revenue;
    const currencies = [...new Set(items.flatMap(({ revenue }) => revenue.map(({ currency }) => currency)))].sort();
    const bookings = items.reduce((sum, { confirmed }) => sum + confirmed, 0);
    const cancelled = items.reduce((sum, one) => sum + one.cancelled, 0);
    const seats = items.reduce((sum, one) => sum + one.seats_sold, 0);
    if (!bookings && !cancelled && !seats) return html`<p class="quiet" role="status">Nothing was sold in these days.</p>`;
    const charts = currencies.length ? currencies.map((currency) => this.takingsIn(currency)) : this.seatsSold();
    return html`<p role="status"><strong>${currencies.map((currency) => sumText(totalIn(items, currency))).join(", ") || count(seats, "seat")}</strong>
        ${currencies.length ? `for ${count(seats, "seat")}` : "sold"}; ${count(bookings, "booking")} confirmed, ${numberText(cancelled)} cancelled.</p>
      ${charts}
      ${behind("As a table", [interval === "month" ? "Month" : "Day", ...currencies.map((currency) => `Taken in, ${currency}`), "Seats sold", "Confirmed", "Cancelled"], items.map((one) => [
        this.nameOf(one), ...currencies.map((currency) => sumText(sumIn(one, currency))), numberText(one.seats_sold), numberText(one.confirmed), numberText(one.cancelled),
      ]))}`;
  }

  takingsIn(currency) {
    const units = 10 ** minorDigits(currency);
    const columns = this.revenue.items.map((one) => {
      const sum = sumIn(one, currency);
      return { name: this.shortNameOf(one), title: `${this.nameOf(one)}: ${sumText(sum)}`, value: sum.amount / units };
    });
    return columnChart({ label: `Taken in by ${this.revenue.interval}, in ${currency}`, columns, yText: (value) => roughSumText(value, currency) });
  }

  /** What was free is counted in seats. */
  seatsSold() {
    const columns = this.revenue.items.map((one) => ({ name: this.shortNameOf(one), title: `${this.nameOf(one)}: ${count(one.seats_sold, "seat")}`, value: one.seats_sold }));
    return columnChart({ label: `Seats sold by ${this.revenue.interval}`, columns, yText: numberText });
  }

  nameOf({ begins }) {
    return this.revenue.interval === "month" ? monthText(begins) : dayText(begins, { year: true });
  }

  shortNameOf({ begins }) {
    return this.revenue.interval === "month" ? monthText(begins) : dayText(begins);
  }

  // --- events and people ----------------------------------------------------------------------------------------

  ranking() {
    const { items } = this.ranked;
    if (!items.length) return nothing;
    return html`<section class="sheet stack" aria-labelledby="ranked-h"><div class="row apart"><h2 id="ranked-h">Events</h2>
        <label class="row"><span class="small quiet">The greatest first by</span><select class="input auto" @change=${(event) => this.rank(event.target.value)}>${Object.entries(RANKINGS).map(([sort, words]) => html`<option value=${sort} ?selected=${sort === this.sort}>${words}</option>`)}</select></label></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Events ranked"><table class="ranked">
        <thead><tr><th scope="col">Event</th><th scope="col" class="end">Sold</th><th scope="col" class="end">Of its seats</th><th scope="col" class="end">Taken in</th><th scope="col" class="end">Cancelled</th><th scope="col" class="end">Waiting</th><th scope="col" class="end">Served of who waited</th></tr></thead>
        <tbody>${repeat(items, ({ event_id: id }) => id, (item) => html`<tr>
          <th scope="row"><a href=${this.app.href(`/app/organise/${item.event_id}/figures`)}>${item.title}</a>${item.status === "published" ? nothing : html` ${sign(item.status, STATUS[item.status])}`}</th>
          <td class="end nowrap">${numberText(item.seats_sold)} <span class="quiet">of ${numberText(item.capacity)}</span></td>
          <td class="end">${percentText(item.utilisation)}</td>
          <td class="end nowrap">${sumsText(item.revenue)}</td>
          <td class="end">${percentText(item.cancellation_rate)}</td>
          <td class="end">${numberText(item.waiting)}</td>
          <td class="end">${percentText(item.waitlist_conversion)}</td></tr>`)}</tbody>
      </table></div>
      ${this.ranked.next_cursor ? html`<p>${button({ label: "Show more", busy: this.busy === "more", onClick: () => this.more() })}</p>` : nothing}</section>`;
  }

  people() {
    const { users, registrations, days } = this.users;
    const tellsOfAll = users !== null;
    const columns = days.map((one) => ({ name: dayText(one.day), title: `${dayText(one.day, { year: true })}: ${numberText(one.active_users)}`, value: one.active_users }));
    const heads = ["Day", "Active", ...(tellsOfAll ? ["Registered"] : [])];
    return html`<section class="sheet stack" aria-labelledby="users-h"><div><h2 id="users-h">People</h2>
        <p class="small quiet">Who booked, waited, answered or gave back, on each of the last thirty days.</p></div>
      ${tellsOfAll ? html`<dl class="figures">${figure("accounts", numberText(users))}${figure("of them in these days", numberText(registrations))}</dl>` : nothing}
      ${days.some((one) => one.active_users)
        ? columnChart({ label: "People active on each day", columns, yText: numberText })
        : html`<p class="quiet">Nobody did.</p>`}
      ${behind("As a table", heads, days.map((one) => [dayText(one.day, { year: true }), numberText(one.active_users), ...(tellsOfAll ? [numberText(one.registrations)] : [])]))}</section>`;
  }
}

function sumIn({ revenue }, currency) {
  return revenue.find((sum) => sum.currency === currency) ?? { amount: 0, currency };
}

function totalIn(items, currency) {
  return { amount: items.reduce((sum, one) => sum + sumIn(one, currency).amount, 0), currency };
}
