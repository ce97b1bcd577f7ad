// Whether everything is well, and which processes are live.

import { getIfThereOutside } from "../api.js";
import { numberText, sinceText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { figure, isOn, sign } from "../parts.js";
import { View } from "../view.js";
import { adminTabs } from "./tabs.js";

const WORDS = { ok: ["Everything is well", "go"], degraded: ["It works, without something", "wait"], down: ["Something that is needed is away", "stop"] };
const NEEDED = { database: "Keeps everything", migrations: "The database is of this version", redis: "Shared limits, sessions, locks", queue: "Requests that are decided later" };

export default class System extends View {
  title = "System";
  needs = ["admin"];
  health = null;
  instances = null;

  async load() {
    await this.read();
    this.pulse = this.every(3_000, () => this.read());
  }

  async read() {
    [this.health, this.instances] = await Promise.all([getIfThereOutside("/health/ready"), getIfThereOutside("/health/instances")]);
  }

  template() {
    const [words, tone] = WORDS[this.health?.status] ?? ["Unknown", ""];
    return html`<div class="headed"><div class="row apart"><h1>System</h1>${isOn(this.pulse)}</div>${adminTabs(this.app, "/app/admin")}</div>
      <div class="stack loose">
        <section class="stack" aria-labelledby="health-h"><div class="row apart"><h2 id="health-h">${words}</h2>${sign(this.health?.status ?? "?", tone)}</div>
          <ul class="cards">${Object.entries(this.health?.checks ?? {}).map(([name, found]) => html`<li class="sheet stack tight"><p class="row apart"><strong>${name}</strong>${sign(found, found === "ok" ? "go" : "stop")}</p><p class="small quiet">${NEEDED[name] ?? ""}</p></li>`)}</ul>
          <p class="small quiet">Said by ${this.health?.instance}.</p>
        </section>
        ${this.instances ? this.processes(this.instances.items) : nothing}
      </div>`;
  }

  processes(items) {
    return html`<section class="stack" aria-labelledby="live-h"><h2 id="live-h">Live processes</h2>
      <dl class="figures">${figure("answer requests", items.filter(({ kind }) => kind === "api").length)}${figure("work behind", items.filter(({ kind }) => kind === "worker").length)}${figure("requests answered", numberText(items.reduce((sum, { requests }) => sum + requests, 0)))}</dl>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of processes"><table>
        <thead><tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col">Version</th><th scope="col">Started</th><th scope="col">Last beat</th><th scope="col" class="end">Requests</th></tr></thead>
        <tbody>${repeat(items, ({ name }) => name, (one) => html`<tr><td><code>${one.name}</code></td><td>${one.kind}</td><td>${one.version}</td><td class="nowrap">${sinceText(one.started_at)}</td><td class="nowrap">${sinceText(one.last_beat_at)}</td><td class="end">${numberText(one.requests)}</td></tr>`)}</tbody>
      </table></div></section>`;
  }
}
