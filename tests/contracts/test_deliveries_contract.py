"""Webhooks, the outbox and deliveries, in memory and in PostgreSQL, against the suites every adapter must pass."""

from collections.abc import Iterator

import pytest

from evently_core.memory.deliveries import MemoryDeliveries, MemoryWebhooks
from evently_core.memory.storage import MemoryStorage
from evently_core.testing.deliveries_contract import (
    DeliveriesContract,
    OutboxContract,
    Outside,
    OutsideContract,
    WebhooksContract,
)
from evently_postgres.deliveries import PostgresDeliveries, PostgresOutbox
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_postgres.webhooks import PostgresWebhooks
from tests.servers import MakeDatabase


class _InMemory(OutsideContract):
    def make_outside(self) -> Outside:
        storage, webhooks = MemoryStorage(), MemoryWebhooks()
        deliveries = MemoryDeliveries(storage, webhooks)
        return Outside(storage, webhooks, deliveries, deliveries)


class TestMemoryOutbox(_InMemory, OutboxContract): ...


class TestMemoryDeliveries(_InMemory, DeliveriesContract): ...


class TestMemoryWebhooks(_InMemory, WebhooksContract): ...


class _InPostgres(OutsideContract):
    @pytest.fixture(autouse=True)
    def _database(self, make_database: MakeDatabase) -> Iterator[None]:
        self._engine = make_engine(make_database(), pool_size=10)
        yield
        self._engine.dispose()

    def make_outside(self) -> Outside:
        engine = self._engine
        return Outside(
            PostgresStorage(engine),
            PostgresWebhooks(engine),
            PostgresOutbox(engine),
            PostgresDeliveries(engine),
        )


class TestPostgresOutbox(_InPostgres, OutboxContract): ...


class TestPostgresDeliveries(_InPostgres, DeliveriesContract): ...


class TestPostgresWebhooks(_InPostgres, WebhooksContract): ...
