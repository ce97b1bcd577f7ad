// Reasons of the engine in the words of these pages. A reason that is not here speaks for itself.

import { count } from "./format.js";

const SENTENCES = {
  sold_out: ({ ahead }) => (ahead ? `No seat is free, and ${count(ahead, "party waits", "parties wait")} already.` : "No seat is free at the moment."),
  line_ahead: ({ free, ahead }) =>
    `${count(free ?? 0, "seat is", "seats are")} free, but set aside for ${count(ahead ?? 1, "party that waits", "parties that wait")}.`,
  not_enough_for_party: ({ free, requested }) => `${count(free ?? 0, "seat is", "seats are")} free, which is fewer than your ${requested}.`,
  over_booking_limit: ({ limit }) => `One booking may have ${count(limit, "seat")} at most.`,
  below_minimum: ({ limit, minimum }) => `One booking must have ${count(limit ?? minimum ?? 1, "seat")} at least.`,
  over_user_limit: ({ limit }) => `One person may have ${count(limit, "seat")} at most at this event.`,
  already_waiting: () => "You wait in this line already. Leave it first if you want another party.",
  waitlist_off: () => "This event has no waitlist, and there are not enough seats.",
  waitlist_full: () => "The waitlist is full.",
  event_not_published: () => "This event is not open yet.",
  sales_not_open: () => "Sales have not begun.",
  sales_closed: () => "Sales are over.",
  hold_expired: () => "The time to confirm is over; the seats went to the next in line.",
};

const FAULTS = {
  required: "This is needed.",
  blank: "This is needed.",
  null: "This is needed.",
  ends_before_start: "This is before the beginning.",
  closes_before_opening: "This is before the opening.",
};

/** Return what is wrong with a field as a sentence beside it, where its name in the API says nothing. */
export function faultText({ field, code, message }) {
  const name = field.split(".").at(-1);
  const [, most, bound] = /^Give a length of at (most|least) (\d+)\.$/.exec(message) ?? [];
  if (bound) return bound === "1" && most === "least" ? FAULTS.required : `${bound} characters at ${most}.`;
  return FAULTS[code] ?? (message.startsWith(`${name} `) ? `This${message.slice(name.length)}` : message);
}

/** Return a reason or problem as a sentence. */
export function sentence(reason) {
  const figures = reason.figures ?? reason;
  return SENTENCES[reason.code]?.(figures) ?? reason.detail ?? reason.message;
}
