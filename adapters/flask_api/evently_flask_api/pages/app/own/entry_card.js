// A place in a line, as it moves, and the offers that come of it.

import { post, remove } from "../api.js";
import { count, momentText } from "../format.js";
import { html, nothing } from "../html.js";
import { button, confirmed, note, sign } from "../parts.js";

const DOTS = 11; // more people than that are told as a number

export const waits = ({ status }) => status === "waiting" || status === "offered";

const ENDED = { served: ["Served", "go"], left: ["Left", ""], lapsed: ["Lapsed", "stop"], closed: ["Line closed", ""] };

/** Draw an entry. `view` is the page it is on; `changed` is called after something was done; `more` stands beside "Leave". */
export function entryCard(view, entry, event, changed, more = nothing) {
  const offers = entry.offers.filter(({ status }) => status === "held");
  return html`<article class="stack" aria-label="Place in line">
    ${offers.map((offer) => offerWord(view, entry, offer, changed))}
    ${entry.position !== null ? placeInLine(view, entry, event, changed, more) : nothing}
    ${waits(entry) ? nothing : html`<p class="row apart"><span>${count(entry.quantity, "seat")} asked for, ${momentText(entry.joined_at)}</span>${sign(...ENDED[entry.status])}</p>`}
  </article>`;
}

function placeInLine(view, entry, event, changed, more) {
  const type = event?.ticket_types.length > 1 ? event.ticket_types.find(({ id }) => id === entry.ticket_type_id)?.name : "";
  const ahead = entry.position - 1;
  return html`<div class="place">
    <div class="row apart"><h3>${count(entry.quantity, "seat")} waiting${type ? `, ${type}` : ""}</h3>${sign("In line", "wait")}</div>
    <div aria-live="polite" aria-atomic="true">
      <p class="position"><b>${entry.position}</b><span>${ahead === 0 ? "You are next." : html`${count(ahead, "party", "parties")} with ${count(entry.seats_ahead, "seat")} ahead of you`}</span></p>
    </div>
    <div class="queue" aria-hidden="true">${Array.from({ length: Math.min(ahead, DOTS) }, () => html`<i></i>`)}${ahead > DOTS ? html`<span class="more">and ${ahead - DOTS} more</span>` : nothing}<i class="you"></i></div>
    <div class="row">${button({ label: "Leave the line", kind: "small plain", busy: view.busy === `leave-${entry.id}`, onClick: () => leave(view, entry, changed) })}${more}</div>
  </div>`;
}

function offerWord(view, entry, offer, changed) {
  const answer = async (how, said) => {
    if (await view.act(`${how}-${offer.id}`, () => post(`/waitlist/${entry.id}/${how}`, { booking_id: offer.id }))) note(said);
    await changed();
  };
  const decline = async () => {
    const sure = await confirmed({
      title: "Decline the offer?",
      text: `${count(offer.quantity, "seat")} then go to the next in line, and you leave it.`,
      action: "Decline", danger: true, keep: "Not now",
    });
    if (sure) await answer("decline", "Declined.");
  };
  return html`<div class="word go" role="group" aria-label="Offer">
    <p><strong>${count(offer.quantity, "seat is", "seats are")} yours if you want.</strong> Answer within <count-down until=${offer.expires_at} @over=${changed}></count-down>.</p>
    <div class="row">
      ${button({ label: "Accept", kind: "main", busy: view.busy === `accept-${offer.id}`, onClick: () => answer("accept", "The seats are yours.") })}
      ${button({ label: "Decline", kind: "plain", busy: view.busy === `decline-${offer.id}`, onClick: decline })}
    </div>
  </div>`;
}

async function leave(view, entry, changed) {
  const sure = await confirmed({ title: "Leave the line?", text: "Your place goes to the next. Seats you have already stay yours.", action: "Leave", danger: true, keep: "Stay" });
  if (!sure) return;
  if (await view.act(`leave-${entry.id}`, () => remove(`/waitlist/${entry.id}`))) note("You left the line.");
  await changed();
}
