"""One command, one effect: what an idempotency key promises to whoever did not hear the answer (I6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evently_core.booking import Booking
from evently_core.commands import (
    Accept,
    AddTicketType,
    Advance,
    Book,
    Cancel,
    ChangeEvent,
    ChangeTicketType,
    Command,
    Confirm,
    Decline,
    JoinWaitlist,
    Key,
    Leave,
    Move,
    Reduce,
    Sweep,
    fingerprint_of,
)
from evently_core.event import Event, Policy, Step, TicketType
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Admitted, BookingChanged, Outcome, Refused, Rejected
from evently_core.paging import PageRequest
from evently_core.reasons import MENDABLE, ReasonCode
from evently_core.services.events import EventAnswer, NewEvent, NewTicketType
from evently_core.testing.storage_contract import House
from evently_core.values import SYSTEM, Actor, Money, TicketTypeId, UserId
from evently_core.waitlist import WaitlistEntry

KEY = Key("ana", "k-1")
OTHER_KEY = Key("ana", "k-2")


@attrs.frozen
class Stage:
    """Ana has four of six seats and two are held for ben; cid has an offer declined by nobody yet; dan waits."""

    house: House
    event: Event
    booking: Booking
    hold: Booking
    offered: WaitlistEntry
    waiting: WaitlistEntry

    def tell(self, *commands: Command) -> list[Outcome]:
        """Have commands decided in one batch."""
        return self.house.decisions.decide_many(self.event.id, commands)

    def everything(self) -> tuple[Any, ...]:
        """Return all that a second effect would change."""
        storage = self.house.storage
        page = PageRequest(100)
        admin = SYSTEM
        return (
            storage.event(self.event.id),
            self.house.bookings.of_event(admin, self.event.id, page),
            storage.journal(self.event.id, page),
            [storage.entry(entry.id) for entry in (self.offered, self.waiting)],
            self.house.waitlist.of_event(admin, self.event.id, page),
        )


@pytest.fixture
def stage() -> Stage:
    house = House(MemoryStorage())
    event = house.published(
        capacity=9, policy=Policy(hold_for=timedelta(minutes=30), max_per_booking=9, bypass_limit=1)
    )
    booking = house.booked(event, 1, 4)
    house.bookings.confirm(house.person(1), booking.id)
    hold = house.booked(event, 2, 2)
    given_back = house.booked(event, 5, 3)
    offered = house.waits(event, 3, 3).entry
    waiting = house.waits(event, 4, 5).entry
    assert offered is not None
    assert waiting is not None
    house.bookings.cancel(house.person(5), given_back.id)
    return Stage(house, event, booking, hold, offered, waiting)


Make = Callable[[Stage, Key | None], Command]


def asked(person: int, **how: Any) -> dict[str, Any]:
    actor = House(MemoryStorage()).person(person)
    return {"actor": actor, "user_id": actor.user_id, **how}


def kind_of(stage: Stage) -> TicketTypeId:
    return stage.event.ticket_types[0].id


def box(number: int, price: int = 5000) -> TicketType:
    return TicketType(id=TicketTypeId(UUID(int=number)), name="Box", price=Money(price, "EUR"))


DEEDS: dict[str, Make] = {
    "book": lambda s, key: Book(**asked(6, quantity=2, join_waitlist=True), key=key),
    "book, refused": lambda s, key: Book(**asked(6, quantity=2), key=key),
    "wait": lambda s, key: JoinWaitlist(**asked(6, quantity=2), key=key),
    "confirm": lambda s, key: Confirm(actor=s.house.person(2), booking_id=s.hold.id, key=key),
    "cancel": lambda s, key: Cancel(actor=s.house.person(1), booking_id=s.booking.id, key=key),
    "reduce": lambda s, key: Reduce(actor=s.house.person(1), booking_id=s.booking.id, quantity=1, key=key),
    "accept": lambda s, key: Accept(actor=s.house.person(3), entry_id=s.offered.id, key=key),
    "decline": lambda s, key: Decline(actor=s.house.person(3), entry_id=s.offered.id, key=key),
    "leave": lambda s, key: Leave(actor=s.house.person(4), entry_id=s.waiting.id, key=key),
    "move": lambda s, key: Move(
        actor=s.house.organiser, entry_id=s.waiting.id, priority=5, reason="a friend", key=key
    ),
    "change the event": lambda s, key: ChangeEvent(
        actor=s.house.organiser, changes={"capacity": 12}, key=key
    ),
    "add a ticket type": lambda s, key: AddTicketType(
        actor=s.house.organiser, ticket_type=box(s.house.ids.new().int), key=key
    ),
    "change a ticket type": lambda s, key: ChangeTicketType(
        actor=s.house.organiser, ticket_type_id=kind_of(s), changes={"min_per_booking": 2}, key=key
    ),
    "complete the event": lambda s, key: Advance(actor=s.house.organiser, step=Step.COMPLETE, key=key),
    "cancel the event": lambda s, key: Advance(
        actor=s.house.organiser, step=Step.CANCEL, reason="rain", key=key
    ),
    "sweep": lambda s, key: Sweep(actor=SYSTEM, key=key),
}
each_deed = pytest.mark.parametrize("make", DEEDS.values(), ids=DEEDS)


def replayed(outcome: Outcome) -> Outcome:
    return attrs.evolve(outcome, replayed=True)


@each_deed
def test_the_second_time_answers_the_same_and_does_nothing(stage: Stage, make: Make) -> None:
    [first] = stage.tell(make(stage, KEY))
    assert not first.replayed
    assert not isinstance(first, Rejected)
    after = stage.everything()
    [second] = stage.tell(make(stage, KEY))
    assert second == replayed(first)
    assert stage.everything() == after


@each_deed
def test_twice_in_one_batch_is_once(stage: Stage, make: Make) -> None:
    other = Book(**asked(8, join_waitlist=True))
    first, _, second = stage.tell(make(stage, KEY), other, make(stage, KEY))
    assert second == replayed(first)
    after = stage.everything()
    [third] = stage.tell(make(stage, KEY))
    assert third == second
    assert stage.everything() == after


@each_deed
def test_the_answer_is_the_same_whatever_happened_meanwhile(stage: Stage, make: Make) -> None:
    """Everybody is gone, the event is cancelled and a day over: whoever asks again is told what was."""
    [first] = stage.tell(make(stage, KEY))
    stage.house.events.cancel(stage.house.organiser, stage.event.id, "rain")
    stage.house.pass_by(days=2)
    assert stage.tell(make(stage, KEY)) == [replayed(first)]


@each_deed
def test_a_key_with_other_content_is_refused_and_keeps_what_it_stood_for(stage: Stage, make: Make) -> None:
    [first] = stage.tell(make(stage, KEY))
    after = stage.everything()
    other = Book(**asked(7, quantity=1, accept_partial=True), key=KEY)
    for _ in range(2):
        [refused] = stage.tell(other)
        assert isinstance(refused, Refused)
        assert refused.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED
        assert stage.everything() == after
    assert stage.tell(make(stage, KEY)) == [replayed(first)]


@each_deed
def test_without_a_key_or_under_another_it_is_another_request(stage: Stage, make: Make) -> None:
    stage.tell(make(stage, KEY))
    for key in (None, OTHER_KEY, Key("ben", KEY.value)):
        [outcome] = stage.tell(make(stage, key))
        assert not outcome.replayed


@each_deed
def test_a_dry_run_keeps_nothing_under_its_key(stage: Stage, make: Make) -> None:
    before = stage.everything()
    stage.house.decisions.plan(stage.event.id, make(stage, KEY))
    assert stage.everything() == before
    [outcome] = stage.tell(make(stage, KEY))
    assert not outcome.replayed


def test_a_refusal_is_replayed_though_its_reason_is_gone(stage: Stage) -> None:
    request = Book(**asked(6, quantity=2), key=KEY)
    [refused] = stage.tell(request)
    assert isinstance(refused, Refused)
    assert refused.reason.code is ReasonCode.SOLD_OUT
    stage.house.events.change(stage.house.organiser, stage.event.id, {"capacity": 100})
    assert stage.tell(request) == [replayed(refused)]
    [booked] = stage.tell(attrs.evolve(request, key=OTHER_KEY))
    assert isinstance(booked, Admitted)


def test_a_booking_made_under_a_key_is_told_as_it_was_made(stage: Stage) -> None:
    """The answer is the first one again, though the booking was given back since."""
    stage.house.events.change(stage.house.organiser, stage.event.id, {"capacity": 100})
    request = Book(**asked(6, quantity=2), key=KEY)
    [first] = stage.tell(request)
    assert isinstance(first, Admitted)
    assert first.booking is not None
    [cancelled] = stage.tell(Cancel(actor=stage.house.person(6), booking_id=first.booking.id))
    assert isinstance(cancelled, BookingChanged)
    assert stage.tell(request) == [replayed(first)]


def test_the_key_is_looked_at_before_the_state_of_the_event(stage: Stage) -> None:
    request = Book(**asked(6, quantity=2, join_waitlist=True), key=KEY)
    [first] = stage.tell(request)
    stage.house.events.complete(stage.house.organiser, stage.event.id)
    assert stage.tell(request) == [replayed(first)]
    [refused] = stage.tell(attrs.evolve(request, quantity=3))
    assert isinstance(refused, Refused)
    assert refused.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED


def mendable_ones(stage: Stage) -> dict[ReasonCode, tuple[Command, Command]]:
    """Requests that are to be mended, and how they are mended, under the same key."""
    house = stage.house
    change = ChangeEvent(actor=house.organiser, changes={"title": "Opera"}, expected_version=1, key=KEY)
    accept = Accept(actor=house.person(4), entry_id=stage.waiting.id, key=KEY)
    offers = house.storage.offers([stage.waiting.id])[stage.waiting.id]
    any_kind = Book(**asked(6, quantity=1, join_waitlist=True), key=KEY)
    version = house.events.view(house.organiser, stage.event.id).event.version
    return {
        ReasonCode.PRECONDITION_FAILED: (change, attrs.evolve(change, expected_version=version)),
        ReasonCode.BOOKING_ID_REQUIRED: (accept, attrs.evolve(accept, booking_id=offers[0].id)),
        ReasonCode.TICKET_TYPE_REQUIRED: (any_kind, attrs.evolve(any_kind, ticket_type_id=kind_of(stage))),
    }


@pytest.mark.parametrize("code", sorted(MENDABLE - {ReasonCode.IDEMPOTENCY_KEY_REUSED}))
def test_what_is_to_be_mended_may_be_mended_under_the_same_key(code: ReasonCode) -> None:
    house = House(MemoryStorage())
    event = house.published(
        capacity=2,
        policy=Policy(offer_window=timedelta(hours=1)),
        ticket_types=(NewTicketType(name="Floor"), NewTicketType(name="Box")),
    )
    kind = event.ticket_types[0].id
    first = house.booked(event, 1, 2, ticket_type_id=kind)
    waiting = house.waits(event, 4, 5, accept_partial=True, ticket_type_id=kind).entry
    assert waiting is not None
    for capacity in (3, 4):
        house.events.change(house.organiser, event.id, {"capacity": capacity})
    stage = Stage(house, event, first, first, waiting, waiting)
    wrong, mended = mendable_ones(stage)[code]
    before = stage.everything()
    for _ in range(2):
        [refused] = stage.tell(wrong)
        assert isinstance(refused, Refused)
        assert refused.reason.code is code
        assert not refused.replayed
    assert stage.everything() == before
    [done] = stage.tell(mended)
    assert not isinstance(done, Refused | Rejected)
    assert stage.tell(mended) == [replayed(done)]


def test_a_command_that_made_no_sense_leaves_its_key_free(stage: Stage) -> None:
    unknown = TicketTypeId(UUID(int=77))
    [rejected] = stage.tell(Book(**asked(6, ticket_type_id=unknown), key=KEY))
    assert isinstance(rejected, Rejected)
    [outcome] = stage.tell(Book(**asked(6, join_waitlist=True), key=KEY))
    assert isinstance(outcome, Admitted)


def test_the_id_made_for_a_new_ticket_type_does_not_tell_two_requests_apart(stage: Stage) -> None:
    def added(new: NewTicketType) -> EventAnswer | Refused:
        return stage.house.events.add_ticket_type(stage.house.organiser, stage.event.id, new, key=KEY)

    new = NewTicketType(name="Box", price=Money(5000, "EUR"))
    first, again = added(new), added(new)
    assert isinstance(first, EventAnswer)
    assert isinstance(again, EventAnswer)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.settled.event == first.settled.event
    assert len(again.view.event.ticket_types) == 2
    other = added(NewTicketType(name="Box", price=Money(6000, "EUR")))
    assert isinstance(other, Refused)
    assert other.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED


def test_an_event_is_created_once_under_a_key() -> None:
    house = House(MemoryStorage())
    starts_at = house.clock.now() + timedelta(days=3)
    new = NewEvent(
        title="Opera",
        timezone="UTC",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        capacity=5,
    )
    first = house.events.create(house.organiser, new, key=KEY)
    house.pass_by(hours=1)
    again = house.events.create(house.organiser, new, key=KEY)
    assert isinstance(first, EventAnswer)
    assert isinstance(again, EventAnswer)
    assert again.replayed
    assert again.view.event == first.view.event
    other = house.events.create(house.organiser, attrs.evolve(new, capacity=6), key=KEY)
    assert isinstance(other, Refused)
    assert other.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED
    without = house.events.create(house.organiser, new)
    assert isinstance(without, EventAnswer)
    assert without.view.event.id != first.view.event.id


CONTENT = st.dictionaries(
    st.text(max_size=3), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)), max_size=4
)


@given(CONTENT)
def test_the_order_of_the_fields_is_no_content(content: dict[str, Any]) -> None:
    backwards = dict(reversed(content.items()))
    assert fingerprint_of("book", content) == fingerprint_of("book", backwards)
    assert fingerprint_of("book", {"in": content}) == fingerprint_of("book", {"in": backwards})


@given(CONTENT, CONTENT, st.sampled_from(["book", "wait"]), st.sampled_from(["book", "wait"]))
def test_whatever_differs_has_another_fingerprint(
    one: dict[str, Any], other: dict[str, Any], name: str, other_name: str
) -> None:
    # In Python True equals 1; in a request they are two things.
    same = name == other_name and repr(sorted(one.items())) == repr(sorted(other.items()))
    assert (fingerprint_of(name, one) == fingerprint_of(other_name, other)) is same


def test_who_asks_and_under_which_key_is_no_content(stage: Stage) -> None:
    request = Book(**asked(6, quantity=2))
    stranger = Actor(UserId(UUID(int=1)), stage.house.organiser.role)
    assert request.fingerprint() == attrs.evolve(request, actor=stranger, key=KEY).fingerprint()
    for different in ({"quantity": 3}, {"accept_partial": True}, {"join_waitlist": True}):
        assert request.fingerprint() != attrs.evolve(request, **different).fingerprint()
    waiting = JoinWaitlist(**asked(6, quantity=2))
    assert request.fingerprint() != waiting.fingerprint()


def test_answers_are_forgotten_after_their_time_and_not_before(stage: Stage) -> None:
    request = Book(**asked(6, quantity=2), key=KEY)
    [first] = stage.tell(request)
    kept_at = stage.house.clock.now()
    assert stage.house.storage.forget_answers(kept_at) == 0
    assert stage.tell(request) == [replayed(first)]
    assert stage.house.storage.forget_answers(kept_at + timedelta(seconds=1)) == 1
    [anew] = stage.tell(request)
    assert not anew.replayed
