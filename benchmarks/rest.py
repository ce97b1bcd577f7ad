"""P5: the whole stack. Bookings of one hot event over HTTP, against the best single statement."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.bench import Figure, Ground, Load, Verdict, evently_on, published
from benchmarks.raw import one_statement
from evently_core.errors import NotFound
from evently_core.services.accounts import AccountService
from evently_core.values import OPERATOR, Role
from evently_wiring import answering, serving
from evently_wiring.application import open_application
from evently_wiring.settings import Settings

CONNECTIONS = 64
WORKERS = 2
_PASSWORD = "a password for figures"
_SECRET = "0123456789abcdef" * 4
_LIMITS = ("EVENTLY_RATE_LIMIT", "EVENTLY_RATE_LIMIT_READS", "EVENTLY_RATE_LIMIT_LOGIN")


def worker_app() -> Callable[..., Any]:
    """Return the application as `evently serve` has it, with batches as large as the environment says."""
    return answering.worker_app(int(os.environ["BENCH_BATCH_MAX"]))


def whole_stack(ground: Ground) -> list[Verdict]:
    """P5: POST /bookings on one hot event, 64 connections, everything on, on the machine of its database."""
    ours: list[Load] = []
    alone: list[Load] = []
    base: list[Load] = []
    with _server(ground, batch_max=500) as server, _server(ground, batch_max=1) as one_by_one:
        tokens = _tokens(ground, server.port)
        for number in range(-1, ground.runs):  # the first does not count: it warms up
            measured = (
                _booking_over_http(ground, server, tokens, ground.seconds),
                _booking_over_http(ground, one_by_one, tokens, ground.seconds),
                one_statement(ground, CONNECTIONS),
            )
            if number >= 0:
                for figures, load in zip((ours, alone, base), measured, strict=True):
                    figures.append(load)
    against_base = _ratio("REST / one statement", ours, base)
    against_one = _ratio("REST / REST with batches of one", ours, alone)
    rate = Figure(name="POST /bookings", unit="/s", runs=tuple(load.per_second for load in ours))
    p99 = Figure(name="p99", unit="ms", runs=tuple(load.p99_ms for load in ours))
    return [
        Verdict(
            bar="P5",
            what="POST /bookings, 64 connections: ≥ 1 × the baseline, ≥ 2 × batches of one, p99 ≤ 100 ms",
            measured=f"{rate}, {against_base}, {against_one}, p99 {p99}",
            holds=against_base.median >= 1 and against_one.median >= 2 and p99.median <= 100,
            figures=(rate, against_base, against_one, p99),
        )
    ]


def memory(ground: Ground) -> list[Verdict]:
    """P10: the resident memory of the API's processes after 10,000 bookings and after many more."""
    first, last = 10_000, 30_000 if ground.quick else 200_000
    with _server(ground, batch_max=500) as server:
        tokens = _tokens(ground, server.port)
        done = 0.0
        weights = []
        for goal in (first, last):
            while done < goal:
                seconds = min(10.0, max(1.0, (goal - done) / 1_000))
                done += _booking_over_http(ground, server, tokens, seconds).per_second * seconds
            weights.append(server.resident())
    growth = Figure(name="memory", unit="×", runs=(weights[1] / weights[0],))
    return [
        Verdict(
            bar="P10",
            what=f"the API's memory after {last:,} bookings: ≤ 1.2 × after {first:,}",
            measured=f"{weights[0]:.0f} MB, then {weights[1]:.0f} MB, {growth}",
            holds=growth.median <= 1.2,
            figures=(growth,),
        )
    ]


def _ratio(name: str, ours: list[Load], theirs: list[Load]) -> Figure:
    pairs = zip(ours, theirs, strict=True)
    return Figure(name=name, unit="×", runs=tuple(a.per_second / b.per_second for a, b in pairs))


def _booking_over_http(ground: Ground, server: _Server, tokens: list[str], seconds: float) -> Load:
    """Book seats of a fresh event on one connection for each token."""
    with evently_on(ground) as (evently, _):
        event = published(evently)
    command = [
        *(sys.executable, "-m", "benchmarks.load", str(server.port), str(seconds), "/api/v1/bookings"),
        *(json.dumps({"event_id": str(event), "quantity": 1}), *tokens),
    ]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert set(found["statuses"]) == {"201"}, found
    return Load(found["per_second"], found["p99_ms"])


@attrs.frozen
class _Server:
    """A server that runs, as the process it was started as."""

    port: int
    process: int

    def resident(self) -> float:
        """Return the resident memory of its workers in megabytes."""
        return sum(
            int(line.split()[1]) / 1024
            for status in Path("/proc").glob("[0-9]*/status")
            if f"PPid:\t{self.process}\n" in (text := status.read_text())
            for line in text.splitlines()
            if line.startswith("VmRSS")
        )


@contextmanager
def _server(ground: Ground, batch_max: int) -> Iterator[_Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="evently-bench-") as folder:
        environment = {
            **os.environ,
            "BENCH_BATCH_MAX": str(batch_max),
            "EVENTLY_DATABASE_URL": ground.url,
            "EVENTLY_SECRET_KEY": _SECRET,
            "EVENTLY_DATA_DIR": folder,
            "EVENTLY_LOG_FORMAT": "json",
            "PROMETHEUS_MULTIPROC_DIR": folder,
            **dict.fromkeys(_LIMITS, "100000000 per 15 minutes"),  # they count, and refuse nobody
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.rest", str(port)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _await(f"http://127.0.0.1:{port}/health/live")
            yield _Server(port, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _await(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server does not answer")


def _tokens(ground: Ground, port: int) -> list[str]:
    """Sign so many people in, one for each connection."""
    settings = Settings(data_dir=Path(tempfile.gettempdir()), database_url=ground.url)
    emails = [f"bench-{number}@example.org" for number in range(CONNECTIONS)]
    with open_application(settings, ground.url) as application:
        if not _is_there(application.accounts, emails[0]):
            for email in emails:
                application.accounts.create_user(OPERATOR, email, _PASSWORD, "Bench", Role.ATTENDEE)
    tokens = []
    for email in emails:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/auth/login",
            data=json.dumps({"email": email, "password": _PASSWORD}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            tokens.append(json.loads(answer.read())["access_token"])
    return tokens


def _is_there(accounts: AccountService, email: str) -> bool:
    try:
        accounts.user_by_email(OPERATOR, email)
    except NotFound:
        return False
    return True


if __name__ == "__main__":
    serving.server("127.0.0.1", int(sys.argv[1]), WORKERS, "benchmarks.rest:worker_app").serve()
