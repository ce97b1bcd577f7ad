"""The port to the truth: one event's transaction, and what can be read of all that was recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import attrs

from evently_core.booking import Booking, BookingStatus
from evently_core.commands import Key
from evently_core.decision import Decision
from evently_core.event import Event, EventStatus
from evently_core.facts import Record
from evently_core.intake import Settlement
from evently_core.inventory import Answered, Inventory, Needs
from evently_core.paging import CursorKey, Page, PageRequest
from evently_core.tickets import Arrival, Attendance
from evently_core.values import BookingId, EntryId, EventId, RequestId, TicketTypeId, UserId
from evently_core.waitlist import EntryStatus, Place, WaitlistEntry


class EventTransaction(Protocol):
    """A transaction on one event: nobody else decides about it until it ends."""

    def inventory(self, needs: Needs) -> Inventory:
        """Return the snapshot a decision needs. May be called again with wider needs; nothing changes between."""

    def record(self, decision: Decision) -> None:
        """Write everything a decision says: state, counters, journal, and the answers kept under keys.

        The number of round trips does not grow with the batch.
        """

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write what came of queued requests, in the order accepted; they wait no more once it is committed.

        One that was settled already makes the commit raise ``AlreadySettled``.
        """

    def delete(self, record: Record) -> None:
        """Remove the event, a draft nobody ever booked, and write the record of it."""

    def commit(self) -> None:
        """Make it so, durably. Leaving without it undoes everything.

        Raises:
            Conflict: a race was lost, nothing was written; decide again.
            Unavailable: the store is gone, and whether it was written is not known.
        """


class Storage(Protocol):
    """Where events live, and all that is decided about them."""

    def transaction(
        self, event_id: EventId, now: datetime, fence: int | None = None
    ) -> AbstractContextManager[EventTransaction]:
        """Open the transaction of one event; ``now`` is when what is due counts as lapsed.

        With the first inventory at the latest the event is locked. ``fence`` is the token of an `EventLock`: the
        newest that anything was recorded with is kept, and an older one is refused. Who has none is not refused.

        Raises:
            NotFound: there is no such event; raised with the first inventory at the latest, as what follows.
            StaleLock: something was recorded with a newer token.
            Unavailable: the store cannot be reached, or the lock not be had in time.
        """

    def create(self, event: Event, record: Record, answer: tuple[Key, Answered] | None) -> None:
        """Add a new event with its first record, and keep the answer under its key.

        Raises:
            Conflict: something was answered under that key meanwhile.
        """

    def answer(self, key: Key) -> Answered | None:
        """Return what the creation of an event was answered under a key."""

    def settle(self, event_id: EventId, settlements: Sequence[Settlement]) -> None:
        """Write what came of queued requests about which nothing is decided, be there such an event or not.

        Raises:
            AlreadySettled: one was settled before; nothing was written.
        """

    def forget_answers(self, before: datetime) -> int:
        """Drop the answers kept since before a time (at least 24 hours ago), those of queued requests too.

        What was answered under lasting keys stays. Returns how many were dropped.
        """

    def due_events(self, now: datetime, limit: int) -> Sequence[EventId]:
        """Return events with lapsed holds, with lines to open or close, or with a pass to go on with."""

    def next_due(self) -> datetime | None:
        """Return when the next hold lapses or the next line has to be looked at; None if nothing is pending."""

    def repair(self, event_id: EventId, now: datetime) -> Sequence[Drift]:
        """Set the counters of an event to what its allocations add up to, with a record in its journal (I2).

        Returns what was mended; a sound event is left as it is. What no counter can mend stays among the `drifts`.
        Seats that are free now and were not before go on to the lines with the next sweep.

        Raises:
            NotFound: there is no such event.
            Unavailable: the store cannot be reached, or the lock not be had in time.
        """


@attrs.frozen(kw_only=True)
class EventQuery:
    """Which events to list, in the order they start."""

    text: str | None = None
    """Words to be found in title, venue or description, whatever their case."""
    statuses: frozenset[EventStatus] | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    organiser_id: UserId | None = None
    only_available: bool = False
    """Only events that have a seat free; one that lapsed and will go to somebody who waits is free until then."""
    now: datetime | None = None
    """When they are read: a hold that has lapsed by then holds nothing (I9). None: every hold does."""
    drafts_of: UserId | None = None
    """Whose drafts may be listed; None is nobody's."""
    all_drafts: bool = False


@attrs.frozen(kw_only=True)
class BookingQuery:
    """Which bookings to list, oldest first. ``now`` is when they are read: lapsed holds read as expired (I9)."""

    now: datetime
    event_id: EventId | None = None
    user_id: UserId | None = None
    status: BookingStatus | None = None


@attrs.frozen(kw_only=True)
class EntryQuery:
    """Which entries to list. With ``in_line`` those that wait, in the order of the walk; else oldest first."""

    event_id: EventId | None = None
    user_id: UserId | None = None
    ticket_type_id: TicketTypeId | None = None
    status: EntryStatus | None = None
    in_line: bool = False


@attrs.frozen(kw_only=True)
class JournalLine:
    """A line of an event's journal. Numbers rise within an event, in the order things happened."""

    event_id: EventId
    number: int
    at: datetime
    kind: str
    actor_id: UserId | None
    actor: str
    """``user``, ``operator`` or ``system``."""
    cause: str
    reason: str | None
    data: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Drift:
    """A counter that does not say what the allocations add up to (I2), or a rule that is broken."""

    event_id: EventId
    what: str
    recorded: str
    true: str


@attrs.frozen
class LineLength:
    """How many wait for an event, over all its lines."""

    event_id: EventId
    entries: int
    seats: int


@attrs.frozen
class LineFigures:
    """How long the lines are."""

    entries: int
    """Everybody who waits, for whatever event."""
    seats: int
    longest: Sequence[LineLength]
    """The events for which most wait, most first."""


def arrival_order(arrival: Arrival) -> CursorKey:
    """Return the place of an arrival in the list of all, which goes backwards."""
    return arrival.at.isoformat(timespec="microseconds"), str(arrival.booking_id), arrival.seat


class Records(Protocol):
    """Reading what was recorded, without any lock."""

    def event(self, event_id: EventId) -> Event | None:
        """Return an event."""

    def events_named(self, event_ids: Iterable[EventId]) -> Mapping[EventId, Event]:
        """Return these events; unknown ids are left out."""

    def snapshots(
        self, event_ids: Iterable[EventId], now: datetime, needs: Needs
    ) -> Mapping[EventId, Inventory]:
        """Return a snapshot of each of these events, all read with the same needs; unknown ids are left out."""

    def events(self, query: EventQuery, page: PageRequest) -> Page[Event]:
        """List events by start, then id."""

    def listed(self, query: EventQuery, page: PageRequest, now: datetime) -> Page[Inventory]:
        """List events as `events` does, each with a snapshot of the moment in which it was found."""

    def booking(self, booking_id: BookingId) -> Booking | None:
        """Return a booking as recorded."""

    def bookings_by_reference(self, reference: str, limit: int = 10) -> Sequence[Booking]:
        """Return the bookings of that reference: one, unless two events share it."""

    def bookings(self, query: BookingQuery, page: PageRequest) -> Page[Booking]:
        """List bookings, as they read at the query's time."""

    def entry(self, entry_id: EntryId) -> WaitlistEntry | None:
        """Return an entry as recorded."""

    def entries(self, query: EntryQuery, page: PageRequest) -> Page[WaitlistEntry]:
        """List entries."""

    def offers(self, entry_ids: Iterable[EntryId]) -> Mapping[EntryId, tuple[Booking, ...]]:
        """Return the offers made of these entries, oldest first."""

    def places(self, entries: Sequence[WaitlistEntry]) -> Mapping[EntryId, Place]:
        """Return the exact places of those of these entries that wait, without walking their lines."""

    def line_figures(self, longest: int) -> LineFigures:
        """Return how long the lines are; of single events for so many at most. It costs the same in long lines."""

    def waiting_entries(self, event_id: EventId, user_id: UserId) -> Sequence[WaitlistEntry]:
        """Return the entries with which a user waits for an event."""

    def answered(self, event_id: EventId, keys: Iterable[Key]) -> Mapping[Key, Answered]:
        """Return what is kept under these keys of an event."""

    def settlements(self, request_ids: Iterable[RequestId]) -> Mapping[RequestId, Settlement]:
        """Return what came of those of these queued requests that are settled."""

    def journal(
        self, event_id: EventId, page: PageRequest, *, newest_first: bool = False
    ) -> Page[JournalLine]:
        """List the journal of an event, in the order things happened, or from its end."""

    def people(self, event_id: EventId, user_ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of these users who ever had a booking of an event, or an entry in one of its lines."""

    def journal_line(self, event_id: EventId, number: int) -> JournalLine | None:
        """Return one line of the journal of an event."""

    def arrivals(self, event_id: EventId, page: PageRequest) -> Page[Arrival]:
        """List who is in, the latest first."""

    def arrivals_on(self, booking: Booking) -> Sequence[Arrival]:
        """Return who came in on the seats of a booking, by seat, with those that were undone."""

    def attendance(self, event_id: EventId) -> Mapping[TicketTypeId, Attendance]:
        """Return, by ticket type, how many seats are confirmed, and on how many somebody is in.

        What it costs does not grow with the number of bookings.
        """

    def drifts(self, event_id: EventId | None = None) -> Sequence[Drift]:
        """Recompute counters and rules from the allocations, and return what differs."""
