"""Served with a Redis beside it: what it is good for, and that nothing but that ends with it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from evently_core.instances import LIVE_FOR
from evently_redis.connection import RedisLink
from evently_redis.instances import RedisInstances
from tests.redis_servers import MakeRedis, RedisServer
from tests.serving.test_serve import PASSWORD, Server, folder, server, until  # noqa: F401  # fixtures that tests name
from tests.serving.test_workers import children_of

pytestmark = [pytest.mark.crash, pytest.mark.slow]


def live(server: Server, token: str) -> dict[str, Any]:  # noqa: F811  # what the fixture gives
    status, answer = server.call("GET", "/health/instances", token=token, prefix="")
    assert status == 200, answer
    return {each["name"]: each for each in answer["items"]}


def test_processes_are_listed_while_they_live(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
) -> None:
    redis = make_redis()
    server.environment = {"EVENTLY_REDIS_URL": redis.url}
    server.start()
    assert server.process is not None
    token = server.admin()
    until(lambda: len(live(server, token)) == 2)
    found = live(server, token)
    answering = server.call("GET", "/health/live", prefix="")[1]["instance"]
    assert {each["kind"] for each in found.values()} == {"api", "worker"}
    assert found[answering]["kind"] == "api"
    assert found[answering]["requests"] > 0

    [child] = children_of(server.process.pid)
    assert found[answering]["pid"] == child
    os.kill(child, signal.SIGKILL)
    link = RedisLink(redis.url)
    until(lambda: answering not in {each.name for each in RedisInstances(link).live()})
    assert LIVE_FOR.total_seconds() < 5, "so soon it is missed"
    link.close()
    until(lambda: len(live(server, token)) == 2)  # another one took its place

    server.signal(signal.SIGTERM)
    with redis.client as client:
        assert client.hlen("evently:{instances}:told") == 0, "who ends says so"


SIGNED_IN = {"postgres": (200, 200), "redis": (503, 200)}
"""What a refresh and a log-in are answered without Redis, by where sessions are kept."""


@pytest.mark.parametrize(
    ("sessions", "trouble"), [("postgres", "hanging"), ("postgres", "forgetful"), ("redis", "gone")]
)
def test_without_redis_whoever_is_signed_in_books_waits_reads_and_cancels(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
    sessions: str,
    trouble: str,
) -> None:
    redis = make_redis()
    server.environment = {
        "EVENTLY_REDIS_URL": redis.url,
        "EVENTLY_SESSIONS": sessions,
        "EVENTLY_EVENT_LOCK": "redis",
    }
    server.start()
    assert server.call("GET", "/health/ready", prefix="")[1]["status"] == "ok"
    credentials = {"email": "root@example.org", "password": PASSWORD}
    tokens = server.call("POST", "/auth/login", credentials)[1]
    token = tokens["access_token"]
    started = time.monotonic()
    event = server.event(token, capacity=3)
    usual = time.monotonic() - started
    make_trouble(redis, trouble)
    time.sleep(2.1)  # for longer than a session is believed to be live without asking

    started = time.monotonic()
    server.call("POST", "/bookings", {"event_id": event, "quantity": 1}, token)
    booked = server.call("POST", "/bookings", {"event_id": event, "quantity": 1}, token)
    assert booked[0] == 201, booked
    waits = server.call("POST", "/waitlist", {"event_id": event, "quantity": 2}, token)
    assert waits[0] == 201, waits
    assert server.call("GET", "/bookings", None, token)[0] == 200
    cancelled = server.call("DELETE", f"/bookings/{booked[1]['booking']['id']}", None, token)
    assert cancelled[0] == 200, cancelled
    assert server.call("GET", f"/waitlist/{waits[1]['id']}", None, token)[1]["status"] == "served"
    assert time.monotonic() - started < 8 + 20 * usual, "Redis is not waited for again and again"

    status, ready = server.call("GET", "/health/ready", prefix="")
    lacks = trouble != "forgetful"
    assert (status, ready["status"]) == (200, "degraded" if lacks else "ok")
    assert ready["checks"]["redis"] == ("down" if lacks else "ok")

    refreshed = server.call("POST", "/auth/refresh", None, tokens["refresh_token"])
    anew = server.call("POST", "/auth/login", credentials)
    assert (refreshed[0], anew[0]) == SIGNED_IN[sessions]
    assert server.call("GET", "/auth/me", None, anew[1]["access_token"])[0] == 200

    if lacks:
        end_trouble(redis, trouble)
        until(lambda: server.call("GET", "/health/ready", prefix="")[1]["status"] == "ok")
        assert server.call("GET", "/auth/me", None, anew[1]["access_token"])[0] == 200


def make_trouble(redis: RedisServer, kind: str) -> None:
    {"gone": redis.kill, "hanging": redis.pause, "forgetful": redis.flush}[kind]()


def end_trouble(redis: RedisServer, kind: str) -> None:
    {"gone": redis.start, "hanging": redis.resume}[kind]()


def test_it_starts_and_serves_while_redis_is_gone(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
) -> None:
    redis = make_redis()
    redis.kill()
    server.environment = {"EVENTLY_REDIS_URL": redis.url, "EVENTLY_SESSIONS": "redis"}
    server.start()
    token = server.admin()
    [alone] = live(server, token)
    assert alone == server.call("GET", "/health/live", prefix="")[1]["instance"]
    redis.start()
    until(lambda: len(live(server, token)) == 2)
    assert server.call("GET", "/auth/me", None, token)[0] == 200
