"""What only PostgreSQL can show: its half of the invariants, what goes over the wire, and who wins a race."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from evently_core.commands import Book, Cancel, ChangeEvent, Command, Key
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.errors import Overloaded, Unavailable
from evently_core.event import Event, Policy
from evently_core.inventory import Inventory, Needs, needs_of
from evently_core.memory.basics import SequentialIds
from evently_core.outcomes import Admitted, EventSettled, Refused
from evently_core.paging import PageRequest
from evently_core.services.decisions import Decisions
from evently_core.services.events import NewTicketType
from evently_core.storage import BookingQuery, EventQuery
from evently_core.testing.storage_contract import House, tell
from evently_core.values import EventId, Money
from evently_postgres.engine import Limits, make_engine
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


@pytest.fixture(scope="module")
def url(make_database: MakeDatabase) -> str:
    return make_database()


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def house(engine: Engine) -> House:
    return House(PostgresStorage(engine))


def a_booking(house: House, person: int, **how: Any) -> Book:
    actor = house.person(person)
    assert actor.user_id is not None
    return Book(actor=actor, user_id=actor.user_id, **how)


class TestRecording:
    def test_capacity_may_be_lowered_to_what_is_left_when_holds_lapse(self, house: House) -> None:
        event = house.published(capacity=10, policy=Policy(hold_for=timedelta(minutes=5)))
        house.booked(event, 1, 6)
        house.pass_by(minutes=6)
        lower = ChangeEvent(actor=house.organiser, changes={"capacity": 3})
        outcome = house.decisions.submit(event.id, lower)
        assert isinstance(outcome, EventSettled), outcome
        assert house.storage.drifts() == []

    def test_seats_freed_in_a_batch_let_a_later_command_of_it_lower_the_capacity(self, house: House) -> None:
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

    def test_a_ticket_type_may_be_added_and_another_one_shrunk(self, house: House) -> None:
        event = house.published(
            capacity=9, ticket_types=(NewTicketType(name="Box", price=Money(0, "EUR"), capacity=5),)
        )
        booking = house.booked(event, 1, 5)
        house.bookings.reduce(house.person(1), booking.id, 2)
        box = event.ticket_types[0].id
        house.events.change_ticket_type(house.organiser, event.id, box, {"capacity": 2})
        house.events.add_ticket_type(
            house.organiser, event.id, NewTicketType(name="Floor", price=Money(0, "EUR"))
        )
        changed = house.storage.event(event.id)
        assert changed is not None
        assert [(kind.name, kind.capacity) for kind in changed.ticket_types] == [("Box", 2), ("Floor", None)]
        assert house.storage.drifts() == []

    def test_a_large_batch_is_recorded_as_a_small_one(self, house: House) -> None:
        event = house.published(capacity=1_000)
        batch = [a_booking(house, number % 900, key=Key("all", str(number))) for number in range(2_500)]
        outcomes = house.decisions.decide_many(event.id, batch)
        assert sum(isinstance(outcome, Admitted) for outcome in outcomes) == 1_000
        assert house.storage.drifts() == []
        again = house.decisions.decide_many(event.id, batch)
        assert all(outcome.replayed for outcome in again if isinstance(outcome, Admitted | Refused))

    def test_what_breaks_a_rule_of_the_database_is_loud_and_shows_no_row(self, house: House) -> None:
        event = house.published(title="A secret gig", capacity=3)
        now = house.clock.now()
        ids = iter(house.ids.new, None)
        with house.storage.transaction(event.id, now) as open_one:
            batch = [a_booking(house, 1)]
            decision = decide(open_one.inventory(needs_of(batch)), batch, now, ids)
            assert isinstance(decision, Decision)
            open_one.record(attrs.evolve(decision, taken={event.ticket_types[0].id: 4}))
            with pytest.raises(AssertionError, match="events_capacity_check") as raised:
                open_one.commit()
        assert "secret" not in "".join(traceback.format_exception(raised.value))
        assert house.storage.drifts() == []
        house.booked(event, 1, 3)

    def test_text_of_any_kind_comes_back_as_it_was(self, house: House) -> None:
        event = house.published(
            title='{"a",NULL}', description="back\\slash, \"quote\", 'tick', ß 漢 🎟\n%s {}"
        )
        booking = house.booked(event, 1, key=Key('k"\\{', "NULL"))
        house.bookings.cancel(house.organiser, booking.id, reason='so "he" said\\ {NULL}')
        kept = house.storage.event(event.id)
        assert kept is not None
        assert (kept.title, kept.description) == (event.title, event.description)
        assert house.storage.journal(event.id, PageRequest()).items[-1].reason == 'so "he" said\\ {NULL}'
        assert house.book(event, 1, key=Key('k"\\{', "NULL")).replayed


class TestWhatIsAboutEverybody:
    """An event is cancelled, or its lines are closed, in one transaction, however many people that concerns."""

    _NOTE = (
        "CREATE TABLE noted (number SERIAL, pause TEXT, patience TEXT)",
        """
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO noted (pause, patience) VALUES (
                current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')
            );
            RETURN NULL;
        END $$
        """,
        "CREATE TRIGGER note BEFORE UPDATE ON bookings FOR EACH STATEMENT EXECUTE FUNCTION note()",
    )

    @pytest.mark.parametrize("pgbouncer", [False, True])
    def test_it_has_more_time_than_what_is_about_one(
        self, make_database: MakeDatabase, pgbouncer: bool
    ) -> None:
        url = make_database()
        engine = make_engine(url, pgbouncer=pgbouncer)
        house = House(PostgresStorage(engine))
        event = house.published()
        first = house.booked(event, 1)
        house.booked(event, 2)
        with psycopg.connect(url) as connection:
            for statement in self._NOTE:
                connection.execute(statement.encode())
        house.bookings.cancel(house.person(1), first.id)
        house.events.cancel(house.organiser, event.id, "Storm")
        other = house.published()
        house.bookings.cancel(house.person(1), house.booked(other, 1).id)
        with psycopg.connect(url) as connection:
            noted = connection.execute("SELECT pause, patience FROM noted ORDER BY number").fetchall()
        assert noted == [("10s", "5s"), ("2min", "2min"), ("10s", "5s")]
        engine.dispose()


class TestLists:
    def test_events_and_their_seats_are_of_one_moment(self, make_database: MakeDatabase) -> None:
        engine = make_engine(make_database())
        house = House(PostgresStorage(engine))
        event = house.published(capacity=2)

        class Interrupted(PostgresStorage):
            """A list that somebody is quicker than, in the middle."""

            def _inventories(self, *how: Any) -> dict[EventId, Inventory]:
                house.decisions.submit(event.id, a_booking(house, 1, quantity=2))
                house.decisions.submit(event.id, ChangeEvent(actor=house.organiser, changes={"capacity": 3}))
                return super()._inventories(*how)

        [listed] = Interrupted(engine).listed(EventQuery(), PageRequest(), house.clock.now()).items
        assert listed.event == event
        assert set(listed.taken.values()) == {0}
        [later] = house.storage.listed(EventQuery(), PageRequest(), house.clock.now()).items
        assert (later.event.capacity, set(later.taken.values())) == (3, {2})
        engine.dispose()


class TestTheWire:
    """What is sent, told by the protocol's own trace."""

    @pytest.fixture
    @staticmethod
    def sent(engine: Engine, tmp_path: Path) -> Iterator[Path]:
        """Trace every connection that is lent from now on."""
        trace = tmp_path / "trace"
        with trace.open("wb", buffering=0) as file:

            def listen(connection: psycopg.Connection, *_: object) -> None:
                connection.pgconn.trace(file.fileno())

            def stop(connection: psycopg.Connection, *_: object) -> None:
                connection.pgconn.untrace()

            sqlalchemy_event.listen(engine, "checkout", listen)
            sqlalchemy_event.listen(engine, "checkin", stop)
            yield trace
            sqlalchemy_event.remove(engine, "checkout", listen)
            sqlalchemy_event.remove(engine, "checkin", stop)

    @staticmethod
    def spent(house: House, event: Event, batch: list[Command], trace: Path) -> tuple[int, int]:
        """Return the statements and the round trips that a batch takes once everything is prepared."""
        before = trace.stat().st_size
        house.decisions.decide_many(event.id, batch)
        messages = [line.split("\t")[1:4] for line in trace.read_text()[before:].splitlines()]
        asked = [name for way, _, name in (m for m in messages if len(m) == 3) if way == "F"]
        return asked.count("Bind"), asked.count("Sync")

    def test_a_lone_booking_takes_two_round_trips(self, house: House, sent: Path) -> None:
        event = house.published()
        for person in range(3):
            self.spent(house, event, [a_booking(house, person)], sent)
        statements, syncs = self.spent(house, event, [a_booking(house, 4)], sent)
        assert syncs == 2
        assert statements <= 10

    def test_a_large_batch_takes_no_more_of_them_than_a_small_one(self, house: House, sent: Path) -> None:
        event = house.published(capacity=200)
        for number in range(4):
            self.spent(house, event, [a_booking(house, 1000 + number, join_waitlist=True)], sent)
        small = self.spent(house, event, [a_booking(house, 1, join_waitlist=True)], sent)
        large = self.spent(
            house, event, [a_booking(house, person, join_waitlist=True) for person in range(2, 150)], sent
        )
        assert large == small
        booked = house.storage.bookings(
            BookingQuery(now=house.clock.now(), event_id=event.id), PageRequest(100)
        )
        cancelled = self.spent(
            house,
            event,
            [Cancel(actor=house.organiser, booking_id=b.id, reason="x") for b in booked.items],
            sent,
        )
        assert cancelled[0] <= large[0] + 5

    def test_snapshots_of_many_events_take_no_more_round_trips_than_those_of_one(
        self, house: House, sent: Path
    ) -> None:
        events = []
        for _ in range(12):
            event = house.published(capacity=1)
            house.booked(event, 1)
            house.waits(event, 2)
            events.append(event.id)

        def syncs(ids: list[EventId]) -> int:
            before = sent.stat().st_size
            found = house.storage.snapshots(ids, house.clock.now(), Needs())
            assert set(found) == set(ids)
            return sent.read_text()[before:].count("\tSync")

        syncs(events)
        assert syncs(events) == syncs(events[:1])


class TestTheDatabasesHalf:
    """Whoever writes past Evently meets the constraints."""

    @pytest.fixture(scope="class")
    @staticmethod
    def told(make_database: MakeDatabase) -> Iterator[tuple[str, Event]]:
        url = make_database()
        engine = make_engine(url)
        yield url, tell(House(PostgresStorage(engine)))
        engine.dispose()

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("UPDATE events SET taken = capacity + 1", errors.CheckViolation),
            ("UPDATE events SET capacity = taken - 1", errors.CheckViolation),
            ("UPDATE events SET taken = -1", errors.CheckViolation),
            ("UPDATE events SET waiting = -1", errors.CheckViolation),
            ("UPDATE events SET status = 'sold'", errors.CheckViolation),
            (
                "UPDATE ticket_types SET taken = capacity + 1 WHERE capacity IS NOT NULL",
                errors.CheckViolation,
            ),
            ("UPDATE ticket_types SET amount = -1", errors.CheckViolation),
            ("UPDATE ticket_types SET currency = 'eur'", errors.CheckViolation),
            ("UPDATE bookings SET quantity = 0", errors.CheckViolation),
            ("UPDATE bookings SET status = 'held', expires_at = NULL", errors.CheckViolation),
            ("UPDATE bookings SET status = 'pending'", errors.CheckViolation),
            ("UPDATE bookings SET origin = 'waitlist', entry_id = NULL", errors.CheckViolation),
            ("UPDATE bookings SET reference = 'EVT-0000000000'", errors.UniqueViolation),
            ("UPDATE bookings SET ticket_type_id = gen_random_uuid()", errors.ForeignKeyViolation),
            ("UPDATE bookings SET entry_id = gen_random_uuid()", errors.ForeignKeyViolation),
            ("UPDATE bookings SET event_id = gen_random_uuid()", errors.ForeignKeyViolation),
            ("UPDATE waitlist_entries SET missing = 0 WHERE status = 'waiting'", errors.CheckViolation),
            ("UPDATE waitlist_entries SET least = asked + 1 WHERE status = 'waiting'", errors.CheckViolation),
            ("UPDATE waitlist_entries SET sequence = 1", errors.UniqueViolation),
            ("UPDATE waitlist_entries SET priority = 101", errors.CheckViolation),
            ("UPDATE waitlist_entries SET open_offers = -1", errors.CheckViolation),
            (
                "UPDATE waitlist_entries SET status = 'waiting', missing = asked, least = 1, user_id = event_id",
                errors.UniqueViolation,
            ),
            ("UPDATE line_buckets SET entries = -1", errors.CheckViolation),
            ("UPDATE journal SET reason = 'because'", errors.RaiseException),
            ("DELETE FROM journal", errors.RaiseException),
            ("TRUNCATE journal", errors.RaiseException),
            ("UPDATE answers SET key = 'k', scope = 's'", errors.UniqueViolation),
        ],
    )
    def test_it_refuses(self, told: tuple[str, Event], statement: str, error: type[psycopg.Error]) -> None:
        with pytest.raises(error), psycopg.connect(told[0]) as connection:
            connection.execute(statement.encode())


class TestRaces:
    def test_a_reference_that_is_taken_is_decided_again_under_another_id(
        self, engine: Engine, house: House
    ) -> None:
        class Twins(SequentialIds):
            """Ids of which the first two share the bits that make the reference."""

            made = 0

            def new(self) -> UUID:
                self.made += 1
                return super().new() if self.made > 2 else UUID(int=(self.made << 70) + 4711)

        storage = PostgresStorage(engine)
        event = house.published()
        decisions = Decisions(storage, storage, house.clock, Twins())
        first, second = (decisions.submit(event.id, a_booking(house, person)) for person in (1, 2))
        assert isinstance(first, Admitted)
        assert isinstance(second, Admitted)
        assert first.booking is not None
        assert second.booking is not None
        assert first.booking.reference != second.booking.reference
        assert house.storage.drifts() == []

    def test_reading_and_other_events_go_on_beside_a_locked_one(self, house: House) -> None:
        event = house.published()
        with house.storage.transaction(event.id, house.clock.now()) as held:
            held.inventory(Needs())
            assert house.storage.event(event.id) == event
            assert house.storage.snapshots([event.id], house.clock.now(), Needs()).keys() == {event.id}
            house.booked(house.published(), 1)

    @pytest.mark.parametrize("pgbouncer", [False, True])
    def test_a_second_transaction_waits_and_says_so_when_it_takes_too_long(
        self, url: str, house: House, pgbouncer: bool
    ) -> None:
        hasty = make_engine(url, limits=Limits(lock=timedelta(milliseconds=200)), pgbouncer=pgbouncer)
        event = house.published()
        now = house.clock.now()
        with house.storage.transaction(event.id, now) as first:
            first.inventory(Needs())
            with (
                pytest.raises(Overloaded),
                PostgresStorage(hasty).transaction(event.id, now) as second,
            ):
                second.inventory(Needs())
        with PostgresStorage(hasty).transaction(event.id, now) as third:
            assert third.inventory(Needs()).event == event
        hasty.dispose()

    def test_a_connection_cut_in_the_middle_leaves_nothing_behind(self, url: str, house: House) -> None:
        event = house.published()
        before = house.storage.journal(event.id, PageRequest())
        decisions = Decisions(house.storage, house.storage, house.clock, CutAfter(house.ids, url))
        with pytest.raises(Unavailable):
            decisions.submit(event.id, a_booking(house, 1))
        assert house.storage.journal(event.id, PageRequest()) == before
        house.booked(event, 1)
        assert house.storage.drifts() == []

    def test_two_processes_see_what_the_other_one_has_set(self, url: str, house: House) -> None:
        engine = make_engine(url)
        other = House(PostgresStorage(engine))
        event = house.published(capacity=1)
        assert isinstance(other.book(event, 1, 1), Admitted)
        house.decisions.submit(event.id, ChangeEvent(actor=house.organiser, changes={"capacity": 2}))
        assert isinstance(other.book(event, 2, 1), Admitted)
        engine.dispose()


class CutAfter(SequentialIds):
    """Ids whose first one costs everybody the connection to the database."""

    def __init__(self, ids: SequentialIds, url: str) -> None:
        super().__init__()
        self._ids = ids
        self._url = url

    def new(self) -> UUID:
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        return self._ids.new()
