"""What a decision says: an answer for each command, what happened, and the state that is to be recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import attrs

from evently_core.booking import Booking
from evently_core.commands import Key
from evently_core.event import Event
from evently_core.facts import Record
from evently_core.inventory import Answered
from evently_core.outcomes import EventSettled, Outcome
from evently_core.tickets import Arrival
from evently_core.values import TicketTypeId
from evently_core.waitlist import WaitlistEntry

T = TypeVar("T")


@attrs.frozen
class Change(Generic[T]):
    """A thing before (None: it is new) and after the decision."""

    before: T | None
    after: T


@attrs.frozen(kw_only=True)
class Decision:
    """The result of deciding a batch: the first ``len(outcomes)`` of its commands are answered."""

    outcomes: tuple[Outcome, ...]
    opening: EventSettled
    """What the pass before the first command granted: what had lapsed, or what the last transaction left over."""
    journal: tuple[Record, ...]
    """The facts in the order they happened."""
    event: Change[Event] | None
    """The event, if it was changed itself."""
    bookings: tuple[Change[Booking], ...]
    entries: tuple[Change[WaitlistEntry], ...]
    arrivals: tuple[Change[Arrival], ...]
    taken: dict[TicketTypeId, int]
    """How many seats each ticket type has taken more (or fewer) than before; only what changed."""
    next_sequence: int
    answered: dict[Key, Answered]
    """What is to be kept under the keys of this batch."""
    settled: bool
    """False if more waiting entries can be served than one transaction grants: the next one goes on."""
    wake_at: datetime | None
    """When the lines have to be looked at though nobody asks: one opens, one closes, or the pass goes on."""

    changes_anything: bool
    """Whether there is anything to record."""
