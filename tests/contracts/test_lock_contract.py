"""Every lock in front of an event against the suite that each must pass."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from evently_core.memory.basics import AlwaysYes
from evently_core.ports import EventLock
from evently_core.testing.lock_contract import EventLockContract, ExclusiveEventLockContract
from evently_postgres.engine import make_engine
from evently_postgres.locks import WAIT, PostgresEventLock
from evently_redis import locks
from evently_redis.connection import TIMEOUT, RedisLink
from evently_redis.keys import Keys
from evently_redis.locks import LEASE, RedisEventLock
from tests.servers import MakeDatabase

PATIENT = timedelta(seconds=30)


class TestAlwaysYes(EventLockContract):
    def make_lock(self) -> EventLock:
        return AlwaysYes()


@pytest.fixture(scope="module")
def database(make_database: MakeDatabase) -> str:
    return make_database()


class TestPostgresEventLock(ExclusiveEventLockContract):
    pgbouncer = False

    @pytest.fixture(autouse=True)
    def _database(self, database: str) -> Iterator[None]:
        self.url = database
        with ExitStack() as self.stack:
            yield

    def make_lock(self, wait: timedelta = WAIT) -> EventLock:
        engine = make_engine(self.url, pool_size=4, pgbouncer=self.pgbouncer)
        self.stack.callback(engine.dispose)
        return PostgresEventLock(engine, wait=wait)

    def make_patient_lock(self) -> EventLock:
        return self.make_lock(PATIENT)


class TestPostgresEventLockBehindPgBouncer(TestPostgresEventLock):
    pgbouncer = True


class _InRedis(ExclusiveEventLockContract):
    url: str

    @pytest.fixture(autouse=True)
    def _keys(self, make_redis_prefix: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.keys = Keys(make_redis_prefix())
        # Who waits is woken by who leaves: nobody looks by chance whether the lock is free.
        monkeypatch.setattr(locks, "_LISTEN", PATIENT)
        with ExitStack() as self.stack:
            yield

    def make_lock(self, wait: timedelta = WAIT) -> EventLock:
        link = RedisLink(self.url, timeout=max(wait, TIMEOUT))
        lock = RedisEventLock(link, self.keys, wait=wait, lease=max(wait, LEASE))
        self.stack.callback(link.close)
        self.stack.callback(lock.close)
        return lock

    def make_patient_lock(self) -> EventLock:
        return self.make_lock(PATIENT)


class TestRedisEventLock(_InRedis):
    @pytest.fixture(autouse=True)
    def _server(self, redis_server: str) -> None:
        self.url = redis_server


class TestRedisEventLockOnACluster(_InRedis):
    @pytest.fixture(autouse=True)
    def _server(self, redis_cluster_url: str) -> None:
        self.url = redis_cluster_url
