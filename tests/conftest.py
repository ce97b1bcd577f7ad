from __future__ import annotations

import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from evently_postgres.migrations import upgrade
from evently_wiring.embedded import EmbeddedPostgres
from tests.redis_servers import KeySpaces, MakeRedis, RedisServer, redis_cluster, require_redis, shared_redis
from tests.servers import Databases, MakeDatabase, shared_server

# Machines differ in speed: no example is too slow, and none is told to be.
settings.register_profile("evently", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evently")


def pytest_configure() -> None:
    # A shell that runs the tests in the background lets them ignore Ctrl-C, and the programs they start as well.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long and mostly waits: the rest fills the gaps, and nobody waits for it at the end."""
    items.sort(
        key=lambda item: (item.get_closest_marker("slow") is None, item.get_closest_marker("crash") is None)
    )


@pytest.fixture(scope="session")
def run_id(request: pytest.FixtureRequest) -> str:
    """What all processes of this test run have in common, and no other run has."""
    if hasattr(request.config, "workerinput"):
        return str(request.config.workerinput["testrunuid"])
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def postgres_server(run_id: str) -> Iterator[str]:
    """The address of a real PostgreSQL, shared by the whole run, as somebody who may create databases."""
    with shared_server(run_id) as url:
        yield url


@pytest.fixture(scope="session")
def databases(postgres_server: str, run_id: str) -> Iterator[Databases]:
    made = Databases(postgres_server, run_id)
    yield made
    made.drop_all()


@pytest.fixture(scope="session")
def make_database(databases: Databases) -> MakeDatabase:
    """Make fresh databases of the newest version, as many as a test wants."""
    return databases.migrated


@pytest.fixture(scope="session")
def make_empty_database(databases: Databases) -> MakeDatabase:
    """Make fresh databases with nothing in them."""
    return databases.empty


@pytest.fixture(scope="session")
def data_dir_to_copy() -> Iterator[Path]:
    """A data directory of the embedded server, of the newest version and stopped: making one takes seconds."""
    made = Path(tempfile.mkdtemp(prefix="evently-data-"))
    made.chmod(0o755)
    with EmbeddedPostgres(made) as database:
        upgrade(database.url)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def redis_server(run_id: str) -> Iterator[str]:
    """The address of a real Redis, shared by the whole run."""
    with shared_redis(run_id) as url:
        yield url


@pytest.fixture(scope="session")
def make_redis_prefix(redis_server: str) -> Iterator[Callable[[], str]]:
    """Make prefixes of keys that nobody else uses, as many as a test wants."""
    spaces = KeySpaces(redis_server)
    yield spaces.new
    spaces.clear()


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[MakeRedis]:
    """Start private servers that a test may stop, kill, pause and flush."""
    require_redis()
    with ExitStack() as servers:

        def make(*options: str) -> RedisServer:
            folder = tmp_path / f"redis-{len(list(tmp_path.iterdir()))}"
            return servers.enter_context(RedisServer(folder, options))

        yield make


@pytest.fixture(scope="session")
def redis_cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster of three nodes, of this process alone."""
    require_redis()
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url
