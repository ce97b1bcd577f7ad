// Lines of the journal as sentences.

import { count } from "../format.js";

const SAID = {
  event_created: () => "drew the event up",
  event_changed: ({ changes = {} }) => `changed ${Object.entries(changes).map(([name, [before, after]]) => changeText(name, before, after)).join(", ") || "nothing"}`,
  event_advanced: ({ status }) => `set the event to ${status}`,
  granted: ({ booking, passed_over: passed = [] }) =>
    `${booking.origin === "waitlist" ? (booking.status === "held" ? "is offered" : "gets from the line") : booking.status === "held" ? "holds" : "books"} ${count(booking.quantity, "seat")}${passed.length ? `, past ${count(passed.length, "entry", "entries")}` : ""}`,
  joined: ({ entry }) => `waits for ${count(entry.missing ?? entry.asked, "seat")}`,
  confirmed: () => "confirmed",
  reduced: ({ freed, quantity }) => `gave back ${count(freed, "seat")}, keeps ${quantity}`,
  cancelled: ({ freed }) => `gave back ${count(freed, "seat")}`,
  lapsed: ({ freed }) => `${count(freed, "seat")} lapsed`,
  entry_ended: ({ status }) => (status === "left" ? "left the line" : `waits no more: ${status}`),
  requeued: () => "went to the end of the line",
  moved: ({ priority, before }) => `was moved from priority ${before} to ${priority}`,
  hold_shortened: () => "has less time to confirm",
  checked_in: ({ arrival }) => `came in, seat ${arrival.seat}`,
  check_in_undone: () => "counts as not in",
};

const TONE = { granted: "go", confirmed: "go", checked_in: "go", joined: "wait", requeued: "wait", moved: "wait", cancelled: "stop", lapsed: "stop", reduced: "stop" };

const OF_EVENTS = /^event_/;

/** Whose bookings and entries are, as far as the journal was read. */
export class Owners {
  #owners = new Map();

  learn(lines) {
    for (const { data } of lines) {
      const thing = data.booking ?? data.entry;
      if (thing) this.#owners.set(thing.id, thing.user_id);
    }
  }

  /** Return whom a line is about: whose booking or entry it is; of the event itself, who did it. Undefined if unknown. */
  subject({ kind, data, actor_id: actor }) {
    if (OF_EVENTS.test(kind)) return actor;
    return (data.booking ?? data.entry)?.user_id ?? this.#owners.get(data.booking_id ?? data.entry_id ?? data.arrival?.booking_id);
  }
}

const BY_HAND = ["moved", "cancelled", "reduced", "check_in_undone"];

/** Tell whether somebody else did it to the one it is about, and that matters. */
export function isByAnother(line, subject) {
  return BY_HAND.includes(line.kind) && (line.actor !== "user" || line.actor_id !== subject);
}

/** Return a line as words: who, what, and how it is to be taken. */
export function told(line) {
  const what = SAID[line.kind]?.(line.data) ?? line.kind.replaceAll("_", " ");
  return { what, tone: TONE[line.kind] ?? "" };
}

/** Return how many seats a line takes; fewer than none: it frees some. */
export function seatsTaken({ kind, data }) {
  if (kind === "granted") return data.booking.quantity;
  return ["reduced", "cancelled", "lapsed"].includes(kind) ? -(data.freed ?? 0) : 0;
}

/** Return by how many the parties that wait become more. An entry that is granted all it wants waits no more: unknown here. */
export function partiesJoined({ kind }) {
  return kind === "joined" ? 1 : kind === "entry_ended" ? -1 : 0;
}

function changeText(name, before, after) {
  const plain = (value) => (value === null ? "none" : typeof value === "object" ? "…" : String(value));
  return `${name.replaceAll("_", " ")} from ${plain(before)} to ${plain(after)}`;
}
