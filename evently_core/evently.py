"""All use cases over one store: what a door or an importing program holds in its hand."""

from __future__ import annotations

from typing import Protocol

import attrs

from evently_core.analytics import Reports
from evently_core.desk import BATCH_MAX, Desk
from evently_core.intake import Intake
from evently_core.observing import ObservedLock, Observer
from evently_core.ports import Clock, EventLock, Ids, TicketSeal
from evently_core.seals import HmacSeal
from evently_core.services.analytics import AnalyticsService
from evently_core.services.bookings import BookingService
from evently_core.services.decisions import Decisions
from evently_core.services.doctor import DoctorService
from evently_core.services.draining import DrainService
from evently_core.services.events import EventService
from evently_core.services.queueing import QueueService
from evently_core.services.sweeping import SweepService
from evently_core.services.tickets import TicketService
from evently_core.services.waitlist import WaitlistService
from evently_core.storage import Records, Storage
from evently_core.watch import WAITERS_MAX


class Store(Storage, Records, Protocol):
    """A store of events, and the reading of it."""

    @property
    def reports(self) -> Reports:
        """What was added up while things happened."""


@attrs.frozen
class Evently:
    """The use cases around events, bookings and lines. Threads may share it."""

    events: EventService
    bookings: BookingService
    waitlist: WaitlistService
    tickets: TicketService
    analytics: AnalyticsService
    sweeping: SweepService
    doctor: DoctorService
    decisions: Decisions
    desk: Desk
    records: Records
    queue: QueueService | None
    """Requests that are decided later, and in order before all others; None where there is no intake."""
    drain: DrainService | None
    """Decides them; None where there is no intake."""

    @classmethod
    def over(
        cls,
        store: Store,
        clock: Clock,
        ids: Ids,
        *,
        batch_max: int = BATCH_MAX,
        lock: EventLock | None = None,
        intake: Intake | None = None,
        waiters_max: int = WAITERS_MAX,
        seal: TicketSeal | None = None,
        observer: Observer | None = None,
    ) -> Evently:
        """Put the use cases over a store; every command goes through one desk, in batches of at most so many.

        ``lock`` keeps the processes in front of one event apart; None: the store alone does. ``intake`` keeps
        requests that are decided later; at most ``waiters_max`` threads wait for their answers at a time. None:
        every request is decided at once. Without a ``seal`` tickets are good for as long as these use cases are.
        ``observer`` is told what goes on at the desk and in front of the lock.
        """
        if lock is not None and observer is not None:
            lock = ObservedLock(lock, observer)
        decisions = Decisions(store, store, clock, ids, lock=lock, intake=intake)
        desk = Desk(decisions, batch_max=batch_max, observer=observer)
        queue = drain = None
        if intake is not None:
            queue = QueueService(intake, desk, store, clock, ids, waiters_max=waiters_max)
            drain = DrainService(intake, decisions, store, store, clock)
        events = EventService(store, store, desk, decisions, clock, ids)
        bookings = BookingService(store, queue or desk, decisions, events, clock)
        return cls(
            events=events,
            bookings=bookings,
            tickets=TicketService(store, desk, decisions, events, bookings, seal or HmacSeal()),
            waitlist=WaitlistService(store, queue or desk, decisions, events, clock),
            analytics=AnalyticsService(store.reports, events, clock),
            sweeping=SweepService(store, desk, clock),
            doctor=DoctorService(store, store, desk, clock),
            decisions=decisions,
            desk=desk,
            records=store,
            queue=queue,
            drain=drain,
        )
