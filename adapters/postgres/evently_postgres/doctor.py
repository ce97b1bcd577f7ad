"""Holding what is counted against what there is: allocations are the truth (I2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from evently_core.storage import Drift
from evently_core.values import EventId
from evently_postgres.event_tables import BUCKET

# Each query yields (event_id, what, recorded, true) for everything that is not as it should be.
_COUNTERS = f"""
SELECT events.id, 'seats taken', events.taken::text, theirs.seats::text
FROM events, LATERAL (
    SELECT coalesce(sum(quantity), 0) AS seats FROM bookings
    WHERE event_id = events.id AND status IN ('held', 'confirmed')
) AS theirs WHERE events.taken <> theirs.seats AND %(one)s
UNION ALL
SELECT kind.event_id, 'seats taken of ticket type ' || kind.id, kind.taken::text, theirs.seats::text
FROM ticket_types AS kind JOIN events ON events.id = kind.event_id, LATERAL (
    SELECT coalesce(sum(quantity), 0) AS seats FROM bookings
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND status IN ('held', 'confirmed')
) AS theirs WHERE kind.taken <> theirs.seats AND %(one)s
UNION ALL
SELECT events.id, 'entries waiting', events.waiting::text, theirs.entries::text
FROM events, LATERAL (
    SELECT count(*) AS entries FROM waitlist_entries WHERE event_id = events.id AND status = 'waiting'
) AS theirs WHERE events.waiting <> theirs.entries AND %(one)s
UNION ALL
SELECT coalesce(kept.event_id, line.event_id),
    'line of ' || coalesce(kept.ticket_type_id, line.ticket_type_id) || ', priority '
        || coalesce(kept.priority, line.priority) || ', bucket ' || coalesce(kept.bucket, line.bucket),
    coalesce(kept.entries, 0) || ' entries for ' || coalesce(kept.seats, 0) || ' seats',
    coalesce(line.entries, 0) || ' entries for ' || coalesce(line.seats, 0) || ' seats'
FROM (SELECT line_buckets.* FROM line_buckets JOIN events ON events.id = event_id WHERE %(one)s) AS kept
FULL JOIN (
    SELECT event_id, ticket_type_id, priority, sequence / {BUCKET} AS bucket,
        count(*) AS entries, sum(missing) AS seats
    FROM waitlist_entries JOIN events ON events.id = event_id
    WHERE waitlist_entries.status = 'waiting' AND %(one)s GROUP BY 1, 2, 3, 4
) AS line USING (event_id, ticket_type_id, priority, bucket)
WHERE coalesce(kept.entries, 0) <> coalesce(line.entries, 0) OR coalesce(kept.seats, 0) <> coalesce(line.seats, 0)
"""
_RULES = """
SELECT entry.event_id, 'open offers of entry ' || entry.id, entry.open_offers::text, theirs.offers::text
FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id, LATERAL (
    SELECT count(*) AS offers FROM bookings
    WHERE event_id = entry.event_id AND entry_id = entry.id AND origin = 'waitlist' AND status = 'held'
) AS theirs WHERE entry.open_offers <> theirs.offers AND %(one)s
UNION ALL
SELECT events.id, 'next sequence', events.next_sequence::text, 'above ' || theirs.newest
FROM events, LATERAL (
    SELECT max(sequence) AS newest FROM waitlist_entries WHERE event_id = events.id
) AS theirs WHERE theirs.newest >= events.next_sequence AND %(one)s
UNION ALL
SELECT events.id, 'head of the journal', events.journal_head::text, theirs.newest || ' of ' || theirs.lines || ' lines'
FROM events, LATERAL (
    SELECT coalesce(max(number), 0) AS newest, count(*) AS lines FROM journal WHERE event_id = events.id
) AS theirs WHERE (events.journal_head <> theirs.newest OR theirs.newest <> theirs.lines) AND %(one)s
"""


def drifts(connection: psycopg.Connection[Any], event_id: EventId | None = None) -> Sequence[Drift]:
    """Return what is counted otherwise than it adds up to, of one event or of all."""
    one = "true" if event_id is None else "events.id = %(event)s"
    found = []
    for query in (_COUNTERS, _RULES):
        rows = connection.execute(query.replace("%(one)s", one).encode(), {"event": event_id})
        found += [Drift(event_id=EventId(row[0]), what=row[1], recorded=row[2], true=row[3]) for row in rows]
    return found
