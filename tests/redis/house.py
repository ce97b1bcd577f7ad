"""An event on sale in PostgreSQL, with a lock of Redis in front of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import attrs

from evently_core import Actor, Admitted, Book, Evently, NewEvent, Policy, Role, UserId
from evently_core.memory.basics import RandomIds, SystemClock
from evently_core.ports import EventLock
from evently_core.services.events import EventAnswer
from evently_core.values import EventId
from evently_postgres.storage import PostgresStorage

LEASE = timedelta(milliseconds=300)


@attrs.frozen
class House:
    """The use cases over one store and one lock, and an event on sale."""

    storage: PostgresStorage
    lock: EventLock
    event_id: EventId

    @classmethod
    def open(cls, storage: PostgresStorage, lock: EventLock, capacity: int = 1_000) -> House:
        evently = Evently.over(storage, SystemClock(), RandomIds())
        organiser = Actor(UserId(uuid4()), Role.ORGANISER)
        starts_at = datetime.now(UTC) + timedelta(days=3)
        drafted = evently.events.create(
            organiser,
            NewEvent(
                title="Concert",
                timezone="UTC",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=1),
                capacity=capacity,
                policy=Policy(),
            ),
        )
        assert isinstance(drafted, EventAnswer)
        evently.events.publish(organiser, drafted.view.event.id)
        return cls(storage, lock, drafted.view.event.id)

    def book(self) -> float:
        """Book a seat; return how many seconds that took."""
        evently = Evently.over(self.storage, SystemClock(), RandomIds(), lock=self.lock)
        user = UserId(uuid4())
        started = time.monotonic()
        outcome = evently.bookings.book(self.event_id, Book(actor=Actor(user, Role.ATTENDEE), user_id=user))
        assert isinstance(outcome, Admitted)
        return time.monotonic() - started

    @property
    def taken(self) -> int:
        evently = Evently.over(self.storage, SystemClock(), RandomIds())
        return evently.events.view(None, self.event_id).seats.total.taken
