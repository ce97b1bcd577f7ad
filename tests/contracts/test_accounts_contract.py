"""The stores of users and sessions, in memory and in PostgreSQL, against the suites that every adapter must pass."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from evently_core.accounts import TokenId
from evently_core.memory.accounts import MemoryAccounts, MemorySessions
from evently_core.services.sessions import StandbySessions
from evently_core.testing.accounts_contract import (
    AccountsContract,
    AccountServiceContract,
    SessionsContract,
    Stores,
    StoresContract,
)
from evently_postgres.account_tables import account_acts, account_answers, sessions, users
from evently_postgres.accounts import PostgresAccounts, PostgresSessions
from evently_postgres.engine import make_engine, transaction
from evently_postgres.migrations import upgrade
from evently_redis.connection import RedisLink
from evently_redis.keys import Keys
from evently_redis.sessions import RedisSessions


class _InMemory(StoresContract):
    def make_stores(self) -> Stores:
        return Stores(MemoryAccounts(), MemorySessions())


class TestMemoryAccounts(_InMemory, AccountsContract): ...


class TestMemorySessions(_InMemory, SessionsContract): ...


class TestMemoryService(_InMemory, AccountServiceContract): ...


class _InTwoPlaces(StoresContract):
    def make_stores(self) -> Stores:
        return Stores(MemoryAccounts(), StandbySessions(MemorySessions(), standby=MemorySessions()))


class TestStandbySessions(_InTwoPlaces, SessionsContract): ...


class TestStandbyService(_InTwoPlaces, AccountServiceContract): ...


@pytest.fixture(scope="module")
def engine(make_empty_database: Callable[[], str]) -> Iterator[Engine]:
    url = make_empty_database()
    upgrade(url)
    engine = make_engine(url, pool_size=8)
    yield engine
    engine.dispose()


class _InPostgres(StoresContract):
    engine: Engine

    @pytest.fixture(autouse=True)
    def _empty(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            for table in (sessions, account_acts, account_answers, users):
                connection.execute(table.delete())
        self.engine = engine

    def make_stores(self) -> Stores:
        return Stores(PostgresAccounts(self.engine), PostgresSessions(self.engine))


class TestPostgresAccounts(_InPostgres, AccountsContract): ...


class TestPostgresSessions(_InPostgres, SessionsContract): ...


class TestPostgresService(_InPostgres, AccountServiceContract): ...


class _InRedis(StoresContract):
    """Accounts are in memory, sessions in Redis."""

    @pytest.fixture
    def address(self, redis_server: str) -> str:
        return redis_server

    @pytest.fixture(autouse=True)
    def _link(self, address: str, make_redis_prefix: Callable[[], str]) -> Iterator[None]:
        self.link, self.keys = RedisLink(address), Keys(make_redis_prefix())
        yield
        self.link.close()

    def make_stores(self) -> Stores:
        return Stores(MemoryAccounts(), RedisSessions(self.link, self.keys))


class TestRedisSessions(_InRedis, SessionsContract):
    def test_expired_sessions_are_forgotten(self) -> None:
        """By themselves, and not before a minute after they expired."""
        session = self.opened()
        with self.link.client() as client:
            kept = list(client.scan_iter(f"{self.keys.prefix}*"))
            lives = [int(client.pttl(key)) / 1_000 for key in kept]
        assert len(kept) == 2, "the session, and the list of its user's sessions"
        day = timedelta(days=1).total_seconds()
        assert all(day + 50 < life <= day + 60 for life in lives)
        assert self.sessions.forget(session.expires_at + timedelta(days=1)) == 0
        assert self.sessions.session(session.id) == session

    def test_a_rotation_keeps_the_session_in_the_list_for_as_long_as_it_lives(self) -> None:
        session = self.opened()
        later = session.expires_at - timedelta(minutes=1)
        rotated = session.rotated(TokenId(self.ids.new()), session.device, later, timedelta(days=2))
        assert self.sessions.replace(session, rotated)
        assert list(self.sessions.live(self.user.id, session.expires_at)) == [rotated]
        with self.link.client() as client:
            lives = [int(client.pttl(key)) for key in client.scan_iter(f"{self.keys.prefix}*")]
        assert min(lives) > timedelta(days=2) / timedelta(milliseconds=1)

    def test_a_rotation_whose_answer_was_lost_may_come_again(self) -> None:
        before = self.opened()
        after = before.rotated(TokenId(self.ids.new()), before.device, before.created_at, timedelta(days=1))
        assert self.sessions.replace(before, after)
        assert self.sessions.replace(before, after)


class TestRedisService(_InRedis, AccountServiceContract): ...


class TestRedisSessionsOnACluster(TestRedisSessions):
    @pytest.fixture
    def address(self, redis_cluster_url: str) -> str:
        return redis_cluster_url


class TestRedisServiceOnACluster(TestRedisService):
    @pytest.fixture
    def address(self, redis_cluster_url: str) -> str:
        return redis_cluster_url
