// A new event, as a draft.

import { freshKey, post } from "../api.js";
import { html } from "../html.js";
import { button, focusOnFault } from "../parts.js";
import { View } from "../view.js";
import { eventFields, eventOf, kindFields, kindOf } from "./event_form.js";

export default class NewEvent extends View {
  title = "New event";
  needs = ["organiser", "admin"];
  kinds = 1;
  key = freshKey();

  async submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const capacity = form.get("capacity");
    const wanted = {
      ...eventOf(form),
      capacity: capacity === "" ? null : Number(capacity),
      ticket_types: Array.from({ length: this.kinds }, (_, index) => kindOf(form, `kind-${index}-`)),
    };
    const made = await this.act("make", () => post("/events", withoutNothing(wanted), { key: this.key }));
    if (made) return this.app.go(`/app/organise/${made.id}`);
    this.key = freshKey();
    focusOnFault();
  }

  template() {
    return html`<div class="headed"><p class="over small"><a href=${this.app.href("/app/organise")}>My events</a></p><h1>New event</h1><p class="lead">It is a draft until you publish it.</p></div>
      <form class="sheet stack loose" aria-label="The event" @submit=${(event) => this.submit(event)}>
        ${this.wrongShown}
        ${eventFields(null, this.faults)}
        <div class="stack"><h2>Tickets</h2>
          ${Array.from({ length: this.kinds }, (_, index) => html`<fieldset class="fields"><legend class="visually-hidden">Ticket ${index + 1}</legend>${kindFields(`kind-${index}-`, index === 0 ? GENERAL : null, this.faults, `ticket_types.${index}.`)}</fieldset>`)}
          <div class="row">${button({ label: "One more kind", kind: "small", onClick: () => { this.kinds += 1; this.draw(); } })}
            ${this.kinds > 1 ? button({ label: "One fewer", kind: "small plain", onClick: () => { this.kinds -= 1; this.draw(); } }) : ""}</div>
        </div>
        <div>${button({ label: "Make the draft", kind: "main", type: "submit", busy: this.busy === "make" })}</div>
      </form>`;
  }
}

const GENERAL = { name: "General admission", price: { amount: 0, currency: "EUR" }, capacity: null };

/** Leave out what was left empty, so that a field that is needed is said to be missing. */
function withoutNothing(fields) {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, value?.constructor === Object ? withoutNothing(value) : value]));
}
