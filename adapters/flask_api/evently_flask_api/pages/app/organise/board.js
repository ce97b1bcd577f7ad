// One event as it happens: seats, line, curve, refill, journal; and its capacity, with who would get in.

import { get, patch, post } from "../api.js";
import { curveChart } from "../chart.js";
import { count, dateShortText, lineTimeText, numberText, secondText, timeText } from "../format.js";
import { html, keyed, nothing, repeat } from "../html.js";
import { button, confirmed, figure, given, note } from "../parts.js";
import { EventView } from "./event_view.js";
import { isByAnother, Owners, partiesJoined, seatsTaken, told } from "./journal.js";

const BEAT_MS = 2_000;
const LINES_KEPT = 300;
const LINES_SHOWN = 14;
const SAMPLES_MAX = 900;
const RATE_SECONDS = 60;
const SECONDS_MATTER_MS = 600_000;
const DAYS_MATTER_MS = 86_400_000;

export default class Board extends EventView {
  lines = []; // newest first
  owners = new Owners();
  waiting = [];
  samples = []; // [milliseconds, taken, waiting]
  beat = 0;
  plan = null;
  capacity = null;

  async load() {
    await super.load();
    await Promise.all([this.readJournal(3), this.readLine()]);
    this.samples = this.past();
    this.sample();
    this.pulse = this.every(BEAT_MS, () => this.look());
  }

  /** Look at one thing after another, so that a board may stay open all day within what a reader may ask. */
  async look() {
    this.beat += 1;
    if (this.beat % 2) {
      await this.readEvent();
      this.sample();
    } else if (this.beat % 4 === 2) await this.readJournal();
    else await this.readLine();
  }

  async readJournal(pagesMax = 1) {
    const fresh = [];
    const newest = this.lines[0]?.number ?? 0;
    let cursor;
    for (let page = 0; page < pagesMax; page += 1) {
      const answer = await get(`/events/${this.id}/journal`, { newest_first: true, limit: 100, cursor });
      fresh.push(...answer.items.filter(({ number }) => number > newest));
      cursor = answer.next_cursor;
      if (!cursor || answer.items.at(-1).number <= newest) break;
    }
    const reachesBack = !fresh.length || fresh.at(-1).number === newest + 1;
    this.lines = [...fresh, ...(reachesBack ? this.lines : [])].slice(0, LINES_KEPT); // no gap goes unnoticed as one
    this.owners.learn(fresh);
    await this.people.learn(this.lines.slice(0, LINES_SHOWN).map((line) => this.owners.subject(line)));
  }

  async readLine() {
    const { items } = await get(`/events/${this.id}/waitlist`, { limit: 8 });
    this.waiting = items;
    await this.people.learn(items.map(({ user_id: id }) => id));
  }

  sample() {
    const { seats_taken: taken, waiting } = this.event;
    const isSame = (sample) => sample && sample[1] === taken && sample[2] === waiting;
    const isFlat = isSame(this.samples.at(-1)) && isSame(this.samples.at(-2));
    const before = isFlat ? this.samples.slice(0, -1) : this.samples; // a flat stretch has two ends and nothing between
    this.samples = [...before, [Date.now(), taken, waiting]].slice(-SAMPLES_MAX);
  }

  /** Walk the journal back from now: how the seats stood after and before each of its lines, a step apart. */
  past() {
    let { seats_taken: taken, waiting } = this.event;
    const samples = [];
    for (const line of this.lines) {
      const at = Date.parse(line.at);
      samples.push([at, taken, waiting]);
      taken -= seatsTaken(line);
      waiting = Math.max(0, waiting - partiesJoined(line));
      samples.push([at, taken, waiting]);
    }
    return samples.reverse().filter(([, seats]) => seats >= 0);
  }

  /** Seats booked in the last minute. */
  get rate() {
    const since = Date.now() - RATE_SECONDS * 1000;
    return this.lines.filter(({ kind, at }) => kind === "granted" && Date.parse(at) > since).reduce((sum, line) => sum + seatsTaken(line), 0);
  }

  /** Of the seats that came free lately, how many went to who waited. */
  get refill() {
    const freed = -this.lines.map(seatsTaken).filter((seats) => seats < 0).reduce((sum, seats) => sum + seats, 0);
    const refilled = this.lines.filter(({ kind, data }) => kind === "granted" && data.booking.origin === "waitlist").reduce((sum, line) => sum + seatsTaken(line), 0);
    return { freed, refilled };
  }

  content() {
    const { event } = this;
    return html`<div class="stack loose">
      <section class="stack" aria-label="Seats">
        <dl class="figures">
          ${figure("taken", event.seats_taken, `of ${event.capacity}`)}
          ${figure("free", event.seats_available)}
          ${event.seats_free - event.seats_available ? figure("set aside", event.seats_free - event.seats_available) : nothing}
          ${figure(event.waiting === 1 ? "party waits" : "parties wait", event.waiting)}
          ${figure("seats in the last minute", this.rate)}
        </dl>
        <seat-meter class="large" taken=${event.seats_taken} aside=${event.seats_free - event.seats_available} free=${event.seats_available}></seat-meter>
      </section>
      ${this.steps()}
      <div class="split even">
        <div class="stack loose">
          <section class="sheet stack" aria-labelledby="curve-h"><h2 id="curve-h">Sales</h2>${this.curve()}${this.refillWord()}</section>
          ${this.capacityPanel()}
        </div>
        <div class="stack loose">
          <section class="sheet stack" aria-labelledby="line-h"><div class="row apart"><h2 id="line-h">Line</h2><a class="small" href=${this.app.href(`/app/organise/${this.id}/people`)}>All people</a></div>${this.line()}</section>
          <section class="sheet stack" aria-labelledby="journal-h"><h2 id="journal-h">Journal</h2>${this.journal()}</section>
        </div>
      </div>
    </div>`;
  }

  steps() {
    const { event } = this;
    if (event.status === "draft") {
      return html`<div class="word row apart"><p>Only you can see this draft.</p>
        <div class="row">${button({ label: "Publish", kind: "main", busy: this.busy === "publish", onClick: () => this.step("publish") })}</div></div>`;
    }
    if (event.status !== "published") return nothing;
    return html`<div class="row">
      <a class="button small" href=${this.app.href(`/app/events/${this.id}`)}>As attendees see it</a>
      ${button({ label: "Complete", kind: "small plain", busy: this.busy === "complete", onClick: () => this.complete() })}
      ${button({ label: "Cancel the event", kind: "small plain", busy: this.busy === "cancel", onClick: () => this.cancel() })}
    </div>`;
  }

  async step(name, body) {
    const event = await this.act(name, () => post(`/events/${this.id}/${name}`, body));
    if (event) this.event = event;
    await this.again(() => this.readJournal());
  }

  async complete() {
    if (await confirmed({ title: "Is it over?", text: "The lines close, and nobody can book any more.", action: "Complete", keep: "Not yet" })) await this.step("complete");
  }

  async cancel() {
    const reason = await confirmed({
      title: `Cancel ${this.event.title}?`,
      text: `Every booking is cancelled (${count(this.event.seats_taken, "seat")}), and every line closes. This cannot be undone.`,
      action: "Cancel the event", danger: true, reasonNeeded: true,
    });
    if (reason) await this.step("cancel", { reason });
  }

  curve() {
    const begun = this.samples.findIndex(([, taken, waiting]) => taken || waiting);
    const samples = this.samples.slice(Math.max(0, begun - 1)); // before anybody came there is nothing to see
    const lasts = Date.now() - (samples[0]?.[0] ?? 0);
    const momentOf = lasts > DAYS_MATTER_MS ? dateShortText : lasts > SECONDS_MATTER_MS ? timeText : secondText;
    return curveChart({
      label: `Seats taken and parties waiting over time; now ${this.event.seats_taken} taken, ${this.event.waiting} waiting`,
      curves: [
        { name: "Seats taken", kind: "go", points: samples.map(([at, taken]) => [at, taken]), filled: true },
        { name: "Parties waiting", kind: "wait", points: samples.map(([at, , waiting]) => [at, waiting]) },
      ],
      goal: { value: this.event.capacity, name: `Capacity ${this.event.capacity}` },
      xText: (at) => momentOf(at, this.event.timezone),
      yText: numberText,
    });
  }

  refillWord() {
    const { freed, refilled } = this.refill;
    if (!freed) return nothing;
    return html`<p class="small">Lately ${count(freed, "seat")} came free: ${refilled} went to who waited, ${Math.max(0, freed - refilled)} back on sale.</p>`;
  }

  line() {
    if (!this.waiting.length) return html`<p class="quiet">Nobody waits.</p>`;
    return html`<div class="scroll"><table>
      <thead><tr><th scope="col">Place</th><th scope="col">Who</th>${this.hasKinds ? html`<th scope="col">Ticket</th>` : nothing}<th scope="col" class="end">Seats</th></tr></thead>
      <tbody>${repeat(this.waiting, ({ id }) => id, (entry) => html`<tr><td>${entry.position}</td><td>${this.people.name(entry.user_id)}</td>${this.hasKinds ? html`<td>${this.kindName(entry.ticket_type_id)}</td>` : nothing}<td class="end">${entry.quantity}</td></tr>`)}</tbody>
    </table></div>${this.event.waiting > this.waiting.length ? html`<p class="small quiet">and ${count(this.event.waiting - this.waiting.length, "more party", "more parties")}</p>` : nothing}`;
  }

  journal() {
    if (!this.lines.length) return html`<p class="quiet">Nothing has happened yet.</p>`;
    return html`<ol class="journal">${repeat(this.lines.slice(0, LINES_SHOWN), ({ number }) => number, (line) => {
      const { what, tone } = told(line);
      const subject = this.owners.subject(line);
      const by = isByAnother(line, subject) ? `, by ${this.doer(line)}` : "";
      return html`<li class=${tone}><time datetime=${line.at}>${lineTimeText(line.at, this.event.timezone)}</time><span><b>${this.nameOf(subject, line)}</b> ${what}${by}${line.reason ? html` <q>${line.reason}</q>` : nothing}</span></li>`;
    })}</ol>`;
  }

  nameOf(id, line) {
    if (id === this.event.organiser_id) return "The organiser";
    if (id) return this.people.name(id);
    return line.kind.startsWith("event_") ? `The ${line.actor}` : "Somebody";
  }

  doer({ actor, actor_id: id }) {
    if (actor !== "user") return `the ${actor}`;
    return id === this.event.organiser_id ? "the organiser" : "an admin";
  }

  // --- capacity -------------------------------------------------------------------------------------------------

  capacityPanel() {
    if (!["draft", "published"].includes(this.event.status)) return nothing;
    return html`<form class="sheet stack" aria-labelledby="capacity-h" @submit=${(event) => this.preview(event)}>
      <h2 id="capacity-h">Capacity</h2>
      <p class="quiet">See who would get in before anything is changed.</p>
      <div class="row">
        <label for="capacity" class="visually-hidden">Seats in all</label>
        ${keyed(this.event.capacity, html`<input class="input short" id="capacity" name="capacity" type="number" inputmode="numeric" min="0" required value=${this.event.capacity} aria-invalid=${this.faults.has("capacity") ? "true" : nothing}>`)}
        ${button({ label: "Preview", type: "submit", busy: this.busy === "preview" })}
      </div>
      ${this.faults.has("capacity") ? html`<p class="fault" role="alert">${this.faults.get("capacity")}</p>` : nothing}
      ${this.plan ? this.planShown() : nothing}
    </form>`;
  }

  async preview(event) {
    event.preventDefault();
    this.plan = null;
    const capacity = Number(given(event.target).capacity);
    const plan = await this.act("preview", () => patch(`/events/${this.id}?dry_run=true`, { capacity }));
    if (!plan) return;
    await this.people.learn(plan.granted.map(({ user_id: id }) => id));
    this.plan = { ...plan, capacity };
    this.draw();
  }

  planShown() {
    const { capacity, granted, granted_count: grantedCount, still_waiting: stillWaiting } = this.plan;
    return html`<div class="word ${grantedCount ? "go" : ""} stack tight" role="status">
      <p><strong>With ${count(capacity, "seat")}, ${grantedCount ? `${count(grantedCount, "party gets", "parties get")} in` : "nobody gets in"}.</strong> ${stillWaiting ? `${count(stillWaiting, "party still waits", "parties still wait")}.` : "Nobody waits then."}</p>
      ${granted.length ? html`<ol class="plan">${granted.map((booking) => html`<li><span>${this.people.name(booking.user_id)}</span><span class="quiet">${this.hasKinds ? `${this.kindName(booking.ticket_type_id)}, ` : ""}${count(booking.quantity, "seat")}${booking.status === "held" ? ", as an offer" : ""}</span></li>`)}</ol>` : nothing}
      ${grantedCount > granted.length ? html`<p class="small">and ${grantedCount - granted.length} more</p>` : nothing}
      <div class="row">${button({ label: `Set the capacity to ${capacity}`, kind: "main", busy: this.busy === "capacity", onClick: () => this.setCapacity(capacity) })}
        ${button({ label: "Leave it", kind: "plain", onClick: () => { this.plan = null; this.draw(); } })}</div>
    </div>`;
  }

  async setCapacity(capacity) {
    const done = await this.act("capacity", () => patch(`/events/${this.id}`, { capacity }));
    if (!done) return;
    this.event = done.event;
    this.plan = null;
    this.sample();
    note(done.granted_count ? `${count(done.granted_count, "party", "parties")} got in.` : "The capacity is set.");
    await this.again(() => Promise.all([this.readJournal(), this.readLine()]));
  }
}
