"""What holds after every commit, whatever happened: the rules that can be seen in the state of one event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs

from evently_core.booking import BookingStatus
from evently_core.evolve import EventState
from evently_core.waitlist import EntryStatus


@attrs.frozen
class Counts:
    """The seats of an event's total pool, and who waits."""

    taken: int
    free: int
    waiting: int


def counts_of(state: EventState) -> Counts:
    """Add up the counters of an event from its allocations (I2)."""
    assert state.event is not None
    taken = state.taken()[state.event.total_pool]
    return Counts(taken, state.event.capacity - taken, len(state.waiting()))


def violations(state: EventState) -> list[str]:
    """Return every broken rule as a sentence; an empty list is a sound event."""
    if state.event is None:
        return []
    return [
        *_over_capacity(state),
        *_unsound_entries(state),
        *_unsound_bookings(state),
        *_shared_places(state),
    ]


def _over_capacity(state: EventState) -> Iterator[str]:
    assert state.event is not None
    capacities = state.event.capacities()
    for pool, taken in state.taken().items():
        if taken > capacities[pool]:
            yield f"pool {pool} has {capacities[pool]} seats and {taken} are taken (I1)"


def _unsound_entries(state: EventState) -> Iterator[str]:
    offers = Counter(booking.entry_id for booking in state.bookings.values() if booking.is_offer)
    for entry in state.entries.values():
        if entry.open_offers != offers[entry.id]:
            yield f"entry {entry.id} counts {entry.open_offers} open offers and has {offers[entry.id]} (I2)"
        if entry.is_waiting != (not entry.is_over and entry.missing > 0):
            yield f"entry {entry.id} is {entry.status} and misses {entry.missing} seats"
        if entry.is_waiting and not 1 <= entry.least <= entry.missing:
            yield f"entry {entry.id} takes at least {entry.least} of the {entry.missing} seats it misses"
        if entry.status is EntryStatus.SERVED and (entry.missing or entry.open_offers):
            yield f"entry {entry.id} is served and still wants something"


def _unsound_bookings(state: EventState) -> Iterator[str]:
    assert state.event is not None
    for booking in state.bookings.values():
        if booking.quantity < 1:
            yield f"booking {booking.id} has {booking.quantity} seats"
        if booking.status is BookingStatus.HELD:
            kind = state.event.ticket_type(booking.ticket_type_id)
            assert kind is not None
            if booking.expires_at is None or booking.expires_at > state.event.last_moment_of_a_hold(kind):
                yield f"the hold {booking.id} outlives the end of sales or the start (I10)"


def _shared_places(state: EventState) -> Iterator[str]:
    places = Counter(entry.sequence for entry in state.entries.values())
    yield from (
        f"{count} entries share the sequence {place} (I3)" for place, count in places.items() if count > 1
    )
    lines = Counter((entry.user_id, entry.ticket_type_id) for entry in state.waiting())
    yield from (
        f"user {user} waits {count} times in one line" for (user, _), count in lines.items() if count > 1
    )
