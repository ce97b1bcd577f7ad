// The frame around all pages, and which page an address names.

import "./elements.js";
import { html, nothing, render } from "./html.js";
import { note } from "./parts.js";
import { sentence } from "./reasons.js";
import { session } from "./session.js";
import { Problem, ROOT } from "./wire.js";

const PLACES = [
  ["/", () => import("./views/events.js")],
  ["/app", () => import("./views/events.js")],
  ["/app/events/:id", () => import("./views/event.js")],
  ["/app/bookings", () => import("./views/bookings.js")],
  ["/app/bookings/:id", () => import("./views/tickets.js")],
  ["/app/log-in", () => import("./views/log_in.js")],
  ["/app/register", () => import("./views/register.js")],
  ["/app/account", () => import("./views/account.js")],
  ["/app/organise", () => import("./organise/events.js")],
  ["/app/organise/new", () => import("./organise/new.js")],
  ["/app/organise/webhooks", () => import("./organise/webhooks.js")],
  ["/app/organise/:id", () => import("./organise/board.js")],
  ["/app/organise/:id/people", () => import("./organise/guests.js")],
  ["/app/organise/:id/check-in", () => import("./organise/check_in.js")],
  ["/app/organise/:id/figures", () => import("./organise/figures.js")],
  ["/app/figures", () => import("./organise/overview.js")],
  ["/app/organise/:id/edit", () => import("./organise/edit.js")],
  ["/app/admin", () => import("./admin/system.js")],
  ["/app/admin/users", () => import("./admin/users.js")],
].map(([pattern, load]) => ({ matches: matcher(pattern), load }));

const LINKS = [
  { path: "/", label: "Events" },
  { path: "/app/bookings", label: "My bookings", roles: ["attendee", "organiser", "admin"] },
  { path: "/app/organise", label: "Organise", roles: ["organiser", "admin"] },
  { path: "/app/figures", label: "Figures", roles: ["organiser", "admin"] },
  { path: "/app/admin", label: "Admin", roles: ["admin"] },
];

const main = document.getElementById("main");
let view = null;
let turn = 0;

const app = { go, draw, href };

function matcher(pattern) {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name]) => name);
  const expression = new RegExp(`^${pattern.replace(/:\w+/g, "([^/]+)")}$`);
  return (path) => {
    const found = expression.exec(path);
    return found && Object.fromEntries(names.map((name, index) => [name, found[index + 1]]));
  };
}

function href(path) {
  return ROOT + path;
}

function here() {
  const path = location.pathname.slice(ROOT.length).replace(/(.)\/$/, "$1") || "/";
  return { path, query: new URLSearchParams(location.search) };
}

/** Show another page. */
function go(path, { replacing = false } = {}) {
  history[replacing ? "replaceState" : "pushState"](null, "", href(path));
  show();
}

/** Show the page that the address names. */
async function show({ moving = true } = {}) {
  turn += 1;
  const mine = turn;
  view?.stop();
  view = null;
  const { path, query } = here();
  drawFrame(path);
  for (const { matches, load } of PLACES) {
    const params = matches(path);
    if (!params) continue;
    const { default: Place } = await load();
    if (mine !== turn) return;
    const next = new Place(app, { path, params, query });
    if (next.needs && !session.is(...next.needs)) return askToLogIn(path);
    view = next;
    return open(next, mine, moving);
  }
  drawMain(nowhere(), "Not found");
}

async function open(next, mine, moving) {
  main.setAttribute("aria-busy", "true");
  try {
    await next.load();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (mine === turn) drawMain(problem.isMissing ? nowhere() : broken(problem), "Evently");
    return;
  } finally {
    main.removeAttribute("aria-busy");
  }
  if (mine !== turn) return;
  draw(next);
  if (moving) arrive();
}

function draw(drawn) {
  if (drawn !== view) return;
  document.title = drawn.title === "Evently" ? "Evently" : `${drawn.title} · Evently`;
  const focused = document.activeElement;
  const wasInside = main.contains(focused);
  render(drawn.template(), main);
  if (wasInside && !focused.isConnected) main.focus({ preventScroll: true }); // what was pressed is gone: begin nearby
}

function drawMain(content, title) {
  document.title = title;
  render(content, main);
}

/** Let keyboard and screen reader begin where the new page does. */
function arrive() {
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function askToLogIn(path) {
  if (session.signedIn) return drawMain(forbidden(), "Not for you");
  go(`/app/log-in?to=${encodeURIComponent(path + location.search)}`, { replacing: true });
}

const message = (title, text, more = nothing) => html`<div class="sheet narrow stack"><h1>${title}</h1><p>${text}</p>${more}</div>`;
const nowhere = () => message("Nothing here", "There is no such page, or nothing that you may know of.", html`<a class="button" href=${href("/")}>All events</a>`);
const forbidden = () => message("Not for you", "Your account may not see this page.");
const broken = (problem) => message("That did not work", sentence(problem), html`<button class="button" @click=${() => show()}>Try again</button>`);

function drawFrame(path) {
  const links = LINKS.filter(({ roles }) => !roles || session.is(...roles));
  const isHere = (link) => (link === "/" ? path === "/" || path.startsWith("/app/events") : path.startsWith(link));
  render(html`<div class="top-inner">
    <a class="brand" href=${href("/")}>${mark}Evently</a>
    <nav aria-label="Main">${links.map(({ path: link, label }) => html`<a href=${href(link)} aria-current=${isHere(link) ? "page" : nothing}>${label}</a>`)}</nav>
    <div class="top-end">${session.signedIn
      ? html`<a class="button plain small" href=${href("/app/account")}>${session.user.name}</a>`
      : html`<a class="button plain small" href=${href("/app/log-in")}>Log in</a><a class="button small" href=${href("/app/register")}>Register</a>`}</div>
  </div>`, document.getElementById("top"));
  const present = document.querySelector(".top nav [aria-current]");
  if (present) present.parentElement.scrollLeft = present.offsetLeft - present.parentElement.offsetLeft - 40; // on a phone not all fit
  render(html`<div class="foot-inner"><span>Evently: exact seats, fair lines, and a reason for every answer.</span><a href=${href("/api/v1/docs")}>API</a></div>`, document.getElementById("foot"));
}

const mark = html`<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0f5c4c"/><g fill="#fbfaf7"><circle cx="9" cy="11" r="3"/><circle cx="16" cy="11" r="3"/><circle cx="23" cy="11" r="3"/><circle cx="9" cy="21" r="3"/><circle cx="16" cy="21" r="3"/></g><circle cx="23" cy="21" r="2.4" fill="none" stroke="#f0b65a" stroke-width="1.6"/></svg>`;

/** Follow links to our own pages without leaving. */
function follow(event) {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
  const to = new URL(link.href);
  const ours = to.pathname === `${ROOT}/` || to.pathname.startsWith(`${ROOT}/app`);
  if (to.origin !== location.origin || !ours || (to.hash && to.pathname === location.pathname)) return;
  event.preventDefault();
  go(to.pathname.slice(ROOT.length) + to.search);
}

document.addEventListener("click", follow);
addEventListener("popstate", () => show());
session.addEventListener("change", ({ detail }) => {
  if (detail?.why) note(detail.why);
  if (!["/app/log-in", "/app/register"].includes(here().path)) show({ moving: false });
});

try {
  await session.restore();
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  note(sentence(problem));
}
show({ moving: false });
