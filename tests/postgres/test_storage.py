"""What only PostgreSQL can show: its half of the invariants, round trips, races, and the mending of counters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from evently_core.commands import Cancel, ChangeEvent
from evently_core.event import Policy
from evently_core.outcomes import EventSettled, Refused
from evently_core.testing.storage_contract import House
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


@pytest.fixture
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    engine = make_engine(make_database())
    yield engine
    engine.dispose()


@pytest.fixture
def house(engine: Engine) -> House:
    return House(PostgresStorage(engine))


def test_capacity_may_be_lowered_to_what_is_left_when_holds_lapse(house: House) -> None:
    event = house.published(capacity=10, policy=Policy(hold_for=timedelta(minutes=5)))
    house.booked(event, 1, 6)
    house.pass_by(minutes=6)
    outcome = house.decisions.submit(event.id, ChangeEvent(actor=house.organiser, changes={"capacity": 3}))
    assert isinstance(outcome, EventSettled), outcome
    assert house.storage.drifts() == []


def test_seats_freed_in_a_batch_let_a_later_command_of_it_lower_the_capacity(house: House) -> None:
    event = house.published(capacity=6)
    booking = house.booked(event, 1, 6)
    freed, lowered = house.decisions.decide_many(
        event.id,
        [
            Cancel(actor=house.person(1), booking_id=booking.id),
            ChangeEvent(actor=house.organiser, changes={"capacity": 1}),
        ],
    )
    assert not isinstance(freed, Refused), freed
    assert isinstance(lowered, EventSettled), lowered
    assert house.storage.drifts() == []
