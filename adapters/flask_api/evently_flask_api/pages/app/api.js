// The REST API, called as whoever is signed in.

import { bearer, session } from "./session.js";
import { API, Problem, ROOT, send } from "./wire.js";

const STALE = new Set(["token_expired", "invalid_token", "session_ended"]);

/** Call a route below /api/v1; return what it answered: JSON, or null for an answer without. */
export async function call(method, path, { query, ...request } = {}) {
  return contentOf(await raw(method, API + path + queryText(query), request));
}

export const get = (path, query, request) => call("GET", path, { query, ...request });
export const post = (path, body, request) => call("POST", path, { body, ...request });
export const patch = (path, body, request) => call("PATCH", path, { body, ...request });
export const remove = (path, query) => call("DELETE", path, { query });

/** Read a route that is not below /api/v1; null where there is none. One that says it is down is an answer, too. */
export async function getIfThereOutside(path) {
  try {
    return await contentOf(await raw("GET", ROOT + path));
  } catch (problem) {
    if (problem instanceof Problem && problem.isMissing) return null;
    if (problem instanceof Problem && problem.figures.checks) return problem.figures;
    throw problem;
  }
}

/** Read a file, such as a ticket. */
export async function getBlob(path) {
  return (await raw("GET", API + path)).blob();
}

/** Read a thing with its version, for a change that must not undo somebody else's. */
export async function getTagged(path) {
  const answer = await raw("GET", API + path);
  return { content: await answer.json(), tag: answer.headers.get("ETag") };
}

/** Read a thing; null where there is none, or where the server has no such route. */
export async function getIfThere(path, query) {
  try {
    return await get(path, query);
  } catch (problem) {
    if (problem instanceof Problem && problem.isMissing) return null;
    throw problem;
  }
}

/** Read all pages of a list, up to a bound. */
export async function getAll(path, query = {}, pagesMax = 10) {
  const items = [];
  let cursor;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await get(path, { limit: 100, ...query, cursor });
    items.push(...answer.items);
    cursor = answer.next_cursor ?? undefined;
    if (cursor === undefined) break;
  }
  return items;
}

/** Return a key under which a request can be sent again without having its effect twice. */
export function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function raw(method, address, { body, key, headers = {}, signal } = {}) {
  const named = key ? { ...headers, "Idempotency-Key": key } : headers;
  const token = await session.token();
  try {
    return await send(method, address, { body, signal, headers: token ? { ...named, ...bearer(token) } : named });
  } catch (problem) {
    if (token === null || !(problem instanceof Problem) || !STALE.has(problem.code)) throw problem;
  }
  await session.exchange(); // the session may have ended; then this raises
  const fresh = await session.token();
  return send(method, address, { body, signal, headers: fresh ? { ...named, ...bearer(fresh) } : named });
}

async function contentOf(answer) {
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

function queryText(query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
