"""The state after a fact. Nothing is decided here: folding the journal gives what was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from evently_core.booking import Booking, Origin
from evently_core.event import Event
from evently_core.facts import (
    Cancelled,
    CheckedIn,
    CheckInUndone,
    Confirmed,
    EntryEnded,
    EventAdvanced,
    EventChanged,
    EventCreated,
    EventDeleted,
    Fact,
    Granted,
    HoldShortened,
    Joined,
    Lapsed,
    Moved,
    Record,
    Reduced,
    Requeued,
)
from evently_core.tickets import Arrival, Seat
from evently_core.values import BookingId, EntryId, PoolId
from evently_core.waitlist import WaitlistEntry


@attrs.define
class EventState:
    """All there is of one event."""

    event: Event | None = None
    bookings: dict[BookingId, Booking] = attrs.field(factory=dict)
    entries: dict[EntryId, WaitlistEntry] = attrs.field(factory=dict)
    arrivals: dict[Seat, Arrival] = attrs.field(factory=dict)

    def taken(self) -> dict[PoolId, int]:
        """Return the seats taken of every pool, added up from the bookings."""
        assert self.event is not None
        taken = dict.fromkeys(self.event.capacities(), 0)
        for booking in self.bookings.values():
            if booking.takes_seats:
                kind = self.event.ticket_type(booking.ticket_type_id)
                assert kind is not None
                for pool in self.event.pools_of(kind):
                    taken[pool] += booking.quantity
        return taken

    def waiting(self) -> list[WaitlistEntry]:
        """Return who waits, in the order of the walk."""
        return sorted(
            (entry for entry in self.entries.values() if entry.is_waiting), key=lambda entry: entry.order
        )


def fold(state: EventState, journal: Iterable[Record]) -> EventState:
    """Apply records to a state in place, in order, and return it."""
    for record in journal:
        evolve(state, record.fact, record.at)
    return state


def evolve(state: EventState, fact: Fact, at: datetime) -> None:  # one case a fact
    """Apply one fact to a state in place."""
    bookings, entries = state.bookings, state.entries
    match fact:
        case EventCreated(event) | EventChanged(event, _):
            state.event = event
        case EventAdvanced(status):
            assert state.event is not None
            version = state.event.version + 1
            state.event = attrs.evolve(state.event, status=status, version=version, updated_at=at)
        case EventDeleted():
            state.event = None
        case Granted(booking, passed_over):
            bookings[booking.id] = booking
            for entry_id in passed_over:
                entries[entry_id] = entries[entry_id].passed_over_once_more()
            if booking.origin is Origin.WAITLIST:
                entry = entries[_entry_id(booking)]
                entries[entry.id] = entry.granted(booking.quantity, as_offer=booking.is_offer, at=at)
        case Joined(entry, _):
            entries[entry.id] = entry
        case Confirmed(booking_id, payment_reference):
            booking = bookings[booking_id]
            bookings[booking_id] = booking.confirmed(at, payment_reference)
            if booking.is_offer:
                entry_id = _entry_id(booking)
                entries[entry_id] = entries[entry_id].offer_accepted(at)
        case Reduced(booking_id, quantity, _):
            bookings[booking_id] = bookings[booking_id].reduced_to(quantity)
        case Cancelled(booking_id, _):
            _offer_is_over(state, bookings[booking_id])
            bookings[booking_id] = bookings[booking_id].cancelled(at)
        case Lapsed(booking_id, _):
            _offer_is_over(state, bookings[booking_id])
            bookings[booking_id] = bookings[booking_id].expired()
        case HoldShortened(booking_id, expires_at):
            bookings[booking_id] = attrs.evolve(bookings[booking_id], expires_at=expires_at)
        case EntryEnded(entry_id, status):
            entries[entry_id] = entries[entry_id].ended(status, at)
        case Requeued(entry_id, sequence, returned):
            assert state.event is not None
            kind = state.event.ticket_type(entries[entry_id].ticket_type_id)
            assert kind is not None, "a ticket type never goes away"
            entries[entry_id] = entries[entry_id].sent_to_the_end(
                sequence=sequence, returned=returned, min_per_booking=kind.min_per_booking
            )
        case Moved(entry_id, priority, _):
            entries[entry_id] = entries[entry_id].moved_to(priority)
        case CheckedIn(arrival):
            state.arrivals[arrival.place] = arrival
        case CheckInUndone(booking_id, seat):
            arrival = state.arrivals[booking_id, seat]
            state.arrivals[booking_id, seat] = attrs.evolve(arrival, undone_at=at)


def _offer_is_over(state: EventState, booking: Booking) -> None:
    if booking.is_offer:
        entry_id = _entry_id(booking)
        state.entries[entry_id] = state.entries[entry_id].offer_ended()


def _entry_id(booking: Booking) -> EntryId:
    assert booking.entry_id is not None, "an offer has an entry"
    return booking.entry_id
