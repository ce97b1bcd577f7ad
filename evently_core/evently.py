"""All use cases over one store: what a door or an importing program holds in its hand."""

from __future__ import annotations

from typing import Protocol

import attrs

from evently_core.desk import BATCH_MAX, Desk
from evently_core.ports import Clock, EventLock, Ids
from evently_core.services.bookings import BookingService
from evently_core.services.decisions import Decisions
from evently_core.services.events import EventService
from evently_core.services.sweeping import SweepService
from evently_core.services.waitlist import WaitlistService
from evently_core.storage import Records, Storage


class Store(Storage, Records, Protocol):
    """A store of events, and the reading of it."""


@attrs.frozen
class Evently:
    """The use cases around events, bookings and lines. Threads may share it."""

    events: EventService
    bookings: BookingService
    waitlist: WaitlistService
    sweeping: SweepService
    decisions: Decisions
    desk: Desk
    records: Records

    @classmethod
    def over(
        cls,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        batch_max: int = BATCH_MAX,
        lock: EventLock | None = None,
    ) -> Evently:
        """Put the use cases over a store; every command goes through one desk, in batches of at most so many.

        ``lock`` keeps the processes in front of one event apart; None: the store alone does.
        """
        decisions = Decisions(store, store, clock, ids, lock=lock)
        desk = Desk(decisions, batch_max=batch_max)
        events = EventService(store, store, desk, decisions, clock, ids)
        return cls(
            events=events,
            bookings=BookingService(store, desk, decisions, events, clock),
            waitlist=WaitlistService(store, desk, decisions, events, clock),
            sweeping=SweepService(store, desk, clock),
            decisions=decisions,
            desk=desk,
            records=store,
        )
