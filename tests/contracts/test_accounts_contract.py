"""The stores of users and sessions, in memory and in PostgreSQL, against the suites that every adapter must pass."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from evently_core.memory.accounts import MemoryAccounts, MemorySessions
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


class _InMemory(StoresContract):
    def make_stores(self) -> Stores:
        return Stores(MemoryAccounts(), MemorySessions())


class TestMemoryAccounts(_InMemory, AccountsContract): ...


class TestMemorySessions(_InMemory, SessionsContract): ...


class TestMemoryService(_InMemory, AccountServiceContract): ...


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
