"""P5: the whole stack. Bookings of one hot event over HTTP, against the best single statement."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from benchmarks.bench import Figure, Ground, Load, Verdict, evently_on, published
from benchmarks.raw import one_statement
from evently_core.errors import NotFound
from evently_core.services.accounts import AccountService
from evently_core.values import OPERATOR, Role
from evently_wiring.application import open_application
from evently_wiring.logs import configure_logs
from evently_wiring.serving import THREADS, wsgi_app
from evently_wiring.settings import Settings

CONNECTIONS = 64
WORKERS = int(os.environ.get("BENCH_WORKERS", "1"))
_PASSWORD = "a password for figures"


def worker_app() -> Callable[..., Any]:
    """Return the application as `evently serve` has it, with batches as large as the environment says."""
    settings = Settings.from_environment()
    assert settings.database_url is not None
    configure_logs("json")
    batch_max = int(os.environ["BENCH_BATCH_MAX"])
    opened = open_application(settings, settings.database_url, pool_size=20, batch_max=batch_max)
    return wsgi_app(settings, ExitStack().enter_context(opened))


def whole_stack(ground: Ground) -> list[Verdict]:
    """P5: POST /bookings on one hot event, 64 connections, everything on, on the machine of its database."""
    ours, alone, base = [], [], []
    for _ in range(ground.runs):
        ours.append(_over_http(ground, batch_max=500))
        alone.append(_over_http(ground, batch_max=1))
        base.append(one_statement(ground, CONNECTIONS))
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


def _ratio(name: str, ours: list[Load], theirs: list[Load]) -> Figure:
    pairs = zip(ours, theirs, strict=True)
    return Figure(name=name, unit="×", runs=tuple(a.per_second / b.per_second for a, b in pairs))


def _over_http(ground: Ground, *, batch_max: int) -> Load:
    with evently_on(ground) as (evently, _):
        event = published(evently)
    with _server(ground, batch_max) as port:
        tokens = _tokens(ground, port)
        command = [
            *(sys.executable, "-m", "benchmarks.load", str(port), str(ground.seconds), "/api/v1/bookings"),
            *(json.dumps({"event_id": str(event), "quantity": 1}), *tokens),
        ]
        subprocess.run(command, capture_output=True, check=True)  # warms up
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert set(found["statuses"]) == {"201"}, found
    return Load(found["per_second"], found["p99_ms"])


@contextmanager
def _server(ground: Ground, batch_max: int) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "EVENTLY_DATABASE_URL": ground.url, "BENCH_BATCH_MAX": str(batch_max)}
    environment |= {"EVENTLY_SECRET_KEY": "0123456789abcdef" * 4, "EVENTLY_DATA_DIR": str(Path.cwd())}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rest", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(f"http://127.0.0.1:{port}/health/live")
        yield port
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
    settings = Settings(data_dir=Path.cwd(), database_url=ground.url)
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


def _serve(port: int) -> None:
    multiprocessing.set_start_method("spawn", force=True)
    MPServer(
        "benchmarks.rest:worker_app",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        http=HTTPModes.http1,
        websockets=False,
        workers=WORKERS,
        blocking_threads=THREADS * 2,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
