from collections.abc import Iterator

import pytest

from evently_core.evently import Store
from evently_core.memory.storage import MemoryStorage
from evently_core.testing.storage_contract import StorageContract
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


class TestMemoryStorage(StorageContract):
    def make_storage(self) -> Store:
        return MemoryStorage()


class TestPostgresStorage(StorageContract):
    @pytest.fixture(autouse=True)
    def _database(self, make_database: MakeDatabase) -> Iterator[None]:
        self._engine = make_engine(make_database(), pool_size=10)
        yield
        self._engine.dispose()

    def make_storage(self) -> Store:
        return PostgresStorage(self._engine)
