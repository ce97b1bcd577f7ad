// The way between the pages of admins.

import { html, nothing } from "../html.js";

const TABS = [["/app/admin", "System"], ["/app/admin/users", "Users"]];

export function adminTabs(app, here) {
  return html`<nav class="tabs" aria-label="Administration">${TABS.map(([path, name]) => html`<a href=${app.href(path)} aria-current=${path === here ? "page" : nothing}>${name}</a>`)}</nav>`;
}
