"""The scratch sheet of one decision: the event as the batch goes on, and what has happened so far.

Nothing here decides. The pass (`admission`) and the first steps of the commands (`steps`) read the sheet,
decide, and write down what happened; the sheet keeps free seats, lines and limits in step with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import attrs

from evently_core.booking import Booking, Origin
from evently_core.commands import Key
from evently_core.decision import Change, Decision
from evently_core.event import Event, TicketType
from evently_core.facts import Fact, Record
from evently_core.figures import Count
from evently_core.inventory import Answered, Inventory, LoadMore
from evently_core.lines import Lines, NotLoaded
from evently_core.outcomes import GRANTED_SHOWN_MAX, EventSettled, Outcome
from evently_core.tickets import Arrival, Seat
from evently_core.values import SYSTEM, Actor, BookingId, EntryId, PoolId, TicketTypeId, UserId
from evently_core.waitlist import WaitlistEntry


class Sheet:
    """One event while a batch of commands is decided."""

    def __init__(self, inventory: Inventory, now: datetime, ids: Iterator[UUID]) -> None:
        """Start from a snapshot; ``ids`` gives a new id for each booking and entry that comes to be."""
        self.inventory = inventory
        self.now = now
        self.event = inventory.event
        self.lines = Lines(inventory)
        self.next_sequence = inventory.next_sequence
        self.granted: list[Booking] = []
        """The grants to waiting entries in the pass of the current command."""
        self.disturbed = True
        """Whether something changed that may serve a waiting entry: the next pass has to walk."""

        self._ids = ids
        self._bookings = dict(inventory.bookings)
        self._bookings.update((booking.id, booking) for booking in inventory.due)
        self._due = sorted(inventory.due, key=_when_it_lapses)
        self._offers: dict[EntryId, list[BookingId]] = {}
        for booking in self._bookings.values():
            self._list_offer(booking)
        self._entries = dict(inventory.entries)
        for front in inventory.fronts.values():
            self._entries.update((entry.id, entry) for entry in front.entries)
        self._bookings_before: dict[BookingId, Booking | None] = {}
        self._entries_before: dict[EntryId, WaitlistEntry | None] = {}
        self._taken_before = dict(inventory.taken)
        self._taken = dict(inventory.taken)
        self._seats_of = None if inventory.seats_of is None else dict(inventory.seats_of)
        self._waiting_of = dict(inventory.waiting_of)
        self._arrivals: dict[Seat, Arrival] = {}
        self._count = Count()
        self._answered: dict[Key, Answered] = {}
        self._journal: list[Record] = []
        self.acting(SYSTEM, "time", None)
        self._reread_event()

    def _reread_event(self) -> None:
        """Draw up what follows from the event as it is set: pools, who is on sale, free seats."""
        event = self.event
        self.kinds: dict[TicketTypeId, TicketType] = {kind.id: kind for kind in event.ticket_types}
        self.pools: dict[TicketTypeId, tuple[PoolId, ...]] = {
            kind.id: event.pools_of(kind) for kind in event.ticket_types
        }
        self.on_sale = frozenset(kind.id for kind in event.ticket_types if event.is_on_sale(kind, self.now))
        for kind in event.ticket_types:
            self._taken.setdefault(kind.id, 0)
        self.free: dict[PoolId, int] = {
            pool: capacity - self.taken_of(pool) for pool, capacity in event.capacities().items()
        }

    # -- what is read ---------------------------------------------------------------------------------------

    def taken_of(self, pool: PoolId) -> int:
        """Return how many seats of a pool are taken."""
        if pool == self.event.total_pool:
            return sum(self._taken.values())
        return self.taken_by(TicketTypeId(pool)) if pool in self._taken else 0

    def taken_by(self, ticket_type: TicketTypeId) -> int:
        """Return how many seats of a ticket type are taken, whether or not it has a pool of its own."""
        return self._taken[ticket_type]

    def booking(self, booking_id: BookingId) -> Booking | None:
        """Return a booking as it is now."""
        return self._bookings.get(booking_id)

    def entry(self, entry_id: EntryId) -> WaitlistEntry | None:
        """Return an entry as it is now."""
        return self._entries.get(entry_id)

    def bookings(self) -> list[Booking]:
        """Return every booking that was loaded or made."""
        return list(self._bookings.values())

    def entries(self) -> list[WaitlistEntry]:
        """Return every entry that was loaded or made."""
        return list(self._entries.values())

    def offers_of(self, entry_id: EntryId) -> list[Booking]:
        """Return every offer that was made of an entry, as far as it was loaded: all that are open, at least."""
        return [self._bookings[booking_id] for booking_id in self._offers.get(entry_id, ())]

    def take_due(self) -> list[Booking]:
        """Return the holds whose time is over and whose seats are not free yet, in the order they lapsed."""
        due, self._due = self._due, []
        return due

    def seats_of(self, user_id: UserId) -> int:
        """Return what a user holds, has confirmed and waits for."""
        if self._seats_of is None or user_id not in self._seats_of:
            raise NotLoaded(LoadMore(seats_of_users=True, users=frozenset({user_id})))
        return self._seats_of[user_id]

    def waiting_entry_of(self, user_id: UserId, ticket_type: TicketTypeId) -> WaitlistEntry | None:
        """Return the entry with which a user waits in a line, if there is one."""
        if not self.lines.waiting_for(ticket_type):
            return None
        entry_id = self._waiting_of.get((user_id, ticket_type))
        if entry_id is not None:
            return self._entries[entry_id]
        if user_id not in self.inventory.needs.users:
            raise NotLoaded(LoadMore(users=frozenset({user_id})))
        return None

    def arrival(self, seat: Seat) -> Arrival | None:
        """Return who came in on a seat."""
        return self._arrivals.get(seat) or self.inventory.arrivals.get(seat)

    def answered(self, key: Key) -> Answered | None:
        """Return what was answered under a key, before this batch or in it."""
        return self._answered.get(key) or self.inventory.answered.get(key)

    def new_id(self) -> UUID:
        """Return an id nobody has."""
        return next(self._ids)

    # -- what is written ------------------------------------------------------------------------------------

    def acting(self, actor: Actor, cause: str, reason: str | None) -> None:
        """Say who causes what is written from now on."""
        self._actor, self._cause, self._reason = actor, cause, reason

    @contextmanager
    def caused_by_time(self) -> Iterator[None]:
        """Name the clock as the cause of what is written inside."""
        before = (self._actor, self._cause, self._reason)
        self.acting(SYSTEM, "time", None)
        try:
            yield
        finally:
            self.acting(*before)

    def happened(self, fact: Fact, reason: str | None = None) -> None:
        """Write a fact into the journal to be; ``reason`` stands in where the command brought none."""
        self._journal.append(Record(fact, self._actor, self._cause, self.now, self._reason or reason))

    def set_event(self, event: Event) -> None:
        """Let the event go on as something else."""
        self.event = event
        self._reread_event()
        self.disturbed = True

    def put_booking(self, after: Booking) -> None:
        """Let a booking come to be or go on, with the seats it takes or frees."""
        before = self._bookings.get(after.id)
        self._bookings_before.setdefault(after.id, before)
        self._bookings[after.id] = after
        self._count.booking(before, after)
        if before is None:
            self._list_offer(after)
        elif after.has_lapsed(self.now) and not before.has_lapsed(self.now):
            self._due.append(after)
            self._due.sort(key=_when_it_lapses)
        seats = (after.quantity if after.takes_seats else 0) - (
            before.quantity if before and before.takes_seats else 0
        )
        if seats:
            self._take(after.ticket_type_id, after.user_id, seats)

    def put_entry(self, after: WaitlistEntry) -> None:
        """Let an entry come to be or go on, in its line and in the limit of its user."""
        before = self._entries.get(after.id)
        self._entries_before.setdefault(after.id, before)
        self._entries[after.id] = after
        self._count.entry(before, after)
        whose = (after.user_id, after.ticket_type_id)
        if before is None:
            self.lines.add(after)
        else:
            self.lines.replace(before, after)
        if after.is_waiting:
            self._waiting_of[whose] = after.id
        elif self._waiting_of.get(whose) == after.id:
            del self._waiting_of[whose]
        seats = (after.missing if after.is_waiting else 0) - (
            before.missing if before and before.is_waiting else 0
        )
        self._count_for_user(after.user_id, seats)

    def put_arrival(self, after: Arrival) -> None:
        """Let somebody be in on a seat, or not any more."""
        self._arrivals[after.place] = after

    def take_sequence(self) -> int:
        """Return the place of somebody who joins the end now (I3)."""
        sequence = self.next_sequence
        self.next_sequence += 1
        return sequence

    def keep_answer(self, key: Key, answered: Answered) -> None:
        """Keep an answer under its key."""
        self._answered[key] = answered

    def _list_offer(self, booking: Booking) -> None:
        if booking.entry_id is not None and booking.origin is Origin.WAITLIST:
            self._offers.setdefault(booking.entry_id, []).append(booking.id)

    def _take(self, ticket_type: TicketTypeId, user_id: UserId, seats: int) -> None:
        self._taken[ticket_type] += seats
        for pool in self.pools[ticket_type]:
            self.free[pool] -= seats
            # Of a planned capacity more may be taken as recorded, by holds that have lapsed and are freed here.
            assert seats < 0 or self.free[pool] >= 0, "a pool gave more than it has (I1)"
        if seats < 0:
            self.disturbed = True
        self._count_for_user(user_id, seats)

    def _count_for_user(self, user_id: UserId, seats: int) -> None:
        if self._seats_of is not None and user_id in self._seats_of:
            self._seats_of[user_id] += seats

    # -- what comes of it -----------------------------------------------------------------------------------

    def settlement(self) -> EventSettled:
        """Return the event as it is now, and whom the current pass granted seats."""
        granted = tuple(self.granted[:GRANTED_SHOWN_MAX])
        return EventSettled(self.event, len(self.granted), granted, self.lines.waiting)

    def decision(self, opening: EventSettled, outcomes: list[Outcome], *, settled: bool) -> Decision:
        """Return what was decided."""
        event_before = self.inventory.event
        wake_at = self._wake_at() if settled else self.now
        return Decision(
            outcomes=tuple(outcomes),
            opening=opening,
            journal=tuple(self._journal),
            event=Change(event_before, self.event) if self.event is not event_before else None,
            bookings=tuple(
                Change(before, self._bookings[key]) for key, before in self._bookings_before.items()
            ),
            entries=tuple(Change(before, self._entries[key]) for key, before in self._entries_before.items()),
            arrivals=tuple(
                Change(self.inventory.arrivals.get(seat), arrival) for seat, arrival in self._arrivals.items()
            ),
            taken={
                kind: seats - self._taken_before.get(kind, 0)
                for kind, seats in self._taken.items()
                if seats != self._taken_before.get(kind, 0)
            },
            figures=self._count.changed(),
            waits=self._count.waits,
            zone=self.event.timezone,
            next_sequence=self.next_sequence,
            answered=dict(self._answered),
            settled=settled,
            wake_at=wake_at,
            changes_anything=bool(self._journal or self._answered or wake_at != self.inventory.wake_at),
        )

    def _wake_at(self) -> datetime | None:
        """Return when a line with somebody in it opens or closes next."""
        moments = []
        for kind in self.event.ticket_types:
            if self.lines.waiting_for(kind.id):
                opens, closes = self.event.sales_open_at(kind), self.event.sales_close_at(kind)
                # Sales may be set to open behind their end: then the line only closes.
                moments.append(min(opens, closes) if opens and opens > self.now else closes)
        return min(moments, default=None)


def _when_it_lapses(booking: Booking) -> tuple[datetime, BookingId]:
    assert booking.expires_at is not None
    return booking.expires_at, booking.id


def shortened(booking: Booking, moment: datetime) -> Booking:
    """Return a hold that ends at ``moment`` if it would have gone on longer (I10)."""
    if booking.expires_at is None or booking.expires_at <= moment:
        return booking
    return attrs.evolve(booking, expires_at=moment)
