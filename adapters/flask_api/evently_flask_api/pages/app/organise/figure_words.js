// Figures by their names: how each is called, and how its value is written. What is not listed here is shown as well.

import { durationText, moneyText, numberText, percentText } from "../format.js";

const WORDS = {
  events: "events",
  users: "users",
  bookings: "bookings",
  confirmed: "bookings confirmed",
  cancelled: "bookings cancelled",
  capacity: "seats in all",
  sold: "seats sold",
  seats_sold: "seats sold",
  held: "seats held",
  waiting: "seats waited for",
  waiting_entries: "parties that wait",
  revenue: "taken in",
  utilisation: "of the seats sold",
  cancellation_rate: "of the bookings cancelled",
  waitlist_conversion: "of who waited got seats",
  refill_rate: "of the freed seats refilled",
  offer_acceptance: "of the offers accepted",
  median_wait_seconds: "half waited less than",
  freed: "seats that came free",
  refilled: "of them went to who waited",
  joined: "joined a line",
  served: "served from a line",
  offers: "offers made",
  accepted: "offers accepted",
  declined: "offers not accepted",
  registrations: "registered",
  active_users: "active",
};
const SHARE = /(_rate|utilisation|_conversion|_acceptance)$/;
const DAY = ["day", "date", "begins", "month", "period", "from"];
const HIDDEN = /(^|_)id$|^(title|currency|status|starts_at|as_of|from|to|days|items)$/;

/** Return what a figure is called. */
export function wordsFor(name) {
  return WORDS[name] ?? name.replaceAll("_", " ");
}

/** Return a figure as text; null for what is no single figure. */
export function textOf(name, value) {
  if (value === null) return "–";
  if (isMoney(value)) return moneyText(value);
  if (Array.isArray(value) && value.every(isMoney)) return value.map(moneyText).join(", ") || "nothing";
  if (typeof value !== "number") return null;
  if (SHARE.test(name)) return percentText(value);
  return name.endsWith("_seconds") ? durationText(value) : numberText(value);
}

/** Return every single figure of an answer, also those that stand one level deeper: [name, value]. */
export function figuresOf(answer) {
  const found = Object.entries(answer).flatMap(([name, value]) => {
    if (Array.isArray(value) && value.length && value.every(isMoney)) return value.map((money) => [name, money]);
    const isGroup = value && typeof value === "object" && !Array.isArray(value) && !isMoney(value);
    return isGroup && name !== "event" ? Object.entries(value) : [[name, value]];
  });
  return found.filter(([name, value]) => !HIDDEN.test(name) && textOf(name, value) !== null);
}

/** Return the list of an answer that goes from day to day, and what its days are called; null if there is none. */
export function courseOf(answer) {
  for (const list of Object.values(answer)) {
    const day = Array.isArray(list) && list.length && typeof list[0] === "object" ? DAY.find((name) => typeof list[0][name] === "string") : undefined;
    if (day) return { days: list, day };
  }
  return null;
}

function isMoney(value) {
  return Boolean(value) && typeof value === "object" && typeof value.amount === "number" && typeof value.currency === "string";
}
