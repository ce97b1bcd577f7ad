// One's own account: name, password, and where one is signed in.

import { getIfThere, patch, remove } from "../api.js";
import { sinceText } from "../format.js";
import { html, nothing } from "../html.js";
import { button, confirmed, field, focusOnFault, given, note, sign } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";

export default class Account extends View {
  title = "Account";
  needs = ["attendee", "organiser", "admin"];
  sessions = null;

  async load() {
    await this.read();
  }

  async read() {
    const found = await getIfThere("/auth/sessions");
    this.sessions = found?.items ?? found;
  }

  async change(event, name, said) {
    event.preventDefault();
    const form = event.target;
    const user = await this.act(name, () => patch("/auth/me", given(form)));
    if (!user) return focusOnFault(form);
    session.rename(user);
    if (name === "password") form.reset();
    note(said);
    await this.again(() => this.read());
  }

  async end(one) {
    if (await this.act(`end-${one.id}`, () => remove(`/auth/sessions/${one.id}`).then(() => true))) note("That session has ended.");
    await this.again(() => this.read());
  }

  async endAll() {
    const sure = await confirmed({ title: "Log out everywhere?", text: "Every session ends, this one too.", action: "Log out everywhere", danger: true, keep: "Not now" });
    if (!sure) return;
    if (await this.act("end-all", () => remove("/auth/sessions").then(() => true))) {
      session.forget();
      this.app.go("/");
    }
  }

  template() {
    const { user } = session;
    return html`<div class="headed"><h1>${user.name}</h1><p class="lead">${user.email}, ${user.role}</p></div>
      <div class="stack loose">
        ${this.wrongShown}
        <div class="cards wide">
          <form class="sheet stack" aria-labelledby="name-h" novalidate @submit=${(event) => this.change(event, "name", "Your name was changed.")}>
            <h2 id="name-h">Name</h2>
            ${field({ name: "name", label: "Name", value: user.name, autocomplete: "name", required: true, fault: this.faults.get("name") })}
            <div>${button({ label: "Change the name", type: "submit", busy: this.busy === "name" })}</div>
          </form>
          <form class="sheet stack" aria-labelledby="password-h" novalidate @submit=${(event) => this.change(event, "password", "Your password was changed; other sessions have ended.")}>
            <h2 id="password-h">Password</h2>
            <input class="visually-hidden" type="text" autocomplete="username" value=${user.email} aria-hidden="true" tabindex="-1" readonly>
            ${field({ name: "current_password", label: "Present password", type: "password", autocomplete: "current-password", required: true, fault: this.faults.get("current_password") })}
            ${field({ name: "password", label: "New password", type: "password", autocomplete: "new-password", required: true, hint: "Every other session ends with the old one.", fault: this.faults.get("password") })}
            <div>${button({ label: "Change the password", type: "submit", busy: this.busy === "password" })}</div>
          </form>
        </div>
        ${this.sessions ? this.sessionList() : nothing}
        <div class="row">${button({ label: "Log out", kind: "main", busy: this.busy === "out", onClick: () => this.act("out", () => session.close()).then(() => this.app.go("/")) })}
          ${this.sessions ? button({ label: "Log out everywhere", kind: "danger", busy: this.busy === "end-all", onClick: () => this.endAll() }) : nothing}</div>
      </div>`;
  }

  sessionList() {
    return html`<section class="sheet stack" aria-labelledby="sessions-h"><h2 id="sessions-h">Signed in</h2>
      <ul class="items">${this.sessions.map((one) => html`<li class="row apart">
        <div class="grow"><p>${deviceText(one.user_agent)} ${one.current ? sign("this one", "go") : nothing}</p>
          <p class="small quiet">${one.address}, seen ${sinceText(one.last_seen_at)} by ${one.instance}</p></div>
        ${one.current ? nothing : button({ label: "End it", kind: "small", busy: this.busy === `end-${one.id}`, onClick: () => this.end(one) })}
      </li>`)}</ul></section>`;
  }
}

/** Say in two words what a user agent is. */
function deviceText(agent) {
  const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"], ["curl/", "curl"]].find(([mark]) => agent.includes(mark))?.[1];
  const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]].find(([mark]) => agent.includes(mark))?.[1];
  return browser ? `${browser}${system ? ` on ${system}` : ""}` : agent.slice(0, 60) || "Unknown program";
}
