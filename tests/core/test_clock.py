"""What the clock does: reads are right at every moment, swept or not (I9), and who sweeps is told when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from evently_core.booking import BookingStatus
from evently_core.event import Event, OnSilence, Policy
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Admitted, Refused
from evently_core.paging import PageRequest
from evently_core.reasons import ReasonCode
from evently_core.services.events import NewTicketType
from evently_core.testing.storage_contract import START, House
from evently_core.waitlist import EntryStatus

MINUTE = timedelta(minutes=1)


@pytest.fixture
def house() -> House:
    return House(MemoryStorage())


def held(house: House, **policy: Any) -> Event:
    return house.published(capacity=2, policy=Policy(hold_for=30 * MINUTE, **policy))


def test_a_hold_past_its_time_holds_nothing_though_nobody_swept(house: House) -> None:
    event = held(house)
    booking = house.booked(event, 1, 2)
    house.pass_by(minutes=30)
    owner = house.person(1)
    assert house.bookings.booking(owner, booking.id).status is BookingStatus.EXPIRED
    assert house.events.view(None, event.id).seats.total.free == 2
    own = house.bookings.own(owner, PageRequest(), status=BookingStatus.HELD)
    assert own.items == ()
    refused = house.bookings.confirm(owner, booking.id)
    assert isinstance(refused, Refused)
    assert refused.reason.code is ReasonCode.HOLD_EXPIRED
    assert house.booked(event, 2, 2).status is BookingStatus.HELD


def test_a_hold_holds_until_its_last_moment(house: House) -> None:
    event = held(house)
    booking = house.booked(event, 1, 2)
    house.clock.set(START + 30 * MINUTE - timedelta(microseconds=1))
    assert house.bookings.booking(house.person(1), booking.id).status is BookingStatus.HELD
    assert isinstance(house.book(event, 2), Refused)
    assert not isinstance(house.bookings.confirm(house.person(1), booking.id), Refused)


def test_seats_of_a_lapsed_hold_read_as_set_aside_for_who_waits_before_anybody_swept(house: House) -> None:
    """A view shows what a pass would do: the freed seats are another's, and nobody new may count on them."""
    event = held(house)
    house.booked(event, 1, 2)
    house.waits(event, 2, 2)
    house.pass_by(minutes=30)
    seats = house.events.view(None, event.id).seats.total
    assert (seats.free, seats.available, seats.waiting) == (0, 0, 0)
    assert isinstance(house.book(event, 3), Refused)


def test_the_waiting_are_served_without_anybody_asking_once_it_is_swept(house: House) -> None:
    event = held(house)
    booking = house.booked(event, 1, 2)
    entry = house.waits(event, 2, 2).entry
    assert entry is not None
    assert house.sweeping.next_due() == booking.expires_at
    house.pass_by(minutes=29)
    assert house.sweeping.sweep() == 0
    house.pass_by(minutes=1)
    assert house.sweeping.sweep() == 1
    assert house.waitlist.entry(house.person(2), entry.id).entry.status is EntryStatus.OFFERED
    assert house.sweeping.sweep() == 0


def test_a_lapsed_offer_goes_to_the_next_each_with_a_full_window(house: House) -> None:
    event = held(house, offer_window=10 * MINUTE)
    taken = house.booked(event, 1, 2)
    house.bookings.confirm(house.person(1), taken.id)
    entries = [house.waits(event, person, 2).entry for person in (2, 3)]
    house.bookings.cancel(house.person(1), taken.id)
    for number, entry in enumerate(entries):
        assert entry is not None
        [offer] = house.waitlist.entry(house.person(2 + number), entry.id).offers
        assert offer.expires_at == house.clock.now() + 10 * MINUTE
        house.pass_by(minutes=10)
        house.sweeping.sweep()
        status = house.waitlist.entry(house.person(2 + number), entry.id).entry.status
        assert status is EntryStatus.LAPSED


def test_a_late_sweep_serves_in_the_order_of_the_lines_and_not_of_the_sweeps(house: House) -> None:
    """Two holds lapse, nobody sweeps, somebody new asks: who waits gets both, the newcomer waits."""
    event = held(house)
    house.booked(event, 1)
    house.pass_by(minutes=5)
    house.booked(event, 2)
    waiting = [house.waits(event, person).entry for person in (3, 4)]
    house.pass_by(minutes=60)
    late = house.book(event, 5, join_waitlist=True)
    assert isinstance(late, Admitted)
    assert late.outcome == "waitlisted"
    for person, entry in zip((3, 4), waiting, strict=True):
        assert entry is not None
        assert house.waitlist.entry(house.person(person), entry.id).entry.status is EntryStatus.OFFERED


def test_a_silent_offer_under_requeue_comes_back_once(house: House) -> None:
    event = held(house, on_silence=OnSilence.REQUEUE)
    taken = house.booked(event, 1, 2)
    house.bookings.confirm(house.person(1), taken.id)
    entry = house.waits(event, 2, 2).entry
    assert entry is not None
    house.bookings.cancel(house.person(1), taken.id)
    house.pass_by(minutes=30)
    house.sweeping.sweep()
    again = house.waitlist.entry(house.person(2), entry.id)
    assert again.entry.status is EntryStatus.OFFERED
    assert [offer.status for offer in again.offers] == [BookingStatus.EXPIRED, BookingStatus.HELD]
    house.pass_by(minutes=30)
    house.sweeping.sweep()
    assert house.waitlist.entry(house.person(2), entry.id).entry.status is EntryStatus.LAPSED


def full_with_a_line(house: House, **kind: Any) -> Event:
    event = house.published(capacity=1, ticket_types=(NewTicketType(name="Floor", **kind),))
    house.booked(event, 1)
    house.waits(event, 2)
    return event


def test_a_line_closes_with_its_sales_swept_or_not(house: House) -> None:
    closes = START + 60 * MINUTE
    event = full_with_a_line(house, sales_close_at=closes)
    assert house.sweeping.next_due() == closes
    house.clock.set(closes)
    [unswept] = house.waitlist.own(house.person(2), PageRequest()).items
    assert (unswept.entry.status, unswept.place) == (EntryStatus.CLOSED, None)
    assert house.events.view(None, event.id).seats.total.waiting == 0
    assert house.sweeping.sweep() == 1
    [swept] = house.waitlist.own(house.person(2), PageRequest()).items
    assert swept.entry.ended_at == closes
    assert house.sweeping.next_due() is None


def test_a_line_whose_sales_were_set_to_open_behind_their_end_closes_at_that_end(house: House) -> None:
    closes = START + 60 * MINUTE
    event = full_with_a_line(house)
    house.events.change(house.organiser, event.id, {"booking_closes_at": closes})
    house.events.change_ticket_type(
        house.organiser, event.id, event.ticket_types[0].id, {"sales_open_at": closes + 60 * MINUTE}
    )
    assert house.sweeping.next_due() == closes
    house.clock.set(closes)
    house.sweeping.sweep()
    [entry] = house.waitlist.own(house.person(2), PageRequest()).items
    assert (entry.entry.status, entry.entry.ended_at) == (EntryStatus.CLOSED, closes)


def test_a_line_that_is_not_on_sale_is_looked_at_the_moment_it_opens(house: House) -> None:
    event = full_with_a_line(house)
    opens = START + 60 * MINUTE
    house.events.change_ticket_type(
        house.organiser, event.id, event.ticket_types[0].id, {"sales_open_at": opens}
    )
    house.events.change(house.organiser, event.id, {"capacity": 2})
    [waiting] = house.waitlist.own(house.person(2), PageRequest()).items
    assert waiting.entry.status is EntryStatus.WAITING
    assert house.sweeping.next_due() == opens
    house.clock.set(opens)
    house.sweeping.sweep()
    [served] = house.waitlist.own(house.person(2), PageRequest()).items
    assert served.entry.status is EntryStatus.SERVED


def test_a_hold_ends_with_the_sales_of_its_kind_and_with_the_start(house: House) -> None:
    """No hold outlives the end of sales or the start (I10)."""
    soon = START + 10 * MINUTE
    event = house.published(
        capacity=9,
        starts_at=START + 20 * MINUTE,
        ends_at=START + 90 * MINUTE,
        policy=Policy(hold_for=60 * MINUTE),
        ticket_types=(NewTicketType(name="Early", sales_close_at=soon), NewTicketType(name="Any")),
    )
    early, other = (kind.id for kind in event.ticket_types)
    assert house.booked(event, 1, ticket_type_id=early).expires_at == soon
    assert house.booked(event, 2, ticket_type_id=other).expires_at == START + 20 * MINUTE


def test_holds_become_shorter_when_sales_end_earlier_and_never_longer(house: House) -> None:
    event = house.published(capacity=9, policy=Policy(hold_for=60 * MINUTE))
    booking = house.booked(event, 1)
    sooner = START + 10 * MINUTE
    house.events.change(house.organiser, event.id, {"booking_closes_at": sooner})
    assert house.bookings.booking(house.person(1), booking.id).expires_at == sooner
    house.events.change(house.organiser, event.id, {"booking_closes_at": None})
    assert house.bookings.booking(house.person(1), booking.id).expires_at == sooner
    house.clock.set(sooner)
    assert house.events.view(None, event.id).seats.total.free == 9


def test_the_journal_names_the_clock_for_what_lapsed_and_the_one_who_asked_for_the_rest(
    house: House,
) -> None:
    event = held(house)
    house.booked(event, 1, 2)
    house.pass_by(minutes=31)
    house.booked(event, 2)
    lapsed, granted = house.events.journal(house.organiser, event.id, PageRequest(100)).items[-2:]
    assert (lapsed.kind, lapsed.actor, lapsed.cause) == ("lapsed", "system", "time")
    assert (granted.kind, granted.actor_id, granted.cause) == ("granted", house.person(2).user_id, "book")
    assert lapsed.at == granted.at == START + 31 * MINUTE
