"""Events in PostgreSQL: the row of an event is the one lock that counts for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine

from evently_core.analytics import Reports
from evently_core.commands import LASTING, Key
from evently_core.decision import Decision
from evently_core.documents import outcome_from
from evently_core.errors import NotFound, StaleLock
from evently_core.event import Event
from evently_core.facts import Record
from evently_core.intake import Settlement
from evently_core.inventory import Answered, Inventory, Needs
from evently_core.storage import Drift, EventTransaction, Records, Storage
from evently_core.values import EventId
from evently_postgres.doctor import repair
from evently_postgres.engine import begin, set_locally, settings_for_everybody
from evently_postgres.errors import translated
from evently_postgres.loading import Drawings, load_inventories
from evently_postgres.recording import SETTLE, Recorder, settling
from evently_postgres.records import PostgresRecords
from evently_postgres.reports import PostgresReports

_ANSWER = "SELECT fingerprint, outcome FROM creation_answers WHERE scope = %s AND key = %s"

_FORGET = (
    f"DELETE FROM answers WHERE answered_at < %s AND NOT starts_with(scope, '{LASTING}')",
    f"DELETE FROM creation_answers WHERE answered_at < %s AND NOT starts_with(scope, '{LASTING}')",
    "DELETE FROM settlements WHERE settled_at < %s",
)
"""Answers that can be asked for again for a while."""

# Each branch is read from the start of an index, and only as far as the limit.
_DUE = """
SELECT event_id, min(due) AS due FROM (
    (SELECT event_id, expires_at AS due FROM bookings
     WHERE status = 'held' AND amount >= 0 AND expires_at <= %(now)s ORDER BY expires_at LIMIT %(limit)s)
    UNION ALL
    (SELECT id, wake_at FROM events WHERE wake_at <= %(now)s ORDER BY wake_at LIMIT %(limit)s)
) AS pending GROUP BY event_id ORDER BY due, event_id LIMIT %(limit)s
"""
_NEXT_DUE = """
SELECT least(
    (SELECT min(expires_at) FROM bookings WHERE status = 'held' AND amount >= 0),
    (SELECT min(wake_at) FROM events WHERE wake_at IS NOT NULL)
)
"""


class PostgresStorage(PostgresRecords):
    """All events of a database. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        super().__init__(engine)
        self.reports: Reports = PostgresReports(engine)
        self._for_everybody = settings_for_everybody(engine)

    @contextmanager
    def transaction(
        self, event_id: EventId, now: datetime, fence: int | None = None
    ) -> Iterator[EventTransaction]:
        """Open the transaction of one event; its first look at the event locks it."""
        with self._connection() as connection:
            yield _PostgresTransaction(
                connection, self._settings, self._for_everybody, self._drawings, event_id, now, fence
            )

    def create(self, event: Event, record: Record, answer: tuple[Key, Answered] | None) -> None:
        """Add a new event with its first record."""
        with self._connection() as connection:
            with connection.pipeline():
                begin(connection, self._settings)
                Recorder(connection, event.id, record.at).create(event, record, answer)
                done = connection.execute("COMMIT", prepare=True)
            _require_committed(done)

    def answer(self, key: Key) -> Answered | None:
        """Return what the creation of an event was answered under a key."""
        [row] = self._read(_ANSWER, (key.scope, key.value)) or [None]
        return None if row is None else Answered(bytes(row[0]), outcome_from(row[1]))

    def forget_answers(self, before: datetime) -> int:
        """Drop the answers kept since before a time."""
        with self._connection() as connection:
            return sum(connection.execute(statement.encode(), (before,)).rowcount for statement in _FORGET)

    def settle(self, event_id: EventId, settlements: Sequence[Settlement]) -> None:
        """Write what came of queued requests about which nothing is decided."""
        with self._connection() as connection:
            connection.execute(SETTLE, settling(event_id, settlements))

    def due_events(self, now: datetime, limit: int) -> Sequence[EventId]:
        """Return events with lapsed holds, with lines to open or close, or with a pass to go on with."""
        return [EventId(row[0]) for row in self._read(_DUE, {"now": now, "limit": limit})]

    def next_due(self) -> datetime | None:
        """Return when the next hold lapses or the next line has to be looked at."""
        [(moment,)] = self._read(_NEXT_DUE, ())
        return None if moment is None else self._utc(moment)

    def repair(self, event_id: EventId, now: datetime) -> Sequence[Drift]:
        """Set the counters of an event to what its allocations add up to, with a record in its journal."""
        with self._connection() as connection:
            begin(connection, self._settings)
            mended = repair(connection, event_id, now)
            _require_committed(connection.execute("COMMIT"))
            return mended


class _PostgresTransaction:
    """One event on one connection, under its row lock from the first inventory on."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        settings: Mapping[str, str],
        for_everybody: Mapping[str, str],
        drawings: Drawings,
        event_id: EventId,
        now: datetime,
        fence: int | None,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._for_everybody = for_everybody
        self._drawings = drawings
        self._event_id = event_id
        self._now = now
        self._fence = fence
        self._recorder = Recorder(connection, event_id, now, fence)
        self._journal_head = 0
        self._pending: list[Callable[[], None]] = []

    def inventory(self, needs: Needs) -> Inventory:
        """Return the snapshot a decision needs, and lock the event."""
        assert not self._pending, "what was recorded does not show in a snapshot before it is committed"
        with translated():
            found = load_inventories(
                self._connection,
                self._drawings,
                [self._event_id],
                needs,
                self._now,
                locking_in=partial(self._begin, needs),
            )
        if not found:
            raise NotFound("event")
        loaded = found[self._event_id]
        if self._fence is not None and self._fence < loaded.fence:
            raise StaleLock(loaded.fence)
        self._journal_head = loaded.journal_head
        return loaded.inventory

    def _begin(self, needs: Needs) -> None:
        """Begin, unless that is done; have time for what takes long."""
        if self._connection.info.transaction_status is TransactionStatus.IDLE:
            begin(self._connection, self._settings)
        if needs.may_be_many:
            self._have_time()

    def _have_time(self) -> None:
        set_locally(self._connection, self._for_everybody)

    def record(self, decision: Decision) -> None:
        """Take note of what a decision says; it goes out with the commit."""
        if decision.changes_zone:
            self._pending.append(self._have_time)  # every day of its figures is drawn up anew
        head = self._journal_head
        self._journal_head += len(decision.journal)
        self._pending.append(lambda: self._recorder.record(decision, head))

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Take note of what came of queued requests; it goes out with the commit."""
        self._pending.append(lambda: self._recorder.settle(settlements))

    def delete(self, record: Record) -> None:
        """Remove the event, and write the record of it."""
        head = self._journal_head
        self._pending.append(lambda: self._recorder.delete(record, head))

    def commit(self) -> None:
        """Write and commit in one round trip."""
        with translated():
            with self._connection.pipeline():
                for write in self._pending:
                    write()
                # A statement like the others: the driver's own commit waits for its answer here without having
                # sent everything, which for a large batch is for ever.
                done = self._connection.execute("COMMIT", prepare=True)
            _require_committed(done)
        self._pending.clear()


def _require_committed(done: psycopg.Cursor[Any]) -> None:
    assert done.statusmessage == "COMMIT", "a transaction that had failed was to be committed"


_: type[Storage] = PostgresStorage
_also: type[Records] = PostgresStorage
