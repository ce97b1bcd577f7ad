"""A booking: seats allocated to a user, and how it reads at a given time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from evently_core.values import BookingId, EntryId, EventId, Money, TicketTypeId, UserId


class BookingStatus(StrEnum):
    """``held`` and ``confirmed`` take seats; the others are ends."""

    HELD = "held"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TAKING_SEATS = frozenset({BookingStatus.HELD, BookingStatus.CONFIRMED})


class Origin(StrEnum):
    """Whether the seats were granted on the spot or to somebody who waited."""

    DIRECT = "direct"
    WAITLIST = "waitlist"


@attrs.frozen(kw_only=True)
class Booking:
    """Seats allocated to a user. Its price and its deadline are those of the day it was asked for."""

    id: BookingId
    event_id: EventId
    ticket_type_id: TicketTypeId
    user_id: UserId
    quantity: int
    unit_price: Money
    status: BookingStatus
    origin: Origin
    created_at: datetime
    cancel_until: datetime
    expires_at: datetime | None = None
    entry_id: EntryId | None = None
    """The waitlist entry of the same request: what it was offered from, or what waits for the rest."""
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    payment_reference: str | None = None

    @property
    def reference(self) -> str:
        """What people read out: ``EVT-`` and ten characters of Crockford base32."""
        return reference_of(self.id)

    @property
    def total(self) -> Money:
        """The price of all its seats."""
        return self.unit_price.times(self.quantity)

    @property
    def takes_seats(self) -> bool:
        """Tell whether its seats are counted as taken, as it was last recorded."""
        return self.status in TAKING_SEATS

    @property
    def is_offer(self) -> bool:
        """Tell whether it is an offer that may still be accepted, as it was last recorded."""
        return self.status is BookingStatus.HELD and self.origin is Origin.WAITLIST

    def has_lapsed(self, now: datetime) -> bool:
        """Tell whether it is a hold whose time is over, swept or not (I9)."""
        return self.status is BookingStatus.HELD and self.expires_at is not None and self.expires_at <= now

    def as_read_at(self, now: datetime) -> Booking:
        """Return it as it reads now: a hold past its time has expired, whether or not it was swept (I9)."""
        return attrs.evolve(self, status=BookingStatus.EXPIRED) if self.has_lapsed(now) else self

    def confirmed(self, at: datetime, payment_reference: str | None) -> Booking:
        """Return it confirmed: it holds its seats for good."""
        return attrs.evolve(
            self,
            status=BookingStatus.CONFIRMED,
            confirmed_at=at,
            expires_at=None,
            payment_reference=payment_reference or self.payment_reference,
        )

    def cancelled(self, at: datetime) -> Booking:
        """Return it cancelled: its seats are free."""
        return attrs.evolve(self, status=BookingStatus.CANCELLED, cancelled_at=at, expires_at=None)

    def expired(self) -> Booking:
        """Return it expired: its hold is over and its seats are free."""
        return attrs.evolve(self, status=BookingStatus.EXPIRED)

    def reduced_to(self, quantity: int) -> Booking:
        """Return it with fewer seats."""
        return attrs.evolve(self, quantity=quantity)


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


def reference_of(booking_id: BookingId) -> str:
    """Return the reference of a booking: the 50 lowest, most random bits of its id in Crockford base32.

    They are unique within an event: should two ids ever share them, the store refuses the second, and the
    booking is decided again under a new id.
    """
    bits = booking_id.int
    return "EVT-" + "".join([_PAIRS[bits >> shift & 1023] for shift in (40, 30, 20, 10, 0)])
