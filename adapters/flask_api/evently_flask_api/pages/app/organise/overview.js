// The figures of all one's events; of everybody's for admins.

import { get, getIfThere } from "../api.js";
import { behind, columnChart } from "../chart.js";
import { dateText, minorDigits, moneyText, numberText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, figure } from "../parts.js";
import { View } from "../view.js";
import { courseOf, figuresOf, textOf, wordsFor } from "./figure_words.js";

const INTERVALS = [["day", "Days"], ["month", "Months"]];
const SORTS = ["seats", "revenue", "utilisation", "cancellation_rate", "waitlist_conversion"];

export default class Overview extends View {
  title = "Figures";
  needs = ["organiser", "admin"];
  all = null;
  sort = "seats";

  get interval() {
    return this.query.get("interval") === "month" ? "month" : "day";
  }

  async load() {
    this.all = await getIfThere("/analytics/overview");
    if (!this.all) return;
    [this.revenue, this.ranked, this.users] = await Promise.all([
      get("/analytics/revenue", { interval: this.interval }),
      get("/analytics/events", { sort: this.sort, limit: 20 }),
      getIfThere("/analytics/users"),
    ]);
  }

  async rank(sort) {
    this.sort = sort;
    this.ranked = (await this.act("rank", () => get("/analytics/events", { sort, limit: 20 }))) ?? this.ranked;
  }

  async more() {
    const page = await this.act("more", () => get("/analytics/events", { sort: this.sort, limit: 20, cursor: this.ranked.next_cursor }));
    if (page) this.ranked = { ...page, items: [...this.ranked.items, ...page.items] };
  }

  template() {
    return html`<div class="headed"><h1>Figures</h1></div>
      ${this.wrongShown}
      ${this.all ? this.shown() : html`<div class="empty"><p>This server adds up no figures.</p></div>`}`;
  }

  shown() {
    return html`<div class="stack loose">
      <section class="sheet" aria-label="Overview"><dl class="figures">${figuresOf(this.all).map(([name, value]) => figure(wordsFor(name), textOf(name, value)))}</dl></section>
      ${this.takings()}
      ${this.ranking()}
      ${this.people()}
    </div>`;
  }

  takings() {
    const course = courseOf(this.revenue);
    const tabs = html`<nav class="tabs" aria-label="Interval">${INTERVALS.map(([interval, name]) => html`<a href=${this.app.href(`/app/figures?interval=${interval}`)} aria-current=${interval === this.interval ? "page" : nothing}>${name}</a>`)}</nav>`;
    return html`<section class="sheet stack" aria-labelledby="takings-h"><div class="row apart"><h2 id="takings-h">Taken in</h2>${tabs}</div>
      ${course ? currenciesOf(course.days).map((currency) => this.takingsIn(currency, course)) : html`<p class="quiet">Nothing yet.</p>`}</section>`;
  }

  takingsIn(currency, { days, day }) {
    const units = 10 ** minorDigits(currency);
    const of = (one) => moneyOf(one).find((money) => money.currency === currency)?.amount ?? 0;
    const name = (one) => (this.interval === "month" ? one[day].slice(0, 7) : one[day].slice(5));
    return html`${columnChart({ label: `Taken in by ${this.interval}, in ${currency}`, columns: days.map((one) => ({ name: name(one), value: of(one) / units, kind: of(one) < 0 ? "stop" : "go" })), yText: (value) => numberText(Math.round(value)) })}
      ${behind(`As a table, in ${currency}`, [this.interval === "month" ? "Month" : "Day", "Taken in"], days.map((one) => [dateText(one[day], "UTC"), moneyText({ amount: of(one), currency })]))}`;
  }

  ranking() {
    const items = this.ranked.items;
    if (!items.length) return nothing;
    const names = figuresOf(items[0]).map(([name]) => name);
    const titled = (item) => item.title ?? item.event?.title;
    const id = (item) => item.event_id ?? item.event?.id ?? item.id;
    return html`<section class="sheet stack" aria-labelledby="ranked-h"><div class="row apart"><h2 id="ranked-h">Events</h2>
        <label class="row"><span class="small quiet">The greatest first by</span><select class="input auto" @change=${(event) => this.rank(event.target.value)}>${SORTS.map((sort) => html`<option value=${sort} ?selected=${sort === this.sort}>${sort.replaceAll("_", " ")}</option>`)}</select></label></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Events ranked"><table>
        <thead><tr><th scope="col">Event</th>${names.map((name) => html`<th scope="col" class="end">${wordsFor(name)}</th>`)}</tr></thead>
        <tbody>${repeat(items, id, (item) => html`<tr><td><a href=${this.app.href(`/app/organise/${id(item)}/figures`)}>${titled(item)}</a></td>${figuresOf(item).map(([name, value]) => html`<td class="end">${textOf(name, value)}</td>`)}</tr>`)}</tbody>
      </table></div>
      ${this.ranked.next_cursor ? html`<p>${button({ label: "Show more", busy: this.busy === "more", onClick: () => this.more() })}</p>` : nothing}</section>`;
  }

  people() {
    if (!this.users) return nothing;
    const course = courseOf(this.users);
    const names = course ? figuresOf(course.days[0]).map(([name]) => name) : [];
    return html`<section class="sheet stack" aria-labelledby="users-h"><h2 id="users-h">Users</h2>
      <dl class="figures">${figuresOf(this.users).map(([name, value]) => figure(wordsFor(name), textOf(name, value)))}</dl>
      ${course ? behind("By day", ["Day", ...names.map(wordsFor)], course.days.map((one) => [dateText(one[course.day], "UTC"), ...names.map((name) => textOf(name, one[name]))])) : nothing}</section>`;
  }
}

function moneyOf(one) {
  const revenue = one.revenue ?? one.total ?? [];
  return Array.isArray(revenue) ? revenue : [revenue];
}

function currenciesOf(days) {
  return [...new Set(days.flatMap((one) => moneyOf(one).map(({ currency }) => currency)))];
}
