// Changing an event, and what it sells.

import { getTagged, patch, post, remove } from "../api.js";
import { moneyText } from "../format.js";
import { html, keyed, nothing } from "../html.js";
import { button, confirmed, field, focusOnFault, note, openDialog } from "../parts.js";
import { EventView } from "./event_view.js";
import { eventFields, eventOf, kindFields, kindOf } from "./event_form.js";

export default class Edit extends EventView {
  tab = "/edit";
  tag = null;
  turn = 0;

  async readEvent() {
    const { content, tag } = await getTagged(`/events/${this.id}`);
    this.event = content;
    this.tag = tag;
    this.turn += 1; // fields show what was read, not what somebody had typed before
  }

  async save(event) {
    event.preventDefault();
    const form = event.target;
    const data = new FormData(form);
    const reason = data.get("reason").trim();
    const changes = { ...eventOf(data), ...(reason ? { reason } : {}) };
    const done = await this.act("save", () => patch(`/events/${this.id}`, changes, { headers: { "If-Match": this.tag } }));
    if (!done) return focusOnFault(form.closest("main"));
    await this.readEvent();
    note(done.granted_count ? `Saved; ${done.granted_count} got in by it.` : "Saved.");
    this.draw();
  }

  async editKind(kind) {
    const found = await openDialog(kind ? `Change ${kind.name}` : "A new ticket", (dialog) => html`<form method="dialog" @submit=${async (event) => {
      event.preventDefault();
      const said = kindOf(new FormData(event.target));
      const path = `/events/${this.id}/ticket-types`;
      const done = await this.act("kind", () => (kind ? patch(`${path}/${kind.id}`, said) : post(path, said)));
      if (done) return dialog.done(true);
      dialog.redraw();
      focusOnFault(dialog.element);
    }}>
      <h2>${kind ? kind.name : "A new ticket"}</h2>
      ${this.wrongShown}
      <div class="fields">${kindFields("", kind, this.faults)}</div>
      <div class="row end"><button type="button" class="button plain" @click=${() => dialog.done()}>Leave it</button><button class="button main">${kind ? "Change" : "Sell it"}</button></div>
    </form>`);
    this.wrong = "";
    this.faults = new Map();
    if (found) note("Saved.");
    await this.again(() => this.readEvent());
  }

  async discard() {
    if (!(await confirmed({ title: "Throw the draft away?", text: "Nobody has seen it. It is gone for good.", action: "Throw away", danger: true }))) return;
    if (await this.act("discard", () => remove(`/events/${this.id}`).then(() => true))) this.app.go("/app/organise");
  }

  content() {
    const { event } = this;
    return html`<div class="stack loose">
      <section class="sheet stack" aria-labelledby="kinds-h"><div class="row apart"><h2 id="kinds-h">Tickets</h2>${button({ label: "Add a ticket", kind: "small", onClick: () => this.editKind(null) })}</div>
        <ul class="items">${event.ticket_types.map((kind) => html`<li class="row apart"><span><strong>${kind.name}</strong>, ${moneyText(kind.price)}${kind.capacity === null ? "" : `, ${kind.capacity} seats`}</span>${button({ label: "Change", kind: "small", onClick: () => this.editKind(kind) })}</li>`)}</ul>
        <p class="small quiet">The capacity of the event is set on the <a href=${this.app.href(`/app/organise/${this.id}`)}>board</a>, where you see who gets in.</p>
      </section>
      ${keyed(this.turn, html`<form class="sheet stack loose" aria-label="The event" @submit=${(submitted) => this.save(submitted)}>
        ${eventFields(event, this.faults)}
        ${field({ name: "reason", label: "Why it is changed", hint: "It is kept in the journal.", maxlength: 500 })}
        <div class="row">${button({ label: "Save", kind: "main", type: "submit", busy: this.busy === "save" })}
          ${event.status === "draft" ? button({ label: "Throw the draft away", kind: "danger", busy: this.busy === "discard", onClick: () => this.discard() }) : nothing}</div>
      </form>`)}
    </div>`;
  }
}
