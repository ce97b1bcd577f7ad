// The figures of one event: what it sold, how its line was served, and how it came to that day by day.

import { get } from "../api.js";
import { behind, curveChart } from "../chart.js";
import { count, dayText, lengthText, numberText, percentText, sumsText, sumText } from "../format.js";
import { html } from "../html.js";
import { toLocal } from "../zones.js";
import { EventView } from "./event_view.js";

const LOOK_MS = 15_000;
const DAY_MS = 86_400_000;
const CURVES = [
  ["sold", "Seats sold", "go"],
  ["held", "Held or on offer", "ink"],
  ["waiting", "Waited for", "wait"],
];

export default class EventFigures extends EventView {
  tab = "/figures";
  figures = null;

  async load() {
    await super.load();
    await this.read();
    this.pulse = this.every(LOOK_MS, () => this.read());
  }

  async read() {
    this.figures = await get(`/analytics/events/${this.id}`);
  }

  content() {
    return html`<div class="stack loose">
      <div class="cards slim">${this.sales()}${this.line()}${this.freed()}${this.offers()}</div>
      ${this.course()}
    </div>`;
  }

  sales() {
    const { capacity, seats_sold: sold, held, utilisation, revenue, confirmed, cancelled, cancellation_rate: rate } = this.figures;
    return told("Sales", percentText(utilisation), "of the seats are sold", [
      ["Sold", `${numberText(sold)} of ${numberText(capacity)}`],
      ["Held or on offer", numberText(held)],
      ["Taken in", sumsText(revenue)],
      ["Bookings confirmed", numberText(confirmed)],
      ["Cancelled of them", shareOf(cancelled, rate)],
    ]);
  }

  line() {
    const { joined, served, waitlist_conversion: rate, waiting, waiting_entries: entries, median_wait_seconds: wait } = this.figures;
    if (!joined) return silent("The line", "Nobody has waited yet.");
    return told("The line", wait === null ? "–" : lengthText(wait), wait === null ? "nobody was served yet" : "or less was the wait of half of those served", [
      ["Joined", count(joined, "party", "parties")],
      ["Got all they asked for", shareOf(served, rate)],
      ["Wait now", `${count(entries, "party", "parties")}, ${count(waiting, "seat")}`],
    ]);
  }

  freed() {
    const { freed, refilled, refill_rate: rate } = this.figures;
    if (!freed) return silent("Seats that came free", "Nobody has given a seat back yet.");
    return told("Seats that came free", percentText(rate), "went to somebody who waited", [
      ["Given back or lapsed", count(freed, "seat")],
      ["Filled from the line", count(refilled, "seat")],
    ]);
  }

  offers() {
    const { offers, accepted, declined, offer_acceptance: rate } = this.figures;
    if (!offers) {
      const { enabled, offer_window_seconds: asks } = this.event.policy.waitlist;
      return silent("Offers", !enabled || asks ? "No offer was made yet." : "Whoever waits gets seats without being asked.");
    }
    return told("Offers", percentText(rate), "of those that are over were accepted", [
      ["Made", numberText(offers)],
      ["Accepted", numberText(accepted)],
      ["Declined or lapsed", numberText(declined)],
      ["Open", numberText(offers - accepted - declined)],
    ]);
  }

  course() {
    const { days, capacity } = this.figures;
    if (!days.length) return html`<section class="sheet stack tight" aria-labelledby="course-h"><h2 id="course-h">Day by day</h2><p class="quiet">Nothing has happened yet.</p></section>`;
    const curves = CURVES.filter(([name]) => name === "sold" || days.some((day) => day[name])).map(([name, words, kind]) => ({
      name: words, kind, filled: name === "sold", points: this.walk(name),
    }));
    return html`<section class="sheet stack" aria-labelledby="course-h"><div><h2 id="course-h">Day by day</h2><p class="small quiet">How it stood at the end of each day, in ${this.event.timezone.replaceAll("_", " ")}.</p></div>
      ${curveChart({ label: `Seats sold, held and waited for at the end of each day; now ${days.at(-1).sold} of ${capacity} are sold`, curves, goal: { value: capacity, name: `Capacity ${numberText(capacity)}` }, step: DAY_MS, xText: dayText, yText: numberText })}
      ${behind("As a table", ["Day", "Sold", "Held or on offer", "Waited for", "Taken in"], days.map((day) => [dayText(day.day, { year: true }), numberText(day.sold), numberText(day.held), numberText(day.waiting), sumText(day.revenue)]))}
    </section>`;
  }

  /** Return how a figure went: from nothing, level over days on which nothing happened, up to today or the event's end. */
  walk(name) {
    const points = [];
    let level = 0;
    for (const day of this.figures.days) {
      const at = Date.parse(day.day);
      if (!points.length || points.at(-1)[0] < at - DAY_MS) points.push([at - DAY_MS, level]);
      level = day[name];
      points.push([at, level]);
    }
    const last = Math.min(Date.now(), Date.parse(this.event.ends_at));
    const today = Date.parse(toLocal(last, this.event.timezone).slice(0, 10));
    return points.at(-1)[0] < today ? [...points, [today, level]] : points;
  }
}

/** A group of figures: the one that says most, large, and the others below. */
function told(title, figure, words, facts) {
  return html`<section class="sheet stack" aria-label=${title}><h2>${title}</h2>
    <p class="telling"><b>${figure}</b> <span class="quiet">${words}</span></p>
    <dl class="facts spread">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function silent(title, words) {
  return html`<section class="sheet stack" aria-label=${title}><h2>${title}</h2><p class="quiet">${words}</p></section>`;
}

function shareOf(number, share) {
  return share === null ? numberText(number) : html`${numberText(number)} <span class="quiet">(${percentText(share)})</span>`;
}
