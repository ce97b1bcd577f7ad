"""The server is killed under load, again and again: nothing that was answered is lost, and a retry is safe."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import attrs
import psycopg
import pytest

from evently_wiring.embedded import EmbeddedPostgres
from tests.races.books import mistakes, overtakings
from tests.serving.test_serve import Server, folder, server, until  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.crash, pytest.mark.slow]

THREADS = 6


@attrs.define
class Client:
    """Asks for seats under a new key each time, and remembers what was answered and what was not."""

    server: Server
    token: str
    event: str
    name: str
    answered: dict[str, Any] = attrs.field(factory=dict)
    unanswered: list[str] = attrs.field(factory=list)
    stopped: threading.Event = attrs.field(factory=threading.Event)

    def ask(self, key: str) -> tuple[int, Any]:
        body = {"event_id": self.event, "quantity": 1 + len(key) % 3, "accept_partial": True}
        return self.server.call("POST", "/bookings", body, self.token, key)

    def settle(self, key: str) -> Any:
        """Ask again until it is answered, as somebody does who was told to come again in a moment."""
        status, answer = until(lambda: found if (found := self.ask(key))[0] != 503 else None)
        assert status in (201, 409), answer
        return answer

    def go_on(self) -> None:
        number = 0
        while not self.stopped.is_set():
            key = f"{self.name}-{number}"
            number += 1
            try:
                status, answer = self.ask(key)
            except (OSError, HTTPException):
                self.unanswered.append(key)
                time.sleep(0.02)
                continue
            if status in (201, 409):
                self.answered[key] = answer
            else:
                assert status == 503, answer
                self.unanswered.append(key)


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("EVENTLY_TEST_SEED", time.time_ns()))
    print(f"EVENTLY_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.mark.parametrize(("workers", "rounds"), [("1", 6), ("4", 3)])
def test_killing_the_server_under_load_loses_nothing_and_doubles_nothing(
    server: Server,  # noqa: F811  # the fixture
    chance: random.Random,
    workers: str,
    rounds: int,
) -> None:
    answered: dict[str, Any] = {}
    server.start("--workers", workers)
    token = server.admin()
    event = server.event(token, capacity=2_000)
    for each in range(rounds):
        clients = [Client(server, token, event, f"round-{each}-{n}") for n in range(THREADS)]
        threads = [threading.Thread(target=client.go_on) for client in clients]
        for thread in threads:
            thread.start()
        until(lambda clients=clients: any(client.answered for client in clients))  # type: ignore[misc]  # bound as they are now
        time.sleep(chance.uniform(0.0, 0.8))
        if each % 3 == 2:  # the database goes too
            with suppress(OSError, IndexError, ValueError):
                os.kill(_postmaster(server), signal.SIGKILL)
        server.signal(signal.SIGKILL)
        for client in clients:
            client.stopped.set()
        for thread in threads:
            thread.join(timeout=120)
        server.start("--workers", workers)
        for client in clients:
            for key in client.unanswered[:10]:
                client.answered[key] = client.settle(key)
            for key in chance.sample(sorted(client.answered), min(5, len(client.answered))):
                assert _essence(client.settle(key)) == _essence(client.answered[key]), (
                    "a retry is answered the same"
                )
            answered.update(client.answered)
    server.signal(signal.SIGKILL)

    booked = {
        answer["booking"]["id"]: answer["booking"]["quantity"]
        for answer in answered.values()
        if "booking" in answer
    }
    assert len(booked) > rounds
    with EmbeddedPostgres(server.folder) as database, psycopg.connect(database.url) as connection:
        kept: dict[str, int] = dict(
            connection.execute(
                "SELECT id::text, quantity FROM bookings WHERE status = 'confirmed'"
            ).fetchall()
        )
        assert booked.items() <= kept.items(), "every booking that was answered is there"
        [(keys,)] = connection.execute(
            "SELECT count(*) FROM answers WHERE outcome->'booking' <> 'null'"
        ).fetchall()
        assert keys == len(kept), "every booking belongs to one key"
        assert mistakes(database.url) == []
        assert overtakings(database.url, event) == []


def _essence(answer: Any) -> Any:
    return answer.get("booking") or answer["code"]


def _postmaster(server: Server) -> int:  # noqa: F811  # a parameter
    return int((server.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
