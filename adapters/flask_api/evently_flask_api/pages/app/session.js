// Who is signed in.
//
// The access token is held in memory alone: nothing that is stored can be stolen from a disk or by another page.
// The refresh token is in this tab's sessionStorage, so that a reload does not log out; it is gone with the tab,
// and is good for one use. A script of somebody else's could read it, which is why none can run here: see the
// Content-Security-Policy. Cookies are not used, so there is nothing that another site could send along (CSRF).
//
// Tabs share one session: a new tab asks the others for it, and each is told when the refresh token was exchanged.
// Without that, the second tab to present the old one would look like a thief, and end the session of both.

import { API, Problem, send } from "./wire.js";

const KEPT = "evently.session";
const EARLY_MS = 30_000; // a token is exchanged before it expires under way
const HEARD_MS = 60; // how long a message of another tab may take

class Session extends EventTarget {
  user = null;
  #access = null;
  #accessUntil = 0;
  #exchange = null;
  #tabs = new BroadcastChannel(KEPT);

  constructor() {
    super();
    this.#tabs.onmessage = ({ data }) => this.#heard(data);
  }

  get signedIn() {
    return this.user !== null;
  }

  is(...roles) {
    return this.user !== null && roles.includes(this.user.role);
  }

  /** Sign in again with what this tab kept; else ask the other tabs, whose answer may come later. */
  async restore() {
    if (this.#kept === null) {
      this.#tabs.postMessage({ kind: "asks" });
      return;
    }
    try {
      await this.exchange();
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.passes) throw problem;
    }
  }

  /** Sign in with what a log-in answered. */
  open(login) {
    this.#take(login);
    this.#tabs.postMessage({ kind: "opened", login });
  }

  /** Take note of another name or role. */
  rename(user) {
    this.user = user;
    this.dispatchEvent(new Event("change"));
  }

  /** End the session everywhere; the server is told, if it can be. */
  async close() {
    try {
      const token = await this.token();
      if (token) await send("POST", `${API}/auth/logout`, { headers: bearer(token) });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
    } finally {
      this.forget();
    }
  }

  /** Forget the session, in this tab and the others. */
  forget(why = "") {
    this.#tabs.postMessage({ kind: "closed", why, whose: this.user?.id });
    this.#drop(why);
  }

  /** Return an access token that is good for a while, or null if nobody is signed in. */
  async token() {
    if (!this.signedIn) return null;
    if (Date.now() > this.#accessUntil - EARLY_MS) await this.exchange();
    return this.#access;
  }

  /** Exchange the refresh token; requests that need it at the same moment share one exchange. */
  exchange() {
    const wanted = this.#kept;
    this.#exchange ??= oneTabAtATime(() => this.#exchanged(wanted)).finally(() => (this.#exchange = null));
    return this.#exchange;
  }

  async #exchanged(spent) {
    if (spent === null || spent !== this.#kept) return; // another tab has exchanged it meanwhile
    try {
      const answer = await send("POST", `${API}/auth/refresh`, { headers: bearer(spent) });
      const login = await answer.json();
      this.#take(login);
      this.#tabs.postMessage({ kind: "exchanged", spent, login });
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 401) this.forget("Your session has ended. Log in again.");
      throw problem;
    }
  }

  #heard({ kind, login, spent, why, whose }) {
    if (kind === "asks" && this.signedIn) {
      const left = Math.max(0, (this.#accessUntil - Date.now()) / 1000);
      const shared = { access_token: this.#access, refresh_token: this.#kept, expires_in: left, user: this.user };
      this.#tabs.postMessage({ kind: "answers", login: shared });
    } else if ((kind === "answers" || kind === "opened") && this.#kept === null) {
      this.#take(login);
    } else if (kind === "exchanged" && this.#kept === spent) {
      this.#take(login);
    } else if (kind === "closed" && this.signedIn && this.user.id === whose) {
      this.#drop(why);
    }
  }

  #take(login) {
    const before = this.user;
    this.user = login.user;
    this.#access = login.access_token;
    this.#accessUntil = Date.now() + login.expires_in * 1000;
    sessionStorage.setItem(KEPT, login.refresh_token);
    const isOther = before?.id !== login.user.id || before?.role !== login.user.role || before?.name !== login.user.name;
    if (isOther) this.dispatchEvent(new Event("change"));
  }

  #drop(why) {
    const wasSignedIn = this.signedIn;
    this.user = this.#access = null;
    this.#accessUntil = 0;
    sessionStorage.removeItem(KEPT);
    if (wasSignedIn) this.dispatchEvent(new CustomEvent("change", { detail: { why } }));
  }

  get #kept() {
    return sessionStorage.getItem(KEPT);
  }
}

export function bearer(token) {
  return { Authorization: `Bearer ${token}` };
}

/** Do some work while no other tab does; the tab before has then told what came of it. */
async function oneTabAtATime(work) {
  if (!navigator.locks) return work(); // on a plain-HTTP address there are none
  return navigator.locks.request(KEPT, async () => {
    await new Promise((resolve) => setTimeout(resolve, HEARD_MS));
    return work();
  });
}

export const session = new Session();
