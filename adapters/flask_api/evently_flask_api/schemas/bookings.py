"""Bookings, waitlist entries, and the requests that lead to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evently_core.booking import BookingStatus, Origin
from evently_core.commands import REASON_MAX
from evently_core.values import SEATS_MAX
from evently_core.waitlist import PRIORITY_MAX, EntryStatus
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Id,
    Instant,
    Integer,
    ListQuery,
    Money,
    NoNul,
    Number,
    Omissible,
    RequestModel,
    example,
    text,
)
from evently_flask_api.schemas.problems import Problem
from evently_flask_api.schemas.reasons import Reason

WAIT_MAX = 20
"""The longest wait for an answer, in seconds."""

_Party = Annotated[Integer, Field(ge=1, le=SEATS_MAX)]
_Why = Annotated[str, text(REASON_MAX, 1), NoNul]


class WaitlistRequest(
    RequestModel,
    json_schema_extra=example(
        event_id="01936f6e-5c00-7000-8000-00000000e001",
        ticket_type_id="01936f6e-5c00-7000-8000-00000000a001",
        quantity=2,
    ),
):
    """Seats that somebody would wait for."""

    event_id: Id
    ticket_type_id: Annotated[
        Omissible[Id], Field(description="May be left out where there is one ticket type.")
    ] = None
    quantity: _Party = 1
    accept_partial: Annotated[bool, Field(description="Take fewer seats, if there are not enough.")] = False


class BookingRequest(
    WaitlistRequest,
    json_schema_extra=example(
        event_id="01936f6e-5c00-7000-8000-00000000e001",
        ticket_type_id="01936f6e-5c00-7000-8000-00000000a001",
        quantity=10,
        accept_partial=True,
        join_waitlist=True,
    ),
):
    """Seats that somebody asks for."""

    join_waitlist: Annotated[bool, Field(description="Wait for what cannot be booked now.")] = False


class Confirmation(RequestModel, json_schema_extra=example(payment_reference="invoice 4711")):
    """What makes a held booking one's own."""

    payment_reference: Omissible[Annotated[str, text(200, 1), NoNul]] = None


class Reduction(RequestModel, json_schema_extra=example(quantity=1)):
    """How many seats are to remain."""

    quantity: _Party
    reason: Annotated[Omissible[_Why], Field(description="Needed for somebody else's booking.")] = None


class CancelQuery(RequestModel):
    """Why a booking is cancelled."""

    reason: Annotated[Omissible[_Why], Field(description="Needed for somebody else's booking.")] = None


class OfferAnswer(RequestModel, json_schema_extra=example(booking_id="01936f6e-5c00-7000-8000-00000000b001")):
    """Which offer is meant."""

    booking_id: Annotated[Omissible[Id], Field(description="Needed where several offers are open.")] = None


class PriorityChange(
    RequestModel, json_schema_extra=example(priority=10, reason="Needs a seat without steps.")
):
    """Another priority for a waiting entry."""

    priority: Annotated[Integer, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX)]
    reason: Annotated[_Why, Field(description="Kept in the journal.")]


class BookingsQuery(ListQuery):
    """Which of one's own bookings to list."""

    event_id: Omissible[Id] = None
    status: Omissible[BookingStatus] = None


class EventBookingsQuery(ListQuery):
    """Which bookings of an event to list."""

    status: Omissible[BookingStatus] = None


class EntriesQuery(ListQuery):
    """Which of one's own entries to list."""

    event_id: Omissible[Id] = None


class EventEntriesQuery(ListQuery):
    """Which entries of an event to list: those that wait, in order, if no status is named."""

    ticket_type_id: Omissible[Id] = None
    status: Omissible[EntryStatus] = None


class Booking(AnswerModel):
    """Seats allocated to a user."""

    id: Id
    reference: Annotated[str, Field(examples=["EVT-7ZK3M9Q2XA"])]
    event_id: Id
    ticket_type_id: Id
    user_id: Id
    quantity: int
    total: Money
    status: BookingStatus
    origin: Origin
    expires_at: Instant | None
    created_at: Instant
    confirmed_at: Instant | None
    cancelled_at: Instant | None


class WaitlistEntry(AnswerModel):
    """A party, or the rest of one, that waits."""

    id: Id
    event_id: Id
    ticket_type_id: Id
    user_id: Id
    quantity: int
    status: EntryStatus
    position: Annotated[int | None, Field(description="1 is first; null once it waits no more.")]
    seats_ahead: int | None
    priority: int
    joined_at: Instant
    offers: list[Booking]


class Admitted(AnswerModel):
    """The answer to a request for seats."""

    outcome: Literal["booked", "partially_booked", "waitlisted"]
    booking: Booking | None
    waitlist_entry: WaitlistEntry | None
    rest_refused: Annotated[Reason | None, Field(description="Why the rest neither is booked nor waits.")]
    reason: Annotated[Reason | None, Field(description="Why not everything is booked.")]


class QueuedRequest(AnswerModel):
    """A request for seats that was accepted, and what came of it once it is decided."""

    id: Id
    status: Literal["queued", "done", "refused"]
    ahead: Annotated[int, Field(description="How many requests for the same event are decided before it.")]
    result: Annotated[Admitted | None, Field(description="What the request came to, if it is done.")]
    problem: Annotated[Problem | None, Field(description="Why nothing came of it, if it is refused.")]


class WaitQuery(RequestModel):
    """How long to wait for an answer."""

    wait: Annotated[
        Number,
        Field(ge=0, le=WAIT_MAX, description="Answer when it is decided, at most after so many seconds."),
    ] = 0


class OfferAnswered(AnswerModel):
    """What an answer to an offer came to."""

    booking: Booking
    waitlist_entry: WaitlistEntry
