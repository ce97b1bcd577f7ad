"""Counters that were tampered with are found and mended; what no counter can mend is named."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import text

from evently_core.commands import Sweep
from evently_core.event import Event, Policy
from evently_core.figures import local_day
from evently_core.outcomes import Admitted
from evently_core.paging import PageRequest
from evently_core.storage import BookingQuery, EntryQuery, JournalLine
from evently_core.testing.storage_contract import House, tell
from evently_core.values import SYSTEM
from evently_core.waitlist import EntryStatus
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


class Clinic:
    """A store that can be tampered with."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.engine = make_engine(url)
        self.storage = PostgresStorage(self.engine)
        self.house = House(self.storage)

    def tamper(self, event: Event, statement: str) -> None:
        with psycopg.connect(self._url) as connection:
            changed = connection.execute(statement.replace("{event}", f"'{event.id}'").encode())
            assert changed.rowcount > 0, "nothing was tampered with"

    def figures(self, event: Event) -> object:
        """Return everything that is reported of an event."""
        reports = self.storage.reports
        return (
            reports.event_totals(event.id),
            reports.days(date.min, date.max, event_id=event.id),
            reports.waits(event.id),
            reports.active_users(date.min, date.max, event.organiser_id),
        )

    def journal(self, event: Event) -> list[JournalLine]:
        lines: list[JournalLine] = []
        cursor: str | None = None
        while True:
            page = self.storage.journal(event.id, PageRequest(100, cursor))
            lines += page.items
            if page.next_cursor is None:
                return lines
            cursor = page.next_cursor


@pytest.fixture(scope="module")
def clinic(make_database: MakeDatabase) -> Iterator[Clinic]:
    clinic = Clinic(make_database())
    yield clinic
    clinic.engine.dispose()


COUNTERS = {
    "seats taken": "UPDATE events SET taken = taken - 1 WHERE id = {event}",
    "seats taken of ticket type": "UPDATE ticket_types SET taken = taken - 1 WHERE taken > 1 AND event_id = {event}",
    "entries waiting": "UPDATE events SET waiting = waiting + 3 WHERE id = {event}",
    "line of": "UPDATE line_buckets SET seats = seats + 1 WHERE event_id = {event}",
    "a line": "DELETE FROM line_buckets WHERE event_id = {event}",
    "another line": "UPDATE line_buckets SET bucket = bucket + 7 WHERE event_id = {event}",
    "open offers": """
        UPDATE waitlist_entries SET open_offers = open_offers + 1 WHERE status = 'waiting' AND event_id = {event}
    """,
    "next sequence": "UPDATE events SET next_sequence = 2 WHERE id = {event}",
    "requests queued": "INSERT INTO queue_tails (event_id, accepted) VALUES ({event}, 3)",
    "head of the journal": "UPDATE events SET journal_head = journal_head - 2 WHERE id = {event}",
}


@pytest.mark.parametrize("what", COUNTERS)
def test_a_counter_that_drifted_is_named_and_mended(clinic: Clinic, what: str) -> None:
    event = tell(clinic.house)
    assert clinic.storage.drifts(event.id) == []
    clinic.tamper(event, COUNTERS[what])
    found = clinic.storage.drifts(event.id)
    assert found
    if not what.startswith("a"):
        assert all(drift.what.startswith(what) for drift in found)
    assert found == [drift for drift in clinic.storage.drifts() if drift.event_id == event.id]
    lines = len(clinic.journal(event))

    assert clinic.storage.repair(event.id, clinic.house.clock.now()) == found

    assert clinic.storage.drifts(event.id) == []
    line = clinic.journal(event)[-1]
    assert (line.number, line.kind, line.actor, line.cause) == (lines + 1, "repaired", "operator", "doctor")
    assert [each["what"] for each in line.data["mended"]] == [drift.what for drift in found]
    assert event.id in clinic.storage.due_events(clinic.house.clock.now(), 100)
    clinic.house.decisions.submit(event.id, Sweep(actor=SYSTEM))
    assert clinic.storage.drifts(event.id) == []


def test_another_event_is_left_alone(clinic: Clinic) -> None:
    one, other = clinic.house.published(), clinic.house.published()
    for event in (one, other):
        clinic.tamper(event, "UPDATE events SET waiting = 1 WHERE id = {event}")
    clinic.storage.repair(one.id, clinic.house.clock.now())
    assert clinic.storage.drifts(one.id) == []
    assert len(clinic.storage.drifts(other.id)) == 1


def test_seats_that_a_repair_found_free_go_to_who_waits(clinic: Clinic) -> None:
    event = clinic.house.published(capacity=2)
    clinic.tamper(event, "UPDATE events SET taken = 2 WHERE id = {event}")
    clinic.tamper(event, "UPDATE ticket_types SET taken = 2 WHERE event_id = {event}")
    entry = clinic.house.waits(event, 1).entry
    assert entry is not None
    clinic.storage.repair(event.id, clinic.house.clock.now())
    clinic.house.decisions.submit(event.id, Sweep(actor=SYSTEM))
    served = clinic.storage.entry(entry.id)
    assert served is not None
    assert served.status is EntryStatus.SERVED
    assert clinic.storage.drifts(event.id) == []


def test_an_overbooked_pool_stays_full_and_is_named(clinic: Clinic) -> None:
    event = clinic.house.published(capacity=4)
    clinic.house.booked(event, 1, 2)
    clinic.tamper(event, "UPDATE bookings SET quantity = 6 WHERE event_id = {event}")
    clinic.storage.repair(event.id, clinic.house.clock.now())
    assert "seats beyond the capacity (I1)" in {drift.what for drift in clinic.storage.drifts(event.id)}
    assert not isinstance(clinic.house.book(event, 2), Admitted)


BROKEN_RULES = {
    "outlives": "UPDATE bookings SET expires_at = '2040-01-01Z' WHERE status = 'held' AND event_id = {event}",
    "status of entry": """
        UPDATE waitlist_entries SET status = 'offered'
        WHERE open_offers = 0 AND status <> 'waiting' AND event_id = {event}
    """,
    "takes seats": "UPDATE events SET status = 'cancelled' WHERE id = {event}",
    "waits": "UPDATE events SET status = 'completed' WHERE id = {event}",
    "the journal knows of": """
        DELETE FROM bookings WHERE status IN ('expired', 'cancelled') AND event_id = {event}
    """,
    "gaps in the journal": """
        INSERT INTO journal (event_id, number, at, kind, actor, cause, data)
        SELECT id, journal_head + 2, now(), 'moved', 'user', 'move', '{}' FROM events WHERE id = {event}
    """,
}


@pytest.mark.parametrize("what", BROKEN_RULES)
def test_a_broken_rule_is_named(clinic: Clinic, what: str) -> None:
    event = tell(clinic.house)
    clinic.tamper(event, BROKEN_RULES[what])
    assert any(what in drift.what for drift in clinic.storage.drifts(event.id))
    clinic.storage.repair(event.id, clinic.house.clock.now())
    assert any(what in drift.what for drift in clinic.storage.drifts(event.id)), "no counter can mend it"


def test_a_life_full_of_changes_keeps_every_rule(clinic: Clinic) -> None:
    house = clinic.house
    event = house.published(capacity=3, policy=Policy(offer_window=timedelta(hours=1), max_per_user=8))
    for person in range(6):
        house.booked(event, person, 1) if person < 3 else house.waits(event, person, person - 1)
        assert clinic.storage.drifts(event.id) == []
    for booking in clinic.storage.bookings(
        BookingQuery(now=house.clock.now(), event_id=event.id), PageRequest()
    ).items:
        house.bookings.cancel(house.organiser, booking.id, "the hall is flooded")
        assert clinic.storage.drifts(event.id) == []
    for entry in clinic.storage.entries(EntryQuery(event_id=event.id), PageRequest()).items:
        if entry.status is EntryStatus.OFFERED:
            house.waitlist.accept(house.person(entry.user_id.int - 10_000), entry.id)
            assert clinic.storage.drifts(event.id) == []
    house.events.complete(house.organiser, event.id)
    assert clinic.storage.drifts(event.id) == []
    cancelled = tell(house)
    house.events.cancel(house.organiser, cancelled.id, "rain")
    assert clinic.storage.drifts(cancelled.id) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event_figures SET sold = sold + 1, revenue = 7 WHERE event_id = {event} AND day > '-infinity'",
        "UPDATE event_figures SET waiting = waiting - 2 WHERE event_id = {event} AND day = '-infinity'",
        "UPDATE event_figures SET day = day + 1 WHERE event_id = {event} AND day > '-infinity'",
        "DELETE FROM event_figures WHERE event_id = {event}",
        "UPDATE event_waits SET entries = entries + 1 WHERE event_id = {event}",
        "DELETE FROM event_users WHERE event_id = {event}",
        "INSERT INTO event_users VALUES ({event}, '2030-05-01', gen_random_uuid())",
    ],
)
def test_figures_that_drifted_are_named_and_mended(clinic: Clinic, statement: str) -> None:
    """With what served waits after all: somebody who waited got seats, so that there is a wait to count."""
    event = clinic.house.published(capacity=2)
    given_back = clinic.house.booked(event, 1, 2)
    clinic.house.waits(event, 2, 1)
    clinic.house.pass_by(minutes=7)
    clinic.house.bookings.cancel(clinic.house.person(1), given_back.id)
    before = clinic.figures(event)
    clinic.tamper(event, statement)
    found = clinic.storage.drifts(event.id)
    assert found
    assert list(clinic.storage.repair(event.id, clinic.house.clock.now())) == list(found)
    assert clinic.storage.drifts(event.id) == []
    assert clinic.figures(event) == before


def test_days_begin_elsewhere_when_the_zone_changes(clinic: Clinic) -> None:
    """What was sold before is on the days of the new zone, too."""
    event = clinic.house.published(timezone="Pacific/Auckland")
    clinic.house.booked(event, 1, 2)
    clinic.house.events.change(clinic.house.organiser, event.id, {"timezone": "America/Los_Angeles"})
    assert clinic.storage.drifts(event.id) == []
    [(day, sold)] = [
        (each.day, each.figures.sold)
        for each in clinic.storage.reports.days(date.min, date.max, event_id=event.id)
    ]
    now = clinic.house.clock.now()
    assert (day, sold) == (local_day(now, "America/Los_Angeles"), 2)
    assert day < local_day(now, "Pacific/Auckland")


def test_the_migration_adds_up_what_happened_before_it(clinic: Clinic) -> None:
    event = tell(clinic.house)
    before = clinic.figures(event)
    migration = importlib.import_module("evently_postgres.migrations.versions.0007_rollups")
    with clinic.engine.begin() as connection:
        connection.execute(text("TRUNCATE event_figures, event_waits, event_users"))
        connection.execute(text(migration._SINCE_THE_BEGINNING))
    assert clinic.figures(event) == before
    assert clinic.storage.drifts(event.id) == []
