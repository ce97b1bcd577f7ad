"""What the asker is told. A refusal is a value: it tears no batch, and it is kept under its key (I6)."""

from __future__ import annotations

import attrs

from evently_core.booking import Booking
from evently_core.errors import EventlyError
from evently_core.event import Event
from evently_core.reasons import Reason
from evently_core.tickets import Scanned
from evently_core.waitlist import Place, WaitlistEntry

GRANTED_SHOWN_MAX = 100


@attrs.frozen
class Admitted:
    """The answer to a request for seats: a booking, a place in line, or both.

    ``reason`` says why not everything was granted. With an entry the rest waits because of it; without one
    the rest was refused because of it.
    """

    booking: Booking | None = None
    entry: WaitlistEntry | None = None
    place: Place | None = None
    reason: Reason | None = None
    replayed: bool = False

    @property
    def outcome(self) -> str:
        """One of ``booked``, ``partially_booked`` and ``waitlisted``."""
        if self.booking is None:
            return "waitlisted"
        return "booked" if self.reason is None else "partially_booked"

    @property
    def rest_refused(self) -> Reason | None:
        """Why the rest was neither booked nor waits; None if there is no such rest."""
        return self.reason if self.entry is None else None


@attrs.frozen
class BookingChanged:
    """The booking as it is now, and the entry it came from, if any."""

    booking: Booking
    entry: WaitlistEntry | None = None
    replayed: bool = False


@attrs.frozen
class EntryChanged:
    """The entry as it is now."""

    entry: WaitlistEntry
    replayed: bool = False


@attrs.frozen
class EventSettled:
    """The event as it is now, and who got in because of the change (the first hundred of them)."""

    event: Event
    granted_count: int = 0
    granted: tuple[Booking, ...] = ()
    still_waiting: int = 0
    replayed: bool = False

    def and_then(self, later: EventSettled) -> EventSettled:
        """Return both as one: what a change granted in several transactions."""
        return attrs.evolve(
            later,
            granted_count=self.granted_count + later.granted_count,
            granted=(self.granted + later.granted)[:GRANTED_SHOWN_MAX],
        )


@attrs.frozen
class DoorAnswer:
    """What came of each code that was shown, in order."""

    scanned: tuple[Scanned, ...]
    replayed: bool = False


@attrs.frozen
class Refused:
    """A rule says no, and why."""

    reason: Reason
    replayed: bool = False


@attrs.frozen
class Rejected:
    """The command makes no sense for this asker (unknown, forbidden, invalid); whoever asked gets the error raised."""

    error: EventlyError
    replayed: bool = False


@attrs.frozen
class Deferred:
    """Others were accepted before and are not decided yet: the request belongs behind them, in the intake."""

    replayed: bool = False


@attrs.frozen
class Failed:
    """A queued request that could not be decided, for a fault of ours; what went wrong is for the log and operators."""

    fault: str


Outcome = Admitted | BookingChanged | EntryChanged | EventSettled | DoorAnswer | Refused | Rejected | Deferred

KEPT = (Admitted, BookingChanged, EntryChanged, EventSettled, DoorAnswer, Refused)
"""Answers that stay with their key. A rejection is not an answer: the request may be mended and sent again."""
