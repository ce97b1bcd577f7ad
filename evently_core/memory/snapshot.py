"""A snapshot of an event that is wholly in memory: the plain definition of what an inventory holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.commands import Key
from evently_core.evolve import EventState
from evently_core.inventory import Answered, ClassKey, Front, Inventory, Needs
from evently_core.values import BookingId, EntryId, TicketTypeId, UserId
from evently_core.waitlist import EntryStatus, Tally, WaitlistEntry


def snapshot_of(
    state: EventState,
    needs: Needs,
    now: datetime,
    *,
    next_sequence: int,
    wake_at: datetime | None,
    answers: Mapping[Key, Answered],
) -> Inventory:
    """Return what a decision needs of an event, and not more."""
    assert state.event is not None
    bookings = _bookings(state, needs, now)
    seats_are_needed = needs.seats_of_users or state.event.policy.max_per_user is not None
    return Inventory(
        event=state.event,
        needs=needs,
        taken=_taken(state),
        next_sequence=next_sequence,
        wake_at=wake_at,
        fronts=_fronts(state, needs.depth),
        tallies=_tallies(state),
        due=tuple(booking for booking in state.bookings.values() if booking.has_lapsed(now)),
        bookings=bookings,
        entries=_entries(state, needs, now, bookings),
        seats_of={user: _seats_of(state, user) for user in needs.users} if seats_are_needed else None,
        waiting_of={
            (entry.user_id, entry.ticket_type_id): entry.id
            for entry in state.waiting()
            if entry.user_id in needs.users
        },
        answered={key: answers[key] for key in needs.keys if key in answers},
        arrivals={
            seat: arrival for seat, arrival in state.arrivals.items() if arrival.booking_id in needs.arrivals
        },
    )


def _taken(state: EventState) -> dict[TicketTypeId, int]:
    assert state.event is not None
    taken = {kind.id: 0 for kind in state.event.ticket_types}
    for booking in state.bookings.values():
        if booking.takes_seats:
            taken[booking.ticket_type_id] += booking.quantity
    return taken


def _fronts(state: EventState, depth: int) -> dict[ClassKey, Front]:
    classes: dict[ClassKey, list[WaitlistEntry]] = defaultdict(list)
    for entry in state.waiting():
        classes[entry.ticket_type_id, entry.least].append(entry)
    return {key: Front(tuple(line[:depth]), len(line) <= depth) for key, line in classes.items()}


def _tallies(state: EventState) -> dict[TicketTypeId, dict[int, Tally]]:
    tallies: dict[TicketTypeId, dict[int, Tally]] = defaultdict(dict)
    for entry in state.waiting():
        tiers = tallies[entry.ticket_type_id]
        tiers[entry.priority] = tiers.get(entry.priority, Tally()).plus(1, entry.missing)
    return dict(tallies)


def _bookings(state: EventState, needs: Needs, now: datetime) -> dict[BookingId, Booking]:
    def is_needed(booking: Booking) -> bool:
        return (
            booking.id in needs.bookings
            or (booking.entry_id in needs.entries and booking.origin is Origin.WAITLIST)
            or booking.has_lapsed(now)
            or (needs.holds and booking.status is BookingStatus.HELD)
            or (needs.live_bookings and booking.takes_seats)
        )

    return {booking.id: booking for booking in state.bookings.values() if is_needed(booking)}


def _entries(
    state: EventState, needs: Needs, now: datetime, bookings: Mapping[BookingId, Booking]
) -> dict[EntryId, WaitlistEntry]:
    linked = {booking.entry_id for booking in bookings.values()}

    def is_needed(entry: WaitlistEntry) -> bool:
        return (
            entry.id in needs.entries
            or entry.id in linked
            or (entry.is_waiting and entry.user_id in needs.users)
            or (entry.is_waiting and entry.ticket_type_id in needs.whole_lines)
            or (needs.live_bookings and entry.status in (EntryStatus.WAITING, EntryStatus.OFFERED))
        )

    return {entry.id: entry for entry in state.entries.values() if is_needed(entry)}


def _seats_of(state: EventState, user_id: UserId) -> int:
    booked = sum(b.quantity for b in state.bookings.values() if b.user_id == user_id and b.takes_seats)
    waited_for = sum(e.missing for e in state.entries.values() if e.user_id == user_id and e.is_waiting)
    return booked + waited_for
