"""An event in memory with what its allocations add up to, kept as they change: a snapshot walks nothing."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.commands import Key
from evently_core.decision import Decision
from evently_core.evolve import EventState
from evently_core.inventory import Answered, ClassKey, Front, Inventory, Needs
from evently_core.values import BookingId, EntryId, TicketTypeId, UserId
from evently_core.waitlist import Tally, WaitlistEntry

_Slot = tuple[int, int, EntryId]


class Ledger:
    """Keeps count of the bookings and entries of one event; what it says is what `snapshot_of` adds up."""

    def __init__(self, state: EventState) -> None:
        """Take the state of an event that nobody has booked or waits for yet."""
        self.state = state
        self._taken: Counter[TicketTypeId] = Counter()
        self._seats_of: Counter[UserId] = Counter()
        self._held: dict[BookingId, Booking] = {}
        self._offers: dict[EntryId, list[BookingId]] = defaultdict(list)
        self._classes: dict[ClassKey, list[_Slot]] = {}
        self._tallies: dict[tuple[TicketTypeId, int], Tally] = {}
        self._waiting_of: dict[UserId, dict[TicketTypeId, EntryId]] = defaultdict(dict)

    # -- what changes -------------------------------------------------------------------------------------------

    def write(self, decision: Decision) -> None:
        """Let a decision be so."""
        state = self.state
        if decision.event is not None:
            state.event = decision.event.after
        for booking in decision.bookings:
            self._count_booking(state.bookings.get(booking.after.id), booking.after)
            state.bookings[booking.after.id] = booking.after
        for entry in decision.entries:
            self._count_entry(state.entries.get(entry.after.id), entry.after)
            state.entries[entry.after.id] = entry.after
        state.arrivals.update((change.after.place, change.after) for change in decision.arrivals)

    def _count_booking(self, before: Booking | None, after: Booking) -> None:
        seats = (after.quantity if after.takes_seats else 0) - (
            before.quantity if before and before.takes_seats else 0
        )
        self._taken[after.ticket_type_id] += seats
        self._seats_of[after.user_id] += seats
        if after.status is BookingStatus.HELD:
            self._held[after.id] = after
        else:
            self._held.pop(after.id, None)
        if before is None and after.entry_id is not None and after.origin is Origin.WAITLIST:
            self._offers[after.entry_id].append(after.id)

    def _count_entry(self, before: WaitlistEntry | None, after: WaitlistEntry) -> None:
        if before is not None and before.is_waiting:
            self._wait(before, -1)
            line = self._classes[before.ticket_type_id, before.least]
            del line[bisect_left(line, (*before.order, before.id))]
            if not line:
                del self._classes[before.ticket_type_id, before.least]
            # Somebody who left may wait in the same line again already, with another entry.
            own = self._waiting_of[before.user_id]
            if own.get(before.ticket_type_id) == before.id:
                del own[before.ticket_type_id]
        if after.is_waiting:
            self._wait(after, 1)
            line = self._classes.setdefault((after.ticket_type_id, after.least), [])
            insort(line, (*after.order, after.id))
            self._waiting_of[after.user_id][after.ticket_type_id] = after.id

    def _wait(self, entry: WaitlistEntry, sign: int) -> None:
        self._seats_of[entry.user_id] += sign * entry.missing
        tier = (entry.ticket_type_id, entry.priority)
        tally = self._tallies.get(tier, Tally()).plus(sign, sign * entry.missing)
        if tally.entries:
            self._tallies[tier] = tally
        else:
            del self._tallies[tier]

    # -- what is read -------------------------------------------------------------------------------------------

    @property
    def next_lapse(self) -> datetime | None:
        """When the next hold lapses, or has lapsed."""
        return min((held.expires_at for held in self._held.values() if held.expires_at), default=None)

    def offers(self, entry_id: EntryId) -> list[Booking]:
        """Return the offers made of an entry, oldest first."""
        return [self.state.bookings[booking_id] for booking_id in self._offers.get(entry_id, ())]

    def snapshot(
        self,
        needs: Needs,
        now: datetime,
        *,
        next_sequence: int,
        wake_at: datetime | None,
        answers: Mapping[Key, Answered],
    ) -> Inventory:
        """Return what a decision needs of the event, and not more."""
        event = self.state.event
        assert event is not None
        due = tuple(booking for booking in self._held.values() if booking.has_lapsed(now))
        bookings = {booking.id: booking for booking in (*self._needed_bookings(needs), *due)}
        entries = {entry.id: entry for entry in self._needed_entries(needs, bookings.values())}
        counts_seats = needs.seats_of_users or event.policy.max_per_user is not None
        return Inventory(
            event=event,
            needs=needs,
            taken={kind.id: self._taken[kind.id] for kind in event.ticket_types},
            next_sequence=next_sequence,
            wake_at=wake_at,
            fronts={key: self._front(line, needs.depth) for key, line in self._classes.items()},
            tallies=self._tallies_by_line(),
            due=due,
            bookings=bookings,
            entries=entries,
            seats_of={user: self._seats_of[user] for user in needs.users} if counts_seats else None,
            waiting_of={
                (user, kind): entry_id
                for user in needs.users
                for kind, entry_id in self._waiting_of.get(user, {}).items()
            },
            answered={key: answers[key] for key in needs.keys if key in answers},
            arrivals={
                seat: arrival
                for seat, arrival in (self.state.arrivals.items() if needs.arrivals else ())
                if arrival.booking_id in needs.arrivals
            },
        )

    def _front(self, line: list[_Slot], depth: int) -> Front:
        entries = self.state.entries
        return Front(tuple(entries[slot[-1]] for slot in line[:depth]), len(line) <= depth)

    def _tallies_by_line(self) -> dict[TicketTypeId, dict[int, Tally]]:
        tallies: dict[TicketTypeId, dict[int, Tally]] = defaultdict(dict)
        for (kind, priority), tally in self._tallies.items():
            tallies[kind][priority] = tally
        return dict(tallies)

    def _needed_bookings(self, needs: Needs) -> Iterator[Booking]:
        bookings = self.state.bookings
        yield from (bookings[each] for each in needs.bookings if each in bookings)
        for entry_id in needs.entries:
            yield from self.offers(entry_id)
        if needs.holds:
            yield from self._held.values()
        if needs.live_bookings:
            yield from (booking for booking in bookings.values() if booking.takes_seats)

    def _needed_entries(self, needs: Needs, bookings: Iterable[Booking]) -> Iterator[WaitlistEntry]:
        entries = self.state.entries
        linked = {booking.entry_id for booking in bookings if booking.entry_id is not None}
        yield from (entries[each] for each in needs.entries | linked if each in entries)
        for user in needs.users:
            yield from (entries[each] for each in self._waiting_of.get(user, {}).values())
        for (kind, _), line in self._classes.items():
            if kind in needs.whole_lines:
                yield from (entries[slot[-1]] for slot in line)
        if needs.live_bookings:
            yield from (entry for entry in entries.values() if not entry.is_over)
