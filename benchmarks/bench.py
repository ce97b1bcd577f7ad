"""The ground all benchmarks stand on: a durable PostgreSQL, an event to book, figures with their spread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from uuid import uuid4

import attrs
from sqlalchemy import Engine

from evently_core import Actor, Book, Evently, NewEvent, Policy, Role, UserId
from evently_core.desk import BATCH_MAX
from evently_core.memory.basics import SystemClock
from evently_core.services.events import EventAnswer
from evently_core.values import EventId
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_wiring.ids import UuidV7

ORGANISER = Actor(UserId(uuid4()), Role.ORGANISER)
PEOPLE = [Actor(UserId(uuid4()), Role.ATTENDEE) for _ in range(2_000)]


@attrs.frozen(kw_only=True)
class Ground:
    """Where a benchmark runs: a migrated database on a durable server, and how long it may take."""

    url: str
    quick: bool

    @property
    def runs(self) -> int:
        """How often each thing is measured."""
        return 3 if self.quick else 5

    @property
    def seconds(self) -> float:
        """How long one measurement of a throughput lasts."""
        return 1.5 if self.quick else 5.0


@attrs.frozen(kw_only=True)
class Figure:
    """A measured figure: the median of several runs, and the runs it is the median of."""

    name: str
    unit: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure to quote."""
        return statistics.median(self.runs)

    @property
    def spread(self) -> str:
        """The smallest and the largest run."""
        return f"{_short(min(self.runs))}–{_short(max(self.runs))}"

    def __str__(self) -> str:
        return f"{_short(self.median)} {self.unit}"


@attrs.frozen(kw_only=True)
class Verdict:
    """A bar, what was measured against it, and whether it holds."""

    bar: str
    what: str
    measured: str
    holds: bool
    figures: tuple[Figure, ...] = ()


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


@contextmanager
def evently_on(
    ground: Ground, *, pool_size: int = 20, batch_max: int = BATCH_MAX
) -> Iterator[tuple[Evently, Engine]]:
    """Open the use cases over the database; ``batch_max`` bounds what travels in one transaction."""
    engine = make_engine(ground.url, pool_size=pool_size, pool_timeout=timedelta(seconds=30))
    try:
        yield Evently.over(PostgresStorage(engine), SystemClock(), UuidV7(), batch_max=batch_max), engine
    finally:
        engine.dispose()


def published(
    evently: Evently,
    *,
    organiser: Actor = ORGANISER,
    capacity: int = 5_000_000,
    policy: Policy | None = None,
) -> EventId:
    """Publish an event with more seats than anybody books here."""
    starts_at = datetime.now(UTC) + timedelta(days=30)
    drafted = evently.events.create(
        organiser,
        NewEvent(
            title="Bench",
            timezone="UTC",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=2),
            capacity=capacity,
            policy=policy or Policy(),
        ),
    )
    assert isinstance(drafted, EventAnswer)
    evently.events.publish(organiser, drafted.view.event.id)
    return drafted.view.event.id


def request(number: int, quantity: int = 1, *, join: bool = False) -> Book:
    """Return a request of one of the people."""
    actor = PEOPLE[number % len(PEOPLE)]
    assert actor.user_id is not None
    return Book(actor=actor, user_id=actor.user_id, quantity=quantity, join_waitlist=join)


def repeated(name: str, unit: str, runs: int, measure: Callable[[], float]) -> Figure:
    """Measure several times, once before without counting."""
    measure()
    return Figure(name=name, unit=unit, runs=tuple(measure() for _ in range(runs)))


@attrs.frozen
class Load:
    """What many threads got done."""

    per_second: float
    p99_ms: float


def under_load(threads: int, seconds: float, act: Callable[[int, int], object]) -> Load:
    """Let many threads act again and again for some seconds; ``act`` gets the thread and a running number."""
    latencies: list[list[float]] = [[] for _ in range(threads)]
    barrier = Barrier(threads + 1)

    def work(thread: int) -> None:
        barrier.wait()
        end = time.perf_counter() + seconds
        number = 0
        while (start := time.perf_counter()) < end:
            act(thread, number)
            latencies[thread].append(time.perf_counter() - start)
            number += 1

    workers = [Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    barrier.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - begin
    return Load(
        sum(map(len, latencies)) / elapsed, percentile([each for one in latencies for each in one], 99) * 1000
    )


def percentile(values: Sequence[float], which: int) -> float:
    """Return a percentile of values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * which // 100)]


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds something takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
