"""The schema can be spread over many servers by event: what such an engine asks of it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.servers import MakeDatabase

# Tables that are not spread: small or asked by something else than the event, and never in a booking's way.
SHARED = {
    "users",
    "sessions",
    "account_acts",
    "account_answers",
    "creation_answers",
    "alembic_version",
    "webhooks",
    "delivery_workers",
}

KEYS = """
SELECT c.relname, i.indexrelid::regclass::text, array_agg(a.attname::text ORDER BY k.position)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, position)
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
WHERE i.indisunique GROUP BY 1, 2
"""
LINKS = """
SELECT f.conrelid::regclass::text, f.confrelid::regclass::text,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = f.conrelid AND attnum = ANY(f.conkey)),
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = f.confrelid AND attnum = ANY(f.confkey))
FROM pg_constraint f WHERE f.contype = 'f'
"""


@pytest.fixture(scope="module")
def connection(make_database: MakeDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(make_database(), autocommit=True) as connection:
        yield connection


def column_of(table: str) -> str:
    """The column by which a table is spread."""
    return "id" if table == "events" else "event_id"


def test_every_key_of_a_spread_table_has_the_event_in_it(connection: psycopg.Connection[Any]) -> None:
    keys = connection.execute(KEYS).fetchall()
    spread = {table for table, *_ in keys} - SHARED
    assert {"events", "bookings", "waitlist_entries", "journal", "answers", "line_buckets"} <= spread
    wrong = [key for table, key, columns in keys if table in spread and column_of(table) not in columns]
    assert wrong == []


def test_a_foreign_key_stays_within_the_event(connection: psycopg.Connection[Any]) -> None:
    links = connection.execute(LINKS).fetchall()
    wrong = [
        (child, parent)
        for child, parent, of_child, of_parent in links
        if child not in SHARED
        and parent not in SHARED
        and not (column_of(child) in of_child and column_of(parent) in of_parent)
    ]
    assert links
    assert wrong == []


def test_no_booking_is_tied_to_a_table_that_is_not_spread(connection: psycopg.Connection[Any]) -> None:
    booked = {"events", "ticket_types", "bookings", "waitlist_entries", "line_buckets", "journal", "answers"}
    links = {(child, parent) for child, parent, *_ in connection.execute(LINKS)}
    assert {(child, parent) for child, parent in links if child in booked and parent in SHARED} == set()
