"""The books of one event, read with SQL alone, and the journal's testimony that nobody was overtaken."""

from __future__ import annotations

from typing import Any

import psycopg

# Each query yields a row for everything that is wrong; nothing here knows the code that wrote it.
WRONG = {
    "a pool above its capacity (I1)": """
        SELECT e.id FROM events e WHERE e.capacity <
            (SELECT coalesce(sum(quantity), 0) FROM bookings b WHERE b.event_id = e.id AND b.status IN ('held', 'confirmed'))
        UNION ALL
        SELECT t.id FROM ticket_types t WHERE t.capacity <
            (SELECT coalesce(sum(quantity), 0) FROM bookings b
             WHERE b.event_id = t.event_id AND b.ticket_type_id = t.id AND b.status IN ('held', 'confirmed'))""",
    "a counter that does not add up (I2)": """
        SELECT e.id FROM events e WHERE e.taken <>
            (SELECT coalesce(sum(quantity), 0) FROM bookings b WHERE b.event_id = e.id AND b.status IN ('held', 'confirmed'))
        UNION ALL
        SELECT t.id FROM ticket_types t WHERE t.taken <>
            (SELECT coalesce(sum(quantity), 0) FROM bookings b
             WHERE b.event_id = t.event_id AND b.ticket_type_id = t.id AND b.status IN ('held', 'confirmed'))
        UNION ALL
        SELECT e.id FROM events e WHERE e.waiting <>
            (SELECT count(*) FROM waitlist_entries w WHERE w.event_id = e.id AND w.status = 'waiting')
        UNION ALL
        SELECT e.id FROM events e WHERE
            (SELECT (coalesce(sum(entries), 0), coalesce(sum(seats), 0)) FROM line_buckets l WHERE l.event_id = e.id) <>
            (SELECT (count(*)::bigint, coalesce(sum(missing), 0)::numeric) FROM waitlist_entries w
             WHERE w.event_id = e.id AND w.status = 'waiting')""",
    "a seat stranded while somebody could have it (I5)": """
        SELECT w.id FROM waitlist_entries w
        JOIN events e ON e.id = w.event_id AND e.bypass_limit = 0
        JOIN ticket_types t ON t.event_id = w.event_id AND t.id = w.ticket_type_id
        WHERE w.status = 'waiting'
          AND least(e.capacity - e.taken, coalesce(t.capacity - t.taken, e.capacity - e.taken)) >= w.least
          AND NOT EXISTS (SELECT FROM waitlist_entries a WHERE a.event_id = w.event_id AND a.status = 'waiting'
                          AND (-a.priority, a.sequence) < (-w.priority, w.sequence))""",
    "a user who waits twice in one line": """
        SELECT user_id FROM waitlist_entries WHERE status = 'waiting'
        GROUP BY event_id, ticket_type_id, user_id HAVING count(*) > 1""",
    "a queue that is not as long as the requests that wait": """
        SELECT t.event_id FROM queue_tails t LEFT JOIN queue_heads h USING (event_id)
        WHERE t.accepted - coalesce(h.decided, 0) <> (SELECT count(*) FROM booking_requests r WHERE r.event_id = t.event_id)""",
    "a gap in the journal (I11)": """
        SELECT event_id FROM journal GROUP BY event_id HAVING count(*) <> max(number)""",
    "a change that the journal does not know (I11)": """
        SELECT b.id FROM bookings b WHERE NOT EXISTS (
            SELECT FROM journal j WHERE j.event_id = b.event_id AND j.kind = 'granted' AND j.data->'booking'->>'id' = b.id::text)
        UNION ALL
        SELECT w.id FROM waitlist_entries w WHERE NOT EXISTS (
            SELECT FROM journal j WHERE j.event_id = w.event_id AND j.kind = 'joined' AND j.data->'entry'->>'id' = w.id::text)""",
}


def mistakes(url: str) -> list[str]:
    """Return everything that is wrong in a database, in words."""
    with psycopg.connect(url) as connection:
        return [
            f"{what}: {row[0]}"
            for what, query in WRONG.items()
            for row in connection.execute(query.encode()).fetchall()
        ]


def overtakings(url: str, event_id: object) -> list[str]:
    """Read the journal of a strict event and return every grant that went past somebody who waited (I4).

    Strict means: nobody in a line gets a seat while somebody before them in the same line waits.
    """
    with psycopg.connect(url) as connection:
        lines = connection.execute(
            "SELECT number, kind, data FROM journal WHERE event_id = %s ORDER BY number", (event_id,)
        ).fetchall()
    waiting: dict[str, dict[str, Any]] = {}
    found: list[str] = []
    for number, kind, data in lines:
        if kind == "joined":
            waiting[data["entry"]["id"]] = dict(data["entry"])
        elif kind == "granted":
            found += _overtaken(waiting, data["booking"], number)
        elif kind == "entry_ended":
            waiting.pop(data["entry_id"], None)
        elif kind == "moved" and data["entry_id"] in waiting:
            waiting[data["entry_id"]]["priority"] = data["priority"]
        assert kind != "requeued", "this reading does not know entries that come back"
    return found


def _overtaken(waiting: dict[str, dict[str, Any]], booking: dict[str, Any], number: int) -> list[str]:
    line = {
        key: entry for key, entry in waiting.items() if entry["ticket_type_id"] == booking["ticket_type_id"]
    }
    if booking["origin"] == "direct":
        ahead = [key for key, entry in line.items() if entry["priority"] >= 0]
    else:
        mine = line[booking["entry_id"]]
        ahead = [key for key, entry in line.items() if _order(entry) < _order(mine)]
        mine["missing"] -= booking["quantity"]
        if mine["missing"] == 0:
            del waiting[booking["entry_id"]]
    return [f"journal line {number} went past {len(ahead)} who waited"] if ahead else []


def _order(entry: dict[str, Any]) -> tuple[int, int]:
    return -entry["priority"], entry["sequence"]
