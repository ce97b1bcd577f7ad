"""What a decision is made on, and what it asks for when that is not enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs

from evently_core.booking import Booking
from evently_core.commands import (
    Accept,
    Book,
    Cancel,
    CheckIn,
    Command,
    Confirm,
    Decline,
    JoinWaitlist,
    Key,
    Leave,
    Move,
    Reduce,
    UndoCheckIn,
)
from evently_core.event import Event
from evently_core.outcomes import Outcome
from evently_core.tickets import Arrival, Seat
from evently_core.values import BookingId, EntryId, TicketTypeId, UserId
from evently_core.waitlist import Tally, WaitlistEntry

ClassKey = tuple[TicketTypeId, int]
"""A class of a line: the entries of one ticket type with the same least. Where its head does not fit, nobody
behind it does."""


@attrs.frozen(kw_only=True)
class Needs:
    """What has to be loaded for a decision."""

    users: frozenset[UserId] = frozenset()
    bookings: frozenset[BookingId] = frozenset()
    entries: frozenset[EntryId] = frozenset()
    keys: frozenset[Key] = frozenset()
    arrivals: frozenset[BookingId] = frozenset()
    """The bookings on whose seats somebody may have come in."""
    depth: int = 1
    """How many entries of each class to load, from its head."""
    whole_lines: frozenset[TicketTypeId] = frozenset()
    """The lines to load to their ends."""
    seats_of_users: bool = False
    """Load what the users have even if the event has no limit per user."""
    holds: bool = False
    """Load every held booking."""
    live_bookings: bool = False
    """Load every booking that takes seats, and every entry that waits or has an open offer."""

    @property
    def may_be_many(self) -> bool:
        """Whether everybody of a line or of the event is loaded, and so perhaps changed: it may take a while."""
        return bool(self.whole_lines or self.holds or self.live_bookings)

    def and_also(self, more: LoadMore) -> Needs:
        """Return these needs widened by what a decision asked for."""
        return attrs.evolve(
            self,
            depth=max(self.depth, more.depth),
            users=self.users | more.users,
            whole_lines=self.whole_lines | more.whole_lines,
            seats_of_users=self.seats_of_users or more.seats_of_users,
            holds=self.holds or more.holds,
            live_bookings=self.live_bookings or more.live_bookings,
        )


@attrs.frozen(kw_only=True)
class LoadMore:
    """The answer of a decision that was not given what it needs: it never guesses."""

    depth: int = 1
    users: frozenset[UserId] = frozenset()
    whole_lines: frozenset[TicketTypeId] = frozenset()
    seats_of_users: bool = False
    holds: bool = False
    live_bookings: bool = False


def needs_of(commands: Iterable[Command]) -> Needs:
    """Return what these commands name. What their consequences need, the decision asks for itself."""
    users, bookings, entries, keys, freeing = set(), set(), set(), set(), 0
    arrivals: set[BookingId] = set()
    for command in commands:
        if command.key is not None:
            keys.add(command.key)
        match command:
            case Book() | JoinWaitlist():
                users.add(command.user_id)
            case Confirm() | Cancel() | Reduce():
                bookings.add(command.booking_id)
                freeing += 1
            case Accept() | Decline() | Leave() | Move():
                entries.add(command.entry_id)
                freeing += 1
            case CheckIn():
                arrivals.update(scan.ticket.booking_id for scan in command.scans if scan.ticket)
            case UndoCheckIn():
                arrivals.add(command.ticket.booking_id)
            case _:
                freeing += 1
    return Needs(
        users=frozenset(users),
        bookings=frozenset(bookings | arrivals),
        entries=frozenset(entries),
        keys=frozenset(keys),
        arrivals=frozenset(arrivals),
        depth=1 + freeing,
    )


@attrs.frozen
class Front:
    """The head of a class: its first entries in order; ``complete`` if there are no more behind them."""

    entries: tuple[WaitlistEntry, ...]
    complete: bool


@attrs.frozen
class Answered:
    """What was answered under a key, and the fingerprint of the request that asked."""

    fingerprint: bytes
    outcome: Outcome


@attrs.frozen(kw_only=True)
class Inventory:
    """A snapshot of one event, taken under its lock: as much of it as its `Needs` named.

    ``bookings`` holds the named bookings and all offers ever made of the named entries. ``entries`` holds the
    named entries, those that belong to any of these bookings or to one that is due, and the waiting entries of
    the named users. What `Needs` asks for besides (holds, live bookings, whole lines) is in both as well.
    """

    event: Event
    needs: Needs
    taken: Mapping[TicketTypeId, int]
    """Seats of held and confirmed bookings, by ticket type, as recorded: lapsed holds still count."""
    next_sequence: int
    wake_at: datetime | None = None
    """What the last decision said about when the lines have to be looked at though nobody asks."""
    fronts: Mapping[ClassKey, Front] = attrs.field(factory=dict)
    """Every class that has a waiting entry."""
    tallies: Mapping[TicketTypeId, Mapping[int, Tally]] = attrs.field(factory=dict)
    """Who waits, by ticket type and priority."""
    due: tuple[Booking, ...] = ()
    """Every held booking whose time is over, swept or not."""
    bookings: Mapping[BookingId, Booking] = attrs.field(factory=dict)
    entries: Mapping[EntryId, WaitlistEntry] = attrs.field(factory=dict)
    seats_of: Mapping[UserId, int] | None = None
    """What each named user holds, has confirmed and waits for; None if the event has no such limit."""
    waiting_of: Mapping[tuple[UserId, TicketTypeId], EntryId] = attrs.field(factory=dict)
    """The waiting entries of the named users."""
    answered: Mapping[Key, Answered] = attrs.field(factory=dict)
    queued: int = 0
    """How many requests for seats were accepted before, and are to be decided before any other."""
    arrivals: Mapping[Seat, Arrival] = attrs.field(factory=dict)
    """Who came in on the seats of the bookings that `Needs.arrivals` names."""
