"""More than can be done is refused in time, and what was accepted is done."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import attrs
import psycopg
import pytest

from evently_wiring.embedded import EmbeddedPostgres
from tests.serving.test_serve import Server, folder, server  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.race, pytest.mark.slow]

CLIENTS = 120


@attrs.frozen
class Answer:
    status: int
    code: str | None
    retry_after: str | None
    seconds: float


def ask(server: Server, token: str, event: str) -> Answer:  # noqa: F811  # a parameter
    begin = time.monotonic()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/bookings", json.dumps({"event_id": event}), headers)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    took = time.monotonic() - begin
    return Answer(response.status, content.get("code"), response.headers.get("Retry-After"), took)


def test_a_crowd_before_an_event_that_stands_still_is_turned_away_in_time_and_served_after_it(
    server: Server,  # noqa: F811  # the fixture
) -> None:
    server.start()
    token = server.admin()
    event, other = server.event(token, capacity=CLIENTS), server.event(token)
    with (
        EmbeddedPostgres(server.folder) as database,
        psycopg.connect(database.url) as blocker,
        ThreadPoolExecutor(CLIENTS) as crowd,
    ):
        blocker.execute("SELECT FROM events WHERE id = %s FOR UPDATE", (event,))
        answers = list(crowd.map(lambda _: ask(server, token, event), range(CLIENTS)))
        assert {(answer.status, answer.code) for answer in answers} <= {
            (503, "overloaded"),
            (503, "unavailable"),
        }
        assert all(answer.retry_after for answer in answers)
        assert max(answer.seconds for answer in answers) < 90, "somebody was left hanging"
        assert ask(server, token, other).status == 201, "another event suffers"
        blocker.rollback()
        answers = list(crowd.map(lambda _: ask(server, token, event), range(CLIENTS)))
        assert Counter(answer.status for answer in answers) == {201: CLIENTS}
        booked = blocker.execute("SELECT count(*) FROM bookings WHERE event_id = %s", (event,)).fetchone()
    assert booked == (CLIENTS,), "what was refused was done all the same"
