"""The server as a user runs it: real processes, real signals, its own PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest

from evently_wiring.embedded import EmbeddedPostgres
from evently_wiring.worker import SWEEP_SECONDS

pytestmark = [pytest.mark.crash]

PASSWORD = "a long enough secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for something that comes soon, and for long on a machine that is slow or busy."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = holds()
        except (OSError, AssertionError):
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@attrs.define
class Server:
    """``evently serve`` in a process of its own."""

    folder: Path
    port: int = attrs.field(factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = attrs.field(factory=dict)
    """Further settings."""

    def start(self, *options: str) -> Server:
        self.begin(*options)
        until(lambda: self.call("GET", "/health/ready", prefix="")[0] == 200)
        return self

    def begin(self, *options: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
        environment |= {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "EVENTLY_ADMIN_EMAIL": "root@example.org",
            "EVENTLY_ADMIN_PASSWORD": PASSWORD,
            "EVENTLY_RATE_LIMIT": "off",  # one client here is a crowd
            **self.environment,
        }
        with (self.folder / "stdout").open("w") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "evently_cli.main", "serve", "--workers", "1"),
                    *("--port", str(self.port), "--data-dir", str(self.folder), *options),
                ],
                env=environment,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )

    def signal(self, which: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(which)
        return self.process.wait(timeout=120)

    def output(self) -> str:
        return (self.folder / "stdout").read_text()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        key: str | None = None,
        prefix: str = "/api/v1",
        prefer: str | None = None,
    ) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if prefer:
            headers["Prefer"] = prefer
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{prefix}{path}",
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def admin(self) -> str:
        credentials = {"email": "root@example.org", "password": PASSWORD}
        status, answer = self.call("POST", "/auth/login", credentials)
        assert status == 200, answer
        token: str = answer["access_token"]
        return token

    def event(self, token: str, **fields: Any) -> str:
        new = {
            "title": "Rush",
            "timezone": "UTC",
            "starts_at": "2040-05-01T18:00:00Z",
            "ends_at": "2040-05-01T20:00:00Z",
            "capacity": 100,
            **fields,
        }
        status, made = self.call("POST", "/events", new, token)
        assert status == 201, made
        assert self.call("POST", f"/events/{made['id']}/publish", None, token)[0] == 200
        identifier: str = made["id"]
        return identifier


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="evently-serve-"))
    path.chmod(0o755)
    yield path
    # Whatever a test left behind goes with the last user of the data.
    until(lambda: not EmbeddedPostgres(path).is_running)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(folder: Path, data_dir_to_copy: Path) -> Iterator[Server]:
    subprocess.run(["cp", "-a", f"{data_dir_to_copy}/.", str(folder)], check=True)
    server = Server(folder)
    yield server
    if server.process is not None:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


def test_it_serves_stops_when_told_and_finds_its_data_again(server: Server) -> None:
    server.start()
    event = server.event(server.admin())
    status, booked = server.call("POST", "/bookings", {"event_id": event, "quantity": 3}, server.admin())
    assert (status, booked["outcome"]) == (201, "booked")
    assert server.signal(signal.SIGTERM) == 0
    assert "Evently answers on http://127.0.0.1" in server.output()
    assert not EmbeddedPostgres(server.folder).is_running
    server.start()
    assert server.call("GET", f"/events/{event}")[1]["seats_taken"] == 3
    assert server.signal(signal.SIGINT) == 0


def test_the_first_admin_is_made_once_and_a_generated_password_told_once(folder: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    told = []
    for _ in range(2):
        process = subprocess.Popen(
            [*(sys.executable, "-m", "evently_cli.main", "serve", "--workers", "1"),
             *("--port", str(free_port()), "--data-dir", str(folder))],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "answers on" in line:
                break
        process.terminate()
        assert process.wait(timeout=120) == 0
        process.stdout.close()
        told.append("".join(lines))
    assert re.search(r"Its password is \S{12,} and will not be shown again", told[0])
    assert "password" not in told[1]
    assert (folder / "secret").stat().st_mode & 0o077 == 0


def test_it_goes_on_when_its_database_was_killed_and_answers_meanwhile(server: Server) -> None:
    server.start()
    token = server.admin()
    event = server.event(token)
    for signals in ([signal.SIGKILL], [signal.SIGSTOP, signal.SIGKILL]):
        killed = _postmaster(server.folder)
        assert killed is not None
        for each in signals:
            os.kill(killed, each)
        begin = time.monotonic()
        status, problem = server.call("GET", "/events")
        assert time.monotonic() - begin < 40, "nobody is left hanging"
        assert status in (200, 503), problem
        if status == 503:
            assert problem["code"] in ("unavailable", "overloaded")
        until(lambda killed=killed: _postmaster(server.folder) not in (None, killed))  # type: ignore[misc]  # bound as it is now
        until(lambda: server.call("POST", "/bookings", {"event_id": event}, token)[0] == 201)
    assert server.signal(signal.SIGTERM) == 0


def _postmaster(folder: Path) -> int | None:
    """Return the number of the database's main process; None while it is being started."""
    words = (folder / "postgres" / "data" / "postmaster.pid").read_text().split()
    return int(words[0]) if words else None


def test_a_lapsed_hold_is_swept_within_two_seconds(server: Server) -> None:
    server.start()
    token = server.admin()
    event = server.event(token, capacity=1, policy={"hold_for_seconds": 2})
    assert server.call("POST", "/bookings", {"event_id": event}, token)[1]["booking"]["status"] == "held"
    url = EmbeddedPostgres(server.folder).url

    def swept() -> bool:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT status FROM bookings").fetchall() == [("expired",)]

    until(swept)
    assert SWEEP_SECONDS < 2, "so soon it is looked for"
    assert server.signal(signal.SIGTERM) == 0


def test_a_port_that_is_taken_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [*(sys.executable, "-m", "evently_cli.main", "serve", "--port", str(taken.getsockname()[1])),
             *("--data-dir", str(folder))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert "Name another --port" in done.stderr
