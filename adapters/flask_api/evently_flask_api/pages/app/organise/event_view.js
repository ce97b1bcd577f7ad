// What every page about one's event has: its name, its state, and the way to the others.

import { get } from "../api.js";
import { spanText, zoneText } from "../format.js";
import { html, nothing } from "../html.js";
import { isOn, sign } from "../parts.js";
import { View } from "../view.js";
import { People } from "./people.js";

const TABS = [
  ["", "Board"],
  ["/people", "People"],
  ["/check-in", "Check-in"],
  ["/figures", "Figures"],
  ["/edit", "Edit"],
];

export const STATUS = { draft: "", published: "go", cancelled: "stop", completed: "" };

export class EventView extends View {
  needs = ["organiser", "admin"];
  event = null;
  tab = "";

  constructor(app, place) {
    super(app, place);
    this.people = new People(this.id);
  }

  get id() {
    return this.params.id;
  }

  async load() {
    await this.readEvent();
    this.title = this.event.title;
  }

  async readEvent() {
    this.event = await get(`/events/${this.id}`);
  }

  kindName(id) {
    return this.event.ticket_types.find((kind) => kind.id === id)?.name ?? "";
  }

  get hasKinds() {
    return this.event.ticket_types.length > 1;
  }

  template() {
    const { event } = this;
    const home = `/app/organise/${this.id}`;
    return html`<div class="headed">
        <div class="row apart">
          <p class="over small"><a href=${this.app.href("/app/organise")}>My events</a></p>
          <p class="row">${this.pulse ? isOn(this.pulse) : nothing}${sign(event.status, STATUS[event.status])}</p>
        </div>
        <h1>${event.title}</h1>
        <p class="quiet">${spanText(event)}, ${zoneText(event.timezone)}${event.venue ? ` · ${event.venue}` : ""}</p>
        <nav class="tabs" aria-label="This event">${TABS.map(([path, name]) => html`<a href=${this.app.href(home + path)} aria-current=${path === this.tab ? "page" : nothing}>${name}</a>`)}</nav>
      </div>
      ${this.wrongShown}
      ${this.content()}`;
  }
}
