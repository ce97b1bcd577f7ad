// Making an account.

import { freshKey, post } from "../api.js";
import { html } from "../html.js";
import { button, field, focusOnFault, given } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";

export default class Register extends View {
  title = "Register";
  key = freshKey();

  get next() {
    const to = this.query.get("to") ?? "/";
    return /^\/(?![/\\])/.test(to) ? to : "/";
  }

  async submit(event) {
    event.preventDefault();
    const { name = "", email = "", password = "" } = given(event.target);
    const login = await this.act("register", async () => {
      await post("/auth/register", { name, email, password }, { key: this.key });
      return post("/auth/login", { email, password });
    });
    if (!login) {
      this.key = freshKey(); // what is sent next is another request
      return focusOnFault();
    }
    session.open(login);
    this.app.go(this.next, { replacing: true });
  }

  template() {
    return html`<form class="sheet narrow stack" method="post" novalidate @submit=${(event) => this.submit(event)}>
      <h1>Register</h1>
      ${this.wrongShown}
      ${field({ name: "name", label: "Name", autocomplete: "name", required: true, fault: this.faults.get("name") })}
      ${field({ name: "email", label: "E-mail", type: "email", autocomplete: "username", required: true, fault: this.faults.get("email") })}
      ${field({ name: "password", label: "Password", type: "password", autocomplete: "new-password", required: true, hint: "Eight characters at least; a few words do well.", fault: this.faults.get("password") })}
      ${button({ label: "Make an account", kind: "main wide", type: "submit", busy: this.busy === "register" })}
      <p class="quiet">You have one? <a href=${this.app.href("/app/log-in")}>Log in</a></p>
    </form>`;
  }
}
