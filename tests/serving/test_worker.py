"""What is done though nobody asks: by threads beside a server, or by ``evently worker`` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import psycopg
import pytest

from evently_core.commands import Book
from evently_core.errors import Unavailable
from evently_core.event import Policy
from evently_core.services.events import NewEvent
from evently_core.values import OPERATOR, EventId, UserId
from evently_wiring.application import open_application
from evently_wiring.ids import UuidV7
from evently_wiring.settings import Settings
from evently_wiring.worker import Job, working
from tests.servers import MakeDatabase
from tests.serving.test_serve import until

SOON = datetime(2040, 5, 1, 18, tzinfo=UTC)


@attrs.define
class WorkerProcess:
    """``evently worker`` on a database."""

    url: str
    settings: dict[str, str] = attrs.field(factory=dict)
    process: subprocess.Popen[str] | None = None
    lines: list[str] = attrs.field(factory=list)

    def start(self) -> WorkerProcess:
        """Return once it says that it works."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
        environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "EVENTLY_DATABASE_URL": self.url,
            **self.settings,
        }
        command = [sys.executable, "-m", "evently_cli.main", "worker"]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        assert "is at work" in self.process.stdout.readline()
        return self

    def signal(self, which: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(which)
        return self.process.wait(timeout=120)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def start_worker() -> Iterator[Callable[..., WorkerProcess]]:
    """Start workers that are gone at the end of the test."""
    started: list[WorkerProcess] = []

    def start(url: str, **settings: str) -> WorkerProcess:
        started.append(WorkerProcess(url, settings))
        return started[-1].start()

    yield start
    for worker in started:
        worker.end()


def held_booking(url: str, hold_for: timedelta) -> EventId:
    """Book the one seat of an event and hold it for a while."""
    with open_application(Settings(data_dir=Path("unused")), url, pool_size=2) as app:
        new = NewEvent(
            title="Jazz",
            timezone="UTC",
            starts_at=SOON,
            ends_at=SOON + timedelta(hours=2),
            capacity=1,
            policy=Policy(hold_for=hold_for),
        )
        owner = UserId(UuidV7().new())
        made = app.evently.events.create(OPERATOR, new, organiser_id=owner)
        event_id = made.view.event.id  # type: ignore[union-attr]  # a fresh event is never refused
        app.evently.events.publish(OPERATOR, event_id)
        app.evently.bookings.book(event_id, Book(actor=OPERATOR, user_id=owner, quantity=1))
        return event_id


def _status(url: str) -> str:
    with psycopg.connect(url) as connection:
        [(status,)] = connection.execute("SELECT status FROM bookings").fetchall()
        return str(status)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_sweeps_what_lapsed_and_stops_when_told(
    make_database: MakeDatabase, start_worker: Callable[..., WorkerProcess], how: signal.Signals
) -> None:
    url = make_database()
    held_booking(url, timedelta(seconds=1))
    worker = start_worker(url)
    until(lambda: _status(url) == "expired")
    assert worker.signal(how) == 0


def test_two_workers_sweep_one_database(
    make_database: MakeDatabase, start_worker: Callable[..., WorkerProcess]
) -> None:
    """And when one is killed the other goes on."""
    url = make_database()
    first, second = start_worker(url), start_worker(url)
    assert first.signal(signal.SIGKILL) == -signal.SIGKILL
    held_booking(url, timedelta(seconds=1))
    until(lambda: _status(url) == "expired")
    assert second.signal(signal.SIGTERM) == 0


def test_a_job_that_fails_is_tried_again_and_stops_no_other() -> None:
    tries, others = [], threading.Event()

    def fail_twice() -> float:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("The database is away.")
        if len(tries) == 2:
            raise RuntimeError("a mistake of our own")
        return 60.0

    def work() -> float:
        others.set()
        return 0.01

    with working([Job("fails", fail_twice), Job("works", work)]):
        assert others.wait(60)
        others.clear()
        until(lambda: len(tries) == 3)
        assert others.wait(60)


def test_what_is_under_way_is_finished_and_nothing_more_is_begun() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work() -> float:
        begun.set()
        go_on.wait(60)
        done.append(1)
        return 0.0

    with working([Job("slow", work)]):
        assert begun.wait(60)
        threading.Timer(0.2, go_on.set).start()
    assert done == [1]
