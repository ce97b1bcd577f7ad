"""The shapes in which both doors show things: names and nesting are those of the API.

Values stay what they are (ids, times, enumerations); whoever writes them out says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evently_core.accounts import User
from evently_core.analytics import Takings
from evently_core.booking import Booking
from evently_core.event import Event, Policy, TicketType
from evently_core.explain import SeatCount, Standing
from evently_core.outcomes import Admitted
from evently_core.paging import Page
from evently_core.reasons import Reason
from evently_core.services.events import EventAnswer, EventView
from evently_core.services.tickets import ArrivalView, AttendanceView, TicketView
from evently_core.services.waitlist import EntryView
from evently_core.services.webhooks import DeliveryView
from evently_core.storage import JournalLine
from evently_core.tickets import Arrival, Scanned
from evently_core.values import Money
from evently_core.webhooks import Webhook

# Currencies with another number of decimals than two (ISO 4217).
_WITHOUT_DECIMALS = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
}  # fmt: skip
_WITH_THREE = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def money_text(money: Money | Takings) -> str:
    """Return an amount as it reads: 2500 EUR cents are 25.00 EUR, 2500 yen are 2500 JPY."""
    decimals = 0 if money.currency in _WITHOUT_DECIMALS else 3 if money.currency in _WITH_THREE else 2
    return f"{money.amount / 10**decimals:.{decimals}f} {money.currency}"


def money_shape(money: Money) -> dict[str, Any]:
    """Return an amount in minor units with its currency."""
    return {"amount": money.amount, "currency": money.currency}


def event_shape(view: EventView) -> dict[str, Any]:
    """Return an event with its seats, its policy and what it sells."""
    event, total = view.event, view.seats.total
    return {
        "id": event.id,
        "title": event.title,
        "description": event.description,
        "venue": event.venue,
        "timezone": event.timezone,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "status": event.status,
        "organiser_id": event.organiser_id,
        "booking_opens_at": event.booking_opens_at,
        "booking_closes_at": event.booking_closes_at,
        "capacity": event.capacity,
        **seats_shape(total),
        "policy": _policy_shape(event.policy),
        "ticket_types": [
            ticket_type_shape(event, kind, view.seats.by_ticket_type[kind.id]) for kind in event.ticket_types
        ],
        "created_at": event.created_at,
        "updated_at": event.updated_at,
    }


def seats_shape(count: SeatCount) -> dict[str, Any]:
    """Return how many seats are taken and free, how many a newcomer could have, and how many entries wait."""
    return {
        "seats_taken": count.taken,
        "seats_free": count.free,
        "seats_available": count.available,
        "waiting": count.waiting,
    }


def _policy_shape(policy: Policy) -> dict[str, Any]:
    return {
        "max_per_booking": policy.max_per_booking,
        "max_per_user": policy.max_per_user,
        "hold_for_seconds": int(policy.hold_for.total_seconds()),
        "cancel_until": policy.cancel_until,
        "waitlist": {
            "enabled": policy.waitlist_enabled,
            "max_entries": policy.max_entries,
            "offer_window_seconds": int(policy.offer_window.total_seconds()),
            "bypass_limit": policy.bypass_limit,
            "on_silence": policy.on_silence,
        },
    }


def ticket_type_shape(event: Event, kind: TicketType, count: SeatCount) -> dict[str, Any]:
    """Return a ticket type with its seats; its largest party is what counts, the event's limit or its own."""
    return {
        "id": kind.id,
        "name": kind.name,
        "price": money_shape(kind.price),
        "capacity": kind.capacity,
        **seats_shape(count),
        "min_per_booking": kind.min_per_booking,
        "max_per_booking": event.largest_party(kind),
        "sales_open_at": kind.sales_open_at,
        "sales_close_at": kind.sales_close_at,
    }


def booking_shape(booking: Booking) -> dict[str, Any]:
    """Return a booking."""
    return {
        "id": booking.id,
        "reference": booking.reference,
        "event_id": booking.event_id,
        "ticket_type_id": booking.ticket_type_id,
        "user_id": booking.user_id,
        "quantity": booking.quantity,
        "total": money_shape(booking.total),
        "status": booking.status,
        "origin": booking.origin,
        "expires_at": booking.expires_at,
        "created_at": booking.created_at,
        "confirmed_at": booking.confirmed_at,
        "cancelled_at": booking.cancelled_at,
    }


def entry_shape(view: EntryView) -> dict[str, Any]:
    """Return an entry with its place, while it waits, and the offers made of it."""
    entry, place = view.entry, view.place
    return {
        "id": entry.id,
        "event_id": entry.event_id,
        "ticket_type_id": entry.ticket_type_id,
        "user_id": entry.user_id,
        "quantity": entry.quantity,
        "status": entry.status,
        "position": place.position if place else None,
        "seats_ahead": place.seats_ahead if place else None,
        "priority": entry.priority,
        "joined_at": entry.joined_at,
        "offers": [booking_shape(offer) for offer in view.offers],
    }


def admitted_shape(admitted: Admitted) -> dict[str, Any]:
    """Return the answer to a request for seats; ``reason`` says why not everything was booked."""
    entry = None if admitted.entry is None else EntryView(admitted.entry, admitted.place)
    return {
        "outcome": admitted.outcome,
        "booking": None if admitted.booking is None else booking_shape(admitted.booking),
        "waitlist_entry": None if entry is None else entry_shape(entry),
        "rest_refused": None if admitted.rest_refused is None else reason_shape(admitted.rest_refused),
        "reason": None if admitted.reason is None else reason_shape(admitted.reason),
    }


def reason_shape(reason: Reason) -> dict[str, Any]:
    """Return a reason: its word, its sentence, and its figures beside them."""
    return {"code": reason.code, "detail": reason.sentence, **reason.figures}


def event_answer_shape(answer: EventAnswer) -> dict[str, Any]:
    """Return what a change of an event came to: who got in because of it, and who still waits."""
    settled = answer.settled
    return {
        "event": event_shape(answer.view),
        "granted_count": settled.granted_count,
        "granted": [booking_shape(booking) for booking in settled.granted],
        "still_waiting": settled.still_waiting,
    }


def journal_shape(line: JournalLine) -> dict[str, Any]:
    """Return a line of the journal."""
    return {
        "number": line.number,
        "at": line.at,
        "kind": line.kind,
        "actor": line.actor,
        "actor_id": line.actor_id,
        "cause": line.cause,
        "reason": line.reason,
        "data": dict(line.data),
    }


def standing_shape(standing: Standing) -> dict[str, Any]:
    """Return where a user stands in a line; ``reason`` None says that nothing is in the way."""
    return {
        "ticket_type_id": standing.ticket_type_id,
        "waitlist_entry_id": standing.entry.id if standing.entry else None,
        "position": standing.place.position if standing.place else None,
        "seats_ahead": standing.place.seats_ahead if standing.place else None,
        "reason": None if standing.reason is None else reason_shape(standing.reason),
    }


def user_shape(user: User) -> dict[str, Any]:
    """Return a user."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "created_at": user.created_at,
    }


def webhook_shape(webhook: Webhook, *, with_secret: bool = False) -> dict[str, Any]:
    """Return a webhook; its secret is shown when it is made and when it is changed, and never again."""
    return {
        "id": webhook.id,
        "owner_id": webhook.owner_id,
        "url": webhook.url,
        "types": list(webhook.types),
        "description": webhook.description,
        "enabled": webhook.is_enabled,
        "disabled_at": webhook.disabled_at,
        "disabled_because": webhook.disabled_because,
        "created_at": webhook.created_at,
        "secret": webhook.secret if with_secret else None,
    }


def delivery_shape(view: DeliveryView) -> dict[str, Any]:
    """Return a delivery with its attempts; while it is pending, ``next_attempt_at`` says when it is tried next."""
    delivery = view.delivery
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "number": delivery.number,
        "type": delivery.kind,
        "status": delivery.state,
        "planned_at": delivery.planned_at,
        "next_attempt_at": delivery.due_at if delivery.is_pending else None,
        "done_at": delivery.done_at,
        "attempts": [
            {
                "number": attempt.number,
                "at": attempt.at,
                "ms": attempt.ms,
                "status": attempt.status,
                "error": attempt.error,
            }
            for attempt in view.attempts
        ],
    }


def ticket_shape(view: TicketView) -> dict[str, Any]:
    """Return the ticket of a seat."""
    booking = view.booking
    return {
        "booking_id": booking.id,
        "event_id": booking.event_id,
        "ticket_type_id": booking.ticket_type_id,
        "reference": booking.reference,
        "seat": view.seat,
        "code": view.code,
        "checked_in_at": view.checked_in_at,
    }


def check_in_shape(arrival: Arrival, code: str) -> dict[str, Any]:
    """Return who is in, and by which code."""
    return {
        "code": code,
        "booking_id": arrival.booking_id,
        "ticket_type_id": arrival.ticket_type_id,
        "reference": arrival.reference,
        "seat": arrival.seat,
        "at": arrival.at,
    }


def check_in_results_shape(scanned: Sequence[Scanned]) -> dict[str, Any]:
    """Return what came of each code that was handed in."""
    results = [
        {
            "code": each.code,
            "check_in": None if each.arrival is None else check_in_shape(each.arrival, each.code),
            "reason": None if each.reason is None else reason_shape(each.reason),
        }
        for each in scanned
    ]
    refused = sum(each.reason is not None for each in scanned)
    return {"checked_in": len(scanned) - refused, "refused": refused, "results": results}


def check_ins_shape(counts: AttendanceView, page: Page[ArrivalView]) -> dict[str, Any]:
    """Return how many are expected and in, and a page of who is in."""
    return {
        "event_id": counts.event.id,
        "expected": counts.total.expected,
        "checked_in": counts.total.arrived,
        "ticket_types": [
            {"id": kind, "expected": each.expected, "checked_in": each.arrived}
            for kind, each in counts.by_ticket_type.items()
        ],
        "items": [check_in_shape(view.arrival, view.code) for view in page.items],
        "next_cursor": page.next_cursor,
    }
