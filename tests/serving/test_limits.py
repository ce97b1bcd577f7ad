"""Limits that several processes keep together."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from tests.redis_servers import MakeRedis
from tests.serving.test_serve import Server, folder, server  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.crash]


def ask(server: Server) -> tuple[int, str | None]:  # noqa: F811  # what the fixture gives
    """Ask as nobody; return the status and how many requests are left."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/v1/events", timeout=60) as answer:
            return answer.status, answer.headers["RateLimit-Remaining"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers["RateLimit-Remaining"]


def test_workers_count_together_in_redis_and_each_by_itself_without(
    server: Server,  # noqa: F811  # the fixture
    make_redis: MakeRedis,
) -> None:
    redis = make_redis()
    server.environment = {"EVENTLY_REDIS_URL": redis.url, "EVENTLY_RATE_LIMIT": "6 per 15 minutes"}
    server.start("--workers", "2")
    assert [ask(server) for _ in range(7)] == [
        *((200, str(left)) for left in (5, 4, 3, 2, 1, 0)),
        (429, "0"),
    ]
    redis.kill()
    found = [ask(server) for _ in range(13)]
    assert found[0] == (200, "5")
    statuses = [status for status, _ in found]
    assert set(statuses) == {200, 429}
    assert 6 <= statuses.count(200) <= 12  # six for each worker that was asked
