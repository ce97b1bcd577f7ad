"""Why not: every refusal and every wait carries a reason with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

Figure = int | str | None


class ReasonCode(StrEnum):
    """The words of all reasons. Those of a booking request stand in the order they are judged in."""

    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    TICKET_TYPE_REQUIRED = "ticket_type_required"
    EVENT_NOT_PUBLISHED = "event_not_published"
    EVENT_CANCELLED = "event_cancelled"
    EVENT_COMPLETED = "event_completed"
    SALES_NOT_OPEN = "sales_not_open"
    SALES_CLOSED = "sales_closed"
    OVER_BOOKING_LIMIT = "over_booking_limit"
    BELOW_MINIMUM = "below_minimum"
    OVER_USER_LIMIT = "over_user_limit"
    ALREADY_WAITING = "already_waiting"
    SOLD_OUT = "sold_out"
    LINE_AHEAD = "line_ahead"
    NOT_ENOUGH_FOR_PARTY = "not_enough_for_party"
    WAITLIST_OFF = "waitlist_off"
    WAITLIST_FULL = "waitlist_full"

    SEATS_AVAILABLE = "seats_available"

    HOLD_EXPIRED = "hold_expired"
    BOOKING_CANCELLED = "booking_cancelled"
    NOT_FEWER = "not_fewer"
    CANCEL_DEADLINE_PASSED = "cancel_deadline_passed"

    NOT_WAITING = "not_waiting"
    NO_OPEN_OFFER = "no_open_offer"
    BOOKING_ID_REQUIRED = "booking_id_required"

    CAPACITY_BELOW_TAKEN = "capacity_below_taken"
    CURRENCY_IN_USE = "currency_in_use"
    EVENT_NOT_DRAFT = "event_not_draft"
    EVENT_ENDED = "event_ended"
    PRECONDITION_FAILED = "precondition_failed"

    TOO_MANY_WEBHOOKS = "too_many_webhooks"
    WEBHOOK_DISABLED = "webhook_disabled"

    UNKNOWN = "unknown"
    WRONG_EVENT = "wrong_event"
    CANCELLED = "cancelled"
    ALREADY_IN = "already_in"
    CHECK_IN_UNDONE = "check_in_undone"


SENTENCES: dict[ReasonCode, str] = {
    ReasonCode.IDEMPOTENCY_KEY_REUSED: "This idempotency key came with another request before; use a new key.",
    ReasonCode.TICKET_TYPE_REQUIRED: "The event has several ticket types; name one.",
    ReasonCode.EVENT_NOT_PUBLISHED: "The event is not published; its organiser has to publish it first.",
    ReasonCode.EVENT_CANCELLED: "The event was cancelled.",
    ReasonCode.EVENT_COMPLETED: "The event is over.",
    ReasonCode.SALES_NOT_OPEN: "Sales have not begun; come back when they open.",
    ReasonCode.SALES_CLOSED: "Sales are over.",
    ReasonCode.OVER_BOOKING_LIMIT: "That is more seats than one booking may have; ask for fewer.",
    ReasonCode.BELOW_MINIMUM: "That is fewer seats than one booking must have; ask for more.",
    ReasonCode.OVER_USER_LIMIT: "That is more seats than one person may have at this event; ask for fewer.",
    ReasonCode.ALREADY_WAITING: "You wait in this line already; leave it first if you want another party.",
    ReasonCode.SOLD_OUT: "No seat is free; with join_waitlist you wait for the next ones.",
    ReasonCode.LINE_AHEAD: "The free seats are set aside for somebody who waits; with join_waitlist you wait behind.",
    ReasonCode.NOT_ENOUGH_FOR_PARTY: "Fewer seats are free than you ask for; ask for fewer, accept a part, or wait.",
    ReasonCode.WAITLIST_OFF: "This event has no waitlist.",
    ReasonCode.WAITLIST_FULL: "The waitlist is full.",
    ReasonCode.SEATS_AVAILABLE: "Seats are available now; book them instead of waiting.",
    ReasonCode.HOLD_EXPIRED: "The time to confirm is over; the seats went to the next in line. Book again.",
    ReasonCode.BOOKING_CANCELLED: "The booking was cancelled.",
    ReasonCode.NOT_FEWER: "A booking can only be reduced: name fewer seats than it has, at least one.",
    ReasonCode.CANCEL_DEADLINE_PASSED: "The deadline for giving seats back has passed; ask the organiser.",
    ReasonCode.NOT_WAITING: "The entry does not wait any more.",
    ReasonCode.NO_OPEN_OFFER: "There is no open offer to answer.",
    ReasonCode.BOOKING_ID_REQUIRED: "There are several open offers; name the booking.",
    ReasonCode.CAPACITY_BELOW_TAKEN: "More seats are taken than that; cancel bookings first or name a larger capacity.",
    ReasonCode.CURRENCY_IN_USE: "People have seats or wait at prices of another currency; keep it, or make a new event.",
    ReasonCode.EVENT_NOT_DRAFT: "Only a draft without bookings can be deleted; cancel the event instead.",
    ReasonCode.EVENT_ENDED: "The event has ended by its dates; change them first.",
    ReasonCode.PRECONDITION_FAILED: "The event was changed meanwhile; read it again and repeat the change.",
    ReasonCode.TOO_MANY_WEBHOOKS: "That is one webhook too many; remove another one first.",
    ReasonCode.WEBHOOK_DISABLED: "The webhook is disabled; enable it first.",
    ReasonCode.UNKNOWN: "This is no ticket of ours; ask for the booking's reference.",
    ReasonCode.WRONG_EVENT: "The ticket is for another event.",
    ReasonCode.CANCELLED: "The seat of this ticket was given back; it lets nobody in.",
    ReasonCode.ALREADY_IN: "Somebody came in with this ticket already.",
    ReasonCode.CHECK_IN_UNDONE: "That this ticket came in was taken back after it was noted; scan it again.",
}
"""What each reason says to a person: what is so, and what to do."""

MENDABLE = frozenset(
    {
        ReasonCode.IDEMPOTENCY_KEY_REUSED,
        ReasonCode.TICKET_TYPE_REQUIRED,
        ReasonCode.BOOKING_ID_REQUIRED,
        ReasonCode.PRECONDITION_FAILED,
    }
)
"""Reasons that ask for another request rather than answer this one: they are not kept under its key."""


@attrs.frozen
class Reason:
    """A reason with its figures: ``free``, ``requested``, ``ahead``, ``limit`` and the like."""

    code: ReasonCode
    figures: Mapping[str, Figure] = attrs.field(factory=dict)

    @property
    def sentence(self) -> str:
        """The reason for a person."""
        return SENTENCES[self.code]
