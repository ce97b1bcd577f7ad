"""The outbox and the deliveries in PostgreSQL.

Whoever adds to a lane and whoever finds it empty lock its row, so that nothing is left in a lane that nobody sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from evently_core.deliveries import (
    Attempt,
    Channel,
    Deliveries,
    Delivery,
    DeliveryId,
    DeliveryState,
    Lane,
    Outbox,
    OutboxLine,
    Planning,
    TargetId,
    WorkerId,
)
from evently_core.values import EventId, UserId
from evently_postgres.arrays import arrays_of
from evently_postgres.engine import reading, transaction
from evently_postgres.records import JOURNAL, line_from
from evently_postgres.rows import utc

_LOCK = 0x6576656E74  # "event": one number for all planners of a database
_NOTES_MAX = 500
"""So many notes are read at a time; each is of one decision."""

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
_NOTES = "SELECT event_id, first, last FROM outbox WHERE event_id >= %s ORDER BY event_id, first LIMIT %s"
_LINES = f"""
SELECT {JOURNAL},
    coalesce(event.organiser_id, (born.data -> 'event' ->> 'organiser_id')::uuid),
    coalesce((journal.data -> 'booking' ->> 'user_id')::uuid, (journal.data -> 'entry' ->> 'user_id')::uuid,
             booking.user_id, entry.user_id)
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS told (event_id, first, last)
JOIN journal ON journal.event_id = told.event_id AND journal.number BETWEEN told.first AND told.last
LEFT JOIN events AS event ON event.id = told.event_id
LEFT JOIN journal AS born ON born.event_id = told.event_id AND born.number = 1
LEFT JOIN bookings AS booking
    ON booking.event_id = told.event_id AND booking.id = (journal.data ->> 'booking_id')::uuid
LEFT JOIN waitlist_entries AS entry
    ON entry.event_id = told.event_id AND entry.id = (journal.data ->> 'entry_id')::uuid
ORDER BY journal.event_id, journal.number
"""
_DROP_NOTES = """
DELETE FROM outbox USING unnest(%s::uuid[], %s::bigint[]) AS told (event_id, first)
WHERE outbox.event_id = told.event_id AND outbox.first = told.first
"""
_CUT_NOTE = "UPDATE outbox SET first = %s WHERE event_id = %s AND first = %s"

_COLUMNS = (
    "id",
    "event_id",
    "target_id",
    "channel",
    "number",
    "kind",
    "planned_at",
    "due_at",
    "give_up_at",
    "state",
    "attempts",
    "done_at",
)
_DELIVERIES = f"SELECT {', '.join(_COLUMNS)} FROM deliveries"
_ADD = f"""
INSERT INTO deliveries ({", ".join(_COLUMNS)})
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::timestamptz[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::int[], %s::timestamptz[])
"""
# A lane that is there keeps its time: it may be held back. But its row is locked, so that nobody drops it now.
_OPEN_LANES = """
INSERT INTO delivery_lanes (event_id, target_id, channel, due_at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[])
ON CONFLICT (event_id, target_id) DO UPDATE SET due_at = delivery_lanes.due_at
"""

_BEAT = """
INSERT INTO delivery_workers (id, alive_until) VALUES (%s, clock_timestamp() + %s)
ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until
"""
# What somebody holds is their own only while they are alive. Of the lanes of one target one is taken, unless two
# workers look at the same moment, and then its events are told side by side, each in order.
_CLAIM = """
WITH due AS (
    SELECT event_id, target_id, due_at FROM delivery_lanes AS lane
    WHERE due_at <= %(now)s AND channel = ANY(%(channels)s) AND NOT EXISTS (
        SELECT FROM delivery_lanes AS busy JOIN delivery_workers AS worker ON worker.id = busy.held_by
        WHERE busy.target_id = lane.target_id AND worker.alive_until > clock_timestamp()
    )
    ORDER BY due_at LIMIT %(candidates)s
), chosen AS (
    SELECT DISTINCT ON (target_id) event_id, target_id, due_at FROM due ORDER BY target_id, due_at
), mine AS (
    SELECT lane.event_id, lane.target_id FROM delivery_lanes AS lane JOIN chosen USING (event_id, target_id)
    WHERE NOT EXISTS (
        SELECT FROM delivery_workers WHERE id = lane.held_by AND alive_until > clock_timestamp()
    )
    ORDER BY chosen.due_at LIMIT %(limit)s FOR UPDATE OF lane SKIP LOCKED
)
UPDATE delivery_lanes AS lane SET held_by = %(worker)s FROM mine
WHERE lane.event_id = mine.event_id AND lane.target_id = mine.target_id
RETURNING lane.event_id, lane.target_id, lane.channel
"""
_CANDIDATES = 200

_PENDING = f"""
{_DELIVERIES} WHERE event_id = %s AND target_id = %s AND state = 'pending' ORDER BY number LIMIT %s
"""
_NOTE = """
WITH held AS (
    SELECT FROM delivery_lanes
    WHERE event_id = %(event_id)s AND target_id = %(target_id)s AND held_by = %(worker)s FOR UPDATE
), moved AS (
    UPDATE deliveries SET state = %(state)s, due_at = %(due_at)s, attempts = %(attempts)s, done_at = %(done_at)s
    WHERE event_id = %(event_id)s AND target_id = %(target_id)s AND number = %(number)s AND EXISTS (SELECT FROM held)
    RETURNING event_id
), tried AS (
    INSERT INTO delivery_attempts (event_id, target_id, number, attempt, at, ms, status, error)
    SELECT event_id, %(target_id)s, %(number)s, %(attempt)s, %(at)s, %(ms)s, %(status)s, %(error)s
    FROM moved WHERE %(attempt)s::int IS NOT NULL
)
SELECT count(*) FROM moved
"""
_LANE = "event_id = %s AND target_id = %s"
_HOLD_BACK = """
UPDATE delivery_lanes AS lane SET due_at = %(until)s FROM (
    SELECT event_id FROM delivery_lanes WHERE target_id = %(target_id)s AND due_at < %(until)s
    FOR UPDATE SKIP LOCKED
) AS free WHERE lane.target_id = %(target_id)s AND lane.event_id = free.event_id
"""
_ATTEMPTS = """
SELECT delivery.id, attempt, at, ms, status, error
FROM delivery_attempts JOIN deliveries AS delivery USING (event_id, target_id, number)
WHERE delivery.id = ANY(%s) ORDER BY delivery.id, attempt
"""
_MAKE_AGAIN = """
UPDATE deliveries SET state = %s, due_at = %s, give_up_at = %s, done_at = %s
WHERE event_id = %s AND target_id = %s AND number = %s
"""
_OPEN_LANE = """
INSERT INTO delivery_lanes (event_id, target_id, channel, due_at) VALUES (%s, %s, %s, %s)
ON CONFLICT (event_id, target_id) DO UPDATE SET due_at = excluded.due_at
"""
_FORGET = """
DELETE FROM deliveries WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM deliveries WHERE done_at IS NOT NULL AND done_at < %s LIMIT %s
))
"""
_FORGOTTEN_AT_ONCE = 5_000


class PostgresOutbox:
    """The notes that decisions left, and the one planner at a time who makes deliveries of them."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine
        self._from = UUID(int=0)

    @contextmanager
    def planning(self, limit: int) -> Iterator[Planning | None]:
        """Take lines nobody was told of yet; the lock ends with the transaction, or with the process."""
        with transaction(self._engine) as connection:
            if not connection.exec_driver_sql(_TRY_LOCK, (_LOCK,)).scalar():
                yield None
                return
            yield _PostgresPlanning(connection, self._notes(connection, limit))

    def backlog(self, most: int) -> int:
        """Return how many decisions are not planned yet."""
        with reading(self._engine) as connection:
            counted = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT %s) AS counted"
            return int(connection.exec_driver_sql(counted, (most,)).scalar_one())

    def _notes(self, connection: Connection, limit: int) -> list[tuple[UUID, int, int, int]]:
        """Return event, first and last line of notes, and up to where it is planned, in all ``limit`` lines.

        The next time begins behind the event where this time ends: a busy one lets the others through.
        """
        rows = self._read(connection)
        if not rows and self._from.int:
            self._from = UUID(int=0)
            rows = self._read(connection)
        taken: list[tuple[UUID, int, int, int]] = []
        for event_id, first, last in rows:
            upto = min(last, first + limit - 1)
            taken.append((event_id, first, last, upto))
            limit -= upto - first + 1
            if limit == 0:
                break
        ended_early = len(taken) < len(rows) or len(rows) == _NOTES_MAX
        self._from = UUID(int=taken[-1][0].int + 1) if ended_early else UUID(int=0)
        return taken

    def _read(self, connection: Connection) -> Sequence[Any]:
        return connection.exec_driver_sql(_NOTES, (self._from, _NOTES_MAX)).all()


class _PostgresPlanning:
    """Some lines nobody was told of yet, under the planners' lock."""

    def __init__(self, connection: Connection, notes: list[tuple[UUID, int, int, int]]) -> None:
        self._connection = connection
        self._notes = notes

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to plan."""
        return not self._notes

    def lines(self) -> Sequence[OutboxLine]:
        """Return the lines, with whose event it is and whom the line is about."""
        ranges = arrays_of([(event_id, first, upto) for event_id, first, _, upto in self._notes])
        rows = self._connection.exec_driver_sql(_LINES, tuple(ranges)).all()
        return [
            OutboxLine(
                line=line_from(tuple(row)),
                organiser_id=UserId(row[-2]),
                user_id=None if row[-1] is None else UserId(row[-1]),
            )
            for row in rows
        ]

    def plan(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries and take the lines out."""
        run = self._connection.exec_driver_sql
        if deliveries:
            run(_ADD, tuple(arrays_of([_row(delivery) for delivery in deliveries])))
            lanes = {(each.event_id, each.target_id): each for each in deliveries}
            rows = [(*key, each.channel.value, each.due_at) for key, each in sorted(lanes.items())]
            run(_OPEN_LANES, tuple(arrays_of(rows)))
        whole = [(event_id, first) for event_id, first, last, upto in self._notes if upto == last]
        if whole:
            run(_DROP_NOTES, tuple(arrays_of(whole)))
        for event_id, first, last, upto in self._notes:
            if upto < last:
                run(_CUT_NOTE, (upto + 1, event_id, first))


class PostgresDeliveries:
    """The deliveries, and who makes which of them now. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine

    def beat(self, worker: WorkerId, lease: timedelta) -> None:
        """Say that a worker is alive, by the server's clock."""
        self._write(_BEAT, (worker, lease))

    def leave(self, worker: WorkerId) -> None:
        """Say that a worker is gone."""
        self._write("DELETE FROM delivery_workers WHERE id = %s", (worker,))

    def claim(
        self, worker: WorkerId, now: datetime, limit: int, channels: Collection[Channel] = tuple(Channel)
    ) -> Sequence[Lane]:
        """Hold lanes in which something is due."""
        values = {
            "worker": worker,
            "now": now,
            "limit": limit,
            "candidates": max(limit, _CANDIDATES),
            "channels": [channel.value for channel in channels],
        }
        with transaction(self._engine) as connection:
            return [_lane(row) for row in connection.exec_driver_sql(_CLAIM, values)]

    def held(self, worker: WorkerId) -> Sequence[Lane]:
        """Return the lanes that a worker holds."""
        query = "SELECT event_id, target_id, channel FROM delivery_lanes WHERE held_by = %s"
        with reading(self._engine) as connection:
            return [_lane(row) for row in connection.exec_driver_sql(query, (worker,))]

    def pending(self, lane: Lane, limit: int) -> Sequence[Delivery]:
        """Return the first deliveries of a lane that are still to be made."""
        return self._read(_PENDING, (lane.event_id, lane.target_id, limit))

    def note(self, worker: WorkerId, delivery: Delivery, attempt: Attempt | None) -> bool:
        """Keep how a delivery stands and how it was tried, if the lane is still held."""
        values = {
            "worker": worker,
            "event_id": delivery.event_id,
            "target_id": delivery.target_id,
            "number": delivery.number,
            "state": delivery.state.value,
            "due_at": delivery.due_at,
            "attempts": delivery.attempts,
            "done_at": delivery.done_at,
            "attempt": attempt.number if attempt else None,
            "at": attempt.at if attempt else None,
            "ms": attempt.ms if attempt else None,
            "status": attempt.status if attempt else None,
            "error": attempt.error if attempt else None,
        }
        with transaction(self._engine) as connection:
            return connection.exec_driver_sql(_NOTE, values).scalar() == 1

    def release(self, worker: WorkerId, lane: Lane) -> None:
        """Let go of a lane: its row is locked before it is seen whether anything is left in it."""
        key = (lane.event_id, lane.target_id)
        with transaction(self._engine) as connection:
            run = connection.exec_driver_sql
            held = f"SELECT 1 FROM delivery_lanes WHERE {_LANE} AND held_by = %s FOR UPDATE"
            if run(held, (*key, worker)).first() is None:
                return
            left = run(_PENDING, (*key, 1)).first()
            if left is None:
                run(f"DELETE FROM delivery_lanes WHERE {_LANE}", key)
            else:
                due_at = _delivery(left).due_at
                run(f"UPDATE delivery_lanes SET held_by = NULL, due_at = %s WHERE {_LANE}", (due_at, *key))

    def hold_back(self, target_id: TargetId, until: datetime) -> None:
        """Let nothing be due before then for a target; a lane that is held is released with its own time."""
        self._write(_HOLD_BACK, {"target_id": target_id, "until": until})

    def next_due(self, channels: Collection[Channel] = tuple(Channel)) -> datetime | None:
        """Return when the next lane is due that nobody holds."""
        with reading(self._engine) as connection:
            query = "SELECT min(due_at) FROM delivery_lanes WHERE held_by IS NULL AND channel = ANY(%s)"
            return utc(connection.exec_driver_sql(query, ([each.value for each in channels],)).scalar())

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return a delivery."""
        found = self._read(f"{_DELIVERIES} WHERE id = %s", (delivery_id,))
        return found[0] if found else None

    def of_target(self, target_id: TargetId, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """Return deliveries to a target, newest first."""
        newest_first = "ORDER BY id DESC LIMIT %s"
        if before is None:
            return self._read(f"{_DELIVERIES} WHERE target_id = %s {newest_first}", (target_id, limit))
        return self._read(
            f"{_DELIVERIES} WHERE target_id = %s AND id < %s {newest_first}", (target_id, before, limit)
        )

    def attempts(self, delivery_ids: Sequence[DeliveryId]) -> dict[DeliveryId, tuple[Attempt, ...]]:
        """Return how these were tried, oldest first."""
        made: dict[DeliveryId, list[Attempt]] = defaultdict(list)
        with reading(self._engine) as connection:
            for row in connection.exec_driver_sql(_ATTEMPTS, (list(delivery_ids),)):
                at = utc(row[2])
                assert at is not None, "every attempt has its time"
                attempt = Attempt(number=row[1], at=at, ms=row[3], status=row[4], error=row[5])
                made[DeliveryId(row[0])].append(attempt)
        return {delivery_id: tuple(attempts) for delivery_id, attempts in made.items()}

    def make_again(self, delivery: Delivery) -> None:
        """Keep a delivery that is to be made again, and let its lane be due when it is."""
        key = (delivery.event_id, delivery.target_id)
        with transaction(self._engine) as connection:
            state = (delivery.state.value, delivery.due_at, delivery.give_up_at, delivery.done_at)
            done = connection.exec_driver_sql(_MAKE_AGAIN, (*state, *key, delivery.number))
            if done.rowcount:
                connection.exec_driver_sql(_OPEN_LANE, (*key, delivery.channel.value, delivery.due_at))

    def forget(self, before: datetime) -> int:
        """Forget deliveries that were done before then, and workers that are long gone."""
        self._write(
            "DELETE FROM delivery_workers WHERE alive_until < clock_timestamp() - interval '1 hour'", ()
        )
        forgotten = 0
        while True:
            count = self._write(_FORGET, (before, _FORGOTTEN_AT_ONCE))
            forgotten += count
            if count < _FORGOTTEN_AT_ONCE:
                return forgotten

    def _read(self, statement: str, values: Any) -> list[Delivery]:
        with reading(self._engine) as connection:
            return [_delivery(row) for row in connection.exec_driver_sql(statement, values)]

    def _write(self, statement: str, values: Any) -> int:
        with transaction(self._engine) as connection:
            return connection.exec_driver_sql(statement, values).rowcount


def _row(delivery: Delivery) -> tuple[Any, ...]:
    values = {**{name: getattr(delivery, name) for name in _COLUMNS}}
    return tuple({**values, "channel": delivery.channel.value, "state": delivery.state.value}.values())


def _lane(row: Any) -> Lane:
    return Lane(event_id=EventId(row[0]), target_id=TargetId(row[1]), channel=Channel(row[2]))


def _delivery(row: Any) -> Delivery:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("planned_at", "due_at", "give_up_at", "done_at"):
        values[name] = utc(values[name])
    return Delivery(
        **{**values, "channel": Channel(values["channel"]), "state": DeliveryState(values["state"])}
    )


_outbox: type[Outbox] = PostgresOutbox
_deliveries: type[Deliveries] = PostgresDeliveries
