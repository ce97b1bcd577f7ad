// Requests as they go over the wire, and problems as they come back. Who is signed in is not known here.

import { faultText } from "./reasons.js";

export const ROOT = document.querySelector('meta[name="evently-root"]').content;
export const API = `${ROOT}/api/v1`;

/** An answer that is no success: an RFC 9457 document, or what we make of having got none. */
export class Problem extends Error {
  constructor(document, { retryAfter = 0 } = {}) {
    super(document.detail ?? document.title ?? "Something went wrong.");
    this.status = Number(document.status) || 0;
    this.code = document.code ?? "unknown";
    this.figures = document;
    this.retryAfter = retryAfter; // seconds; 0: nothing was said
    this.faults = new Map((document.errors ?? []).map((error) => [error.field, faultText(error)]));
  }

  get isMissing() {
    return this.status === 404;
  }

  /** Whether trying the same later may help. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** How many reads are left to us, as the last answer to one said; pollers slow down by it. */
export const budget = { remaining: Infinity, seconds: 0 };

/** Send a request; return the answer, or raise a Problem. */
export async function send(method, address, { body, headers = {}, signal } = {}) {
  const sent = { method, headers: { ...headers }, signal, credentials: "omit" };
  if (body !== undefined) {
    sent.body = JSON.stringify(body);
    sent.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(address, sent);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ code: "unreachable", detail: "The server cannot be reached. Check the connection and try again." });
  }
  if (method === "GET") noteBudget(answer.headers);
  if (answer.ok) return answer;
  throw new Problem(await documentOf(answer), { retryAfter: Number(answer.headers.get("Retry-After")) || 0 });
}

async function documentOf(answer) {
  try {
    return { status: answer.status, ...(await answer.json()) }; // a health says its own status in a word
  } catch {
    return { status: answer.status, title: answer.statusText, detail: `The server answered ${answer.status}.` };
  }
}

function noteBudget(headers) {
  const remaining = headers.get("RateLimit-Remaining") ?? headers.get("X-RateLimit-Remaining");
  const reset = Number(headers.get("RateLimit-Reset") ?? headers.get("X-RateLimit-Reset"));
  if (remaining === null) return;
  budget.remaining = Number(remaining);
  budget.seconds = reset > 1e9 ? Math.max(0, reset - Date.now() / 1000) : reset || 0; // an instant, or a span
}
