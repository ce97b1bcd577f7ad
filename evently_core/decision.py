"""What a decision says: an answer for each command, what happened, and the state that is to be recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

import attrs

from evently_core.booking import Booking
from evently_core.commands import Key
from evently_core.event import Event
from evently_core.facts import EventAdvanced, EventChanged, Record
from evently_core.figures import Figures
from evently_core.inventory import Answered
from evently_core.outcomes import EventSettled, Outcome
from evently_core.tickets import Arrival
from evently_core.values import TicketTypeId, UserId
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
    figures: Mapping[str, Figures]
    """What is added to the figures of the day, by currency."""
    waits: Mapping[int, int]
    """How many entries were served after a wait of each length (`figures.wait_of`)."""
    zone: str
    """The event's zone: it says which day it is."""
    next_sequence: int
    answered: dict[Key, Answered]
    """What is to be kept under the keys of this batch."""
    settled: bool
    """False if more waiting entries can be served than one transaction grants: the next one goes on."""
    wake_at: datetime | None
    """When the lines have to be looked at though nobody asks: one opens, one closes, or the pass goes on."""

    changes_anything: bool
    """Whether there is anything to record."""

    @property
    def active_users(self) -> set[UserId]:
        """The users who did something about seats, places in line or tickets."""
        return {
            record.actor.user_id
            for record in self.journal
            if record.actor.user_id is not None and not isinstance(record.fact, EventChanged | EventAdvanced)
        }

    @property
    def changes_zone(self) -> bool:
        """Whether the event's days begin at another time from now on."""
        return self.event is not None and (
            self.event.before is not None and self.event.before.timezone != self.event.after.timezone
        )
