"""Values refuse to exist in a wrong state, and say which field is wrong and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evently_core
from evently_core.booking import reference_of
from evently_core.commands import (
    Advance,
    Book,
    Cancel,
    ChangeEvent,
    ChangeTicketType,
    Confirm,
    Leave,
    Move,
    Reduce,
)
from evently_core.errors import InvalidValue
from evently_core.event import Event, Policy, Step, TicketType
from evently_core.values import (
    SEATS_MAX,
    Actor,
    BookingId,
    EntryId,
    EventId,
    Money,
    Role,
    TicketTypeId,
    UserId,
    instant,
)

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
ANA = UserId(UUID(int=1))
ORGANISER = Actor(UserId(UUID(int=9)), Role.ORGANISER)
ATTENDEE = Actor(ANA, Role.ATTENDEE)


def ticket_type(**fields: Any) -> TicketType:
    given: dict[str, Any] = {"id": TicketTypeId(UUID(int=2)), "name": "Floor", "price": Money(2500, "EUR")}
    return TicketType(**(given | fields))


def event(**fields: Any) -> Event:
    given: dict[str, Any] = {
        "id": EventId(UUID(int=3)),
        "organiser_id": UserId(UUID(int=9)),
        "title": "Concert",
        "timezone": "Europe/Berlin",
        "starts_at": START,
        "ends_at": START + timedelta(hours=3),
        "capacity": 100,
        "ticket_types": (ticket_type(),),
        "created_at": START - timedelta(days=10),
        "updated_at": START - timedelta(days=10),
    }
    return Event(**(given | fields))


def two_kinds(**second: Any) -> tuple[TicketType, TicketType]:
    return ticket_type(), ticket_type(**({"id": TicketTypeId(UUID(int=4)), "name": "Box"} | second))


def book(**fields: Any) -> Book:
    return Book(actor=ATTENDEE, user_id=ANA, **fields)


def move(**fields: Any) -> Move:
    given: dict[str, Any] = {
        "actor": ORGANISER,
        "entry_id": EntryId(UUID(int=5)),
        "priority": 1,
        "reason": "old friend",
    }
    return Move(**(given | fields))


def cancel(**fields: Any) -> Cancel:
    return Cancel(actor=ATTENDEE, booking_id=BookingId(UUID(int=6)), **fields)


def reduce(**fields: Any) -> Reduce:
    return Reduce(actor=ATTENDEE, booking_id=BookingId(UUID(int=6)), **fields)


def confirm(**fields: Any) -> Confirm:
    return Confirm(actor=ATTENDEE, booking_id=BookingId(UUID(int=6)), **fields)


def leave(**fields: Any) -> Leave:
    return Leave(actor=ATTENDEE, entry_id=EntryId(UUID(int=5)), **fields)


def advance(**fields: Any) -> Advance:
    return Advance(actor=ORGANISER, step=Step.CANCEL, **fields)


def change_event(**changes: Any) -> ChangeEvent:
    return ChangeEvent(actor=ORGANISER, changes=changes)


def change_policy(**policy: Any) -> ChangeEvent:
    return ChangeEvent(actor=ORGANISER, changes={}, policy=policy)


def change_ticket_type(**changes: Any) -> ChangeTicketType:
    return ChangeTicketType(actor=ORGANISER, ticket_type_id=TicketTypeId(UUID(int=2)), changes=changes)


HOUR = timedelta(hours=1)
WRONG: list[tuple[Callable[..., Any], dict[str, Any], str, str]] = [
    # what is made, of what, and which field is wrong, and why
    (Money, {"amount": 1.5, "currency": "EUR"}, "price", "invalid_amount"),
    (Money, {"amount": True, "currency": "EUR"}, "price", "invalid_amount"),
    (Money, {"amount": 10**12 + 1, "currency": "EUR"}, "price", "amount_out_of_range"),
    (Money, {"amount": 1, "currency": "eur"}, "price", "invalid_currency"),
    (Money, {"amount": 1, "currency": "EURO"}, "price", "invalid_currency"),
    (Money, {"amount": 1, "currency": "EUR\n"}, "price", "invalid_currency"),
    (ticket_type, {"name": "  "}, "name", "blank"),
    (ticket_type, {"name": "x" * 101}, "name", "too_long"),
    (ticket_type, {"name": "a\x00b"}, "name", "control_character"),
    (ticket_type, {"name": "a\ud800"}, "name", "control_character"),
    (ticket_type, {"name": None}, "name", "not_text"),
    (ticket_type, {"price": Money(-1, "EUR")}, "price", "negative_price"),
    (ticket_type, {"capacity": -1}, "capacity", "out_of_range"),
    (ticket_type, {"capacity": SEATS_MAX + 1}, "capacity", "out_of_range"),
    (ticket_type, {"capacity": "5"}, "capacity", "not_an_integer"),
    (ticket_type, {"min_per_booking": 0}, "min_per_booking", "out_of_range"),
    (ticket_type, {"max_per_booking": 0}, "max_per_booking", "out_of_range"),
    (ticket_type, {"min_per_booking": 3, "max_per_booking": 2}, "max_per_booking", "below_minimum"),
    (ticket_type, {"sales_open_at": datetime(2030, 1, 1)}, "sales_open_at", "naive_time"),  # noqa: DTZ001  # the mistake
    (ticket_type, {"sales_close_at": "2030-01-01"}, "sales_close_at", "not_a_time"),
    (
        ticket_type,
        {"sales_open_at": START, "sales_close_at": START},
        "sales_close_at",
        "closes_before_opening",
    ),
    (event, {"title": ""}, "title", "blank"),
    (event, {"title": "x" * 201}, "title", "too_long"),
    (event, {"title": None}, "title", "not_text"),
    (event, {"description": "x" * 10_001}, "description", "too_long"),
    (event, {"venue": "\x1b[2J"}, "venue", "control_character"),
    (event, {"title": "Jazz\nin the park"}, "title", "control_character"),
    (event, {"title": "Jazz\u2028in the park"}, "title", "control_character"),
    (event, {"description": "Jazz\x9b2J"}, "description", "control_character"),
    (ticket_type, {"name": "a\tb"}, "name", "control_character"),
    (confirm, {"payment_reference": "paid\x07"}, "payment_reference", "control_character"),
    (confirm, {"payment_reference": "paid\ntwice"}, "payment_reference", "control_character"),
    (confirm, {"payment_reference": ""}, "payment_reference", "blank"),
    (confirm, {"payment_reference": "x" * 201}, "payment_reference", "too_long"),
    (cancel, {"reason": "so\x1b[2J"}, "reason", "control_character"),
    (reduce, {"quantity": 1, "reason": "so\x08"}, "reason", "control_character"),
    (move, {"reason": "so\x00"}, "reason", "control_character"),
    (leave, {"reason": "so\x85"}, "reason", "control_character"),
    (advance, {"reason": "so\x7f"}, "reason", "control_character"),
    (event, {"timezone": "Mars/Olympus"}, "timezone", "unknown_timezone"),
    (event, {"timezone": "../../etc/passwd"}, "timezone", "unknown_timezone"),
    (event, {"starts_at": None}, "starts_at", "not_a_time"),
    (event, {"ends_at": START}, "ends_at", "ends_before_start"),
    (event, {"capacity": -1}, "capacity", "out_of_range"),
    (event, {"capacity": True}, "capacity", "not_an_integer"),
    (
        event,
        {"booking_opens_at": START - HOUR, "booking_closes_at": START - HOUR},
        "booking_closes_at",
        "closes_before_opening",
    ),
    (event, {"booking_closes_at": START + 4 * HOUR}, "booking_closes_at", "closes_after_end"),
    (
        event,
        {"booking_closes_at": START + HOUR, "policy": Policy(hold_for=HOUR)},
        "booking_closes_at",
        "closes_after_start",
    ),
    (
        event,
        {"booking_closes_at": START + HOUR, "policy": Policy(offer_window=HOUR)},
        "booking_closes_at",
        "closes_after_start",
    ),
    (event, {"ticket_types": ()}, "ticket_types", "out_of_range"),
    (event, {"ticket_types": two_kinds(name="FLOOR")}, "ticket_types", "name_taken"),
    (event, {"ticket_types": two_kinds(price=Money(1, "USD"))}, "ticket_types", "currency_mismatch"),
    (Policy, {"max_per_booking": 0}, "policy.max_per_booking", "out_of_range"),
    (Policy, {"max_per_user": 0}, "policy.max_per_user", "out_of_range"),
    (Policy, {"bypass_limit": -1}, "policy.bypass_limit", "out_of_range"),
    (Policy, {"max_entries": -1}, "policy.waitlist.max_entries", "out_of_range"),
    (Policy, {"hold_for": -HOUR}, "policy.hold_for_seconds", "out_of_range"),
    (Policy, {"hold_for": 60}, "policy.hold_for_seconds", "out_of_range"),
    (Policy, {"offer_window": timedelta(days=366)}, "policy.waitlist.offer_window_seconds", "out_of_range"),
    (Policy, {"cancel_until": datetime(2030, 1, 1)}, "policy.cancel_until", "naive_time"),  # noqa: DTZ001  # the mistake
    (book, {"quantity": 0}, "quantity", "out_of_range"),
    (book, {"quantity": -1}, "quantity", "out_of_range"),
    (book, {"quantity": SEATS_MAX + 1}, "quantity", "out_of_range"),
    (book, {"quantity": 1.0}, "quantity", "out_of_range"),
    (book, {"quantity": True}, "quantity", "out_of_range"),
    (reduce, {"quantity": 0}, "quantity", "out_of_range"),
    (cancel, {"reason": " "}, "reason", "invalid_reason"),
    (cancel, {"reason": "x" * 501}, "reason", "invalid_reason"),
    (move, {"reason": None}, "reason", "required"),
    (move, {"reason": ""}, "reason", "invalid_reason"),
    (move, {"priority": 101}, "priority", "out_of_range"),
    (move, {"priority": -101}, "priority", "out_of_range"),
    (change_event, {"status": "published"}, "status", "unknown_field"),
    (change_event, {"organiser_id": ANA}, "organiser_id", "unknown_field"),
    (change_event, {"ticket_types": ()}, "ticket_types", "unknown_field"),
    (change_event, {"version": 7}, "version", "unknown_field"),
    (change_event, {"colour": "red"}, "colour", "unknown_field"),
    (change_policy, {"colour": "red"}, "colour", "unknown_field"),
    (change_ticket_type, {"id": TicketTypeId(UUID(int=8))}, "id", "unknown_field"),
]


@pytest.mark.parametrize(
    ("make", "parts", "field", "code"),
    WRONG,
    ids=[f"{number}-{make.__name__}-{field}-{code}" for number, (make, _, field, code) in enumerate(WRONG)],
)
def test_what_is_wrong_cannot_be_made(
    make: Callable[..., Any], parts: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(InvalidValue) as raised:
        make(**parts)
    assert (raised.value.field, raised.value.code) == (field, code)
    assert raised.value.message


def test_what_is_right_can_be_made() -> None:
    """The wrong values above differ from these by one part each."""
    assert (
        event(booking_opens_at=START - HOUR, booking_closes_at=START - HOUR / 2).closes_at == START - HOUR / 2
    )
    assert event(booking_closes_at=START + 3 * HOUR).closes_at == START + 3 * HOUR
    assert event(ticket_types=two_kinds()).currency == "EUR"
    assert move(priority=-100).priority == -100
    assert move(reason="Two lines,\r\n\tand é 漢 🎟.").reason == "Two lines,\r\n\tand é 漢 🎟."
    assert event(description="One.\n\n\tTwo.", venue="Hall 3\nMain Street").venue == "Hall 3\nMain Street"
    assert change_event(capacity=5, title="Opera").changes == {"capacity": 5, "title": "Opera"}
    assert change_ticket_type(capacity=None).changes == {"capacity": None}


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_utc_whatever_its_offset(moment: datetime) -> None:
    offset = timezone(timedelta(hours=5, minutes=45))
    read = instant(moment.astimezone(offset) if 2 < moment.year < 9998 else moment)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "edge",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12))),
    ],
)
def test_a_time_outside_the_calendar_of_utc_is_a_wrong_value_and_no_crash(edge: datetime) -> None:
    with pytest.raises(InvalidValue) as raised:
        instant(edge, "starts_at")
    assert (raised.value.field, raised.value.code) == ("starts_at", "out_of_range")


def test_the_smaller_limit_of_event_and_ticket_type_wins() -> None:
    one = event(policy=Policy(max_per_booking=6))
    assert one.largest_party(ticket_type()) == 6
    assert one.largest_party(ticket_type(max_per_booking=4)) == 4
    assert one.largest_party(ticket_type(max_per_booking=8)) == 6


@pytest.mark.parametrize(
    ("fields", "kind", "what"),
    [
        ({}, {"min_per_booking": 11}, "the max_per_booking is 10"),
        ({"policy": Policy(max_per_user=3)}, {"min_per_booking": 4}, "the max_per_user is 3"),
        ({"capacity": 3}, {"min_per_booking": 4}, "the capacity of the event is 3"),
        ({}, {"min_per_booking": 4, "capacity": 3}, "the capacity is 3"),
    ],
)
def test_a_party_that_nobody_could_ever_book_is_refused(
    fields: dict[str, Any], kind: dict[str, Any], what: str
) -> None:
    one = event(**fields, ticket_types=(ticket_type(**kind),))
    with pytest.raises(InvalidValue, match=f"Nobody could ever book Floor: .*, {what}") as raised:
        one.require_bookable(lambda pool: 0)
    assert (raised.value.field, raised.value.code) == ("min_per_booking", "never_bookable")


def test_a_pool_that_is_full_or_has_no_seats_is_closed_on_purpose() -> None:
    kind = ticket_type(min_per_booking=4, capacity=3)
    event(ticket_types=(kind,)).require_bookable(lambda pool: 3)
    event(capacity=0, ticket_types=(ticket_type(min_per_booking=4),)).require_bookable(lambda pool: 0)


def test_sales_open_with_the_later_and_close_with_the_earlier_window() -> None:
    one = event(booking_opens_at=START - 9 * HOUR, booking_closes_at=START - HOUR)
    early = ticket_type(sales_open_at=START - 10 * HOUR, sales_close_at=START - 2 * HOUR)
    late = ticket_type(sales_open_at=START - 8 * HOUR, sales_close_at=START)
    assert (one.sales_open_at(early), one.sales_close_at(early)) == (START - 9 * HOUR, START - 2 * HOUR)
    assert (one.sales_open_at(late), one.sales_close_at(late)) == (START - 8 * HOUR, START - HOUR)


def test_an_offer_has_the_window_of_a_hold_where_it_has_none_of_its_own() -> None:
    assert Policy().window_of_an_offer == timedelta(0)
    assert Policy(hold_for=HOUR).window_of_an_offer == HOUR
    assert Policy(hold_for=HOUR, offer_window=3 * HOUR).window_of_an_offer == 3 * HOUR


def test_the_defaults_are_those_of_a_simple_event() -> None:
    policy = Policy()
    assert (policy.max_per_booking, policy.max_per_user, policy.hold_for) == (10, None, timedelta(0))
    assert (policy.waitlist_enabled, policy.max_entries, policy.offer_window) == (True, None, timedelta(0))
    assert (policy.bypass_limit, policy.on_silence, policy.cancel_until) == (0, "drop", None)
    assert event().closes_at == event().cancel_until == START
    assert ticket_type().min_per_booking == 1


@given(st.integers(0, 2**128 - 1))
def test_a_reference_is_ten_characters_nobody_mistakes(number: int) -> None:
    reference = reference_of(BookingId(UUID(int=number)))
    assert len(reference) == 14
    assert reference.startswith("EVT-")
    assert not set(reference[4:]) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_every_name_of_the_package_can_be_imported_from_it() -> None:
    names = {name: getattr(evently_core, name) for name in evently_core.__all__}
    assert {name: thing.__name__ for name, thing in names.items() if thing.__name__ != name} == {}
    assert set(evently_core.__all__) <= set(dir(evently_core))


def test_a_name_the_package_does_not_have_is_told_as_usual() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = evently_core.nonsense
