// A booking of one's own: what it is, and what can be done with it.

import { patch, post, remove } from "../api.js";
import { count, momentText, moneyText } from "../format.js";
import { html, nothing } from "../html.js";
import { button, confirmed, field, given, note, openDialog, sign } from "../parts.js";

export const isOpen = ({ status }) => status === "held" || status === "confirmed";

export const isHeld = ({ status }) => status === "held";

const STATUS = {
  held: ["Held for you", "wait"],
  confirmed: ["Booked", "go"],
  cancelled: ["Given back", ""],
  expired: ["Lapsed", "stop"],
};

/** Draw a booking. `view` is the page it is on; `changed` is called after something was done. */
export function bookingCard(view, booking, event, changed) {
  const [word, kind] = STATUS[booking.status];
  const type = event?.ticket_types.find(({ id }) => id === booking.ticket_type_id);
  const several = event?.ticket_types.length > 1;
  return html`<article class="stack tight" aria-label="Booking ${booking.reference}">
    <div class="row apart">
      <p><strong>${count(booking.quantity, "seat")}</strong>${several && type ? `, ${type.name}` : ""} · ${moneyText(booking.total)}</p>
      ${sign(word, kind)}
    </div>
    <p class="small quiet">Reference <code>${booking.reference}</code>${booking.origin === "waitlist" ? ", from the waitlist" : ""}</p>
    ${booking.status === "held" && booking.origin === "direct" ? holdWord(view, booking, changed) : nothing}
    ${isOpen(booking) ? actions(view, booking, event, changed) : nothing}
  </article>`;
}

function holdWord(view, booking, changed) {
  const confirm = () => view.act(`confirm-${booking.id}`, () => post(`/bookings/${booking.id}/confirm`)).then((done) => {
    if (done) note("Booked.");
    return changed();
  });
  return html`<div class="word wait"><p>Confirm within <count-down until=${booking.expires_at} @over=${changed}></count-down>, or the seats go to the next in line.</p>
    <div>${button({ label: "Confirm the booking", kind: "main", busy: view.busy === `confirm-${booking.id}`, onClick: confirm })}</div></div>`;
}

function actions(view, booking, event, changed) {
  const until = event?.policy.cancel_until ?? event?.starts_at;
  if (until && new Date(until) < new Date()) {
    return html`<div class="row">${ticketsLink(view, booking)}<span class="small quiet">Seats could be given back until ${momentText(until, event.timezone)}.</span></div>`;
  }
  return html`<div class="row">
    ${ticketsLink(view, booking)}
    ${booking.quantity > 1 ? button({ label: "Give some back", kind: "small", onClick: () => reduce(view, booking, changed) }) : nothing}
    ${button({ label: booking.quantity > 1 ? "Give all back" : "Give it back", kind: "small plain", busy: view.busy === `cancel-${booking.id}`, onClick: () => cancel(view, booking, changed) })}
  </div>`;
}

function ticketsLink(view, booking) {
  if (booking.status !== "confirmed") return nothing;
  return html`<a class="button small" href=${view.app.href(`/app/bookings/${booking.id}`)}>${booking.quantity > 1 ? "Tickets" : "Ticket"}</a>`;
}

async function cancel(view, booking, changed) {
  const sure = await confirmed({
    title: `Give ${count(booking.quantity, "seat")} back?`,
    text: "They go to the next in line at once. If more of the same request waits, it leaves the line with them.",
    action: "Give back",
    danger: true,
    keep: "Keep them",
  });
  if (!sure) return;
  if (await view.act(`cancel-${booking.id}`, () => remove(`/bookings/${booking.id}`))) note("Given back. Thank you.");
  await changed();
}

async function reduce(view, booking, changed) {
  const quantity = await openDialog("Give some back", (dialog) => html`<form method="dialog" @submit=${(event) => {
    event.preventDefault();
    dialog.done(Number(given(event.target).quantity));
  }}>
    <h2>Give some seats back</h2>
    ${field({ name: "quantity", label: `Seats that remain, of ${booking.quantity}`, type: "number", min: 1, max: booking.quantity - 1, value: String(booking.quantity - 1), required: true, inputmode: "numeric" })}
    <div class="row end"><button type="button" class="button plain" @click=${() => dialog.done()}>Keep all</button><button class="button main">Give the rest back</button></div>
  </form>`);
  if (!quantity) return;
  if (await view.act(`reduce-${booking.id}`, () => patch(`/bookings/${booking.id}`, { quantity }))) note(`${count(quantity, "seat")} kept.`);
  await changed();
}
