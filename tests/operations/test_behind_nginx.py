"""The example of the operations page: a rush is queued while a worker, an instance and Redis are killed."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import psycopg
import pytest

from tests.races.books import mistakes
from tests.redis_servers import free_port, redis_binary
from tests.servers import MakeDatabase

pytestmark = [pytest.mark.crash, pytest.mark.slow]

START = Path(__file__).parents[2] / "examples" / "behind-nginx" / "start"
PASSWORD = "correct horse battery"
CLIENTS = 50
PATIENCE = 300.0
"""Seconds, for what takes a few on a machine that has nothing else to do."""
# As many as a small machine decides in half a minute; 20,000 takes some minutes.
REQUESTS = int(os.environ.get("EVENTLY_TEST_RUSH", "3000"))
SEATS = REQUESTS // 4


@attrs.define
class Machine:
    """Everything the example starts, and one door to it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def call(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Ask through the door; 0 means that there was no answer."""
        sent = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json else None

    def answered(
        self, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Ask until it is answered, as a client does whose server may be killed in the middle."""
        deadline = time.monotonic() + PATIENCE
        while True:
            status, answer = self.call(method, f"/api/v1{path}", body, token, **headers)
            if status not in (0, 502, 503, 504):
                return status, answer
            assert time.monotonic() < deadline, f"{method} {path} is never answered"
            time.sleep(0.1)

    def api(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> Any:
        """Ask until it is done."""
        status, answer = self.answered(method, path, body, token, **headers)
        assert 200 <= status < 300, (status, answer)
        return answer

    def health(self) -> str:
        """Return how the whole is, or nothing if there is no answer."""
        status, answer = self.call("GET", "/health/ready")
        return str(answer["status"]) if status == 200 else ""

    def signal(self, name: str, which: signal.Signals) -> None:
        os.kill(int((self.folder / f"{name}.pid").read_text()), which)

    def token(self, email: str) -> str:
        return str(self.api("POST", "/auth/login", {"email": email, "password": PASSWORD})["access_token"])

    def event(self, token: str, capacity: int) -> str:
        new = {
            "title": "Rush",
            "timezone": "UTC",
            "starts_at": "2040-05-01T18:00:00Z",
            "ends_at": "2040-05-01T21:00:00Z",
            "capacity": capacity,
        }
        event = str(self.api("POST", "/events", new, token, Idempotency_Key=f"make-{capacity}")["id"])
        self.api("POST", f"/events/{event}/publish", None, token)
        return event


@pytest.fixture
def url(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture
def machine(url: str, tmp_path: Path) -> Iterator[Machine]:
    programs = {"NGINX": shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")}
    programs["REDIS_SERVER"] = redis_binary()
    for name, program in programs.items():
        if program is None or shutil.which("curl") is None:
            pytest.skip(f"no {name.lower()} or curl on this machine")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
    evently = tmp_path / "evently"
    evently.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m evently_cli.main "$@"\n')
    evently.chmod(0o755)
    tmp_path.chmod(0o755)
    environment |= {
        **{name: program for name, program in programs.items() if program},
        "PYTHONPATH": os.pathsep.join(sys.path),
        "EVENTLY": str(evently),
        "EVENTLY_DATABASE_URL": url,
        "EVENTLY_ADMIN_EMAIL": "root@example.org",
        "EVENTLY_ADMIN_PASSWORD": PASSWORD,
        "EVENTLY_RATE_LIMIT": "off",
        "EVENTLY_RATE_LIMIT_READS": "off",
        "EVENTLY_RATE_LIMIT_LOGIN": "off",
        "PORT": str(_four_free_ports()),
    }
    folder = tmp_path / "run"
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen([str(START), str(folder)], env=environment, stdout=out, stderr=out)
    machine = Machine(folder, int(environment["PORT"]), process)
    try:
        _until(lambda: b"answers on" in (tmp_path / "out").read_bytes())
        yield machine
    finally:
        process.terminate()
        assert process.wait(timeout=PATIENCE) == 0


def _four_free_ports() -> int:
    while True:
        port = free_port()
        if port < 65_000 and all(_is_free(port + more) for more in range(1, 4)):
            return port


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@attrs.define
class Client:
    """Asks for one seat after the other, to be decided later, and notes when it asked and was answered.

    Who asks again under the same key, because the first answer was lost with its server, may find the request decided
    already: then there is no receipt, but the answer itself.
    """

    machine: Machine
    token: str
    event: str
    name: str
    count: int
    stopped: threading.Event
    """Set when nobody wants to know any more."""
    accepted: list[tuple[str, float, float]] = attrs.field(factory=list)
    decided: Counter[int] = attrs.field(factory=Counter)
    """Answers without a receipt, by status."""

    def ask_on(self) -> None:
        for number in range(self.count):
            if self.stopped.is_set():
                return
            begin = time.monotonic()
            status, receipt = self.machine.answered(
                "POST",
                "/bookings",
                {"event_id": self.event},
                self.token,
                Prefer="respond-async",
                Idempotency_Key=f"{self.name}-{number}",
            )
            if status == 202:
                self.accepted.append((receipt["id"], begin, time.monotonic()))
            else:
                assert status in (201, 409), receipt
                self.decided[status] += 1


@attrs.define
class Watcher:
    """Books on another event and looks at the health all the while."""

    machine: Machine
    token: str
    event: str
    stopped: threading.Event
    booked: int = 0
    pauses: list[float] = attrs.field(factory=list)
    health: Counter[str] = attrs.field(factory=Counter)

    def watch(self) -> None:
        before = time.monotonic()
        while not self.stopped.wait(0.05):
            self.machine.api("POST", "/bookings", {"event_id": self.event}, self.token)
            self.booked += 1
            self.pauses.append(time.monotonic() - before)
            before = time.monotonic()
            self.health[self.machine.health()] += 1


def test_a_queued_rush_is_decided_in_order_whatever_is_killed(machine: Machine, url: str) -> None:
    admin = machine.token("root@example.org")
    rush, other = machine.event(admin, SEATS), machine.event(admin, SEATS + 1_000_000)
    tokens = [_attendee(machine, number) for number in range(CLIENTS)]
    stopped = threading.Event()
    clients = [
        Client(machine, token, rush, f"client-{number}", REQUESTS // CLIENTS, stopped)
        for number, token in enumerate(tokens)
    ]
    watcher = Watcher(machine, tokens[0], other, stopped)
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS + 1) as crowd, psycopg.connect(url, autocommit=True) as connection:
        watching = crowd.submit(watcher.watch)
        try:
            asking = [crowd.submit(client.ask_on) for client in clients]
            _kill_one_after_another(machine, clients, watcher)
            for each in asking:
                each.result()
            assert _accepted(clients) == REQUESTS // CLIENTS * CLIENTS
            known = {request for client in clients for request, *_ in client.accepted}
            _until(lambda: known <= _settled(connection, rush))
        finally:
            stopped.set()
        watching.result()
        took = time.monotonic() - started

        requests = _requests_in_order(connection, rush)
        # Without a receipt, the server had accepted it all the same before it was killed.
        unknown = sum(sum(client.decided.values()) for client in clients)
        assert len(known) == _accepted(clients) - unknown, "two requests got the same receipt"
        assert len(requests) >= _accepted(clients), "one was lost"
        numbers = [number for _, state, number in requests if state == "done"]
        first_time = list(dict.fromkeys(numbers))  # who asked again while it was decided got the same seat
        assert len(first_time) == SEATS
        assert len(numbers) - SEATS <= CLIENTS, "seats were given twice"
        assert all(first < second for first, second in pairwise(first_time)), "the journal has another order"
        last_seat = [number for *_, number in requests].index(first_time[-1])
        assert {state for _, state, _ in requests[:last_seat]} == {"done"}, "refused while there were seats"
        assert {state for _, state, _ in requests} == {"done", "refused"}
        _require_the_order_that_was_seen(
            [request for request, *_ in requests if str(request) in known], clients
        )
    assert mistakes(url) == []
    assert watcher.booked > 10
    assert max(watcher.pauses) < 10 + took / 4, "booking on another event stood still"
    assert watcher.health["ok"], watcher.health
    _until(lambda: machine.health() == "ok")


def _kill_one_after_another(machine: Machine, clients: Sequence[Client], watcher: Watcher) -> None:
    """Kill a worker, an instance and Redis, each in the middle of the rush; Redis hangs until that is noticed."""
    for share, victim in ((0.2, "worker-1"), (0.4, "api-1"), (0.6, "redis")):
        _until(lambda share=share: _accepted(clients) >= share * REQUESTS)  # type: ignore[misc]  # a default binds it
        if victim == "redis":
            machine.signal(victim, signal.SIGSTOP)
            _until(lambda: watcher.health["degraded"] > 0)
        machine.signal(victim, signal.SIGKILL)


def _attendee(machine: Machine, number: int) -> str:
    email = f"client-{number}@example.org"
    who = {"email": email, "password": PASSWORD, "name": "Client"}
    machine.api("POST", "/auth/register", who, Idempotency_Key=email)
    return machine.token(email)


def _accepted(clients: Sequence[Client]) -> int:
    return sum(len(client.accepted) + sum(client.decided.values()) for client in clients)


def _settled(connection: psycopg.Connection[Any], event: str) -> set[str]:
    return {
        str(request)
        for (request,) in connection.execute("SELECT id FROM settlements WHERE event_id = %s", (event,))
    }


def _requests_in_order(connection: psycopg.Connection[Any], event: str) -> list[tuple[str, str, int]]:
    """Return id, state and the number of the booking in the journal, of each request in the order accepted."""
    rows = connection.execute(
        """
        SELECT settlements.id, state, journal.number
        FROM settlements
        LEFT JOIN journal ON journal.event_id = settlements.event_id AND journal.kind = 'granted'
            AND journal.data #>> '{booking,id}' = settlements.outcome #>> '{booking,id}'
        WHERE settlements.event_id = %s ORDER BY sequence
        """,
        (event,),
    )
    return [(str(request), state, number) for request, state, number in rows]


def _require_the_order_that_was_seen(requests: list[str], clients: list[Client]) -> None:
    """Who was answered before somebody else even asked stands before them."""
    seen = {request: (begin, end) for client in clients for request, begin, end in client.accepted}
    earliest_answer = float("inf")
    for request in reversed(requests):
        begin, end = seen[request]
        assert begin <= earliest_answer, "somebody was overtaken who had been answered before"
        earliest_answer = min(earliest_answer, end)
