"""What only the intake in PostgreSQL can show: who waits for whom, and what goes over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from evently_core.errors import Unavailable
from evently_core.intake import Receipt
from evently_core.inventory import Needs
from evently_core.testing.intake_contract import Door, a_request, numbers
from evently_postgres.engine import Limits, make_engine
from evently_postgres.intake import PostgresIntake
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    # Whoever waits for a lock here does so in vain.
    engine = make_engine(url, limits=Limits(lock=timedelta(milliseconds=500)))
    yield engine
    engine.dispose()


@pytest.fixture
def door(engine: Engine) -> Door:
    door = Door(PostgresStorage(engine), PostgresIntake(engine))
    door.drain_all()
    return door


class TestLocks:
    def test_accepting_waits_for_no_decision(self, door: Door) -> None:
        event = door.event()
        door.accept(event, a_request(1))
        with door.storage.transaction(event, door.clock.now()) as held, door.intake.claim(1) as requests:
            held.inventory(Needs())
            assert numbers(requests) == [1]
            assert isinstance(door.accept(event, a_request(2, key="k"))[0], Receipt)
        door.drain_all()

    def test_accepting_waits_for_no_settling(self, door: Door, url: str) -> None:
        event = door.event()
        door.accept(event, *map(a_request, range(3)))
        door.drain.drain(1)
        with psycopg.connect(url) as other:
            other.execute("UPDATE queue_heads SET decided = decided WHERE event_id = %s", (event,))
            assert isinstance(door.accept(event, a_request(9))[0], Receipt)
        door.drain_all()

    def test_who_waits_for_the_lock_is_before_whoever_is_accepted_meanwhile(self, door: Door) -> None:
        event = door.event(capacity=1)
        with ThreadPoolExecutor(1) as pool:
            with door.storage.transaction(event, door.clock.now()) as held:
                held.inventory(Needs())
                first = pool.submit(door.queue.submit, event, a_request(1))
                while not _somebody_waits(door):
                    assert not first.done()
                door.accept(event, a_request(2))
            first.result(timeout=60)
        assert door.bookers(event) == [a_request(1).user_id]
        door.drain_all()

    def test_a_claim_ends_with_its_connection(self, door: Door, url: str) -> None:
        event = door.event()
        door.accept(event, a_request(1))
        given: list[int] = []
        with suppress(Unavailable), door.intake.claim(1):
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database "
                    "WHERE datname = current_database())"
                )
            with door.intake.claim(1) as again:
                given += numbers(again)
                door.drain._settle(event, again)
        assert given == [1]
        assert door.drain_all() == 0


def _somebody_waits(door: Door) -> bool:
    storage = door.storage
    assert isinstance(storage, PostgresStorage)
    waiting = storage._read(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        (),
    )
    return bool(waiting[0][0])


class TestTheWire:
    """What is sent, told by the protocol's own trace."""

    @pytest.fixture
    @staticmethod
    def sent(engine: Engine, tmp_path: Path) -> Iterator[Path]:
        """Trace every connection that is lent from now on."""
        trace = tmp_path / "trace"
        with trace.open("wb", buffering=0) as file:

            def listen(connection: psycopg.Connection, *_: object) -> None:
                connection.pgconn.trace(file.fileno())

            def stop(connection: psycopg.Connection, *_: object) -> None:
                connection.pgconn.untrace()

            sqlalchemy_event.listen(engine, "checkout", listen)
            sqlalchemy_event.listen(engine, "checkin", stop)
            yield trace
            sqlalchemy_event.remove(engine, "checkout", listen)
            sqlalchemy_event.remove(engine, "checkin", stop)

    @staticmethod
    def syncs(trace: Path, before: int) -> int:
        messages = [line.split("\t")[1:4] for line in trace.read_text()[before:].splitlines()]
        return [name for way, _, name in (m for m in messages if len(m) == 3) if way == "F"].count("Sync")

    def test_any_number_of_requests_is_accepted_in_one_round_trip(self, door: Door, sent: Path) -> None:
        event = door.event()
        spent = []
        for count in (1, 1, 1, 200):
            before = sent.stat().st_size
            door.accept(event, *map(a_request, range(count)))
            spent.append(self.syncs(sent, before))
        assert spent[-2:] == [1, 1]
        door.drain_all()

    def test_a_large_batch_is_decided_in_as_many_round_trips_as_a_small_one(
        self, door: Door, sent: Path
    ) -> None:
        event = door.event(capacity=5_000)
        spent = []
        for count in (1, 1, 1, 1, 300):
            door.accept(event, *map(a_request, range(count)))
            before = sent.stat().st_size
            assert door.drain.drain().requests == count
            spent.append(self.syncs(sent, before))
        assert spent[-1] == spent[-2] <= 6
