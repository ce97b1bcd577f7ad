"""Figures, as they are written with every decision, and what the journal says they should be (I2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import psycopg

from evently_core.decision import Decision
from evently_core.figures import FIGURES, WAIT_BOUNDS, local_day
from evently_core.values import EventId
from evently_postgres.arrays import array

_COLUMNS = ", ".join(FIGURES)

ALL_DAYS = "'-infinity'::date"
"""The day of the row that holds all days together."""

_ADD = f"""
INSERT INTO event_figures AS kept (event_id, currency, day, {_COLUMNS})
SELECT %s, %s, added.day, {", ".join(f"sums[{place}]" for place in range(1, len(FIGURES) + 1))}
FROM (SELECT %s::bigint[] AS sums) AS new, (VALUES ({ALL_DAYS}), (%s::date)) AS added (day)
ON CONFLICT (event_id, day, currency) DO UPDATE
SET {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in FIGURES)}
"""
_ADD_WAITS = """
INSERT INTO event_waits AS kept (event_id, wait, entries)
SELECT %s, * FROM unnest(%s::int[], %s::int[])
ON CONFLICT (event_id, wait) DO UPDATE SET entries = kept.entries + excluded.entries
"""
_NOTE_USERS = """
INSERT INTO event_users (event_id, day, user_id) SELECT %s, %s::date, unnest(%s::uuid[]) ON CONFLICT DO NOTHING
"""

Statement = tuple[str, Sequence[Any]]


def adding(decision: Decision, event_id: EventId, now: datetime) -> Iterator[Statement]:
    """Yield what adds a decision to the figures of the day. None of it has to see what another statement wrote."""
    users = decision.active_users
    if not decision.figures and not users:
        return
    day = local_day(now, decision.zone)
    for currency, figures in decision.figures.items():
        sums = array([getattr(figures, name) for name in FIGURES])
        yield _ADD, (event_id, currency, sums, day)
    if decision.waits:
        yield _ADD_WAITS, (event_id, array(decision.waits), array(decision.waits.values()))
    if users:
        yield _NOTE_USERS, (event_id, day, array(users))


# -- what the journal says --------------------------------------------------------------------------------------


def truth(examined: str) -> str:
    """Return the tables ``figures``, ``waits`` and ``active`` as the journal has them, of the events examined.

    ``examined`` is a condition on `events`. What a fact does not say of its booking or entry is how it was before:
    it follows from the facts before.
    """
    return f"""
told AS (
    SELECT journal.event_id, number, kind, data, actor_id, (at AT TIME ZONE timezone)::date AS day
    FROM journal JOIN events ON events.id = journal.event_id WHERE {examined}
), moved AS (
    SELECT told.event_id, told.number, told.kind, told.day, booking.id, booking.currency, booking.amount,
        booking.origin = 'waitlist' AS waited,
        kind = 'confirmed' OR (kind = 'granted' AND data #>> '{{booking,status}}' = 'confirmed') AS confirms,
        CASE kind WHEN 'granted' THEN (data #>> '{{booking,quantity}}')::bigint WHEN 'confirmed' THEN 0
            ELSE -(data ->> 'freed')::bigint END AS more
    FROM told JOIN bookings AS booking ON booking.event_id = told.event_id AND booking.id
        = CASE kind WHEN 'granted' THEN data #>> '{{booking,id}}' ELSE data ->> 'booking_id' END::uuid
    WHERE kind IN ('granted', 'confirmed', 'reduced', 'cancelled', 'lapsed')
), booked AS (
    SELECT *, sum(more) OVER (PARTITION BY event_id, id ORDER BY number)::bigint AS quantity,
        coalesce(bool_or(confirms) OVER (
            PARTITION BY event_id, id ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), false) AS was_confirmed
    FROM moved
), sold AS (
    SELECT *, CASE WHEN kind = 'confirmed' THEN quantity WHEN confirms OR was_confirmed THEN more ELSE 0 END AS sold,
        CASE WHEN kind = 'confirmed' THEN -quantity WHEN confirms OR was_confirmed THEN 0 ELSE more END AS held
    FROM booked
), lined AS (
    SELECT told.event_id, told.number, told.kind, told.day, entry.id, entry.currency,
        CASE kind WHEN 'joined' THEN (data #>> '{{entry,missing}}')::bigint
            WHEN 'granted' THEN -(data #>> '{{booking,quantity}}')::bigint
            WHEN 'requeued' THEN (data ->> 'returned')::bigint ELSE 0 END AS more
    FROM told JOIN waitlist_entries AS entry ON entry.event_id = told.event_id AND entry.id
        = CASE kind WHEN 'joined' THEN data #>> '{{entry,id}}' WHEN 'granted' THEN data #>> '{{booking,entry_id}}'
            ELSE data ->> 'entry_id' END::uuid
    WHERE kind IN ('joined', 'requeued', 'entry_ended')
        OR (kind = 'granted' AND data #>> '{{booking,origin}}' = 'waitlist')
), waited AS (
    SELECT *, sum(more) OVER (PARTITION BY event_id, id ORDER BY number)::bigint AS missing FROM lined
), served AS (
    SELECT entry.event_id, currency, (ended_at AT TIME ZONE timezone)::date AS day, ended_at - joined_at AS length
    FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id
    WHERE entry.status = 'served' AND {examined}
), happened ({", ".join(("event_id", "day", "currency", *FIGURES))}) AS (
    SELECT event_id, day, currency, confirms::int, (kind = 'cancelled' AND was_confirmed)::int, sold, sold * amount, held,
        0, greatest(0, -more), CASE WHEN kind = 'granted' AND waited THEN more ELSE 0 END,
        (kind = 'granted' AND waited AND NOT confirms)::int, (kind = 'confirmed' AND waited)::int,
        (kind IN ('cancelled', 'lapsed') AND waited AND NOT was_confirmed)::int, 0, 0
    FROM sold
    UNION ALL
    SELECT event_id, day, currency, 0, 0, 0, 0, 0,
        CASE kind WHEN 'entry_ended' THEN -missing ELSE more END, 0, 0, 0, 0, 0, (kind = 'joined')::int, 0
    FROM waited
    UNION ALL
    SELECT event_id, day, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 FROM served
), figures AS (
    SELECT event_id, coalesce(day, {ALL_DAYS}) AS day, currency,
        {", ".join(f"sum({name})::bigint AS {name}" for name in FIGURES)}
    FROM happened GROUP BY GROUPING SETS ((event_id, day, currency), (event_id, currency))
), waits AS (
    SELECT event_id, width_bucket(floor(extract(epoch FROM length)), %(bounds)s::numeric[]) AS wait,
        count(*)::int AS entries
    FROM served GROUP BY 1, 2
), active AS (
    SELECT DISTINCT event_id, day, actor_id AS user_id FROM told
    WHERE actor_id IS NOT NULL AND kind NOT LIKE 'event\\_%%'
)
"""


_NOTHING = " OR ".join(f"{name} <> 0" for name in FIGURES)


def differences(examined: str) -> str:
    """Return the query of (event_id, what, recorded, true) for every figure that is not what the journal adds up to."""

    def said(table: str) -> str:
        parts = ", ".join(f"'{name} ' || {table}.{name}" for name in FIGURES)
        return f"CASE WHEN {table}.event_id IS NULL THEN 'nothing' ELSE concat_ws(', ', {parts}) END"

    differs = " OR ".join(f"coalesce(kept.{name}, 0) <> coalesce(figures.{name}, 0)" for name in FIGURES)
    of_examined = f"JOIN events ON events.id = kept.event_id WHERE {examined}"
    return f"""
WITH {truth(examined)}
SELECT event_id, 'figures of ' || CASE day WHEN {ALL_DAYS} THEN 'all days' ELSE day::text END || ' in ' || currency,
    {said("kept")}, {said("figures")}
FROM (SELECT kept.* FROM event_figures AS kept {of_examined}) AS kept
FULL JOIN figures USING (event_id, day, currency) WHERE {differs}
UNION ALL
SELECT event_id, 'entries served after a wait of step ' || wait, coalesce(kept.entries, 0)::text,
    coalesce(waits.entries, 0)::text
FROM (SELECT kept.* FROM event_waits AS kept {of_examined}) AS kept
FULL JOIN waits USING (event_id, wait) WHERE coalesce(kept.entries, 0) <> coalesce(waits.entries, 0)
UNION ALL
SELECT event_id, 'active users of ' || day, count(kept.user_id)::text, count(active.user_id)::text
FROM (SELECT kept.* FROM event_users AS kept {of_examined}) AS kept
FULL JOIN active USING (event_id, day, user_id)
GROUP BY event_id, day HAVING count(*) FILTER (WHERE kept.user_id IS NULL OR active.user_id IS NULL) > 0
"""


BOUNDS = {"bounds": array(WAIT_BOUNDS)}
"""The parameter of `truth` and `differences`."""

_OF_EVENT = "events.id = %(event)s"
_REBUILD = (
    "DELETE FROM event_figures WHERE event_id = %(event)s",
    "DELETE FROM event_waits WHERE event_id = %(event)s",
    "DELETE FROM event_users WHERE event_id = %(event)s",
    f"""
    WITH {truth(_OF_EVENT)}, days AS (
        INSERT INTO event_figures (event_id, day, currency, {_COLUMNS})
        SELECT event_id, day, currency, {_COLUMNS} FROM figures WHERE {_NOTHING}
    ), lengths AS (
        INSERT INTO event_waits (event_id, wait, entries) SELECT event_id, wait, entries FROM waits
    )
    INSERT INTO event_users (event_id, day, user_id) SELECT event_id, day, user_id FROM active
    """,
)


def rebuild(connection: psycopg.Connection[Any], event_id: EventId) -> None:
    """Make the figures of an event anew from its journal; the event is locked."""
    for statement in _REBUILD:
        connection.execute(statement.encode(), {"event": event_id, **BOUNDS})
