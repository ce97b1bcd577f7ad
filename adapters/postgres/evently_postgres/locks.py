"""The lock in front of an event, in PostgreSQL: an advisory one, on connections of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

from sqlalchemy import Engine

from evently_core.errors import EventlyError
from evently_core.ports import EventLock
from evently_core.values import EventId
from evently_postgres.engine import begin, lent_connection, local_settings, milliseconds

WAIT = timedelta(milliseconds=500)
"""How long somebody waits for the lock, before going on without."""


class PostgresEventLock:
    """Locks of events on one database. Threads may share it.

    It has no tokens: it ends with a transaction on the server that decides anyway. It lives in a transaction, not
    in a session, so that a PgBouncer may stand between.
    """

    def __init__(self, engine: Engine, *, wait: timedelta = WAIT) -> None:
        """Take an engine of its own: whoever holds a lock needs another connection to do something with it."""
        self._engine = engine
        self._settings = {**local_settings(engine), "lock_timeout": milliseconds(wait)}

    @contextmanager
    def hold(self, event_id: EventId) -> Iterator[int | None]:
        """Hold the lock of an event for the block, or go on without if it is not to be had in time."""
        stack = ExitStack()
        with suppress(EventlyError):
            stack.enter_context(self._locked(event_id))
        try:
            yield None
        finally:
            with suppress(EventlyError):
                stack.close()

    def rise_above(self, event_id: EventId, token: int) -> None:
        """There are no tokens."""

    @contextmanager
    def _locked(self, event_id: EventId) -> Iterator[None]:
        with lent_connection(self._engine) as connection:
            with connection.pipeline():
                begin(connection, self._settings)
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_number(event_id),), prepare=True)
            yield


def _number(event_id: EventId) -> int:
    """Return what stands for the event: 64 of its bits, of which 62 are chance."""
    return int.from_bytes(event_id.bytes[8:], signed=True)


_: type[EventLock] = PostgresEventLock
