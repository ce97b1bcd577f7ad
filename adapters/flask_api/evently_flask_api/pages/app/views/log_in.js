// Coming in.

import { post } from "../api.js";
import { html } from "../html.js";
import { button, field, focusOnFault, given } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";

export default class LogIn extends View {
  title = "Log in";

  get next() {
    const to = this.query.get("to") ?? "/";
    return /^\/(?![/\\])/.test(to) ? to : "/"; // only ever to a page of our own
  }

  async submit(event) {
    event.preventDefault();
    const login = await this.act("log-in", () => post("/auth/login", given(event.target)));
    if (!login) return focusOnFault();
    session.open(login);
    this.app.go(this.next, { replacing: true });
  }

  template() {
    const registering = `/app/register?to=${encodeURIComponent(this.next)}`;
    return html`<form class="sheet narrow stack" method="post" novalidate @submit=${(event) => this.submit(event)}>
      <h1>Log in</h1>
      ${this.wrongShown}
      ${field({ name: "email", label: "E-mail", type: "email", autocomplete: "username", required: true, fault: this.faults.get("email") })}
      ${field({ name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true, fault: this.faults.get("password") })}
      ${button({ label: "Log in", kind: "main wide", type: "submit", busy: this.busy === "log-in" })}
      <p class="quiet">No account yet? <a href=${this.app.href(registering)}>Register</a></p>
    </form>`;
  }
}
