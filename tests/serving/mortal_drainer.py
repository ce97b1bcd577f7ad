"""A process that drains the intake in small batches, and kills itself at a chosen point of a chosen transaction."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import attrs

from evently_core.evently import Evently
from evently_core.intake import Intake
from evently_core.memory.basics import RandomIds, SystemClock
from evently_core.storage import EventTransaction
from evently_core.values import EventId
from evently_postgres.engine import make_engine
from evently_postgres.intake import PostgresIntake
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import RedisLink
from evently_redis.intake import RedisIntake
from evently_redis.keys import Keys

BATCH = 7
DIES_IN = 3
"""The transaction that it does not survive."""


@attrs.define
class _Mortal:
    """A transaction whose process dies before or after it is committed."""

    inner: Any
    point: str

    def commit(self) -> None:
        if self.point == "before the commit":
            os.kill(os.getpid(), signal.SIGKILL)
        self.inner.commit()
        os.kill(os.getpid(), signal.SIGKILL)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class MortalStorage(PostgresStorage):
    """The store, for a process that has not long to live."""

    point = ""
    transactions = 0

    @contextmanager
    def transaction(
        self, event_id: EventId, now: datetime, fence: int | None = None
    ) -> Iterator[EventTransaction]:
        self.transactions += 1
        with super().transaction(event_id, now, fence) as inner:
            yield _Mortal(inner, self.point) if self.transactions == DIES_IN else inner


def intake_at(engine: Any, redis_url: str, prefix: str) -> Intake:
    """Return the intake in Redis, or, without an address, in PostgreSQL."""
    return RedisIntake(RedisLink(redis_url), Keys(prefix)) if redis_url else PostgresIntake(engine)


def main(url: str, redis_url: str, prefix: str, point: str) -> None:
    engine = make_engine(url)
    storage = MortalStorage(engine)
    storage.point = point
    evently = Evently.over(storage, SystemClock(), RandomIds(), intake=intake_at(engine, redis_url, prefix))
    assert evently.drain is not None
    while True:
        evently.drain.drain(BATCH)


if __name__ == "__main__":
    main(*sys.argv[1:])
