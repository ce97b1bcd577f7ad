// The figures of one event: how it sold day by day, and how its line was served.

import { getIfThere } from "../api.js";
import { behind, curveChart } from "../chart.js";
import { dateText } from "../format.js";
import { html, nothing } from "../html.js";
import { figure } from "../parts.js";
import { EventView } from "./event_view.js";
import { courseOf, figuresOf, textOf, wordsFor } from "./figure_words.js";

const LOOK_MS = 15_000;
const CURVES = [["sold", "go"], ["seats_sold", "go"], ["waiting", "wait"], ["held", "ink"]];

export default class EventFigures extends EventView {
  tab = "/figures";
  figures = null;

  async load() {
    await super.load();
    await this.read();
    if (this.figures) this.pulse = this.every(LOOK_MS, () => this.read());
  }

  async read() {
    this.figures = await getIfThere(`/analytics/events/${this.id}`);
  }

  content() {
    if (!this.figures) return html`<div class="empty"><p>This server adds up no figures.</p></div>`;
    return html`<div class="stack loose">
      <section class="sheet" aria-label="Figures"><dl class="figures">${figuresOf(this.figures).map(([name, value]) => figure(wordsFor(name), textOf(name, value)))}</dl></section>
      ${this.course()}
    </div>`;
  }

  course() {
    const course = courseOf(this.figures);
    if (!course) return nothing;
    const { days, day } = course;
    const curves = CURVES.filter(([name]) => typeof days[0][name] === "number").map(([name, kind]) => ({
      name: wordsFor(name), kind, filled: kind === "go", points: days.map((one) => [Date.parse(one[day]), one[name]]),
    }));
    const names = figuresOf(days[0]).map(([name]) => name);
    return html`<section class="sheet stack" aria-labelledby="course-h"><h2 id="course-h">Day by day</h2>
      ${days.length > 1 ? curveChart({ label: "Seats sold, held and waited for at the end of each day", curves, wide: true, xText: (at) => dateText(at, "UTC"), yText: (value) => String(Math.round(value)) }) : nothing}
      ${behind("As a table", ["Day", ...names.map(wordsFor)], days.map((one) => [dateText(one[day], "UTC"), ...names.map((name) => textOf(name, one[name]))]))}
    </section>`;
  }
}
