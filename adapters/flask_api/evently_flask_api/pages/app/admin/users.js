// Everybody with an account, and their roles.

import { freshKey, get, patch, post } from "../api.js";
import { dateText } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { button, confirmed, field, focusOnFault, given, note, openDialog } from "../parts.js";
import { session } from "../session.js";
import { View } from "../view.js";
import { adminTabs } from "./tabs.js";

const ROLES = { attendee: "an attendee", organiser: "an organiser", admin: "an admin" };

export default class Users extends View {
  title = "Users";
  needs = ["admin"];
  users = [];
  next = null;

  async load() {
    const page = await get("/auth/users", { limit: 100 });
    this.users = page.items;
    this.next = page.next_cursor;
  }

  async more() {
    const page = await this.act("more", () => get("/auth/users", { limit: 100, cursor: this.next }));
    if (!page) return;
    this.users = [...this.users, ...page.items];
    this.next = page.next_cursor;
  }

  async setRole(user, event) {
    const select = event.target;
    const role = select.value;
    const sure = await confirmed({ title: `Make ${user.name} ${ROLES[role]}?`, text: `${user.email} is ${ROLES[user.role]} now. It counts from the next request on.`, action: "Set the role", keep: "Leave it" });
    const changed = sure && (await this.act(`role-${user.id}`, () => patch(`/auth/users/${user.id}`, { role })));
    if (changed) note(`${user.name} is ${ROLES[role]} now.`);
    else select.value = user.role;
    this.users = this.users.map((one) => (changed && one.id === user.id ? changed : one));
    this.draw();
  }

  async add() {
    let key = freshKey();
    const made = await openDialog("A new account", (dialog) => html`<form method="dialog" novalidate @submit=${async (event) => {
      event.preventDefault();
      const { name = "", email = "", password = "", role } = given(event.target);
      const user = await this.act("add", () => post("/auth/users", { name, email, password, role }, { key }));
      if (user) return dialog.done(user);
      key = freshKey();
      dialog.redraw();
      focusOnFault(dialog.element);
    }}>
      <h2>A new account</h2>
      ${this.wrongShown}
      ${field({ name: "name", label: "Name", required: true, fault: this.faults.get("name") })}
      ${field({ name: "email", label: "E-mail", type: "email", required: true, fault: this.faults.get("email") })}
      ${field({ name: "password", label: "Password", type: "password", required: true, autocomplete: "new-password", hint: "Eight characters at least.", fault: this.faults.get("password") })}
      ${field({ name: "role", label: "Role", required: true, control: ({ id }) => html`<select id=${id} name="role">${Object.keys(ROLES).map((role) => html`<option>${role}</option>`)}</select>` })}
      <div class="row end"><button type="button" class="button plain" @click=${() => dialog.done()}>Leave it</button><button class="button main">Make it</button></div>
    </form>`);
    this.wrong = "";
    this.faults = new Map();
    if (made) {
      note(`${made.name} can log in now.`);
      if (!this.next) this.users = [...this.users, made];
    }
    this.draw();
  }

  template() {
    return html`<div class="headed"><div class="row apart"><h1>Users</h1>${button({ label: "New account", kind: "main", onClick: () => this.add() })}</div>${adminTabs(this.app, "/app/admin/users")}</div>
      ${this.wrongShown}
      <div class="scroll" tabindex="0" role="region" aria-label="Users"><table>
        <thead><tr><th scope="col">Name</th><th scope="col">E-mail</th><th scope="col">Since</th><th scope="col">Role</th></tr></thead>
        <tbody>${repeat(this.users, ({ id }) => id, (user) => html`<tr><td class="number">${user.name}</td><td>${user.email}</td><td class="nowrap">${dateText(user.created_at)}</td>
          <td>${user.id === session.user.id ? user.role : html`<select class="input auto" aria-label="Role of ${user.name}" @change=${(event) => this.setRole(user, event)}>${Object.keys(ROLES).map((role) => html`<option ?selected=${role === user.role}>${role}</option>`)}</select>`}</td></tr>`)}</tbody>
      </table></div>
      ${this.next ? html`<p>${button({ label: "Show more", busy: this.busy === "more", onClick: () => this.more() })}</p>` : nothing}`;
  }
}
