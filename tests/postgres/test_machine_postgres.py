"""The machine of all use cases over PostgreSQL: what holds in memory holds in the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from evently_core.evently import Store
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from tests.core.test_machine import Machine
from tests.servers import MakeDatabase

EXAMPLES = 8 * int(os.environ.get("EVENTLY_EXAMPLES_TIMES", "1"))


class RisingIds:
    """Ids that no example shares with another, so that each has an event of its own in the same database."""

    numbers = count(1)

    def new(self) -> UUID:
        """Return the next id; the variant and version are those of a UUIDv7."""
        return UUID(int=0x7 << 76 | 0b10 << 62 | next(self.numbers))


@pytest.fixture
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    engine = make_engine(make_database())
    yield engine
    engine.dispose()


def test_postgresql_keeps_what_the_plain_model_says(engine: Engine) -> None:
    class OverPostgres(Machine):
        """Each example has a fresh event; the database is the same."""

        def make_store(self) -> Store:
            return PostgresStorage(engine)

        def make_ids(self) -> RisingIds:
            return RisingIds()

    run_state_machine_as_test(
        OverPostgres, settings=settings(max_examples=EXAMPLES, stateful_step_count=12, deadline=None)
    )
