"""Codes and who is let in by them: what a code says, which seats have one, and what the door answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evently_core.commands import Key
from evently_core.errors import InvalidValue, NotFound
from evently_core.event import Event, Policy
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import DoorAnswer, Refused
from evently_core.paging import PageRequest
from evently_core.reasons import ReasonCode
from evently_core.services.tickets import ArrivalView
from evently_core.testing.storage_contract import House
from evently_core.tickets import CODE_LENGTH, CODES_MAX, SEAL_BYTES, Attendance, Ticket, opened
from evently_core.values import SEATS_MAX, BookingId, EventId

TICKETS = st.builds(Ticket, st.uuids().map(EventId), st.uuids().map(BookingId), st.integers(1, SEATS_MAX))
SEALS = st.binary(min_size=SEAL_BYTES, max_size=SEAL_BYTES)


@pytest.fixture
def house() -> House:
    return House(MemoryStorage())


def reasons(answer: DoorAnswer | Refused) -> list[ReasonCode | None]:
    assert isinstance(answer, DoorAnswer)
    return [scanned.reason.code if scanned.reason else None for scanned in answer.scanned]


def shown(house: House, event: Event, *codes: str) -> list[ReasonCode | None]:
    """Show codes at the door of an event one after another; return why not, each time."""
    return [
        reason
        for code in codes
        for reason in reasons(house.tickets.check_in(house.organiser, event.id, [(code, None)]))
    ]


def counts(house: House, event: Event) -> Attendance:
    return house.tickets.attendance(house.organiser, event.id).total


@given(TICKETS, SEALS)
def test_a_code_says_what_it_was_made_of(ticket: Ticket, seal: bytes) -> None:
    code = ticket.code(seal)
    assert len(code) == CODE_LENGTH
    assert opened(code) == (ticket, seal)


@given(TICKETS, SEALS)
def test_a_code_may_be_read_in_small_letters_with_blanks_and_dashes(ticket: Ticket, seal: bytes) -> None:
    code = ticket.code(seal).lower()
    assert opened(f" {code[:40]}-{code[40:90]}\r\n{code[90:]}\n") == (ticket, seal)


@given(st.text(max_size=CODE_LENGTH + 3) | st.text("A1=ÅI", min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_what_is_no_code_says_nothing(text: str) -> None:
    found = opened(text)
    assert found is None or found[0].code(found[1]) == text.upper()


def test_every_confirmed_seat_has_its_own_code_and_always_the_same(house: House) -> None:
    event = house.published()
    booking = house.booked(event, 1, 3)
    codes = house.codes(booking)
    assert len(set(codes)) == 3
    assert house.codes(booking) == codes
    assert shown(house, event, *codes) == [None, None, None]


def test_a_hold_has_no_tickets_before_it_is_confirmed(house: House) -> None:
    booking = house.booked(house.published(policy=Policy(hold_for=timedelta(minutes=5))), 1, 2)
    assert house.codes(booking) == []
    house.bookings.confirm(house.person(1), booking.id)
    assert len(house.codes(booking)) == 2


def test_a_reduction_kills_the_newest_codes(house: House) -> None:
    event = house.published()
    booking = house.booked(event, 1, 3)
    codes = house.codes(booking)
    house.bookings.reduce(house.person(1), booking.id, 1)
    assert house.codes(booking) == codes[:1]
    assert shown(house, event, *codes) == [None, ReasonCode.CANCELLED, ReasonCode.CANCELLED]


def test_a_cancelled_booking_lets_nobody_in(house: House) -> None:
    event = house.published()
    booking = house.booked(event, 1)
    codes = house.codes(booking)
    house.bookings.cancel(house.person(1), booking.id)
    assert house.codes(booking) == []
    assert shown(house, event, *codes) == [ReasonCode.CANCELLED]


def test_a_cancelled_event_lets_nobody_in(house: House) -> None:
    event = house.published()
    codes = house.codes(house.booked(event, 1))
    house.events.cancel(house.organiser, event.id, "flood")
    assert shown(house, event, *codes) == [ReasonCode.CANCELLED]


def test_a_ticket_is_good_at_its_own_event_only(house: House) -> None:
    [code] = house.codes(house.booked(house.published(), 1))
    assert shown(house, house.published(), code) == [ReasonCode.WRONG_EVENT]


def test_a_code_that_somebody_else_sealed_is_unknown(house: House) -> None:
    event = house.published()
    booking = house.booked(event, 1)
    forged = Ticket(event.id, booking.id, 1).code(bytes(SEAL_BYTES))
    assert shown(house, event, forged, "", "EVT-7ZK3M9Q2XA") == [ReasonCode.UNKNOWN] * 3


def test_whoever_is_in_does_not_come_in_again(house: House) -> None:
    event = house.published()
    [code] = house.codes(house.booked(event, 1))
    first = house.tickets.check_in_one(house.organiser, event.id, code)
    assert isinstance(first, ArrivalView)
    house.pass_by(minutes=3)
    second = house.tickets.check_in_one(house.organiser, event.id, code)
    assert isinstance(second, Refused)
    assert second.reason.code is ReasonCode.ALREADY_IN
    assert second.reason.figures == {"checked_in_at": first.arrival.at.isoformat().replace("+00:00", "Z")}


def test_what_was_noted_under_another_time_is_a_double_entry(house: House) -> None:
    event = house.published()
    [code] = house.codes(house.booked(event, 1))
    times = [house.clock.now() - timedelta(minutes=minutes) for minutes in (9, 8)]
    noted = [(code, at) for at in times]
    assert reasons(house.tickets.check_in(house.organiser, event.id, noted)) == [None, ReasonCode.ALREADY_IN]
    assert reasons(house.tickets.check_in(house.organiser, event.id, noted)) == [None, ReasonCode.ALREADY_IN]
    assert counts(house, event) == Attendance(1, 1)


def test_a_check_in_can_be_taken_back_and_made_again(house: House) -> None:
    event = house.published()
    [code] = house.codes(house.booked(event, 1))
    shown(house, event, code)
    assert counts(house, event) == Attendance(1, 1)
    undone = house.tickets.undo(house.organiser, code, reason="wrong person")
    assert house.tickets.undo(house.organiser, code) == undone, "a second time changes nothing (I7)"
    assert counts(house, event) == Attendance(1, 0)
    assert house.tickets.arrivals(house.organiser, event.id, PageRequest()).items == ()
    assert shown(house, event, code) == [None]
    lines = house.storage.journal(event.id, PageRequest()).items
    assert [(line.kind, line.reason) for line in lines[-3:]] == [
        ("checked_in", None),
        ("check_in_undone", "wrong person"),
        ("checked_in", None),
    ]


def test_only_who_came_in_can_be_taken_back(house: House) -> None:
    event = house.published()
    [code] = house.codes(house.booked(event, 1))
    for unknown in (code, "nothing"):
        with pytest.raises(NotFound):
            house.tickets.undo(house.organiser, unknown)
    shown(house, event, code)
    with pytest.raises(NotFound):
        house.tickets.undo(house.organiser, code, event_id=house.published().id)


def test_a_dry_run_lets_nobody_in(house: House) -> None:
    event = house.published()
    [code] = house.codes(house.booked(event, 1))
    assert isinstance(house.tickets.check_in_one(house.organiser, event.id, code, dry_run=True), ArrivalView)
    assert counts(house, event) == Attendance(1, 0)


def test_a_key_answers_the_same_again_and_nothing_else(house: House) -> None:
    event = house.published()
    first, second = house.codes(house.booked(event, 1, 2))
    key = Key("organiser", "k-1")
    answer = house.tickets.check_in(house.organiser, event.id, [(first, None)], key=key)
    again = house.tickets.check_in(house.organiser, event.id, [(first, None)], key=key)
    assert isinstance(answer, DoorAnswer)
    assert isinstance(again, DoorAnswer)
    assert (again.scanned, again.replayed) == (answer.scanned, True)
    other = house.tickets.check_in(house.organiser, event.id, [(second, None)], key=key)
    assert isinstance(other, Refused)
    assert other.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED


def test_nobody_hands_in_none_or_more_than_a_door_may(house: House) -> None:
    event = house.published()
    for codes in ([], [("x", None)] * (CODES_MAX + 1)):
        with pytest.raises(InvalidValue):
            house.tickets.check_in(house.organiser, event.id, codes)


def test_the_tickets_of_a_large_booking_come_in_pages(house: House) -> None:
    event = house.published(capacity=500, policy=Policy(max_per_booking=300))
    booking = house.booked(event, 1, 250)
    seats: list[int] = []
    cursor: str | None = None
    while True:
        page = house.tickets.of_booking(house.person(1), booking.id, PageRequest(100, cursor))
        seats += [view.seat for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seats == list(range(1, 251))
