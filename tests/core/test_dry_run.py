"""A dry run answers with what would come of it, word for word, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from evently_core.booking import Booking
from evently_core.event import Event, Policy
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import BookingChanged, Refused
from evently_core.paging import PageRequest
from evently_core.services.events import EventAnswer, NewTicketType
from evently_core.services.waitlist import EntryView
from evently_core.testing.storage_contract import House
from evently_core.values import SYSTEM
from evently_core.waitlist import EntryStatus, WaitlistEntry


@attrs.frozen
class Stage:
    """A full floor and a full box: eve and finn hold seats, four wait in two lines, one offer is open."""

    house: House
    event: Event
    booking: Booking
    waiting: WaitlistEntry
    offered: WaitlistEntry

    @property
    def kinds(self) -> list[Any]:
        return [kind.id for kind in self.event.ticket_types]

    def everything(self) -> tuple[Any, ...]:
        page = PageRequest(100)
        return (
            self.house.storage.event(self.event.id),
            self.house.storage.journal(self.event.id, page),
            self.house.bookings.of_event(SYSTEM, self.event.id, page),
            self.house.waitlist.of_event(SYSTEM, self.event.id, page),
            self.house.events.view(SYSTEM, self.event.id),
            self.house.storage.next_due(),
        )


def set_the_stage() -> Stage:
    house = House(MemoryStorage())
    event = house.published(
        capacity=8,
        policy=Policy(hold_for=timedelta(minutes=30), bypass_limit=1),
        ticket_types=(NewTicketType(name="Floor"), NewTicketType(name="Box", capacity=2)),
    )
    floor, box = (kind.id for kind in event.ticket_types)
    booking = house.booked(event, 1, 4, ticket_type_id=floor)
    house.bookings.confirm(house.person(1), booking.id)
    house.booked(event, 2, 2, ticket_type_id=box)
    given_back = house.booked(event, 3, 2, ticket_type_id=floor)
    offered = house.waits(event, 4, 2, ticket_type_id=floor).entry
    waiting = house.waits(event, 5, 3, ticket_type_id=floor).entry
    house.waits(event, 6, 2, ticket_type_id=floor, accept_partial=True)
    house.waits(event, 7, 1, ticket_type_id=box)
    house.bookings.cancel(house.person(3), given_back.id)
    assert waiting is not None
    assert offered is not None
    return Stage(house, event, booking, waiting, offered)


Deed = Callable[[Stage, bool], Any]


def change(**changes: Any) -> Deed:
    return lambda s, dry: s.house.events.change(s.house.organiser, s.event.id, changes, dry_run=dry)


def policy(**changes: Any) -> Deed:
    return lambda s, dry: s.house.events.change(
        s.house.organiser, s.event.id, {}, policy=changes, dry_run=dry
    )


def kind(number: int, **changes: Any) -> Deed:
    return lambda s, dry: s.house.events.change_ticket_type(
        s.house.organiser, s.event.id, s.kinds[number], changes, dry_run=dry
    )


def after(minutes: int, deed: Deed) -> Deed:
    """Do it some minutes later, when holds have lapsed that nobody swept."""

    def later(stage: Stage, dry: bool) -> Any:
        stage.house.clock.set(stage.event.created_at + timedelta(minutes=minutes))
        return deed(stage, dry)

    return later


def closing(minutes: int) -> Deed:
    def close(stage: Stage, dry: bool) -> Any:
        closes = stage.event.created_at + timedelta(minutes=minutes)
        return change(booking_closes_at=closes)(stage, dry)

    return close


DEEDS: dict[str, Deed] = {
    "seats for one more party": change(capacity=11),
    "seats for all": change(capacity=50),
    "fewer seats than are taken": change(capacity=1),
    "another title": change(title="Opera"),
    "a larger box": kind(1, capacity=3),
    "a box without bounds": kind(1, capacity=None),
    "a bound for the floor": kind(0, capacity=7),
    "nobody is passed over": policy(bypass_limit=0),
    "two are passed over": policy(bypass_limit=2),
    "no waitlist": policy(waitlist_enabled=False),
    "no offers": policy(hold_for=timedelta(0)),
    "sales end before holds do": closing(10),
    "sales end, and seats of lapsed holds go nowhere": after(31, closing(31)),
    "seats, when holds have lapsed": after(31, change(capacity=9)),
    "a new ticket type": lambda s, dry: s.house.events.add_ticket_type(
        s.house.organiser, s.event.id, NewTicketType(name="Balcony", capacity=3), dry_run=dry
    ),
    "complete": lambda s, dry: s.house.events.complete(s.house.organiser, s.event.id, dry_run=dry),
    "cancel": lambda s, dry: s.house.events.cancel(s.house.organiser, s.event.id, "rain", dry_run=dry),
    "publish again": lambda s, dry: s.house.events.publish(s.house.organiser, s.event.id, dry_run=dry),
    "move": lambda s, dry: s.house.waitlist.move(s.house.organiser, s.waiting.id, 1, "a friend", dry_run=dry),
    "move behind all": lambda s, dry: s.house.waitlist.move(
        s.house.organiser, s.waiting.id, -1, "no friend", dry_run=dry
    ),
    "leave": lambda s, dry: s.house.waitlist.leave(s.house.person(5), s.waiting.id, dry_run=dry),
    "accept": lambda s, dry: s.house.waitlist.accept(s.house.person(4), s.offered.id, dry_run=dry),
    "decline": lambda s, dry: s.house.waitlist.decline(s.house.person(4), s.offered.id, dry_run=dry),
    "cancel a booking": lambda s, dry: s.house.bookings.cancel(
        s.house.organiser, s.booking.id, "rain", dry_run=dry
    ),
    "reduce a booking": lambda s, dry: s.house.bookings.reduce(
        s.house.person(1), s.booking.id, 1, dry_run=dry
    ),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_dry_run_answers_what_the_real_one_will(deed: Deed) -> None:
    stage = set_the_stage()
    planned = deed(stage, True)
    done = deed(stage, False)
    assert told(planned) == told(done)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_dry_run_changes_nothing(deed: Deed) -> None:
    stage, untouched = set_the_stage(), set_the_stage()
    deed(stage, True)
    untouched.house.clock.set(stage.house.clock.now())
    assert stage.everything() == untouched.everything()


def test_a_dry_run_of_a_move_says_that_it_serves_somebody() -> None:
    house = House(MemoryStorage())
    event = house.published(capacity=2)
    house.booked(event, 1)
    house.waits(event, 2, 2)
    entry = house.waits(event, 3).entry
    assert entry is not None
    planned = house.waitlist.move(house.organiser, entry.id, 1, "a friend", dry_run=True)
    done = house.waitlist.move(house.organiser, entry.id, 1, "a friend")
    assert isinstance(planned, EntryView)
    assert isinstance(done, EntryView)
    assert (planned.entry, planned.place) == (done.entry, done.place)
    assert done.entry.status is EntryStatus.SERVED


def told(answer: Any) -> Any:
    """Return all that an answer says; only what has just come to be has other ids."""
    match answer:
        case EventAnswer(view, settled):
            seats = view.seats
            return (
                attrs.asdict(view.event, recurse=False, filter=lambda field, _: field.name != "ticket_types"),
                [
                    attrs.asdict(kind, filter=lambda field, _: field.name != "id")
                    for kind in view.event.ticket_types
                ],
                seats.total,
                list(seats.by_ticket_type.values()),
                settled.granted_count,
                [(b.user_id, b.quantity, b.status, b.expires_at, b.unit_price) for b in settled.granted],
                settled.still_waiting,
            )
        case EntryView(entry, place, offers):
            return entry, place, [(b.quantity, b.status, b.expires_at) for b in offers]
        case BookingChanged() | Refused():
            return answer
    raise AssertionError(answer)
