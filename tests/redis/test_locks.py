"""The lock of Redis in trouble: holders that stand still, and a server that is gone, slow, or has forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from redis import Redis

from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import REST, RedisLink
from evently_redis.keys import Keys
from evently_redis.locks import TIMEOUT, RedisEventLock
from tests.races.books import mistakes
from tests.redis.house import LEASE, House
from tests.redis_servers import MakeRedis
from tests.servers import MakeDatabase
from tests.slow_proxy import SlowProxy

SHORT = timedelta(milliseconds=100)
PATIENCE = timedelta(minutes=1)
"""For what comes at once on a machine that is not busy."""

MakeLock = Callable[..., RedisEventLock]


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture(scope="module")
def storage(url: str) -> Iterator[PostgresStorage]:
    engine = make_engine(url, pool_size=4)
    yield PostgresStorage(engine)
    engine.dispose()


@pytest.fixture
def make_lock() -> Iterator[MakeLock]:
    with ExitStack() as stack:

        def make(
            url: str, prefix: str = "evently:", *, timeout: timedelta = PATIENCE, **how: timedelta
        ) -> RedisEventLock:
            link = RedisLink(url, timeout=timeout, connect_timeout=timeout, rest=REST)
            lock = RedisEventLock(link, Keys(prefix), **how)
            stack.callback(link.close)
            stack.callback(lock.close)
            return lock

        yield make


@pytest.fixture
def prefix(make_redis_prefix: Callable[[], str]) -> str:
    return make_redis_prefix()


def wait_until_stopped(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_holder_that_stood_still_too_long_cannot_write_with_its_token(
    url: str, storage: PostgresStorage, redis_server: str, prefix: str, make_lock: MakeLock
) -> None:
    house = House.open(storage, make_lock(redis_server, prefix, lease=LEASE))
    command = ["-m", "tests.redis.paused_holder", url, redis_server, prefix, str(house.event_id)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, *command], env=environment, stdout=subprocess.PIPE, text=True
    ) as stale:
        wait_until_stopped(stale)
        time.sleep(LEASE.total_seconds())
        house.book()
        house.book()
        stale.send_signal(signal.SIGCONT)
        out, _ = stale.communicate(timeout=PATIENCE.total_seconds())

    told = json.loads(out)
    assert told["booked"]
    assert len(told["fences"]) == 2
    assert told["fences"][0] < newest_token(url, house)
    assert told["fences"][1] is None, "it was refused, and went on without the lock"
    assert house.taken == 3
    assert mistakes(url) == []


def test_a_hold_that_takes_longer_than_its_lease_is_renewed(
    storage: PostgresStorage, redis_server: str, prefix: str, make_lock: MakeLock
) -> None:
    ours, theirs = (make_lock(redis_server, prefix, wait=SHORT) for _ in range(2))
    event_id = House.open(storage, ours).event_id
    with ours.hold(event_id) as token:
        assert token is not None
        see_it_renewed(redis_server, Keys(prefix).of_event(event_id, "lock"))
        with theirs.hold(event_id) as none:
            assert none is None
    with theirs.hold(event_id) as next_token:
        assert next_token is not None
        assert next_token > token


def see_it_renewed(redis_server: str, key: str) -> None:
    """Return when there is more left of a lease than a moment before."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    with Redis.from_url(redis_server) as client:
        before = left = client.pttl(key)
        while left <= before:
            assert left > 0, "it lapsed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
            before, left = left, client.pttl(key)


def test_who_has_lost_the_lock_does_not_release_that_of_the_next(
    storage: PostgresStorage, redis_server: str, prefix: str, make_lock: MakeLock
) -> None:
    slow = make_lock(redis_server, prefix, lease=LEASE)
    other, third = (
        make_lock(redis_server, prefix, lease=PATIENCE),
        make_lock(redis_server, prefix, wait=SHORT),
    )
    event_id = House.open(storage, slow).event_id
    slow.close()  # it renews no more, like a process that stands still
    holding = slow.hold(event_id)
    assert holding.__enter__() is not None
    time.sleep(1.2 * LEASE.total_seconds())
    with other.hold(event_id) as token:
        assert token is not None
        holding.__exit__(None, None, None)
        with third.hold(event_id) as none:
            assert none is None


def newest_token(url: str, house: House) -> int:
    with psycopg.connect(url) as connection:
        [(fence,)] = connection.execute("SELECT fence FROM events WHERE id = %s", (house.event_id,))
    return int(fence)


def test_when_the_data_is_lost_tokens_go_on_above_those_that_have_written(
    url: str, storage: PostgresStorage, make_redis: MakeRedis, make_lock: MakeLock
) -> None:
    server = make_redis()
    house = House.open(storage, make_lock(server.url))
    house.book()
    before = newest_token(url, house)
    server.flush()
    house.book()
    assert newest_token(url, house) > before


def test_tokens_that_fell_behind_the_store_are_refused_once_and_then_above_it(
    url: str, storage: PostgresStorage, make_redis: MakeRedis, make_lock: MakeLock
) -> None:
    """As when the data is lost and the clock of the new server goes behind."""
    server = make_redis()
    house = House.open(storage, make_lock(server.url))
    ahead = time.time_ns() // 1_000 + 3_600_000_000
    house.lock.rise_above(house.event_id, ahead)
    house.book()
    assert newest_token(url, house) == ahead + 1
    server.flush()
    house.book()
    assert newest_token(url, house) == ahead + 1, "it was booked without a token"
    house.book()
    assert newest_token(url, house) == ahead + 2
    assert house.taken == 3


def test_booking_goes_on_while_the_server_is_stopped_and_the_lock_comes_back_with_it(
    url: str, storage: PostgresStorage, make_redis: MakeRedis, make_lock: MakeLock
) -> None:
    server = make_redis()
    house = House.open(storage, make_lock(server.url))
    house.book()
    before = newest_token(url, house)
    server.kill()
    for _ in range(20):
        house.book()
    assert newest_token(url, house) == before
    server.start()
    book_until(url, house, above=before)


@pytest.mark.parametrize("how", ["slow", "hanging"])
def test_a_server_that_does_not_answer_costs_one_short_wait_a_second(
    url: str, storage: PostgresStorage, make_redis: MakeRedis, make_lock: MakeLock, how: str
) -> None:
    server = make_redis()
    with SlowProxy(server.port) as proxy:
        house = House.open(storage, make_lock(f"redis://127.0.0.1:{proxy.port}", timeout=TIMEOUT))
        book_until(url, house, above=0)
        before = newest_token(url, house)
        if how == "slow":
            proxy.delay = 3 * TIMEOUT.total_seconds()
        else:
            server.pause()
        assert TIMEOUT.total_seconds() <= house.book() < PATIENCE.total_seconds()
        asked, started = proxy.connections, time.monotonic()
        for _ in range(20):
            house.book()
        rests = (time.monotonic() - started) / REST.total_seconds()
        assert proxy.connections - asked <= 1 + rests, "it was asked again and again"
        assert newest_token(url, house) == before
        server.resume()


def test_a_server_that_is_a_little_slow_still_keeps_order(
    url: str, storage: PostgresStorage, make_redis: MakeRedis, make_lock: MakeLock
) -> None:
    with SlowProxy(make_redis().port) as proxy:
        house = House.open(storage, make_lock(f"redis://127.0.0.1:{proxy.port}", timeout=TIMEOUT))
        proxy.delay = 0.02
        book_until(url, house, above=0)


def book_until(url: str, house: House, *, above: int) -> None:
    """Book until it is done with a newer token than that: a busy machine may be late with the first."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while True:
        house.book()
        if newest_token(url, house) > above:
            return
        assert time.monotonic() < deadline, "the lock does not come back"
        time.sleep(0.05)
