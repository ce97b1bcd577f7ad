"""The way to a real Redis: what it takes for an address, and what becomes of the server's failures."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from redis.exceptions import ResponseError

from evently_core.errors import InvalidValue, Unavailable
from evently_core.values import EventId
from evently_redis.connection import RedisLink, Script, is_redis_url
from evently_redis.keys import Keys
from tests.redis_servers import MakeRedis, RedisServer, free_port

SHORT = timedelta(milliseconds=200)
COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


PATIENCE = 60.0
"""Seconds, for what takes one or two on a machine that has nothing else to do."""


@contextmanager
def unavailable_in_time() -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        yield
    assert time.monotonic() - started < PATIENCE
    assert caught.value.__cause__ is not None


def answers_soon(link: RedisLink) -> bool:
    """Ask until there is an answer: a busy machine may be late with the first."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return link.check() == "ok"
        except Unavailable:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def times_asked(server: RedisServer) -> int:
    """Return how often the server was asked whether it is there."""
    with server.client as client:
        told: dict[str, dict[str, int]] = client.info("commandstats")
    return told["cmdstat_get"]["calls"]


def test_a_script_runs_whether_or_not_the_server_knows_it(
    redis_server: str, make_redis_prefix: Callable[[], str]
) -> None:
    link, key = RedisLink(redis_server), Keys(make_redis_prefix()).tagged("a", "count")
    assert [link.run(COUNT, [key], 2), link.run(COUNT, [key], 3)] == [2, 5]
    with link.client() as client:
        client.script_flush()
    assert link.run(COUNT, [key], 1) == 6
    link.close()


def test_our_own_mistake_is_not_called_a_failure_of_the_server(redis_server: str) -> None:
    link = RedisLink(redis_server)
    with pytest.raises(ResponseError):
        link.run(Script("return redis.call('NONSENSE')"), [])
    link.close()


def test_a_server_that_is_not_there_is_noticed_at_once() -> None:
    link = RedisLink(f"redis://127.0.0.1:{free_port()}")
    with unavailable_in_time():
        link.check()


def test_a_server_that_came_back_serves_the_next_call(make_redis: MakeRedis) -> None:
    server = make_redis()
    link = RedisLink(server.url)
    assert link.check() == "ok"
    server.kill()
    with unavailable_in_time():
        link.check()
    server.start()
    assert link.check() == "ok"
    link.close()


def test_a_server_that_restarted_between_two_calls_is_not_noticed(make_redis: MakeRedis) -> None:
    server = make_redis()
    link = RedisLink(server.url)
    link.check()
    server.stop()
    server.start()
    assert link.check() == "ok"
    link.close()


def test_a_server_that_hangs_is_given_up_after_the_timeout_and_not_asked_twice(make_redis: MakeRedis) -> None:
    server = make_redis()
    link = RedisLink(server.url, timeout=SHORT, connect_timeout=SHORT)
    link.check()
    before = times_asked(server)
    server.pause()
    with unavailable_in_time():
        link.check()
    server.resume()
    assert times_asked(server) - before <= 1, "it was asked twice"
    assert answers_soon(link)
    link.close()


def test_a_server_that_did_not_answer_is_left_alone_for_a_while(make_redis: MakeRedis) -> None:
    server = make_redis()
    links = [RedisLink(server.url, timeout=SHORT, rest=rest) for rest in (timedelta(hours=1), SHORT)]
    for link in links:
        assert answers_soon(link)
    before = times_asked(server)
    server.pause()
    for link in links:
        with unavailable_in_time():
            link.check()
    server.resume()
    resting, rested = links
    for _ in range(100):
        with pytest.raises(Unavailable):
            resting.check()
    assert times_asked(server) - before <= 2, "it was asked while it was to be left alone"
    assert answers_soon(rested)
    for link in links:
        link.close()


def test_a_server_that_cannot_save_is_unavailable_for_what_writes(make_redis: MakeRedis) -> None:
    server = make_redis("--min-replicas-to-write", "1")
    link = RedisLink(server.url)
    with unavailable_in_time():
        link.run(COUNT, ["count"], 1)
    link.close()


def test_connections_are_bounded_and_who_finds_none_free_is_told_in_time(redis_server: str) -> None:
    link = RedisLink(redis_server, pool_size=1, timeout=SHORT)
    with link.client() as client, client.pubsub() as occupied:
        occupied.subscribe("something")
        with unavailable_in_time():
            link.check()
    assert link.check() == "ok"
    link.close()


def test_a_cluster_serves_scripts_whose_keys_have_the_same_tag(redis_cluster_url: str) -> None:
    link, keys = RedisLink(redis_cluster_url), Keys("evently:")
    for number in range(20):
        event = EventId(UUID(int=number))
        both = [keys.of_event(event, "a"), keys.of_event(event, "b")]
        assert link.run(Script("return redis.call('MSET', KEYS[1], 1, KEYS[2], 2)"), both) == "OK"
    assert link.check() == "ok"
    link.close()


def test_a_cluster_that_is_not_there_is_noticed_when_it_is_used() -> None:
    link = RedisLink(f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{free_port()}")
    with unavailable_in_time():
        link.check()


def test_a_sentinel_tells_where_the_primary_is(make_redis: MakeRedis, tmp_path: Path) -> None:
    primary, port = make_redis(), free_port()
    settings = tmp_path / "sentinel.conf"
    settings.write_text(f"sentinel monitor tickets 127.0.0.1 {primary.port} 1\n")
    with _Sentinel(tmp_path / "sentinel", (str(settings), "--sentinel"), port) as sentinel:
        link = RedisLink(f"redis+sentinel://127.0.0.1:{sentinel.port}/tickets")
        assert link.run(COUNT, ["count"], 1) == 1
        with primary.client as client:
            assert client.get("count") == "1"
        link.close()
        with unavailable_in_time():
            RedisLink(f"redis+sentinel://127.0.0.1:{sentinel.port}/nobody").check()


class _Sentinel(RedisServer):
    """A Sentinel: the same program, with its settings in a file."""

    def _command(self, binary: str) -> list[str]:
        settings, mode = self.options
        return [binary, settings, mode, "--port", str(self.port), "--dir", str(self.folder)]


@pytest.mark.parametrize(
    "url",
    [
        "redis://10.0.0.1",
        "rediss://ada:secret@redis.example.org:6380/3?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=2",
        "redis+unix:///run/redis.sock",
        "redis+cluster://:secret@10.0.0.1:7000,10.0.0.2:7000",
        "rediss+cluster://[::1]:7000",
        "redis+sentinel://10.0.0.1,10.0.0.2:26380/tickets?db=1&sentinel_password=secret",
    ],
)
def test_these_are_addresses(url: str) -> None:
    RedisLink(url)
    assert is_redis_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://:hunter2@10.0.0.1",
        "redis://:hunter2@10.0.0.1:port",
        "redis://:hunter2@10.0.0.1?socket_timeout=soon",
        "redis+cluster://:hunter2@10.0.0.1:7000,,",
        "redis+sentinel://:hunter2@10.0.0.1:26379",
        "memcached+cluster://:hunter2@10.0.0.1",
        "hunter2",
    ],
)
def test_these_are_not_and_the_refusal_does_not_repeat_the_password(url: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        RedisLink(url)
    assert "hunter2" not in str(caught.value)
    assert not is_redis_url(url)
