"""Long lines: places are exact, and what a command reads does not depend on how many wait."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import psycopg
import pytest

from evently_core.commands import Book, Cancel, Command, JoinWaitlist, Leave, Move
from evently_core.event import Event, Policy
from evently_core.outcomes import Admitted
from evently_core.paging import PageRequest
from evently_core.services.events import NewTicketType
from evently_core.storage import EntryQuery
from evently_core.testing.storage_contract import House
from evently_core.values import EntryId, Money
from evently_core.waitlist import WaitlistEntry
from evently_postgres.engine import make_engine
from evently_postgres.event_tables import BUCKET
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase

# The plain definition of a place: count who is before.
PLACES = """
SELECT id, rank() OVER line, sum(missing) OVER line - missing FROM waitlist_entries WHERE status = 'waiting'
WINDOW line AS (PARTITION BY event_id, ticket_type_id ORDER BY priority DESC, sequence)
"""


class Hall:
    """An event with long lines in a database of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = make_engine(url)
        self.house = House(PostgresStorage(self.engine))
        self.people = 0

    def sold_out(self, bypass_limit: int = 0) -> Event:
        event = self.house.published(
            capacity=20,
            policy=Policy(bypass_limit=bypass_limit),
            ticket_types=tuple(
                NewTicketType(name=name, price=Money(0, "EUR")) for name in ("Floor", "Balcony")
            ),
        )
        for _ in range(20):
            self.house.booked(event, self.person(), ticket_type_id=event.ticket_types[0].id)
        return event

    def person(self) -> int:
        self.people += 1
        return self.people

    def queue_up(self, event: Event, count: int) -> list[WaitlistEntry]:
        """Let people join both lines in turn, in parties of one to four; some accept a part."""
        requests = []
        for number in range(count):
            actor = self.house.person(self.person())
            assert actor.user_id is not None
            kind = event.ticket_types[number % 2].id
            size = 1 + number % 4
            requests.append(
                JoinWaitlist(
                    actor=actor,
                    user_id=actor.user_id,
                    ticket_type_id=kind,
                    quantity=size,
                    accept_partial=number % 3 == 0,
                )
            )
        outcomes = self.house.decisions.decide_many(event.id, requests)
        return [o.entry for o in outcomes if isinstance(o, Admitted) and o.entry is not None]

    def decide(self, event: Event, commands: Sequence[Command]) -> None:
        self.house.decisions.decide_many(event.id, commands)

    def expected_places(self) -> dict[EntryId, tuple[int, int]]:
        with psycopg.connect(self.url) as connection:
            return {EntryId(row[0]): (row[1], int(row[2])) for row in connection.execute(PLACES)}

    def rows_read(self, work: Callable[[], object]) -> int:
        """Return how many rows of lines and bookings some work reads; it is done once before, to warm up."""
        work()
        before = self._rows_read()
        work()
        return self._rows_read() - before

    def _rows_read(self) -> int:
        self.engine.dispose()  # a server process that ends tells its last figures
        with psycopg.connect(self.url) as connection:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            row = connection.execute(
                """
                SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = ANY(%(tables)s))
                     + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = ANY(%(tables)s))
            """,
                {"tables": ["waitlist_entries", "bookings", "line_buckets"]},
            ).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def hall(make_database: MakeDatabase) -> Iterator[Hall]:
    hall = Hall(make_database())
    yield hall
    hall.engine.dispose()


def test_places_are_exact_across_buckets_tiers_and_lines(hall: Hall) -> None:
    event = hall.sold_out()
    entries = hall.queue_up(event, 2 * BUCKET + 300)
    chance = random.Random(7)
    for _ in range(3):
        expected = hall.expected_places()
        waiting = [entry for entry in entries if entry.id in expected]
        sample = chance.sample(waiting, 150) + waiting[:3] + waiting[-3:]
        current = [entry for each in sample if (entry := hall.house.storage.entry(each.id)) is not None]
        found = hall.house.storage.places(current)
        assert {key: (place.position, place.seats_ahead) for key, place in found.items()} == {
            entry.id: expected[entry.id] for entry in current
        }
        assert hall.house.storage.drifts() == []
        changes: list[Command] = [
            Move(actor=hall.house.organiser, entry_id=entry.id, priority=chance.randint(-2, 2), reason="x")
            for entry in chance.sample(waiting, 200)
        ]
        changes += [
            Leave(actor=hall.house.organiser, entry_id=entry.id, reason="x")
            for entry in chance.sample(waiting, 200)
        ]
        hall.decide(event, changes)


def test_the_list_of_a_line_follows_its_places(hall: Hall) -> None:
    event = hall.sold_out()
    entries = hall.queue_up(event, 260)
    moves: list[Command] = [
        Move(actor=hall.house.organiser, entry_id=entry.id, priority=number % 5 - 2, reason="x")
        for number, entry in enumerate(entries[::3])
    ]
    hall.decide(event, moves)
    for kind in event.ticket_types:
        listed: list[WaitlistEntry] = []
        cursor: str | None = None
        while True:
            page = hall.house.storage.entries(
                EntryQuery(event_id=event.id, ticket_type_id=kind.id, in_line=True), PageRequest(37, cursor)
            )
            listed += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        places = hall.house.storage.places(listed)
        assert [places[entry.id].position for entry in listed] == list(range(1, len(listed) + 1))


@pytest.mark.parametrize("bypass_limit", [0, 2])
def test_what_a_command_reads_does_not_depend_on_the_length_of_the_line(
    hall: Hall, bypass_limit: int
) -> None:
    """Nothing is analyzed here: the planner knows nothing about these tables."""
    with psycopg.connect(hall.url) as connection:
        for table in ("waitlist_entries", "bookings", "line_buckets"):
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
    house = hall.house
    event = hall.sold_out(bypass_limit)
    hall.queue_up(event, 400)

    def book() -> None:
        actor = house.person(hall.person())
        assert actor.user_id is not None
        kind = event.ticket_types[0].id
        request = Book(actor=actor, user_id=actor.user_id, ticket_type_id=kind, join_waitlist=True)
        hall.decide(event, [request])

    def cancel() -> None:
        with psycopg.connect(hall.url) as connection:
            [booking_id] = connection.execute(
                "SELECT id FROM bookings WHERE event_id = %s AND status = 'confirmed' LIMIT 1", (event.id,)
            ).fetchone() or [None]
        assert booking_id is not None
        hall.decide(event, [Cancel(actor=house.organiser, booking_id=booking_id, reason="x")])

    def read_the_line() -> None:
        page = house.storage.entries(EntryQuery(event_id=event.id, in_line=True), PageRequest(10))
        house.storage.places(page.items[:1])

    short = [hall.rows_read(work) for work in (book, read_the_line)]
    hall.queue_up(event, 5_000)
    long = [hall.rows_read(work) for work in (book, read_the_line)]
    for few, many in zip(short, long, strict=True):
        assert many <= few + 60, (short, long)
    assert hall.rows_read(cancel) <= 200
