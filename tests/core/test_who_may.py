"""Who may do what is judged in the core, whatever door the command comes through; and everything says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import attrs
import pytest

from evently_core.booking import Booking
from evently_core.commands import Book, JoinWaitlist
from evently_core.errors import EventlyError, Forbidden, InvalidValue, NotFound
from evently_core.event import Event
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Admitted, Refused
from evently_core.paging import PageRequest
from evently_core.services.events import EventAnswer, NewEvent, NewTicketType
from evently_core.storage import EventQuery
from evently_core.testing.storage_contract import House
from evently_core.values import OPERATOR, Actor, Role, UserId
from evently_core.waitlist import WaitlistEntry

ADMIN = Actor(UserId(UUID(int=9_500)), Role.ADMIN)
OTHER_ORGANISER = Actor(UserId(UUID(int=9_001)), Role.ORGANISER)


@attrs.frozen
class Stage:
    """A full event: ana (1) has its two seats, ben (2) waits for one, cid (3) has nothing to do with it."""

    house: House
    event: Event
    booking: Booking
    entry: WaitlistEntry
    draft: Event

    @property
    def actors(self) -> dict[str, Actor]:
        return {
            "ana": self.house.person(1),
            "ben": self.house.person(2),
            "cid": self.house.person(3),
            "organiser": self.house.organiser,
            "other organiser": OTHER_ORGANISER,
            "admin": ADMIN,
            "operator": OPERATOR,
        }


@pytest.fixture
def stage() -> Stage:
    house = House(MemoryStorage())
    event = house.published(capacity=2)
    booking = house.booked(event, 1, 2)
    entry = house.waits(event, 2).entry
    assert entry is not None
    drafted = house.events.create(
        house.organiser,
        NewEvent(
            title="Secret", timezone="UTC", starts_at=event.starts_at, ends_at=event.ends_at, capacity=1
        ),
    )
    assert isinstance(drafted, EventAnswer)
    return Stage(house, event, booking, entry, drafted.view.event)


def book_for_cid(stage: Stage, actor: Actor) -> Any:
    user_id = stage.house.person(3).user_id
    assert user_id is not None
    return stage.house.bookings.book(stage.event.id, Book(actor=actor, user_id=user_id, join_waitlist=True))


def wait_for_cid(stage: Stage, actor: Actor) -> Any:
    user_id = stage.house.person(3).user_id
    assert user_id is not None
    return stage.house.waitlist.join(stage.event.id, JoinWaitlist(actor=actor, user_id=user_id))


def book_the_draft(stage: Stage, actor: Actor) -> Any:
    assert actor.user_id is not None or actor.is_admin
    user_id = actor.user_id or UserId(UUID(int=10_001))
    return stage.house.bookings.book(stage.draft.id, Book(actor=actor, user_id=user_id))


ROLES = ["ana", "ben", "cid", "organiser", "other organiser", "admin", "operator"]
Deed = Callable[[Stage, Actor], Any]
MAY: list[tuple[str, Deed, list[type[EventlyError] | None]]] = [
    # what                        for each of ROLES: None is allowed
    (
        "ask for seats for cid",
        book_for_cid,
        [Forbidden, Forbidden, None, Forbidden, Forbidden, None, None],
    ),
    (
        "let cid wait",
        wait_for_cid,
        [Forbidden, Forbidden, None, Forbidden, Forbidden, None, None],
    ),
    (
        "confirm ana's booking",
        lambda s, a: s.house.bookings.confirm(a, s.booking.id),
        [None, NotFound, NotFound, Forbidden, NotFound, None, None],
    ),
    (
        "cancel ana's booking, with a reason",
        lambda s, a: s.house.bookings.cancel(a, s.booking.id, "rain"),
        [None, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "cancel ana's booking, without one",
        lambda s, a: s.house.bookings.cancel(a, s.booking.id),
        [None, NotFound, NotFound, InvalidValue, NotFound, InvalidValue, InvalidValue],
    ),
    (
        "reduce ana's booking, with a reason",
        lambda s, a: s.house.bookings.reduce(a, s.booking.id, 1, "rain"),
        [None, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "read ana's booking",
        lambda s, a: s.house.bookings.booking(a, s.booking.id),
        [None, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "read ana's booking by its reference",
        lambda s, a: s.house.bookings.by_reference(a, s.booking.reference),
        [None, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "leave the line for ben",
        lambda s, a: s.house.waitlist.leave(a, s.entry.id),
        [NotFound, None, NotFound, Forbidden, NotFound, None, None],
    ),
    (
        "accept for ben",
        lambda s, a: s.house.waitlist.accept(a, s.entry.id),
        [NotFound, None, NotFound, Forbidden, NotFound, None, None],
    ),
    (
        "decline for ben",
        lambda s, a: s.house.waitlist.decline(a, s.entry.id),
        [NotFound, None, NotFound, Forbidden, NotFound, None, None],
    ),
    (
        "read ben's place",
        lambda s, a: s.house.waitlist.entry(a, s.entry.id),
        [NotFound, None, NotFound, NotFound, NotFound, None, None],
    ),
    (
        "move ben",
        lambda s, a: s.house.waitlist.move(a, s.entry.id, 1, "an old friend"),
        [NotFound, Forbidden, NotFound, None, NotFound, None, None],
    ),
    (
        "change the event",
        lambda s, a: s.house.events.change(a, s.event.id, {"capacity": 3}),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "add a ticket type",
        lambda s, a: s.house.events.add_ticket_type(a, s.event.id, NewTicketType(name="Box")),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "change a ticket type",
        lambda s, a: s.house.events.change_ticket_type(
            a, s.event.id, s.event.ticket_types[0].id, {"capacity": 2}
        ),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "cancel the event",
        lambda s, a: s.house.events.cancel(a, s.event.id, "rain"),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "complete the event",
        lambda s, a: s.house.events.complete(a, s.event.id),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "read the journal",
        lambda s, a: s.house.events.journal(a, s.event.id, PageRequest()),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "list all bookings",
        lambda s, a: s.house.bookings.of_event(a, s.event.id, PageRequest()),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "list who waits",
        lambda s, a: s.house.waitlist.of_event(a, s.event.id, PageRequest()),
        [Forbidden, Forbidden, Forbidden, None, Forbidden, None, None],
    ),
    (
        "ask why ben has no seat",
        lambda s, a: s.house.events.explain(a, s.event.id, s.entry.user_id),
        [Forbidden, None, Forbidden, None, Forbidden, None, None],
    ),
    (
        "read a draft",
        lambda s, a: s.house.events.view(a, s.draft.id),
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "change a draft",
        lambda s, a: s.house.events.change(a, s.draft.id, {"capacity": 3}),
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "publish a draft",
        lambda s, a: s.house.events.publish(a, s.draft.id),
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "throw a draft away",
        lambda s, a: s.house.events.delete(a, s.draft.id),
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "read a draft's journal",
        lambda s, a: s.house.events.journal(a, s.draft.id, PageRequest()),
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
    (
        "hear more of a draft than that it is not there",
        book_the_draft,
        [NotFound, NotFound, NotFound, None, NotFound, None, None],
    ),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("deed", "expected"), [row[1:] for row in MAY], ids=[row[0] for row in MAY])
def test_who_may(stage: Stage, deed: Deed, expected: list[type[EventlyError] | None], role: str) -> None:
    error = expected[ROLES.index(role)]
    actor = stage.actors[role]
    if error is None:
        deed(stage, actor)  # a rule may refuse it, but who asks is allowed to ask
        return
    with pytest.raises(EventlyError) as raised:
        deed(stage, actor)
    assert type(raised.value) is error


@pytest.mark.parametrize("deed", [row[1] for row in MAY], ids=[row[0] for row in MAY])
def test_what_is_forbidden_changes_nothing(stage: Stage, deed: Deed) -> None:
    before = everything(stage)
    for role, actor in stage.actors.items():
        if role == "cid":  # may ask in their own name
            continue
        if next(row[2] for row in MAY if row[1] is deed)[ROLES.index(role)] is not None:
            with pytest.raises(EventlyError):
                deed(stage, actor)
            assert everything(stage) == before, role


def everything(stage: Stage) -> tuple[Any, ...]:
    storage = stage.house.storage
    return (
        storage.booking(stage.booking.id),
        storage.entry(stage.entry.id),
        storage.event(stage.event.id),
        storage.event(stage.draft.id),
        storage.journal(stage.event.id, PageRequest(100)),
        storage.journal(stage.draft.id, PageRequest(100)),
    )


def test_an_attendee_cannot_create_an_event(stage: Stage) -> None:
    new = NewEvent(
        title="Mine",
        timezone="UTC",
        starts_at=stage.event.starts_at,
        ends_at=stage.event.ends_at,
        capacity=1,
    )
    with pytest.raises(Forbidden):
        stage.house.events.create(stage.house.person(1), new)


def test_drafts_are_listed_for_their_organiser_alone(stage: Stage) -> None:
    def titles(actor: Actor | None) -> list[str]:
        return [v.event.title for v in stage.house.events.views(actor, EventQuery(), PageRequest()).items]

    assert sorted(titles(stage.house.organiser)) == ["Concert", "Secret"]
    assert sorted(titles(ADMIN)) == ["Concert", "Secret"]
    assert titles(OTHER_ORGANISER) == titles(stage.house.person(1)) == titles(None) == ["Concert"]


def test_what_an_admin_books_for_somebody_is_theirs_and_the_journal_names_the_admin(stage: Stage) -> None:
    stage.house.events.change(stage.house.organiser, stage.event.id, {"capacity": 4})
    outcome = book_for_cid(stage, ADMIN)
    assert isinstance(outcome, Admitted)
    assert outcome.booking is not None
    assert outcome.booking.user_id == stage.house.person(3).user_id
    last = stage.house.storage.journal(stage.event.id, PageRequest(100)).items[-1]
    assert (last.kind, last.actor_id, last.cause) == ("granted", ADMIN.user_id, "book")


def reason_of_last(stage: Stage, kind: str) -> str | None:
    lines = stage.house.storage.journal(stage.event.id, PageRequest(100)).items
    return [line for line in lines if line.kind == kind][-1].reason


def test_every_manual_move_has_a_reason_in_the_journal(stage: Stage) -> None:
    """Priority, capacity of the event and of a pool, a booking and an event cancelled by the organiser (I11)."""
    house, event, kind = stage.house, stage.event, stage.event.ticket_types[0]
    house.waitlist.move(house.organiser, stage.entry.id, 3, "an old friend")
    assert reason_of_last(stage, "moved") == "an old friend"
    house.events.change(house.organiser, event.id, {"capacity": 5})
    assert reason_of_last(stage, "event_changed") == "capacity set from 2 to 5"
    house.events.change(house.organiser, event.id, {"capacity": 6}, reason="a larger hall")
    assert reason_of_last(stage, "event_changed") == "a larger hall"
    house.events.change_ticket_type(house.organiser, event.id, kind.id, {"capacity": 4})
    assert reason_of_last(stage, "event_changed") == "capacity of General admission set from none to 4"
    house.events.change_ticket_type(house.organiser, event.id, kind.id, {"capacity": 3}, reason="a wall")
    assert reason_of_last(stage, "event_changed") == "a wall"
    house.bookings.cancel(house.organiser, stage.booking.id, "paid twice")
    assert reason_of_last(stage, "cancelled") == "paid twice"
    with pytest.raises(InvalidValue):
        house.events.cancel(house.organiser, event.id, None)
    house.events.cancel(house.organiser, event.id, "rain")
    assert reason_of_last(stage, "event_advanced") == "rain"


def test_a_change_of_anything_else_needs_no_reason(stage: Stage) -> None:
    stage.house.events.change(stage.house.organiser, stage.event.id, {"title": "Opera"})
    assert reason_of_last(stage, "event_changed") is None


def test_a_wrong_command_does_not_spoil_its_neighbours(stage: Stage) -> None:
    house, cid = stage.house, stage.house.person(3)
    assert cid.user_id is not None
    mine = Book(actor=cid, user_id=cid.user_id)
    theirs = Book(actor=cid, user_id=stage.booking.user_id)
    first, second, third = house.decisions.decide_many(stage.event.id, [mine, theirs, mine])
    assert isinstance(first, Refused)
    assert isinstance(getattr(second, "error", None), Forbidden)
    assert third == first
