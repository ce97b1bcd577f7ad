"""``python -m benchmarks.locks [--quick]``: whether a lock in front of a hot event pays, and which.

Several processes, each with threads that meet at a desk of its own, book one event: without a lock, with PostgreSQL's
advisory lock, and with the lock in Redis. The kinds take turns, so that what disturbs the machine disturbs all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import attrs
from rich.console import Console
from rich.table import Table

from benchmarks.bench import Figure, Ground, evently_on, published, request, under_load
from evently_core import Evently
from evently_core.memory.basics import SystemClock
from evently_core.ports import EventLock
from evently_core.values import EventId
from evently_postgres.engine import make_engine
from evently_postgres.locks import WAIT, PostgresEventLock
from evently_postgres.migrations import upgrade
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import REST, RedisLink
from evently_redis.locks import TIMEOUT, RedisEventLock
from evently_wiring.embedded import EmbeddedPostgres
from evently_wiring.ids import UuidV7
from tests.redis_servers import RedisServer

LOAD_BEFORE = os.getloadavg()
KINDS = ("none", "postgres", "redis")
PROCESSES = 4
CROWDS = (1, 16)
"""Threads of each process: those who come one by one, and those who come together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evently-bench-")))
        folder.chmod(0o755)
        url = os.environ.get("EVENTLY_BENCH_DATABASE_URL")
        if url is None:
            url = stack.enter_context(EmbeddedPostgres(folder)).url
        redis_url = os.environ.get("EVENTLY_BENCH_REDIS_URL")
        if redis_url is None:
            redis_url = stack.enter_context(RedisServer(folder / "redis")).url
        upgrade(url)
        ground = Ground(url=url, quick=chosen.quick)
        table = Table("threads each", "lock", "bookings/s", "spread", "p99", "against none")
        for threads in CROWDS:
            _measure(ground, redis_url, threads, table)
    print(f"{PROCESSES} processes, one hot event, load average before {LOAD_BEFORE[0]:.1f}")
    Console(width=120).print(table)


@attrs.frozen
class Rush:
    """What all processes together got done."""

    per_second: float
    p99_ms: float
    """Of the process that fared worst."""


def _measure(ground: Ground, redis_url: str, threads: int, table: Table) -> None:
    runs: dict[str, list[Rush]] = {kind: [] for kind in KINDS}
    for _ in range(ground.runs):
        for kind in KINDS:
            runs[kind].append(_rush(ground, redis_url, kind, threads))
    without = [rush.per_second for rush in runs["none"]]
    for kind, rushes in runs.items():
        done = Figure(name=kind, unit="/s", runs=tuple(rush.per_second for rush in rushes))
        ratio = Figure(
            name=kind, unit="×", runs=tuple(a / b for a, b in zip(done.runs, without, strict=True))
        )
        middle = sorted(rushes, key=lambda rush: rush.per_second)[len(rushes) // 2]
        told = (done, done.spread, f"{middle.p99_ms:.1f} ms", ratio)
        table.add_row(str(threads), kind, *map(str, told))


def _rush(ground: Ground, redis_url: str, kind: str, threads: int) -> Rush:
    with evently_on(ground) as (evently, _):
        event = published(evently)
    command = [
        *(sys.executable, "-m", "benchmarks.locks", "--process"),
        *(ground.url, redis_url, kind, str(event), str(threads), str(ground.seconds)),
    ]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0
        outputs.append(json.loads(out))
    return Rush(sum(each["per_second"] for each in outputs), max(each["p99_ms"] for each in outputs))


def _process(url: str, redis_url: str, kind: str, event: str, threads: str, seconds: str) -> None:
    """Be one of the processes: get ready, wait for the word, and tell what was done."""
    event_id = EventId(UUID(event))
    with _evently(url, redis_url, kind) as evently:
        evently.bookings.book(event_id, request(0))
        print("ready", flush=True)
        sys.stdin.readline()
        load = under_load(
            int(threads),
            float(seconds),
            lambda thread, number: evently.bookings.book(event_id, request(thread * 31 + number)),
        )
    print(json.dumps(attrs.asdict(load)))


@contextmanager
def _evently(url: str, redis_url: str, kind: str) -> Iterator[Evently]:
    with ExitStack() as stack:
        engine = make_engine(url, pool_size=4, pool_timeout=timedelta(seconds=30))
        stack.callback(engine.dispose)
        lock: EventLock | None = None
        if kind == "postgres":
            lock_engine = make_engine(url, pool_size=4, pool_timeout=WAIT)
            stack.callback(lock_engine.dispose)
            lock = PostgresEventLock(lock_engine)
        elif kind == "redis":
            link = RedisLink(redis_url, timeout=TIMEOUT, connect_timeout=TIMEOUT, rest=REST)
            stack.callback(link.close)
            lock = RedisEventLock(link)
        yield Evently.over(PostgresStorage(engine), SystemClock(), UuidV7(), lock=lock)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--process"]:
        _process(*sys.argv[2:])
    else:
        main()
