from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import Databases, MakeDatabase, shared_server

# Machines differ in speed: no example is too slow, and none is told to be.
settings.register_profile("evently", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("evently")


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
