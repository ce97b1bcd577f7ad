"""Holding what is counted against what there is, and mending what is counted: allocations are the truth (I2).

For figures of days the journal is: it alone knows when something was what.

What a constraint of the database rules out is not looked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
import psycopg
from psycopg.types.json import Jsonb

from evently_core.errors import NotFound
from evently_core.storage import Drift
from evently_core.values import OPERATOR, EventId
from evently_postgres import rollups
from evently_postgres.event_tables import BUCKET

_PATIENCE = "SET LOCAL statement_timeout = '15min'"
"""All events at once may be many; nobody waits for the doctor."""

_EXAMINED = "(%(event)s::uuid IS NULL OR events.id = %(event)s)"

# Each query yields (event_id, what, recorded, true) for everything that is not as it should be.
_COUNTERS = f"""
SELECT events.id, 'seats taken', events.taken::text, theirs.seats::text
FROM events, LATERAL (
    SELECT coalesce(sum(quantity), 0) AS seats FROM bookings
    WHERE event_id = events.id AND status IN ('held', 'confirmed')
) AS theirs WHERE events.taken <> theirs.seats AND {_EXAMINED}
UNION ALL
SELECT kind.event_id, 'seats taken of ticket type ' || kind.id, kind.taken::text, theirs.seats::text
FROM ticket_types AS kind JOIN events ON events.id = kind.event_id, LATERAL (
    SELECT coalesce(sum(quantity), 0) AS seats FROM bookings
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND status IN ('held', 'confirmed')
) AS theirs WHERE kind.taken <> theirs.seats AND {_EXAMINED}
UNION ALL
SELECT events.id, 'entries waiting', events.waiting::text, theirs.entries::text
FROM events, LATERAL (
    SELECT count(*) AS entries FROM waitlist_entries WHERE event_id = events.id AND status = 'waiting'
) AS theirs WHERE events.waiting <> theirs.entries AND {_EXAMINED}
UNION ALL
SELECT coalesce(kept.event_id, line.event_id),
    'line of ' || coalesce(kept.ticket_type_id, line.ticket_type_id) || ', priority '
        || coalesce(kept.priority, line.priority) || ', bucket ' || coalesce(kept.bucket, line.bucket),
    coalesce(kept.entries, 0) || ' entries for ' || coalesce(kept.seats, 0) || ' seats',
    coalesce(line.entries, 0) || ' entries for ' || coalesce(line.seats, 0) || ' seats'
FROM (SELECT line_buckets.* FROM line_buckets JOIN events ON events.id = event_id WHERE {_EXAMINED}) AS kept
FULL JOIN (
    SELECT event_id, ticket_type_id, priority, sequence / {BUCKET} AS bucket,
        count(*) AS entries, sum(missing) AS seats
    FROM waitlist_entries JOIN events ON events.id = event_id
    WHERE waitlist_entries.status = 'waiting' AND {_EXAMINED} GROUP BY 1, 2, 3, 4
) AS line USING (event_id, ticket_type_id, priority, bucket)
WHERE coalesce(kept.entries, 0) <> coalesce(line.entries, 0) OR coalesce(kept.seats, 0) <> coalesce(line.seats, 0)
UNION ALL
SELECT entry.event_id, 'open offers of entry ' || entry.id, entry.open_offers::text, theirs.offers::text
FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id, LATERAL (
    SELECT count(*) AS offers FROM bookings
    WHERE event_id = entry.event_id AND entry_id = entry.id AND origin = 'waitlist' AND status = 'held'
) AS theirs WHERE entry.open_offers <> theirs.offers AND {_EXAMINED}
UNION ALL
SELECT events.id, 'next sequence', events.next_sequence::text, 'above ' || theirs.newest
FROM events, LATERAL (
    SELECT max(sequence) AS newest FROM waitlist_entries WHERE event_id = events.id AND sequence > 0
) AS theirs WHERE theirs.newest >= events.next_sequence AND {_EXAMINED}
UNION ALL
SELECT events.id, 'requests queued', (coalesce(accepted, 0) - coalesce(decided, 0))::text, theirs.requests::text
FROM events LEFT JOIN queue_tails ON queue_tails.event_id = events.id
LEFT JOIN queue_heads ON queue_heads.event_id = events.id, LATERAL (
    SELECT count(*) AS requests FROM booking_requests WHERE event_id = events.id
) AS theirs WHERE coalesce(accepted, 0) - coalesce(decided, 0) <> theirs.requests AND {_EXAMINED}
UNION ALL
SELECT events.id, 'head of the journal', events.journal_head::text, theirs.newest::text
FROM events, LATERAL (
    SELECT coalesce(max(number), 0) AS newest FROM journal WHERE event_id = events.id
) AS theirs WHERE events.journal_head <> theirs.newest AND {_EXAMINED}
"""

_FIGURES = rollups.differences(_EXAMINED)

# What no counter can mend: somebody has to decide.
_RULES = f"""
SELECT events.id, 'seats beyond the capacity (I1)', events.capacity::text, theirs.seats::text
FROM events, LATERAL (
    SELECT sum(quantity) AS seats FROM bookings WHERE event_id = events.id AND status IN ('held', 'confirmed')
) AS theirs WHERE theirs.seats > events.capacity AND {_EXAMINED}
UNION ALL
SELECT kind.event_id, 'seats beyond the capacity of ticket type ' || kind.id || ' (I1)',
    kind.capacity::text, theirs.seats::text
FROM ticket_types AS kind JOIN events ON events.id = kind.event_id, LATERAL (
    SELECT sum(quantity) AS seats FROM bookings
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND status IN ('held', 'confirmed')
) AS theirs WHERE theirs.seats > kind.capacity AND {_EXAMINED}
UNION ALL
SELECT entry.event_id, 'status of entry ' || entry.id, entry.status,
    entry.missing || ' seats missing, ' || entry.open_offers || ' open offers'
FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id
WHERE ((entry.status = 'offered' AND (entry.missing > 0 OR entry.open_offers = 0))
    OR (entry.status = 'served' AND entry.open_offers > 0)) AND {_EXAMINED}
UNION ALL
SELECT entry.event_id, 'entry ' || entry.id || ' waits', entry.status, 'the event is ' || events.status
FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id
WHERE entry.status = 'waiting' AND events.status IN ('completed', 'cancelled') AND {_EXAMINED}
UNION ALL
SELECT booking.event_id, 'booking ' || booking.id || ' takes seats', booking.status, 'the event is cancelled'
FROM bookings AS booking JOIN events ON events.id = booking.event_id
WHERE booking.status IN ('held', 'confirmed') AND events.status = 'cancelled' AND {_EXAMINED}
UNION ALL
SELECT booking.event_id, 'hold ' || booking.id || ' outlives its sales or the start (I10)',
    booking.expires_at::text, least(kind.sales_close_at, events.booking_closes_at, events.starts_at)::text
FROM bookings AS booking JOIN events ON events.id = booking.event_id
JOIN ticket_types AS kind ON kind.event_id = booking.event_id AND kind.id = booking.ticket_type_id
WHERE booking.status = 'held' AND {_EXAMINED}
  AND booking.expires_at > least(kind.sales_close_at, events.booking_closes_at, events.starts_at)
UNION ALL
SELECT events.id, 'gaps in the journal (I11)', theirs.lines || ' lines', 'numbers up to ' || theirs.newest
FROM events, LATERAL (
    SELECT max(number) AS newest, count(*) AS lines FROM journal WHERE event_id = events.id
) AS theirs WHERE theirs.newest <> theirs.lines AND {_EXAMINED}
UNION ALL
SELECT events.id, 'bookings and entries the journal knows of (I11)',
    known.granted || ' bookings, ' || known.joined || ' entries',
    made.bookings || ' bookings, ' || made.entries || ' entries'
FROM events, LATERAL (
    SELECT count(*) FILTER (WHERE kind = 'granted') AS granted, count(*) FILTER (WHERE kind = 'joined') AS joined
    FROM journal WHERE event_id = events.id
) AS known, LATERAL (
    SELECT (SELECT count(*) FROM bookings WHERE event_id = events.id) AS bookings,
        (SELECT count(*) FROM waitlist_entries WHERE event_id = events.id) AS entries
) AS made WHERE (known.granted, known.joined) <> (made.bookings, made.entries) AND {_EXAMINED}
"""

_LOCK = "SELECT FROM events WHERE id = %(event)s FOR UPDATE"

# A pool that is overbooked stays full. The lines are looked at next, for seats may be free that were not.
_RECOUNT = (
    """
    UPDATE ticket_types AS kind SET taken = least(theirs.seats, kind.capacity)
    FROM (
        SELECT ticket_types.id, coalesce(sum(quantity), 0) AS seats FROM ticket_types LEFT JOIN bookings
            ON bookings.event_id = ticket_types.event_id AND ticket_type_id = ticket_types.id
            AND status IN ('held', 'confirmed')
        WHERE ticket_types.event_id = %(event)s GROUP BY ticket_types.id
    ) AS theirs WHERE kind.event_id = %(event)s AND kind.id = theirs.id AND kind.taken <> theirs.seats
    """,
    """
    UPDATE waitlist_entries AS entry SET open_offers = theirs.offers
    FROM (
        SELECT waitlist_entries.id, count(bookings.id) AS offers FROM waitlist_entries LEFT JOIN bookings
            ON bookings.event_id = waitlist_entries.event_id AND entry_id = waitlist_entries.id
            AND origin = 'waitlist' AND bookings.status = 'held'
        WHERE waitlist_entries.event_id = %(event)s GROUP BY waitlist_entries.id
    ) AS theirs WHERE entry.event_id = %(event)s AND entry.id = theirs.id AND entry.open_offers <> theirs.offers
    """,
    """
    DELETE FROM line_buckets WHERE event_id = %(event)s
    """,
    f"""
    INSERT INTO line_buckets (event_id, ticket_type_id, priority, bucket, entries, seats)
    SELECT event_id, ticket_type_id, priority, sequence / {BUCKET}, count(*), sum(missing)
    FROM waitlist_entries WHERE event_id = %(event)s AND status = 'waiting' GROUP BY 1, 2, 3, 4
    """,
    """
    INSERT INTO queue_heads (event_id, decided)
    SELECT event_id, decided FROM (
        SELECT event_id, coalesce(
            (SELECT min(sequence) - 1 FROM booking_requests WHERE event_id = %(event)s), accepted
        ) AS decided FROM queue_tails WHERE event_id = %(event)s
    ) AS found WHERE decided > 0
    ON CONFLICT (event_id) DO UPDATE SET decided = excluded.decided
    """,
    """
    UPDATE events SET
        taken = least(capacity, (
            SELECT coalesce(sum(quantity), 0) FROM bookings
            WHERE event_id = %(event)s AND status IN ('held', 'confirmed')
        )),
        waiting = (SELECT count(*) FROM waitlist_entries WHERE event_id = %(event)s AND status = 'waiting'),
        next_sequence = greatest(next_sequence, (
            SELECT max(sequence) + 1 FROM waitlist_entries WHERE event_id = %(event)s AND sequence > 0
        )),
        journal_head = (SELECT coalesce(max(number), 0) FROM journal WHERE event_id = %(event)s),
        wake_at = %(now)s
    WHERE id = %(event)s
    """,
)
_WRITE = """
WITH head AS (UPDATE events SET journal_head = journal_head + 1 WHERE id = %(event)s RETURNING journal_head),
told AS (INSERT INTO outbox (event_id, first, last) SELECT %(event)s, journal_head, journal_head FROM head)
INSERT INTO journal (event_id, number, at, kind, actor, cause, reason, data)
SELECT %(event)s, journal_head, %(now)s, 'repaired', %(actor)s, 'doctor', %(reason)s, %(data)s FROM head
"""
_REASON = "counters did not say what the allocations add up to"


def drifts(connection: psycopg.Connection[Any], event_id: EventId | None = None) -> Sequence[Drift]:
    """Return what is counted otherwise than it adds up to, and every rule that is broken: of one event or all."""
    return _miscounted(connection, event_id) + _differences(connection, _RULES, event_id)


def repair(connection: psycopg.Connection[Any], event_id: EventId, now: datetime) -> Sequence[Drift]:
    """Set the counters of an event to what its allocations add up to, under its lock, and write that down.

    Nothing is committed. Returns what was mended, which is written into the journal as well; a sound event is
    left as it is.

    Raises:
        NotFound: there is no such event.
    """
    if connection.execute(_LOCK, {"event": event_id}).fetchone() is None:
        raise NotFound("event")
    wrong = _miscounted(connection, event_id)
    if not wrong:
        return []
    for statement in _RECOUNT:
        connection.execute(statement.encode(), {"event": event_id, "now": now})
    rollups.rebuild(connection, event_id)
    unmended = {drift.what for drift in _miscounted(connection, event_id)}
    mended = [drift for drift in wrong if drift.what not in unmended]
    if mended:
        _write_down(connection, event_id, now, mended)
    return mended


def _miscounted(connection: psycopg.Connection[Any], event_id: EventId | None) -> list[Drift]:
    return _differences(connection, _COUNTERS, event_id) + _differences(connection, _FIGURES, event_id)


def _differences(connection: psycopg.Connection[Any], query: str, event_id: EventId | None) -> list[Drift]:
    connection.execute(_PATIENCE)
    rows = connection.execute(query.encode(), {"event": event_id, **rollups.BOUNDS})
    found = (Drift(event_id=EventId(row[0]), what=row[1], recorded=row[2], true=row[3]) for row in rows)
    return sorted(found, key=lambda drift: (drift.event_id, drift.what))


def _write_down(
    connection: psycopg.Connection[Any], event_id: EventId, now: datetime, mended: Sequence[Drift]
) -> None:
    shown = [attrs.asdict(drift, filter=lambda field, _: field.name != "event_id") for drift in mended]
    connection.execute(
        _WRITE,
        {
            "event": event_id,
            "now": now,
            "actor": OPERATOR.name,
            "reason": _REASON,
            "data": Jsonb({"mended": shown}),
        },
    )
