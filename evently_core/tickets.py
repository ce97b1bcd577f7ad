"""Tickets: the code of every confirmed seat, and who is let in with it.

A code is not stored. It says which seat of which booking it is, under a seal that only Evently can make; whether
that seat still has its booking is looked up at the door. So a booking costs nothing more for its codes, and a
door without a network can at least tell ours from others.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import datetime
from uuid import UUID

import attrs

from evently_core.booking import Booking, BookingStatus, reference_of
from evently_core.errors import InvalidValue
from evently_core.reasons import Reason, ReasonCode
from evently_core.values import BookingId, EventId, TicketTypeId, instant

SEAL_BYTES = 64
CODE_LENGTH = 160
"""The length of a code: a hundred bytes in Base32, letters and digits only, which is what QR codes are best at."""
CODES_MAX = 100
"""The most codes that may be handed in at a time."""

_CONTENT = struct.Struct(">B16s16s3s")
_FORM = 1
"""The first byte of every code: what the others mean."""

Seat = tuple[BookingId, int]
"""A seat of a booking: they are numbered from one."""


@attrs.frozen
class Ticket:
    """What a code says: one seat of one booking at one event."""

    event_id: EventId
    booking_id: BookingId
    seat: int

    @property
    def place(self) -> Seat:
        """The seat it stands for."""
        return self.booking_id, self.seat

    def content(self) -> bytes:
        """Return what is sealed: the form, the two ids, and the number of the seat in three bytes."""
        return _CONTENT.pack(_FORM, self.event_id.bytes, self.booking_id.bytes, self.seat.to_bytes(3, "big"))

    def code(self, seal: bytes) -> str:
        """Return the code under its seal."""
        assert len(seal) == SEAL_BYTES
        return base64.b32encode(self.content() + seal).decode()


def opened(code: str) -> tuple[Ticket, bytes] | None:
    """Return what a code says and the seal it came with; None if it has not the form of one.

    Blanks, dashes and small letters are what scanners and people make of a code, and mean nothing.
    """
    plain = "".join(code.split()).replace("-", "").upper()
    if len(plain) != CODE_LENGTH:
        return None
    try:
        raw = base64.b32decode(plain)
    except (binascii.Error, ValueError):
        return None
    form, event_id, booking_id, seat = _CONTENT.unpack(raw[: _CONTENT.size])
    if form != _FORM:
        return None
    ticket = Ticket(
        EventId(UUID(bytes=event_id)), BookingId(UUID(bytes=booking_id)), int.from_bytes(seat, "big")
    )
    return ticket, raw[_CONTENT.size :]


def tickets_of(booking: Booking) -> range:
    """Return the numbers of the seats that have a ticket: all of a confirmed booking, none of any other.

    A reduction leaves the lowest numbers: it kills the newest codes.
    """
    confirmed = booking.status is BookingStatus.CONFIRMED
    return range(1, booking.quantity + 1) if confirmed else range(0)


@attrs.frozen
class Scan:
    """A code that somebody showed at a door."""

    code: str
    ticket: Ticket | None
    """What it says, if it is one of ours."""
    at: datetime | None = attrs.field(default=None)
    """When it was shown, if that was noted at the door; None is now."""

    @at.validator
    def _at_is_an_instant(self, _: object, value: datetime | None) -> None:
        if value is not None:
            instant(value, "at")


@attrs.frozen(kw_only=True)
class Arrival:
    """Somebody came in on a seat. ``undone_at`` says that this was taken back, and when."""

    booking_id: BookingId
    seat: int
    ticket_type_id: TicketTypeId
    at: datetime
    undone_at: datetime | None = None

    @property
    def place(self) -> Seat:
        """The seat it was."""
        return self.booking_id, self.seat

    @property
    def is_in(self) -> bool:
        """Tell whether it counts."""
        return self.undone_at is None

    @property
    def reference(self) -> str:
        """The reference of the booking."""
        return reference_of(self.booking_id)


@attrs.frozen
class Scanned:
    """What came of a code: somebody is in, or not, and why."""

    code: str
    arrival: Arrival | None
    reason: Reason | None = None


@attrs.frozen
class Attendance:
    """Of a ticket type: how many seats are confirmed, and on how many somebody came in."""

    expected: int = 0
    arrived: int = 0


def judged(
    scan: Scan, event_id: EventId, booking: Booking | None, arrival: Arrival | None, now: datetime
) -> Arrival | Reason:
    """Return who is in by a code, or why nobody is. What was noted at a door may be handed in any number of times.

    Args:
        scan: the code.
        event_id: the event at whose door it was shown.
        booking: the booking that the code names, if there is one.
        arrival: what came of its seat before.
        now: the time of a code that was shown just now.
    """
    ticket = scan.ticket
    if ticket is None:
        return Reason(ReasonCode.UNKNOWN)
    if ticket.event_id != event_id:
        return Reason(ReasonCode.WRONG_EVENT, {"event_id": str(ticket.event_id)})
    if booking is None:
        return Reason(ReasonCode.UNKNOWN)
    if arrival is not None and arrival.is_in and arrival.at == scan.at:
        return arrival
    if ticket.seat not in tickets_of(booking):
        return Reason(
            ReasonCode.CANCELLED,
            {"status": booking.status.value, "seat": ticket.seat, "quantity": booking.quantity},
        )
    if arrival is not None and arrival.is_in:
        return Reason(ReasonCode.ALREADY_IN, {"checked_in_at": _text(arrival.at)})
    if arrival is not None and arrival.undone_at and scan.at is not None and scan.at <= arrival.undone_at:
        return Reason(ReasonCode.CHECK_IN_UNDONE, {"undone_at": _text(arrival.undone_at)})
    return Arrival(
        booking_id=booking.id,
        seat=ticket.seat,
        ticket_type_id=booking.ticket_type_id,
        at=now if scan.at is None else instant(scan.at, "at"),
    )


def require_few(codes: int) -> None:
    """Hold the number of codes that are handed in at a time to the limit.

    Raises:
        InvalidValue: there are none, or too many.
    """
    if not 1 <= codes <= CODES_MAX:
        raise InvalidValue("codes", "out_of_range", f"Hand in 1 to {CODES_MAX} codes at a time.")


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
