// The form of an event: what it holds, and what of it differs.

import { minorDigits } from "../format.js";
import { html, nothing } from "../html.js";
import { field } from "../parts.js";
import { isZone, toInstant, toLocal } from "../zones.js";

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Draw the fields of an event; `event` is null for one that is to be. */
export function eventFields(event, faults) {
  const zone = event?.timezone ?? HERE;
  const at = (instant) => (instant ? toLocal(instant, zone) : "");
  const policy = event?.policy;
  const fault = (name) => faults.get(name) ?? faults.get(`policy.${name}`) ?? faults.get(`policy.waitlist.${name}`);
  const number = (name, label, value, more = {}) => field({ name, label, type: "number", inputmode: "numeric", min: 0, value: value ?? "", fault: fault(more.as ?? name), ...more });
  return html`
    <fieldset class="fields"><legend class="full heading">What</legend>
      ${field({ name: "title", label: "Title", value: event?.title, required: true, full: true, maxlength: 200, fault: fault("title") })}
      ${field({ name: "venue", label: "Venue", value: event?.venue, full: true, maxlength: 500, fault: fault("venue") })}
      ${field({ name: "description", label: "Description", full: true, fault: fault("description"), control: ({ id, described, invalid }) => html`<textarea id=${id} name="description" rows="4" aria-describedby=${described || nothing} aria-invalid=${invalid ? "true" : nothing}>${event?.description ?? ""}</textarea>` })}
    </fieldset>
    <fieldset class="fields"><legend class="full heading">When</legend>
      ${field({ name: "timezone", label: "Time zone", value: zone, required: true, list: "zones", hint: "All times here are those of this zone.", fault: fault("timezone") })}
      <datalist id="zones">${Intl.supportedValuesOf("timeZone").map((name) => html`<option value=${name}></option>`)}</datalist>
      ${field({ name: "starts_at", label: "Starts", type: "datetime-local", value: at(event?.starts_at), required: true, fault: fault("starts_at") })}
      ${field({ name: "ends_at", label: "Ends", type: "datetime-local", value: at(event?.ends_at), required: true, fault: fault("ends_at") })}
      ${field({ name: "booking_opens_at", label: "Booking opens", type: "datetime-local", value: at(event?.booking_opens_at), hint: "Empty: once it is published.", fault: fault("booking_opens_at") })}
      ${field({ name: "booking_closes_at", label: "Booking closes", type: "datetime-local", value: at(event?.booking_closes_at), hint: "Empty: at the start.", fault: fault("booking_closes_at") })}
      ${field({ name: "cancel_until", label: "Seats are given back until", type: "datetime-local", value: at(policy?.cancel_until), hint: "Empty: until the start.", fault: fault("cancel_until") })}
    </fieldset>
    <fieldset class="fields"><legend class="full heading">Limits</legend>
      ${event ? nothing : number("capacity", "Capacity", "", { required: true, hint: "Seats in all." })}
      ${number("max_per_booking", "Seats in one booking, at most", policy?.max_per_booking ?? 10, { min: 1, required: true })}
      ${number("max_per_user", "Seats of one person, at most", policy?.max_per_user, { min: 1, hint: "Empty: no limit." })}
      ${number("hold_minutes", "Minutes to confirm", (policy?.hold_for_seconds ?? 0) / 60, { required: true, as: "hold_for_seconds", hint: "0: booked at once." })}
    </fieldset>
    <fieldset class="fields"><legend class="full heading">Waitlist</legend>
      <label class="tick full"><input type="checkbox" name="enabled" ?checked=${policy?.waitlist.enabled ?? true}><span>People may wait for seats</span></label>
      ${number("max_entries", "Parties that may wait", policy?.waitlist.max_entries, { hint: "Empty: no limit." })}
      ${number("offer_minutes", "Minutes to answer an offer", (policy?.waitlist.offer_window_seconds ?? 0) / 60, { required: true, as: "offer_window_seconds", hint: "0: seats are given without asking." })}
      ${number("bypass_limit", "Bypass limit", policy?.waitlist.bypass_limit ?? 0, { required: true, hint: "How often the first in line may be passed over; 0: never." })}
      ${field({ name: "on_silence", label: "Who does not answer an offer", required: true, fault: fault("on_silence"), control: ({ id }) => html`<select id=${id} name="on_silence">
        ${[["drop", "leaves the line"], ["requeue", "goes to its end, once"]].map(([value, label]) => html`<option value=${value} ?selected=${policy?.waitlist.on_silence === value}>${label}</option>`)}</select>` })}
    </fieldset>`;
}

/** Draw the fields of a ticket type; `prefix` keeps those of several apart. */
export function kindFields(prefix, kind, faults, place = "") {
  const fault = (name) => faults.get(place + name);
  return html`
    ${field({ name: `${prefix}name`, label: "Name", value: kind?.name, required: true, maxlength: 100, fault: fault("name") })}
    ${field({ name: `${prefix}price`, label: "Price", value: kind ? String(kind.price.amount / 10 ** minorDigits(kind.price.currency)) : "0", required: true, inputmode: "decimal", fault: fault("price.amount") ?? fault("price") })}
    ${field({ name: `${prefix}currency`, label: "Currency", value: kind?.price.currency ?? "EUR", required: true, maxlength: 3, minlength: 3, fault: fault("price.currency") })}
    ${field({ name: `${prefix}capacity`, label: "Seats of its own", type: "number", min: 0, value: kind?.capacity ?? "", hint: "Empty: as many as the event has.", fault: fault("capacity") })}`;
}

/** Return what the fields of a ticket type say, as the API takes it. */
export function kindOf(form, prefix = "") {
  const text = (name) => form.get(prefix + name).trim();
  const currency = text("currency").toUpperCase();
  return {
    name: text("name"),
    price: { amount: amountOf(text("price"), currency), currency },
    capacity: text("capacity") === "" ? null : Number(text("capacity")),
  };
}

function amountOf(text, currency) {
  const digits = /^[A-Z]{3}$/.test(currency) ? minorDigits(currency) : 2;
  const amount = Number(text.replace(",", ".")) * 10 ** digits;
  return Number.isFinite(amount) ? Math.round(amount) : text; // what is no number the server refuses, beside its field
}

/** Return what the fields of an event say, as the API takes it. */
export function eventOf(form) {
  const text = (name) => (form.get(name) ?? "").trim();
  const zone = text("timezone");
  const instant = (name) => (isZone(zone) ? toInstant(text(name), zone) : null);
  const number = (name) => (text(name) === "" ? null : Number(text(name)));
  return {
    title: text("title"),
    venue: text("venue"),
    description: form.get("description").trim(),
    timezone: zone,
    starts_at: instant("starts_at"),
    ends_at: instant("ends_at"),
    booking_opens_at: instant("booking_opens_at"),
    booking_closes_at: instant("booking_closes_at"),
    policy: {
      max_per_booking: number("max_per_booking"),
      max_per_user: number("max_per_user"),
      hold_for_seconds: (number("hold_minutes") ?? 0) * 60,
      cancel_until: instant("cancel_until"),
      waitlist: {
        enabled: form.has("enabled"),
        max_entries: number("max_entries"),
        offer_window_seconds: (number("offer_minutes") ?? 0) * 60,
        bypass_limit: number("bypass_limit"),
        on_silence: text("on_silence"),
      },
    },
  };
}
