"""Recording a decision: a fixed number of statements, sent together, whatever the batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from evently_core.booking import Booking
from evently_core.commands import Key
from evently_core.decision import Change, Decision
from evently_core.documents import fact_json, fact_kind, outcome_json, settled_json
from evently_core.event import Event
from evently_core.facts import Record
from evently_core.intake import Settlement
from evently_core.inventory import Answered
from evently_core.tickets import Arrival
from evently_core.values import EventId
from evently_core.waitlist import WaitlistEntry
from evently_postgres import rollups
from evently_postgres.arrays import array, arrays_of
from evently_postgres.event_tables import BUCKET, bookings, check_ins, journal, ticket_types, waitlist_entries
from evently_postgres.rows import (
    ARRIVAL,
    BOOKING,
    ENTRY,
    EVENT,
    TICKET_TYPE,
    arrival_row,
    booking_row,
    columns_of,
    entry_row,
    event_row,
    ticket_type_rows,
)

_JOURNAL = columns_of(journal)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


def _arrays(table: Table, columns: Sequence[str]) -> str:
    """Return one parameter for each column: an array of its values."""
    kinds = (table.c[name].type.compile(dialect=_DIALECT).lower() for name in columns)
    return ", ".join(f"%s::{kind}[]" for kind in kinds)


def _insert(table: Table, columns: Sequence[str]) -> str:
    """Return a statement that adds any number of rows."""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({_arrays(table, columns)})"


def _update(table: Table, columns: Sequence[str]) -> str:
    """Return a statement that sets the columns behind ``event_id`` and ``id`` of any number of rows."""
    assignments = ", ".join(f"{name} = new.{name}" for name in columns[2:])
    return (
        f"UPDATE {table.name} AS old SET {assignments} "
        f"FROM unnest({_arrays(table, columns)}) AS new ({', '.join(columns)}) "
        "WHERE old.event_id = new.event_id AND old.id = new.id"
    )


INSERT_BOOKINGS = _insert(bookings, BOOKING)
_INSERT_ENTRIES = _insert(waitlist_entries, ENTRY)
INSERT_JOURNAL = _insert(journal, _JOURNAL)

_PUT_ARRIVALS = (
    _insert(check_ins, ARRIVAL)
    + " ON CONFLICT (event_id, booking_id, seat) DO UPDATE SET at = excluded.at, undone_at = excluded.undone_at"
)

# What a booking and an entry may change in their lives.
_BOOKING_MOVES = (
    "event_id",
    "id",
    "quantity",
    "status",
    "expires_at",
    "confirmed_at",
    "cancelled_at",
    "payment_reference",
)
_ENTRY_MOVES = (
    "event_id",
    "id",
    "missing",
    "least",
    "status",
    "priority",
    "sequence",
    "passed_over",
    "open_offers",
    "requeued",
    "ended_at",
)
_UPDATE_BOOKINGS = _update(bookings, _BOOKING_MOVES)
_UPDATE_ENTRIES = _update(waitlist_entries, _ENTRY_MOVES)

_COUNTERS = """
taken = taken + %s, waiting = waiting + %s, next_sequence = %s, journal_head = journal_head + %s, wake_at = %s
"""
_FENCE = f"{_COUNTERS}, fence = %s"
"""The counters, and with them the token of whoever holds the event's lock; nobody else pays for it."""
_COUNT = f"UPDATE events SET {_COUNTERS} WHERE id = %s"
_COUNT_FENCED = f"UPDATE events SET {_FENCE} WHERE id = %s"
_COUNT_KINDS = """
UPDATE ticket_types AS kind SET taken = kind.taken + more.seats
FROM unnest(%s::uuid[], %s::int[]) AS more (id, seats) WHERE kind.event_id = %s AND kind.id = more.id
"""

_MORE_IN_BUCKETS = """
INSERT INTO line_buckets (event_id, ticket_type_id, priority, bucket, entries, seats)
SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::int[], %s::bigint[])
ON CONFLICT (event_id, ticket_type_id, priority, bucket) DO UPDATE
SET entries = line_buckets.entries + excluded.entries, seats = line_buckets.seats + excluded.seats
"""
_FEWER_IN_BUCKETS = """
UPDATE line_buckets AS old SET entries = old.entries + new.entries, seats = old.seats + new.seats
FROM unnest(%s::uuid[], %s::int[], %s::bigint[], %s::int[], %s::bigint[])
    AS new (ticket_type_id, priority, bucket, entries, seats)
WHERE old.event_id = %s AND old.ticket_type_id = new.ticket_type_id
  AND old.priority = new.priority AND old.bucket = new.bucket
"""
_DROP_EMPTY_BUCKETS = """
DELETE FROM line_buckets AS old USING unnest(%s::uuid[], %s::int[], %s::bigint[]) AS new (ticket_type_id, priority, bucket)
WHERE old.event_id = %s AND old.ticket_type_id = new.ticket_type_id
  AND old.priority = new.priority AND old.bucket = new.bucket AND old.entries = 0
"""

INSERT_EVENT = f"INSERT INTO events ({', '.join(EVENT)}) VALUES ({', '.join(['%s'] * len(EVENT))})"
PUT_KINDS = _insert(ticket_types, TICKET_TYPE) + " ON CONFLICT (event_id, id) DO NOTHING"

# What is set and what is counted change in one statement each: a capacity may be lowered to what is taken
# when the seats that the same decision freed are gone, and not before.
_SET = f"UPDATE events SET {', '.join(f'{name} = %s' for name in EVENT[1:])}"
_SET_EVENT = f"{_SET}, {_COUNTERS} WHERE id = %s"
_SET_EVENT_FENCED = f"{_SET}, {_FENCE} WHERE id = %s"
_SET_KINDS = f"""
UPDATE ticket_types AS kind
SET {", ".join(f"{name} = new.{name}" for name in TICKET_TYPE[2:])}, taken = kind.taken + new.seats
FROM unnest({_arrays(ticket_types, TICKET_TYPE)}, %s::int[]) AS new ({", ".join(TICKET_TYPE)}, seats)
WHERE kind.event_id = new.event_id AND kind.id = new.id
"""
_NOTE_IN_OUTBOX = "INSERT INTO outbox (event_id, first, last) VALUES (%s, %s, %s)"
_INSERT_ANSWERS = """
INSERT INTO answers (event_id, scope, key, fingerprint, outcome, answered_at)
SELECT %s, scope, key, fingerprint, outcome::jsonb, %s
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[]) AS new (scope, key, fingerprint, outcome)
"""
_INSERT_CREATION_ANSWER = """
INSERT INTO creation_answers (scope, key, fingerprint, outcome, answered_at) VALUES (%s, %s, %s, %s::jsonb, %s)
"""


# Of requests that wait elsewhere there is no row here, and the queue's head stays where it is.
SETTLE = """
WITH new AS MATERIALIZED (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
        AS new (id, sequence, user_id, state, outcome, settled_at)
), done AS (
    DELETE FROM booking_requests AS waiting USING new
    WHERE waiting.event_id = %s AND waiting.sequence = new.sequence AND waiting.id = new.id
    RETURNING waiting.sequence
), head AS (
    INSERT INTO queue_heads (event_id, decided) SELECT %s, max(sequence) FROM done HAVING count(*) > 0
    ON CONFLICT (event_id) DO UPDATE SET decided = greatest(queue_heads.decided, excluded.decided)
)
INSERT INTO settlements (event_id, id, sequence, user_id, state, outcome, settled_at)
SELECT %s, id, sequence, user_id, state, outcome::jsonb, settled_at FROM new
"""


Statement = tuple[str, Sequence[Any]]
"""A statement and its values."""


class Recorder:
    """Writes on one connection; the statements go out together when the pipeline is closed."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        event_id: EventId,
        now: datetime,
        fence: int | None = None,
    ) -> None:
        """Name the event, and the token of its lock if there is one."""
        self._connection = connection
        self._event_id = event_id
        self._now = now
        self._fence = fence

    def record(self, decision: Decision, journal_head: int) -> None:
        """Write what a decision says; ``journal_head`` is the newest number of the journal so far."""
        if decision.event is not None:
            self._set_event(decision.event.after, decision)
        self._put_entries(decision.entries)
        self._send_as_one(
            [
                *self._counting(decision),
                *_booking(decision.bookings),
                *self._letting_in(decision.arrivals),
                *self._writing(decision.journal, journal_head),
                *rollups.adding(decision, self._event_id, self._now),
                *self._keeping(decision.answered),
            ]
        )
        if decision.changes_zone:
            rollups.rebuild(self._connection, self._event_id)

    def create(self, event: Event, record: Record, answer: tuple[Key, Answered] | None) -> None:
        """Write a new event with its first record."""
        self._send(INSERT_EVENT, *event_row(event))
        self._send(PUT_KINDS, *arrays_of(ticket_type_rows(event)))
        self._send("UPDATE events SET journal_head = 1 WHERE id = %s", event.id)
        self._send_as_one(self._writing([record], 0))
        if answer is not None:
            key, kept = answer
            outcome = outcome_json(kept.outcome)
            self._send(_INSERT_CREATION_ANSWER, key.scope, key.value, kept.fingerprint, outcome, record.at)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Write what came of queued requests, which wait no more."""
        self._send(SETTLE, *settling(self._event_id, settlements))

    def delete(self, record: Record, journal_head: int) -> None:
        """Remove the event; its journal stays."""
        self._send("DELETE FROM events WHERE id = %s", self._event_id)
        self._send_as_one(self._writing([record], journal_head))

    def _send(self, statement: str, *values: Any) -> None:
        self._connection.execute(statement, values, prepare=True)

    def _send_as_one(self, statements: Sequence[Statement]) -> None:
        """Send statements of which none has to see what another one wrote."""
        if not statements:
            return
        text = _joined(tuple(statement for statement, _ in statements))
        self._send(text, *(value for _, values in statements for value in values))

    def _set_event(self, event: Event, decision: Decision) -> None:
        """Set what the organiser set, and move the counters with it."""
        statement = _SET_EVENT if self._fence is None else _SET_EVENT_FENCED
        self._send(statement, *event_row(event)[1:], *self._counters(decision), event.id)
        kinds = arrays_of(ticket_type_rows(event))
        self._send(PUT_KINDS, *kinds)
        self._send(_SET_KINDS, *kinds, array([decision.taken.get(kind.id, 0) for kind in event.ticket_types]))

    def _counting(self, decision: Decision) -> Iterator[Statement]:
        """Move the counters and the event's place in the journal, unless that went with the event itself."""
        if decision.event is None:
            statement = _COUNT if self._fence is None else _COUNT_FENCED
            yield statement, (*self._counters(decision), self._event_id)
            if decision.taken:
                taken = decision.taken
                yield _COUNT_KINDS, (array(taken), array(taken.values()), self._event_id)

    def _counters(self, decision: Decision) -> tuple[Any, ...]:
        """Return the values of `_COUNTERS`, or of `_FENCE`."""
        counters = _counters(decision)
        return counters if self._fence is None else (*counters, self._fence)

    def _writing(self, records: Sequence[Record], head: int) -> list[Statement]:
        """Append to the journal, behind ``head``, and leave a note of it for who tells the outside."""
        rows = [
            (
                self._event_id,
                number,
                record.at,
                fact_kind(record.fact),
                record.actor.user_id,
                record.actor.name,
                record.cause,
                record.reason,
                fact_json(record.fact),
            )
            for number, record in enumerate(records, head + 1)
        ]
        if not rows:
            return []
        told = (self._event_id, head + 1, head + len(rows))
        return [(INSERT_JOURNAL, arrays_of(rows)), (_NOTE_IN_OUTBOX, told)]

    def _keeping(self, answered: Mapping[Key, Answered]) -> Iterator[Statement]:
        if answered:
            rows = [
                (key.scope, key.value, kept.fingerprint, outcome_json(kept.outcome))
                for key, kept in answered.items()
            ]
            yield _INSERT_ANSWERS, (self._event_id, self._now, *arrays_of(rows))

    def _letting_in(self, changes: Sequence[Change[Arrival]]) -> Iterator[Statement]:
        if changes:
            yield (
                _PUT_ARRIVALS,
                arrays_of([arrival_row(self._event_id, change.after) for change in changes]),
            )

    def _put_entries(self, changes: Sequence[Change[WaitlistEntry]]) -> None:
        """Write entries: first those that wait no more, so that a user may wait again in the same line."""
        if not changes:
            return
        moved = [change.after for change in changes if change.before is not None]
        for waits in (False, True):
            rows = [_fields(entry, _ENTRY_MOVES) for entry in moved if entry.is_waiting is waits]
            if rows:
                self._send(_UPDATE_ENTRIES, *arrays_of(rows))
        new = [entry_row(change.after) for change in changes if change.before is None]
        if new:
            self._send(_INSERT_ENTRIES, *arrays_of(new))
        self._count_in_buckets(changes)

    def _count_in_buckets(self, changes: Iterable[Change[WaitlistEntry]]) -> None:
        """Keep count of who waits where in the lines, so that a place can be told without walking them."""
        moves: dict[tuple[Any, int, int], list[int]] = defaultdict(lambda: [0, 0])
        for change in changes:
            for entry, sign in ((change.before, -1), (change.after, 1)):
                if entry is not None and entry.is_waiting:
                    count = moves[entry.ticket_type_id, entry.priority, entry.sequence // BUCKET]
                    count[0] += sign
                    count[1] += sign * entry.missing
        more = [
            (*bucket, *count) for bucket, count in moves.items() if count[0] >= 0 and count[1] >= count[0]
        ]
        fewer = [(*bucket, *count) for bucket, count in moves.items() if count[0] < 0 or count[1] < count[0]]
        more = [row for row in more if row[3] or row[4]]
        if more:
            self._send(_MORE_IN_BUCKETS, self._event_id, *arrays_of(more))
        if fewer:
            columns = arrays_of(fewer)
            self._send(_FEWER_IN_BUCKETS, *columns, self._event_id)
            self._send(_DROP_EMPTY_BUCKETS, *columns[:3], self._event_id)


@cache
def _joined(statements: tuple[str, ...]) -> str:
    """Return one statement that does what these do; each costs a lone booking a twentieth of its time."""
    first = [f"part_{number} AS ({statement})" for number, statement in enumerate(statements[:-1])]
    return f"WITH {', '.join(first)} {statements[-1]}" if first else statements[-1]


def _booking(changes: Sequence[Change[Booking]]) -> Iterator[Statement]:
    new = [booking_row(change.after) for change in changes if change.before is None]
    moved = [_fields(change.after, _BOOKING_MOVES) for change in changes if change.before is not None]
    if new:
        yield INSERT_BOOKINGS, arrays_of(new)
    if moved:
        yield _UPDATE_BOOKINGS, arrays_of(moved)


def settling(event_id: EventId, settlements: Sequence[Settlement]) -> list[Any]:
    """Return the values of `SETTLE`."""
    rows = [
        (each.id, each.sequence, each.user_id, each.state.value, settled_json(each.outcome), each.at)
        for each in settlements
    ]
    return [*arrays_of(rows), event_id, event_id, event_id]


def _counters(decision: Decision) -> tuple[Any, ...]:
    """Return the values of `_COUNTERS`."""
    waiting = sum(
        change.after.is_waiting - (change.before is not None and change.before.is_waiting)
        for change in decision.entries
    )
    return (
        sum(decision.taken.values()),
        waiting,
        decision.next_sequence,
        len(decision.journal),
        decision.wake_at,
    )


def _fields(value: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """Return what stands in these columns, which are named like the fields."""
    return tuple(getattr(value, name) for name in names)
