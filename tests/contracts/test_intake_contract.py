from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from evently_core.evently import Store
from evently_core.intake import DEPTH_MAX, Intake
from evently_core.memory.intake import MemoryIntake
from evently_core.memory.storage import MemoryStorage
from evently_core.testing.intake_contract import IntakeContract
from evently_postgres.engine import make_engine, transaction
from evently_postgres.intake import PostgresIntake
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import RedisLink
from evently_redis.intake import RedisIntake
from evently_redis.keys import Keys
from tests.servers import MakeDatabase


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    engine = make_engine(make_database(), pool_size=20)
    yield engine
    engine.dispose()


class TestMemoryIntake(IntakeContract):
    def make_storage(self, depth_max: int = DEPTH_MAX) -> Store:
        return MemoryStorage(MemoryIntake(depth_max=depth_max))

    def make_intake(self, storage: Store) -> Intake:
        assert isinstance(storage, MemoryStorage)
        return storage.intake


class TestPostgresIntake(IntakeContract):
    @pytest.fixture(autouse=True)
    def _empty_queue(self, engine: Engine) -> None:
        self._engine = engine
        with transaction(engine) as connection:
            connection.execute(
                text("TRUNCATE booking_requests, queue_heads, queue_tails, settlements, answers")
            )

    def make_storage(self, depth_max: int = DEPTH_MAX) -> Store:
        self._depth_max = depth_max
        return PostgresStorage(self._engine)

    def make_intake(self, storage: Store) -> Intake:
        return PostgresIntake(self._engine, depth_max=self._depth_max)


class TestRedisIntake(IntakeContract):
    """Requests wait in Redis; what comes of them is in PostgreSQL."""

    @pytest.fixture
    def address(self, redis_server: str) -> str:
        return redis_server

    @pytest.fixture(autouse=True)
    def _fresh(self, engine: Engine, address: str, make_redis_prefix: Callable[[], str]) -> Iterator[None]:
        self._engine = engine
        self._link, self._keys = RedisLink(address), Keys(make_redis_prefix())
        with transaction(engine) as connection:
            connection.execute(text("TRUNCATE settlements, answers"))
        yield
        self._link.close()

    def make_storage(self, depth_max: int = DEPTH_MAX) -> Store:
        self._depth_max = depth_max
        return PostgresStorage(self._engine)

    def make_intake(self, storage: Store) -> Intake:
        return RedisIntake(self._link, self._keys, depth_max=self._depth_max)


class TestRedisIntakeOnACluster(TestRedisIntake):
    @pytest.fixture
    def address(self, redis_cluster_url: str) -> str:
        return redis_cluster_url
