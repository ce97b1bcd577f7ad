"""The intake in PostgreSQL: requests wait beside the truth, and are settled in the transaction that decides them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from evently_core.commands import Key
from evently_core.documents import seat_request_json
from evently_core.errors import Conflict
from evently_core.intake import (
    DEPTH_MAX,
    Acceptance,
    Asked,
    Intake,
    QueuedRequest,
    QueueFigures,
    QueueFull,
    Receipt,
    Waiting,
    reused,
)
from evently_core.values import EventId, RequestId, UserId
from evently_postgres.arrays import array, arrays_of
from evently_postgres.engine import begin, lent_connection, local_settings

_TRIES_MAX = 5
_NOBODY = UUID(int=0)

_KNOWN = """
SELECT scope, key, id, fingerprint,
       sequence - coalesce((SELECT decided FROM queue_heads WHERE event_id = %(event)s), 0) - 1
FROM booking_requests
WHERE event_id = %(event)s AND key IS NOT NULL
  AND (scope, key) IN (SELECT * FROM unnest(%(scopes)s::text[], %(keys)s::text[]))
"""

# One statement is one transaction. The lock on the tail keeps the order: whoever takes the next numbers has seen
# all before them committed.
_ACCEPT = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::timestamptz[]
    ) WITH ORDINALITY AS given (id, user_id, scope, key, fingerprint, command, accepted_at, place)
), head AS (
    SELECT coalesce((SELECT decided FROM queue_heads WHERE event_id = %s), 0) AS decided
), room AS (
    SELECT greatest(0, least(%s, %s + decided - coalesce((SELECT accepted FROM queue_tails WHERE event_id = %s), 0)))
        AS places FROM head
), tail AS (
    INSERT INTO queue_tails (event_id, accepted) SELECT %s, places FROM room WHERE places > 0
    ON CONFLICT (event_id) DO UPDATE SET accepted = queue_tails.accepted + excluded.accepted
    RETURNING accepted
), put AS (
    INSERT INTO booking_requests (event_id, sequence, id, user_id, scope, key, fingerprint, command, accepted_at)
    SELECT %s, accepted - places + place, id, user_id, scope, key, fingerprint, command::jsonb, accepted_at
    FROM given, room, tail WHERE place <= places
)
SELECT places, coalesce((SELECT accepted FROM tail), 0) - places - decided FROM room, head
"""

# From one event to the next by the index, beginning behind the one that was served last. Whoever has the lock of an
# event has its queue, until their transaction ends, however it ends.
_CLAIM = """
WITH RECURSIVE behind AS (
    (SELECT event_id FROM booking_requests WHERE event_id > %(after)s ORDER BY event_id LIMIT 1)
    UNION ALL
    SELECT (SELECT event_id FROM booking_requests AS next WHERE next.event_id > behind.event_id
            ORDER BY event_id LIMIT 1)
    FROM behind WHERE behind.event_id IS NOT NULL
)
SELECT event_id FROM behind
WHERE event_id IS NOT NULL AND pg_try_advisory_xact_lock(uuid_hash_extended(event_id, 0)) LIMIT 1
"""
_NEXT = """
SELECT id, user_id, sequence, command FROM booking_requests
WHERE event_id = %(event)s
  AND sequence > coalesce((SELECT decided FROM queue_heads WHERE event_id = %(event)s), 0)
ORDER BY sequence LIMIT %(limit)s
"""

_FIND = """
SELECT user_id, sequence - coalesce((SELECT decided FROM queue_heads WHERE event_id = waiting.event_id), 0) - 1
FROM booking_requests AS waiting WHERE id = %s
"""

_FIGURES = """
WITH RECURSIVE line AS (
    (SELECT event_id, accepted_at FROM booking_requests ORDER BY event_id, sequence LIMIT 1)
    UNION ALL
    SELECT next.event_id, next.accepted_at FROM line, LATERAL (
        SELECT event_id, accepted_at FROM booking_requests WHERE event_id > line.event_id
        ORDER BY event_id, sequence LIMIT 1
    ) AS next
)
SELECT count(*), min(accepted_at),
    (SELECT coalesce(sum(accepted), 0)::bigint FROM queue_tails),
    (SELECT coalesce(sum(decided), 0)::bigint FROM queue_heads)
FROM line
"""


class PostgresIntake:
    """The requests of all events of a database. Threads and processes may share it.

    What was accepted survives whatever the database survives.
    """

    def __init__(self, engine: Engine, *, depth_max: int = DEPTH_MAX) -> None:
        """Take an engine for a migrated database; at most some ``depth_max`` requests wait for one event."""
        self._engine = engine
        self._settings = local_settings(engine)
        self._depth_max = depth_max
        self._served_last = _NOBODY

    # -- accepting ----------------------------------------------------------------------------------------------

    def accept(self, event_id: EventId, asked: Sequence[Asked]) -> Sequence[Acceptance]:
        """Accept requests for one event, behind all that were accepted before: durable by one statement."""
        for _ in range(_TRIES_MAX - 1):
            try:
                return self._accept(event_id, asked)
            except Conflict:
                continue  # another process has just accepted the same key
        return self._accept(event_id, asked)

    def _accept(self, event_id: EventId, asked: Sequence[Asked]) -> Sequence[Acceptance]:
        with lent_connection(self._engine) as connection:
            known = self._known(connection, event_id, asked)
            fresh: list[Asked] = []
            for each in asked:
                key = each.command.key
                if key is None or key not in known:
                    fresh.append(each)
                    if key is not None:
                        known[key] = (each.id, each.command.fingerprint(), None)
            places, ahead = self._put(connection, event_id, fresh) if fresh else (0, 0)
        receipts: dict[RequestId, Acceptance] = {
            each.id: Receipt(id=each.id, ahead=ahead + place) if place < places else QueueFull()
            for place, each in enumerate(fresh)
        }
        return [receipts.get(each.id) or _repeated(each, known, receipts) for each in asked]

    def _known(
        self, connection: psycopg.Connection[Any], event_id: EventId, asked: Sequence[Asked]
    ) -> dict[Key, _Known]:
        """Return the requests that wait under the keys of these."""
        keys = [each.command.key for each in asked if each.command.key is not None]
        if not keys:
            return {}
        values = {
            "event": event_id,
            "scopes": array([key.scope for key in keys]),
            "keys": array([key.value for key in keys]),
        }
        return {
            Key(scope, key): (RequestId(request_id), bytes(fingerprint), ahead)
            for scope, key, request_id, fingerprint, ahead in connection.execute(_KNOWN, values, prepare=True)
        }

    def _put(
        self, connection: psycopg.Connection[Any], event_id: EventId, fresh: Sequence[Asked]
    ) -> tuple[int, int]:
        """Write requests; return how many found a place, and how many are before the first of them."""
        rows = [
            (
                each.id,
                each.command.user_id,
                None if key is None else key.scope,
                None if key is None else key.value,
                None if key is None else each.command.fingerprint(),
                seat_request_json(each.command),
                each.at,
            )
            for each in fresh
            for key in [each.command.key]
        ]
        values = [*arrays_of(rows), event_id, len(rows), self._depth_max, event_id, event_id, event_id]
        places, ahead = connection.execute(_ACCEPT, values, prepare=True).fetchall()[0]
        return places, ahead

    # -- deciding -----------------------------------------------------------------------------------------------

    @contextmanager
    def claim(self, limit: int) -> Iterator[Sequence[QueuedRequest]]:
        """Give the next requests of an event that nobody else is at.

        The claim is a lock of this transaction, so that the death of its process ends it at once.
        """
        with lent_connection(self._engine) as connection:
            event_id = self._lock_next(connection)
            yield () if event_id is None else self._next(connection, event_id, limit)

    def _lock_next(self, connection: psycopg.Connection[Any]) -> EventId | None:
        """Lock the queue of some event, and return the event; each has its turn."""
        after = self._served_last
        with connection.pipeline():
            begin(connection, self._settings)
            found = connection.execute(_CLAIM, {"after": after}, prepare=True)
        row = found.fetchone()
        if row is None and after != _NOBODY:  # those before it have their turn
            row = connection.execute(_CLAIM, {"after": _NOBODY}, prepare=True).fetchone()
        self._served_last = _NOBODY if row is None else row[0]
        return None if row is None else EventId(row[0])

    @staticmethod
    def _next(connection: psycopg.Connection[Any], event_id: EventId, limit: int) -> Sequence[QueuedRequest]:
        """Return the next requests of an event, as they are now that its queue is locked."""
        rows = connection.execute(_NEXT, {"event": event_id, "limit": limit}, prepare=True)
        return [
            QueuedRequest(
                id=RequestId(request_id),
                event_id=event_id,
                user_id=UserId(user_id),
                sequence=sequence,
                document=command,
            )
            for request_id, user_id, sequence, command in rows
        ]

    # -- reading ------------------------------------------------------------------------------------------------

    def find(self, request_id: RequestId) -> Waiting | None:
        """Return a request that waits."""
        with lent_connection(self._engine) as connection:
            row = connection.execute(_FIND, (request_id,)).fetchone()
        return None if row is None else Waiting(user_id=UserId(row[0]), ahead=row[1])

    def unseen(self, event_id: EventId) -> int:
        """Return 0: the inventory, which is loaded under the event's lock, tells of all."""
        return 0

    def figures(self) -> QueueFigures:
        """Return what there is to know about the queue as a whole."""
        with lent_connection(self._engine) as connection:
            [(events, oldest, accepted, decided)] = connection.execute(_FIGURES).fetchall()
        return QueueFigures(
            depth=accepted - decided, events=events, oldest=oldest, accepted=accepted, decided=decided
        )


_Known = tuple[RequestId, bytes, int | None]
"""A request that waits under a key: its id, what it asks for, and how many are before it if that is known."""


def _repeated(asked: Asked, known: dict[Key, _Known], receipts: dict[RequestId, Acceptance]) -> Acceptance:
    """Return what becomes of a request whose key is that of another one."""
    assert asked.command.key is not None, "what has no key repeats nothing"
    request_id, fingerprint, ahead = known[asked.command.key]
    if fingerprint != asked.command.fingerprint():
        return reused()
    first = receipts.get(request_id)  # it came in the same batch
    if isinstance(first, QueueFull):
        return first
    if isinstance(first, Receipt):
        ahead = first.ahead
    assert ahead is not None, "it waited before"
    return Receipt(id=request_id, ahead=ahead, replayed=True)


_: type[Intake] = PostgresIntake
