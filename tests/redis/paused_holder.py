"""A process that stands still between having the lock of an event and deciding about it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID, uuid4

from evently_core import Actor, Admitted, Book, Evently, Role, UserId
from evently_core.memory.basics import RandomIds, SystemClock
from evently_core.storage import EventTransaction
from evently_core.values import EventId
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import RedisLink
from evently_redis.keys import Keys
from evently_redis.locks import RedisEventLock
from tests.redis.house import LEASE


class StopsWithTheLock(PostgresStorage):
    """Stops its process when it is to decide with a token, and notes with which tokens it was asked to."""

    def __init__(self, url: str) -> None:
        super().__init__(make_engine(url, pool_size=1))
        self.fences: list[int | None] = []

    @contextmanager
    def transaction(
        self, event_id: EventId, now: datetime, fence: int | None = None
    ) -> Iterator[EventTransaction]:
        self.fences.append(fence)
        if fence is not None:
            os.kill(os.getpid(), signal.SIGSTOP)
        with super().transaction(event_id, now, fence) as transaction:
            yield transaction


def main(url: str, redis_url: str, prefix: str, event_id: str) -> None:
    storage = StopsWithTheLock(url)
    lock = RedisEventLock(RedisLink(redis_url), Keys(prefix), lease=LEASE)
    evently = Evently.over(storage, SystemClock(), RandomIds(), lock=lock)
    user = UserId(uuid4())
    request = Book(actor=Actor(user, Role.ATTENDEE), user_id=user)
    outcome = evently.bookings.book(EventId(UUID(event_id)), request)
    print(json.dumps({"booked": isinstance(outcome, Admitted), "fences": storage.fences}))


if __name__ == "__main__":
    main(*sys.argv[1:])
