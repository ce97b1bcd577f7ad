"""Figures are what the bookings and the journal add up to, whatever happened and however it was cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from statistics import median

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evently_core.booking import BookingStatus, Origin
from evently_core.facts import (
    Cancelled,
    Confirmed,
    EntryEnded,
    Granted,
    Joined,
    Lapsed,
    Record,
    Reduced,
    Requeued,
)
from evently_core.figures import FIGURES, WAIT_BOUNDS, Figures, local_day, median_wait, total_of, wait_of
from evently_core.waitlist import EntryStatus
from tests.core.histories import LINES, WHOLE_LIFE, Histories
from tests.core.house import CoreHouse
from tests.core.test_pass import examples, told


@attrs.define
class Teller:
    """Goes through a journal with a pencil, and keeps only what each booking and each party has at the moment."""

    held: Counter[object] = attrs.field(factory=Counter)
    sold: Counter[object] = attrs.field(factory=Counter)
    waiting: Counter[object] = attrs.field(factory=Counter)
    prices: dict[object, int] = attrs.field(factory=dict)
    offered: set[object] = attrs.field(factory=set)
    counted: Counter[str] = attrs.field(factory=Counter)

    def count(self, journal: Iterable[Record]) -> Counter[str]:
        for record in journal:
            self._count(record)
        counted = self.counted
        counted["held"], counted["sold"] = self.held.total(), self.sold.total()
        counted["waiting"] = self.waiting.total()
        return counted

    def _count(self, record: Record) -> None:
        counted = self.counted
        match record.fact:
            case Granted(booking):
                self.prices[booking.id] = booking.unit_price.amount
                mine = self.held if booking.status is BookingStatus.HELD else self.sold
                mine[booking.id] = booking.quantity
                if mine is self.sold:
                    self._confirm(booking.id)
                if booking.origin is Origin.WAITLIST:
                    self.waiting[booking.entry_id] -= booking.quantity
                    counted["refilled"] += booking.quantity
                    if mine is self.held:
                        counted["offers"] += 1
                        self.offered.add(booking.id)
            case Confirmed(booking_id):
                self.sold[booking_id] = self.held.pop(booking_id)
                self._confirm(booking_id)
                counted["accepted"] += booking_id in self.offered
            case Reduced(booking_id, _, freed):
                self._free(booking_id, freed)
            case Cancelled(booking_id, freed) | Lapsed(booking_id, freed):
                counted["cancelled"] += booking_id in self.sold
                counted["declined"] += booking_id in self.offered and booking_id in self.held
                self._free(booking_id, freed)
            case Joined(entry):
                counted["joined"] += 1
                self.waiting[entry.id] = entry.missing
            case EntryEnded(entry_id):
                self.waiting[entry_id] = 0
            case Requeued(entry_id, _, returned):
                self.waiting[entry_id] += returned

    def _confirm(self, booking_id: object) -> None:
        self.counted["confirmed"] += 1
        self.counted["revenue"] += self.sold[booking_id] * self.prices[booking_id]

    def _free(self, booking_id: object, seats: int) -> None:
        self.counted["freed"] += seats
        if booking_id in self.sold:
            self.sold[booking_id] -= seats
            self.counted["revenue"] -= seats * self.prices[booking_id]
        else:
            self.held[booking_id] -= seats


def counted_otherwise(core: CoreHouse) -> dict[str, int]:
    """Return the figures as the teller has them; who was served is seen in the lines."""
    counted = Teller().count(core.journal)
    counted["served"] = sum(entry.status is EntryStatus.SERVED for entry in core.entries())
    return {name: counted[name] for name in FIGURES}


@examples(150)
@given(st.data(), st.sampled_from([WHOLE_LIFE, LINES]))
def test_figures_are_what_the_journal_adds_up_to(data: st.DataObject, histories: Histories) -> None:
    core = told(data, histories).core
    assert attrs.asdict(total_of(core.figures.values())) == counted_otherwise(core)


@examples(100)
@given(st.data())
def test_figures_are_what_the_bookings_add_up_to(data: st.DataObject) -> None:
    core = told(data, WHOLE_LIFE).core
    confirmed = [booking for booking in core.bookings() if booking.status is BookingStatus.CONFIRMED]
    held = [booking for booking in core.bookings() if booking.status is BookingStatus.HELD]
    total = total_of(core.figures.values())
    assert total.sold == sum(booking.quantity for booking in confirmed)
    assert total.revenue == sum(booking.total.amount for booking in confirmed)
    assert total.held == sum(booking.quantity for booking in held)
    assert total.waiting == sum(entry.missing for entry in core.entries() if entry.is_waiting)
    served = [entry for entry in core.entries() if entry.status is EntryStatus.SERVED]
    assert core.waits == Counter(
        wait_of(entry.ended_at - entry.joined_at) for entry in served if entry.ended_at is not None
    )


@given(st.lists(st.integers(0, 3 * 365 * 86_400), min_size=1, max_size=200))
def test_the_median_of_waits_is_off_by_a_twentieth_at_most(seconds: list[int]) -> None:
    waits = Counter(wait_of(timedelta(seconds=length)) for length in seconds)
    found = median_wait(waits)
    assert found is not None
    true = sorted(seconds)[(len(seconds) - 1) // 2]
    assert abs(found.total_seconds() - true) <= max(1, true * 0.05)
    assert min(seconds) * 0.95 - 1 <= found.total_seconds() <= max(seconds) * 1.05 + 1
    assert median(seconds) >= true


def test_of_no_waits_there_is_no_median() -> None:
    assert median_wait({}) is None


@given(st.timedeltas(timedelta(0), timedelta(days=2_000)))
def test_a_wait_is_at_least_the_bound_of_its_step_and_below_the_next(length: timedelta) -> None:
    step = wait_of(length)
    assert step == 0 or timedelta(seconds=WAIT_BOUNDS[step - 1]) <= length
    assert step == len(WAIT_BOUNDS) or length < timedelta(seconds=WAIT_BOUNDS[step])


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2030, 5, 1)),
        ("Asia/Tokyo", date(2030, 5, 2)),
        ("America/New_York", date(2030, 5, 1)),
        ("Pacific/Kiritimati", date(2030, 5, 2)),
    ],
)
def test_a_day_is_one_of_the_events_zone(zone: str, day: date) -> None:
    assert local_day(datetime(2030, 5, 1, 20, tzinfo=UTC), zone) == day


def test_figures_of_nothing_come_to_nothing() -> None:
    assert total_of([]) == Figures()
