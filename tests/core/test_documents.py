"""What is kept under keys comes back as it was; what the journal keeps can be read by people and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.commands import Book, JoinWaitlist, Key
from evently_core.documents import (
    fact_document,
    fact_json,
    fact_kind,
    outcome_from,
    outcome_json,
    seat_request_from,
    seat_request_json,
    settled_from,
    settled_json,
    to_json,
)
from evently_core.errors import EventlyError, Forbidden, InvalidValue, NotFound
from evently_core.event import Event, EventStatus, OnSilence, Policy, TicketType
from evently_core.facts import (
    Cancelled,
    EventAdvanced,
    EventChanged,
    EventDeleted,
    Fact,
    Granted,
    Lapsed,
    Moved,
    Requeued,
)
from evently_core.outcomes import (
    KEPT,
    Admitted,
    BookingChanged,
    Deferred,
    DoorAnswer,
    EntryChanged,
    EventSettled,
    Failed,
    Outcome,
    Refused,
    Rejected,
)
from evently_core.reasons import SENTENCES, Reason, ReasonCode
from evently_core.tickets import Arrival, Scanned
from evently_core.values import Actor, BookingId, EntryId, EventId, Money, Role, TicketTypeId, UserId
from evently_core.waitlist import EntryStatus, Place, WaitlistEntry

UUIDS = st.uuids()
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are given without a zone
COUNTS = st.integers(0, 10**7)
MONEY = st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "USD", "JPY"]))
WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20).filter(str.strip)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


BOOKINGS = st.builds(
    Booking,
    id=UUIDS,
    event_id=UUIDS,
    ticket_type_id=UUIDS,
    user_id=UUIDS,
    quantity=COUNTS,
    unit_price=MONEY,
    status=st.sampled_from(BookingStatus),
    origin=st.sampled_from(Origin),
    created_at=MOMENTS,
    cancel_until=MOMENTS,
    expires_at=maybe(MOMENTS),
    entry_id=maybe(UUIDS),
    confirmed_at=maybe(MOMENTS),
    cancelled_at=maybe(MOMENTS),
    payment_reference=maybe(WORDS),
)
ENTRIES = st.builds(
    WaitlistEntry,
    id=UUIDS,
    event_id=UUIDS,
    ticket_type_id=UUIDS,
    user_id=UUIDS,
    asked=COUNTS,
    missing=COUNTS,
    least=COUNTS,
    accept_partial=st.booleans(),
    unit_price=MONEY,
    sequence=st.integers(1, 2**62),
    joined_at=MOMENTS,
    status=st.sampled_from(EntryStatus),
    priority=st.integers(-100, 100),
    passed_over=COUNTS,
    open_offers=COUNTS,
    requeued=st.booleans(),
    ended_at=maybe(MOMENTS),
)
POLICIES = st.builds(
    Policy,
    max_per_booking=st.integers(1, 100),
    max_per_user=maybe(st.integers(1, 100)),
    hold_for=st.timedeltas(timedelta(0), timedelta(days=365)),
    cancel_until=maybe(MOMENTS),
    waitlist_enabled=st.booleans(),
    max_entries=maybe(COUNTS),
    offer_window=st.timedeltas(timedelta(0), timedelta(days=365)),
    bypass_limit=st.integers(0, 100),
    on_silence=st.sampled_from(OnSilence),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    starts_at = draw(MOMENTS)
    names = draw(st.lists(WORDS, min_size=1, max_size=3, unique_by=str.casefold))
    kinds = tuple(
        TicketType(
            id=TicketTypeId(draw(UUIDS)),
            name=name,
            price=Money(draw(COUNTS), "EUR"),
            capacity=draw(maybe(COUNTS)),
            min_per_booking=draw(st.integers(1, 3)),
            max_per_booking=draw(maybe(st.integers(3, 9))),
            sales_open_at=draw(maybe(st.just(starts_at - timedelta(days=2)))),
            sales_close_at=draw(maybe(st.just(starts_at - timedelta(days=1)))),
        )
        for name in names
    )
    return Event(
        id=EventId(draw(UUIDS)),
        organiser_id=UserId(draw(UUIDS)),
        title=draw(WORDS),
        timezone=draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        capacity=draw(COUNTS),
        ticket_types=kinds,
        created_at=draw(MOMENTS),
        updated_at=draw(MOMENTS),
        description=draw(WORDS),
        venue=draw(WORDS),
        status=draw(st.sampled_from(EventStatus)),
        booking_opens_at=draw(maybe(st.just(starts_at - timedelta(days=9)))),
        booking_closes_at=draw(maybe(st.just(starts_at))),
        policy=draw(POLICIES),
        version=draw(st.integers(1, 10**6)),
    )


FIGURES = st.dictionaries(
    st.sampled_from(["free", "requested", "ahead", "limit", "opens_at"]),
    st.none() | st.integers(0, 10**7) | WORDS,
)
REASONS = st.builds(Reason, st.sampled_from(ReasonCode), FIGURES)
ARRIVALS = st.builds(
    Arrival,
    booking_id=UUIDS,
    seat=st.integers(1, 99),
    ticket_type_id=UUIDS,
    at=MOMENTS,
    undone_at=maybe(MOMENTS),
)
PLACES = st.builds(Place, COUNTS, COUNTS)
OUTCOMES: dict[type[Outcome], st.SearchStrategy[Outcome]] = {
    Admitted: st.builds(
        Admitted, maybe(BOOKINGS), maybe(ENTRIES), maybe(PLACES), maybe(REASONS), st.booleans()
    ),
    BookingChanged: st.builds(BookingChanged, BOOKINGS, maybe(ENTRIES), st.booleans()),
    EntryChanged: st.builds(EntryChanged, ENTRIES, st.booleans()),
    EventSettled: st.builds(
        EventSettled,
        events(),
        COUNTS,
        st.lists(BOOKINGS, max_size=3).map(tuple),
        COUNTS,
        st.booleans(),
    ),
    DoorAnswer: st.builds(
        DoorAnswer,
        st.lists(st.builds(Scanned, WORDS, maybe(ARRIVALS), maybe(REASONS)), max_size=3).map(tuple),
        st.booleans(),
    ),
    Refused: st.builds(Refused, REASONS, st.booleans()),
}


@given(st.one_of(*OUTCOMES.values()))
def test_an_outcome_comes_back_from_its_document_as_it_was(outcome: Outcome) -> None:
    restored = outcome_from(json.loads(outcome_json(outcome)))
    assert restored == outcome
    assert type(restored) is type(outcome)
    assert types_of(restored) == types_of(outcome)


def types_of(value: Any) -> Any:
    """Return the types of all parts: equal values may be of unequal types, such as a word and its enumeration."""
    if attrs.has(type(value)):
        return {field.name: types_of(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, tuple):
        return [types_of(item) for item in value]
    if isinstance(value, Mapping):
        return {name: types_of(item) for name, item in value.items()}
    return type(value)


def test_every_answer_that_is_kept_can_be_kept() -> None:
    assert set(OUTCOMES) == set(KEPT)
    assert set(get_args(Outcome)) - set(KEPT) == {Rejected, Deferred}


@given(st.one_of(OUTCOMES[Admitted], OUTCOMES[Refused], st.builds(Failed, WORDS)))
def test_what_came_of_a_queued_request_comes_back_as_it_was(outcome: Any) -> None:
    restored = settled_from(json.loads(settled_json(outcome)))
    assert restored == outcome
    assert types_of(restored) == types_of(outcome)


@given(
    st.one_of(
        st.builds(NotFound, WORDS), st.builds(Forbidden, WORDS), st.builds(InvalidValue, WORDS, WORDS, WORDS)
    )
)
def test_a_rejection_of_a_queued_request_comes_back_as_it_was(error: EventlyError) -> None:
    restored = settled_from(json.loads(settled_json(Rejected(error))))
    assert isinstance(restored, Rejected)
    assert type(restored.error) is type(error)
    assert (str(restored.error), vars(restored.error)) == (str(error), vars(error))


ACTORS = st.builds(Actor, maybe(UUIDS), st.sampled_from(Role), WORDS)
KEYS = st.builds(Key, WORDS, WORDS)
ASKED: dict[str, Any] = {
    "actor": ACTORS,
    "key": maybe(KEYS),
    "user_id": UUIDS,
    "ticket_type_id": maybe(UUIDS),
    "quantity": st.integers(1, 10**7),
    "accept_partial": st.booleans(),
}


@given(st.one_of(st.builds(Book, **ASKED, join_waitlist=st.booleans()), st.builds(JoinWaitlist, **ASKED)))
def test_a_request_for_seats_comes_back_as_it_was(command: Book | JoinWaitlist) -> None:
    restored = seat_request_from(json.loads(seat_request_json(command)))
    assert restored == command
    assert types_of(restored) == types_of(command)
    assert restored.fingerprint() == command.fingerprint()


@given(BOOKINGS)
def test_a_document_has_text_and_numbers_only(booking: Booking) -> None:
    document = json.loads(to_json(booking))
    assert document["id"] == str(booking.id)
    assert document["unit_price"] == {
        "amount": booking.unit_price.amount,
        "currency": booking.unit_price.currency,
    }
    assert document["created_at"].endswith("Z")
    assert datetime.fromisoformat(document["created_at"]) == booking.created_at
    assert document["status"] == str(booking.status)


ONE = UUID(int=1)
MOMENT = datetime(2030, 5, 1, 12, tzinfo=UTC)


def a_booking() -> Booking:
    return Booking(
        id=BookingId(ONE),
        event_id=EventId(ONE),
        ticket_type_id=TicketTypeId(ONE),
        user_id=UserId(ONE),
        quantity=2,
        unit_price=Money(5, "EUR"),
        status=BookingStatus.CONFIRMED,
        origin=Origin.DIRECT,
        created_at=MOMENT,
        cancel_until=MOMENT,
    )


def an_event(**fields: Any) -> Event:
    given: dict[str, Any] = {
        "id": EventId(ONE),
        "organiser_id": UserId(ONE),
        "title": "Concert",
        "timezone": "UTC",
        "starts_at": MOMENT,
        "ends_at": MOMENT + timedelta(hours=1),
        "capacity": 5,
        "ticket_types": (TicketType(id=TicketTypeId(ONE), name="Floor", price=Money(5, "EUR")),),
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    return Event(**(given | fields))


@pytest.mark.parametrize(
    ("fact", "kind", "part"),
    [
        (EventAdvanced(EventStatus.CANCELLED), "event_advanced", {"status": "cancelled"}),
        (EventDeleted("Concert"), "event_deleted", {"title": "Concert"}),
        (Cancelled(BookingId(ONE), 3), "cancelled", {"booking_id": str(ONE), "freed": 3}),
        (Lapsed(BookingId(ONE), 3), "lapsed", {"booking_id": str(ONE), "freed": 3}),
        (Moved(EntryId(ONE), 5, 0), "moved", {"entry_id": str(ONE), "priority": 5, "before": 0}),
        (Requeued(EntryId(ONE), 9, 2), "requeued", {"entry_id": str(ONE), "sequence": 9, "returned": 2}),
        (Granted(a_booking(), (EntryId(ONE),)), "granted", {"passed_over": [str(ONE)]}),
    ],
)
def test_a_fact_says_in_the_journal_what_happened(fact: Fact, kind: str, part: dict[str, Any]) -> None:
    assert fact_kind(fact) == kind
    assert part.items() <= fact_document(fact).items()


def test_of_a_changed_event_the_journal_keeps_only_what_changed() -> None:
    before, after = an_event(), an_event(capacity=8, version=2)
    document = fact_document(EventChanged(after, {"capacity": (before.capacity, after.capacity)}))
    assert document == {"version": 2, "changes": {"capacity": [5, 8]}}


@given(st.text(max_size=30))
def test_whatever_people_write_is_good_json(text: str) -> None:
    assert json.loads(fact_json(EventDeleted(text))) == {"title": text}


def test_every_reason_says_what_is_so_and_what_to_do() -> None:
    assert set(SENTENCES) == set(ReasonCode)
    assert all(sentence.endswith(".") and " " in sentence for sentence in SENTENCES.values())
    assert len(set(SENTENCES.values())) == len(SENTENCES)


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC))
    | st.timedeltas()
    | st.sampled_from(Origin)
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
)


def _by_the_library(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    assert isinstance(value, timedelta)
    return value.total_seconds()


@given(_VALUES)
def test_json_is_what_the_library_would_have_written(value: Any) -> None:
    assert to_json(value) == json.dumps(value, default=_by_the_library, separators=(",", ":"))
