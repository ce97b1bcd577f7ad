// Addresses that are told of what happens to one's events, and what they were told.

import { freshKey, getIfThere, patch, post, remove } from "../api.js";
import { momentText, sinceText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, confirmed, field, focusOnFault, given, note, openDialog, sign } from "../parts.js";
import { View } from "../view.js";

const TONE = { delivered: "go", done: "go", pending: "wait", planned: "wait", waiting: "wait", failed: "stop", given_up: "stop" };

export default class Webhooks extends View {
  title = "Webhooks";
  needs = ["organiser", "admin"];
  webhooks = null;
  deliveries = new Map();
  secret = null;

  async load() {
    await this.read();
    if (this.webhooks) this.every(6_000, () => this.look());
  }

  async read() {
    this.webhooks = (await getIfThere("/webhooks", { limit: 100 }))?.items ?? null;
  }

  async look() {
    await this.read();
    for (const id of this.deliveries.keys()) await this.readDeliveries(id);
  }

  async readDeliveries(id) {
    const found = await getIfThere(`/webhooks/${id}/deliveries`, { limit: 20 });
    this.deliveries.set(id, found?.items ?? []);
  }

  async toggle(webhook) {
    if (this.deliveries.delete(webhook.id)) return this.draw();
    await this.act(`deliveries-${webhook.id}`, () => this.readDeliveries(webhook.id));
  }

  async add() {
    const key = { value: freshKey() };
    const made = await openDialog("A new webhook", (dialog) => html`<form method="dialog" novalidate @submit=${async (event) => {
      event.preventDefault();
      const { url = "", description = "" } = given(event.target);
      const webhook = await this.act("add", () => post("/webhooks", { url, description }, { key: key.value }));
      if (webhook) return dialog.done(webhook);
      key.value = freshKey();
      dialog.redraw();
      focusOnFault(dialog.element);
    }}>
      <h2>A new webhook</h2>
      <p>It is told of everything that happens to your events from now on, signed after the Standard Webhooks specification.</p>
      ${this.wrongShown}
      ${field({ name: "url", label: "Address", type: "url", required: true, placeholder: "https://example.org/hooks", fault: this.faults.get("url") })}
      ${field({ name: "description", label: "What it is for", maxlength: 200, fault: this.faults.get("description") })}
      <div class="row end"><button type="button" class="button plain" @click=${() => dialog.done()}>Leave it</button><button class="button main">Add</button></div>
    </form>`);
    this.wrong = "";
    this.faults = new Map();
    if (made) this.secret = made;
    await this.again(() => this.read());
  }

  async change(webhook, changes, said) {
    const changed = await this.act(`change-${webhook.id}`, () => patch(`/webhooks/${webhook.id}`, changes));
    if (changed?.secret) this.secret = changed;
    if (changed) note(said);
    await this.again(() => this.read());
  }

  async drop(webhook) {
    if (!(await confirmed({ title: "Remove the webhook?", text: `${webhook.url} is told nothing more, and what it was told is forgotten.`, action: "Remove", danger: true }))) return;
    if (await this.act(`change-${webhook.id}`, () => remove(`/webhooks/${webhook.id}`).then(() => true))) note("Removed.");
    this.deliveries.delete(webhook.id);
    await this.again(() => this.read());
  }

  async replay(webhook, delivery) {
    if (await this.act(`replay-${delivery.id}`, () => post(`/webhooks/${webhook.id}/deliveries/${delivery.id}/replay`))) note("It is sent again.");
    await this.again(() => this.readDeliveries(webhook.id));
  }

  template() {
    return html`<div class="headed"><div class="row apart"><h1>Webhooks</h1>${this.webhooks ? button({ label: "New webhook", kind: "main", onClick: () => this.add() }) : nothing}</div></div>
      <div class="stack loose">
        ${this.wrongShown}
        ${this.secret ? html`<div class="word go" role="status"><p><strong>The secret of ${this.secret.url}</strong> is shown this once: keep it where what arrives is verified.</p><code class="wrap">${this.secret.secret}</code>
          <div>${button({ label: "I have it", kind: "small", onClick: () => { this.secret = null; this.draw(); } })}</div></div>` : nothing}
        ${this.webhooks === null
          ? html`<div class="empty"><p>This server has no webhooks.</p></div>`
          : this.webhooks.length ? html`<ul class="stack">${repeat(this.webhooks, ({ id }) => id, (webhook) => this.card(webhook))}</ul>` : html`<div class="empty"><p>Nobody is told of anything yet.</p></div>`}
      </div>`;
  }

  card(webhook) {
    const busy = this.busy === `change-${webhook.id}`;
    return html`<li class="sheet stack"><div class="row apart"><div class="grow"><h2 class="url">${webhook.url}</h2><p class="small quiet">${webhook.description || "No description"} · ${webhook.types.length ? webhook.types.join(", ") : "everything"}</p></div>
        ${webhook.enabled ? sign("on", "go") : sign("off", "stop")}</div>
      ${webhook.disabled_because ? html`<div class="word stop"><p>Switched off ${webhook.disabled_at ? sinceText(webhook.disabled_at) : ""}: ${webhook.disabled_because}</p></div>` : nothing}
      <div class="row">
        ${button({ label: this.deliveries.has(webhook.id) ? "Hide what it was told" : "What it was told", kind: "small", onClick: () => this.toggle(webhook) })}
        ${button({ label: webhook.enabled ? "Switch off" : "Switch on", kind: "small", busy, onClick: () => this.change(webhook, { enabled: !webhook.enabled }, webhook.enabled ? "Switched off." : "Switched on.") })}
        ${button({ label: "New secret", kind: "small plain", busy, onClick: () => this.change(webhook, { rotate_secret: true }, "For another day the old one signs beside it.") })}
        ${button({ label: "Remove", kind: "small plain", busy, onClick: () => this.drop(webhook) })}
      </div>
      ${this.deliveries.has(webhook.id) ? this.told(webhook, this.deliveries.get(webhook.id)) : nothing}</li>`;
  }

  told(webhook, deliveries) {
    if (!deliveries.length) return html`<p class="quiet">Nothing yet.</p>`;
    return html`<div class="scroll" tabindex="0" role="region" aria-label="What ${webhook.url} was told"><table>
      <thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Status</th><th scope="col">Last answer</th><th scope="col"><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>${repeat(deliveries, ({ id }) => id, (delivery) => {
        const last = delivery.attempts.at(-1);
        return html`<tr><td class="nowrap">${momentText(delivery.planned_at)}</td><td>${delivery.type}</td><td>${sign(delivery.status, TONE[delivery.status] ?? "")}</td>
          <td class="small">${last ? `${last.status ?? last.error} in ${last.ms} ms, attempt ${last.number}` : "not tried yet"}</td>
          <td class="end">${button({ label: "Again", kind: "small", busy: this.busy === `replay-${delivery.id}`, onClick: () => this.replay(webhook, delivery) })}</td></tr>`;
      })}</tbody></table></div>`;
  }
}
