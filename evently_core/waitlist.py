"""A waitlist entry: a request, or the rest of one, that waits for seats in a line."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from evently_core.values import EntryId, EventId, Money, TicketTypeId, UserId

PRIORITY_MAX = 100
"""Priorities go from minus this to plus this; newcomers have 0."""


class EntryStatus(StrEnum):
    """``waiting`` wants seats, ``offered`` has them all on offer; the others are ends."""

    WAITING = "waiting"
    OFFERED = "offered"
    SERVED = "served"
    LEFT = "left"
    LAPSED = "lapsed"
    CLOSED = "closed"


Order = tuple[int, int]
"""The place of an entry in the order of all lines: minus its priority, then its sequence (I3)."""


@attrs.frozen(kw_only=True)
class WaitlistEntry:
    """A party, or the rest of one, in its line."""

    id: EntryId
    event_id: EventId
    ticket_type_id: TicketTypeId
    user_id: UserId
    asked: int
    """The seats it joined with."""
    missing: int
    """The seats it still waits for; those on offer are not among them."""
    least: int
    """The fewest seats it takes at a time: the whole party, or less for one that accepts a part."""
    accept_partial: bool
    unit_price: Money
    sequence: int
    joined_at: datetime
    status: EntryStatus = EntryStatus.WAITING
    priority: int = 0
    passed_over: int = 0
    """How often it was passed over while it was the first of its line (I4)."""
    open_offers: int = 0
    """How many of its offers may still be accepted."""
    requeued: bool = False
    """Whether it was sent to the end of its tier already; it happens once."""
    ended_at: datetime | None = None

    @property
    def order(self) -> Order:
        """Its place in the order of all lines."""
        return (-self.priority, self.sequence)

    @property
    def is_waiting(self) -> bool:
        """Tell whether it wants seats."""
        return self.status is EntryStatus.WAITING

    @property
    def is_over(self) -> bool:
        """Tell whether it has come to an end."""
        return self.status not in (EntryStatus.WAITING, EntryStatus.OFFERED)

    @property
    def quantity(self) -> int:
        """The seats it waits for; once it waits no more, the seats it had joined with."""
        return self.missing if self.is_waiting else self.asked

    def is_ahead_of(self, other: WaitlistEntry) -> bool:
        """Tell whether it waits in the same line, before the other."""
        return self.is_waiting and self.ticket_type_id == other.ticket_type_id and self.order < other.order

    def granted(self, quantity: int, *, as_offer: bool, at: datetime) -> WaitlistEntry:
        """Return it with so many seats fewer to wait for, on offer or its own at once."""
        missing = self.missing - quantity
        offers = self.open_offers + as_offer
        least = min(self.least, missing) if missing else self.least
        return attrs.evolve(self, missing=missing, least=least, open_offers=offers)._settled(at)

    def offer_accepted(self, at: datetime) -> WaitlistEntry:
        """Return it with one open offer fewer; with nothing left to wait for it is served."""
        return attrs.evolve(self, open_offers=self.open_offers - 1)._settled(at)

    def offer_ended(self) -> WaitlistEntry:
        """Return it with one open offer fewer, not accepted; what that does to the entry is a step of its own."""
        return attrs.evolve(self, open_offers=self.open_offers - 1)

    def ended(self, status: EntryStatus, at: datetime) -> WaitlistEntry:
        """Return it at its end: it waits for nothing any more, and its open offers stay."""
        return attrs.evolve(self, status=status, ended_at=at)

    def sent_to_the_end(self, *, sequence: int, returned: int, min_per_booking: int) -> WaitlistEntry:
        """Return it at the end of its tier, waiting for what it missed and for what came back unanswered.

        With more to wait for, the fewest seats it takes may be more than those of the rest it was.
        """
        missing = self.missing + returned
        least = min(min_per_booking, missing) if self.accept_partial else missing
        return attrs.evolve(
            self,
            missing=missing,
            least=least,
            sequence=sequence,
            passed_over=0,
            requeued=True,
            status=EntryStatus.WAITING,
        )

    def moved_to(self, priority: int) -> WaitlistEntry:
        """Return it with another priority; it keeps its sequence (I3)."""
        return attrs.evolve(self, priority=priority)

    def passed_over_once_more(self) -> WaitlistEntry:
        """Return it with one more grant that went past it."""
        return attrs.evolve(self, passed_over=self.passed_over + 1)

    def _settled(self, at: datetime) -> WaitlistEntry:
        if self.is_over:
            return self  # an offer may outlive its entry
        if self.missing:
            return self
        if self.open_offers:
            return attrs.evolve(self, status=EntryStatus.OFFERED)
        return attrs.evolve(self, status=EntryStatus.SERVED, ended_at=at)


@attrs.frozen
class Place:
    """Where an entry stands in its line: 1 is first; ``seats_ahead`` sums the parties before it."""

    position: int
    seats_ahead: int


@attrs.frozen
class Tally:
    """How many entries wait, and for how many seats."""

    entries: int = 0
    seats: int = 0

    def plus(self, entries: int, seats: int) -> Tally:
        """Return the tally with so many more."""
        return Tally(self.entries + entries, self.seats + seats)
