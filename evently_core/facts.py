"""What happened: the journal's facts, in the past tense. Folding them gives the state (see `evolve`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from evently_core.booking import Booking
from evently_core.event import Event, EventStatus
from evently_core.reasons import ReasonCode
from evently_core.tickets import Arrival
from evently_core.values import Actor, BookingId, EntryId
from evently_core.waitlist import EntryStatus, WaitlistEntry


@attrs.frozen
class EventCreated:
    """An organiser drew up an event."""

    event: Event


@attrs.frozen
class EventChanged:
    """The organiser set something else: ``changes`` holds each changed field as (before, after)."""

    event: Event
    changes: Mapping[str, tuple[Any, Any]]


@attrs.frozen
class EventAdvanced:
    """The event went a step further in its life."""

    status: EventStatus


@attrs.frozen
class EventDeleted:
    """A draft was thrown away."""

    title: str


@attrs.frozen
class Granted:
    """Seats were allocated: a booking came to be. ``passed_over`` names the first of a line it went past (I4)."""

    booking: Booking
    passed_over: tuple[EntryId, ...] = ()


@attrs.frozen
class Joined:
    """A request, or its rest, joined the end of its line, because of ``reason``."""

    entry: WaitlistEntry
    reason: ReasonCode


@attrs.frozen
class Confirmed:
    """A hold became a booking for good; an offer was accepted."""

    booking_id: BookingId
    payment_reference: str | None = None


@attrs.frozen
class Reduced:
    """A booking gave seats back; ``quantity`` remain."""

    booking_id: BookingId
    quantity: int
    freed: int


@attrs.frozen
class Cancelled:
    """A booking gave all its seats back; an offer was declined."""

    booking_id: BookingId
    freed: int


@attrs.frozen
class Lapsed:
    """A hold or an offer was not confirmed in time; its seats are free."""

    booking_id: BookingId
    freed: int


@attrs.frozen
class HoldShortened:
    """Sales or the event now end before the hold would have (I10)."""

    booking_id: BookingId
    expires_at: datetime


@attrs.frozen
class EntryEnded:
    """An entry came to an end without being served: it left, lapsed, or its line closed."""

    entry_id: EntryId
    status: EntryStatus


@attrs.frozen
class Requeued:
    """An entry whose offer met silence went to the end of its tier."""

    entry_id: EntryId
    sequence: int
    returned: int


@attrs.frozen
class Moved:
    """An entry got another priority."""

    entry_id: EntryId
    priority: int
    before: int


@attrs.frozen
class CheckedIn:
    """Somebody came in with a ticket."""

    arrival: Arrival


@attrs.frozen
class CheckInUndone:
    """It was taken back that somebody came in."""

    booking_id: BookingId
    seat: int


Fact = (
    EventCreated
    | EventChanged
    | EventAdvanced
    | EventDeleted
    | Granted
    | Joined
    | Confirmed
    | Reduced
    | Cancelled
    | Lapsed
    | HoldShortened
    | EntryEnded
    | Requeued
    | Moved
    | CheckedIn
    | CheckInUndone
)


@attrs.frozen
class Record:
    """A line of the journal to be: the fact, who caused it by which command, when, and why (I11)."""

    fact: Fact
    actor: Actor
    cause: str
    at: datetime
    reason: str | None = None
