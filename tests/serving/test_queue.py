"""Requests that were accepted are decided, in the order accepted, whatever is killed in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from evently_core.evently import Evently
from evently_core.intake import Asked, Receipt
from evently_core.memory.basics import RandomIds, SystemClock
from evently_core.outcomes import Admitted
from evently_core.testing.intake_contract import a_request
from evently_core.values import Actor, RequestId, Role, UserId
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_redis.intake import LEASE
from tests.races.books import mistakes
from tests.races.test_race import rush
from tests.redis_servers import MakeRedis
from tests.servers import MakeDatabase
from tests.serving.mortal_drainer import BATCH, DIES_IN, intake_at
from tests.serving.test_serve import Server, folder, server  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.crash]

REQUESTS = 25


def accept(server: Server, token: str, event: str, key: str) -> str:  # noqa: F811  # a parameter
    """Ask for a seat, to be decided later; return where to ask for the answer."""
    status, answer = server.call(
        "POST", "/bookings", {"event_id": event}, token, key=key, prefer="respond-async"
    )
    assert status == 202, answer
    return f"/booking-requests/{answer['id']}"


def decided(server: Server, token: str, path: str) -> Any:  # noqa: F811  # a parameter
    status, answer = server.call("GET", f"{path}?wait=10", None, token)
    assert status == 200, answer
    return answer


DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


@pytest.mark.slow
@pytest.mark.parametrize("intake", ["postgres", "redis"])
def test_what_was_accepted_outlives_every_process_the_database_and_redis(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
    intake: str,
) -> None:
    redis = make_redis(*DURABLE) if intake == "redis" else None
    server.environment = {"EVENTLY_REDIS_URL": redis.url, "EVENTLY_INTAKE": intake} if redis else {}
    server.start("--no-worker")
    token = server.admin()
    event = server.event(token)
    paths = [accept(server, token, event, f"k{number}") for number in range(REQUESTS)]
    _, waiting = server.call("GET", paths[-1], None, token)
    assert (waiting["status"], waiting["ahead"]) == ("queued", REQUESTS - 1)
    os.kill(_postmaster(server), signal.SIGKILL)
    server.signal(signal.SIGKILL)
    if redis:
        redis.kill()
        redis.start()

    server.start()
    token = server.admin()
    answers = [decided(server, token, path) for path in paths]
    assert [answer["status"] for answer in answers] == ["done"] * REQUESTS
    booked = [answer["result"]["booking"]["id"] for answer in answers]
    status, journal = server.call("GET", f"/events/{event}/journal?limit=100", None, token)
    assert status == 200
    granted = [line["data"]["booking"]["id"] for line in journal["items"] if line["kind"] == "granted"]
    assert granted == booked, "they were decided in the order accepted"
    again = server.call("POST", "/bookings", {"event_id": event}, token, key="k0")
    assert again == (201, answers[0]["result"])


@pytest.mark.slow
def test_without_the_redis_that_keeps_the_intake_bookings_go_on(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
) -> None:
    redis = make_redis(*DURABLE)
    server.environment = {"EVENTLY_REDIS_URL": redis.url, "EVENTLY_INTAKE": "redis"}
    server.start("--no-worker")
    token = server.admin()
    event = server.event(token)
    path = accept(server, token, event, "early")
    redis.kill()
    assert server.call("POST", "/bookings", {"event_id": event}, token)[0] == 201
    refused = server.call("POST", "/bookings", {"event_id": event}, token, prefer="respond-async")
    assert (refused[0], refused[1]["code"]) == (503, "unavailable")
    status, ready = server.call("GET", "/health/ready", prefix="")
    assert (status, ready["status"], ready["checks"]["queue"]) == (200, "degraded", "down")
    redis.start()
    server.signal(signal.SIGTERM)
    server.start()
    assert decided(server, server.admin(), path)["status"] == "done"


@pytest.mark.parametrize("point", ["before the commit", "after the commit"])
@pytest.mark.parametrize("intake", ["postgres", "redis"])
def test_a_drainer_that_is_killed_loses_nothing_and_doubles_nothing(
    make_database: MakeDatabase,
    redis_server: str,
    make_redis_prefix: Callable[[], str],
    intake: str,
    point: str,
) -> None:
    url, redis_url, prefix = make_database(), redis_server if intake == "redis" else "", make_redis_prefix()
    engine = make_engine(url)
    evently = Evently.over(
        PostgresStorage(engine), SystemClock(), RandomIds(), intake=intake_at(engine, redis_url, prefix)
    )
    event = rush(evently, Actor(UserId(RandomIds().new()), Role.ORGANISER))
    kind = evently.events.view(None, event).event.ticket_types[0].id
    ids = RandomIds()
    asked = [
        Asked(id=RequestId(ids.new()), command=a_request(number, ticket_type_id=kind), at=SystemClock().now())
        for number in range(40)
    ]
    way_in = intake_at(engine, redis_url, prefix)
    assert all(isinstance(each, Receipt) for each in way_in.accept(event, asked))
    drainer = subprocess.run(
        [sys.executable, "-m", "tests.serving.mortal_drainer", url, redis_url, prefix, point],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        timeout=120,
    )
    killed = time.monotonic()
    assert drainer.returncode == -signal.SIGKILL, drainer.stderr.decode()
    settled = evently.records.settlements([each.id for each in asked])
    assert len(settled) == BATCH * (DIES_IN - (point == "before the commit"))

    assert evently.drain is not None
    while not evently.drain.drain(BATCH).requests:
        assert time.monotonic() < killed + 120, "a dead one's share is not taken over"
        time.sleep(0.05)
    assert LEASE.total_seconds() < 5, "so soon it is taken over"
    while evently.drain.drain(BATCH).requests:
        pass
    found = evently.records.settlements([each.id for each in asked])
    assert [found[each.id].sequence for each in asked] == list(range(1, 41))
    booked = [found[each.id].outcome for each in asked]
    assert all(isinstance(outcome, Admitted) for outcome in booked)
    moments = [
        outcome.booking.id.int for outcome in booked if isinstance(outcome, Admitted) and outcome.booking
    ]
    assert moments == sorted(moments), "they were decided in the order accepted"
    assert mistakes(url) == []
    engine.dispose()


def _postmaster(server: Server) -> int:  # noqa: F811  # a parameter
    return int((server.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
