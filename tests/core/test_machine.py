"""All use cases against the plain model, with a clock that goes on, in any order; the books are read each time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evently_core.booking import Booking
from evently_core.commands import (
    Accept,
    Advance,
    Book,
    Cancel,
    ChangeEvent,
    ChangeTicketType,
    Command,
    Confirm,
    Decline,
    JoinWaitlist,
    Leave,
    Move,
    Reduce,
)
from evently_core.errors import EventlyError
from evently_core.event import Event, Step
from evently_core.evently import Evently, Store
from evently_core.evolve import EventState
from evently_core.invariants import violations
from evently_core.inventory import Inventory, Needs
from evently_core.memory.basics import FixedClock, SequentialIds
from evently_core.memory.snapshot import snapshot_of
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Outcome, Refused, Rejected
from evently_core.paging import Page, PageRequest
from evently_core.ports import Ids
from evently_core.services.events import EventAnswer, NewEvent, NewTicketType
from evently_core.storage import BookingQuery, EntryQuery
from evently_core.values import TicketTypeId
from evently_core.waitlist import WaitlistEntry
from tests.core.histories import LINES, SMALL, WHOLE_LIFE, Histories
from tests.core.house import (
    ORGANISER,
    answer_of,
    at,
    command_of,
    event_fields,
    minute_of,
    names_of,
    plain_booking,
    plain_entry,
    plain_waiter,
    ticket_type_fields,
    user,
)
from tests.core.naive import Naive, Say, Venue


class Machine(RuleBasedStateMachine):
    """One event in a store, told everything that the plain model is told."""

    def make_store(self) -> Store:
        """Return the store to try; the event in it is fresh."""
        return MemoryStorage()

    # -- the beginning ----------------------------------------------------------------------------------------

    @initialize(data=st.data(), histories=st.sampled_from([WHOLE_LIFE, LINES]))
    def begin(self, data: st.DataObject, histories: Histories) -> None:
        """Draw up an event, and publish it or leave it a draft."""
        venue = data.draw(histories.venues())
        self.histories = histories
        self.store = self.make_store()
        self.clock = FixedClock(at(0))
        self.evently = Evently.over(self.store, self.clock, self.make_ids())
        self.event = self._created(venue)
        self.naive = Naive(attrs.evolve(venue, status="draft"))
        self.journal_read = 0
        if venue.status == "published":
            self._say(Say("advance", {"step": "publish"}))

    def make_ids(self) -> Ids:
        """Return what makes ids; a store that is shared needs others each time."""
        return SequentialIds()

    def _created(self, venue: Venue) -> Event:
        fields, policy = event_fields(attrs.asdict(venue, recurse=False))
        blank = NewEvent(title="Concert", timezone="UTC", **fields)
        kinds = [
            NewTicketType(name=name, **ticket_type_fields(attrs.asdict(kind)))
            for name, kind in venue.kinds.items()
        ]
        new = attrs.evolve(blank, policy=attrs.evolve(blank.policy, **policy), ticket_types=kinds)
        answer = self.evently.events.create(ORGANISER, new)
        assert isinstance(answer, EventAnswer)
        return answer.view.event

    def _kind(self, name: str) -> TicketTypeId:
        return next(kind.id for kind in self.event.ticket_types if kind.name == name)

    # -- what can happen --------------------------------------------------------------------------------------

    @rule(minutes=st.integers(1, 7))
    def time_passes(self, minutes: int) -> None:
        """Nothing happens by itself; what is read afterwards is judged by the clock."""
        self.naive.now += minutes
        self.clock.set(at(self.naive.now))

    @rule(data=st.data())
    def somebody_says_something(self, data: st.DataObject) -> None:
        """Any commands, by whoever may give them."""
        for _ in range(data.draw(st.integers(2, 8))):
            self._say(data.draw(self.histories.says(self.naive)))

    @precondition(lambda self: bool(self.naive.entries))
    @rule(data=st.data(), seats=SMALL)
    def seats_come_free_for_a_line(self, data: st.DataObject, seats: int) -> None:
        """Capacity goes up and down while somebody waits."""
        self._say(Say("set", {"seats": seats}))

    @rule(data=st.data(), seats=SMALL)
    def a_dry_run_changes_nothing(self, data: st.DataObject, seats: int) -> None:
        """What would come of a change is answered as if it came, and the books stay as they are (checked below)."""
        say = Say("set", {"kind": data.draw(st.sampled_from(self.histories.kinds)), "own": seats})
        command = self._command(say)
        assert isinstance(command, ChangeTicketType)
        planned = self._planned(command)
        before = self._read()
        assert planned == self._on_a_copy().do(say)
        assert self._read() == before

    def _on_a_copy(self) -> Naive:
        copy = Naive(self.naive.venue, self.naive.now)
        copy.bookings = [attrs.evolve(booking) for booking in self.naive.bookings]
        copy.entries = [attrs.evolve(entry) for entry in self.naive.entries]
        copy.next_place = self.naive.next_place
        return copy

    @rule()
    def the_sweeper_comes_by(self) -> None:
        """What is due is swept; the plain model looks once more as well, for nobody who looks changes anything."""
        due = self.event.id in self.store.due_events(self.clock.now(), 1000)
        before = _image(self.naive)
        self.naive.settle()
        assert due or before == _image(self.naive), "something was due and nobody knew"
        while self.evently.sweeping.sweep(1000):
            assert not self.store.due_events(self.clock.now(), 1000), "what was swept is due again"

    def _say(self, say: Say) -> None:
        bookings, entries = self._bookings(), self._entries()
        command = command_of(say, bookings, entries, self._kind)
        outcome = self._carried_out(command)
        expected = self.naive.do(say)
        found = answer_of(outcome, self._bookings(), self._entries())
        assert found == expected, (say, found, expected)

    def _command(self, say: Say) -> Command:
        return command_of(say, self._bookings(), self._entries(), self._kind)

    def _carried_out(self, command: Command) -> Outcome:
        """Go through the use case for a command; with a key, which few doors take yet, straight to the desk."""
        use_cases = self.evently
        try:
            if command.key is not None and not isinstance(command, Book | JoinWaitlist):
                return use_cases.desk.submit(self.event.id, command)
            match command:
                case Book():
                    return use_cases.bookings.book(self.event.id, command)
                case JoinWaitlist():
                    return use_cases.waitlist.join(self.event.id, command)
                case Confirm(actor=actor, booking_id=booking_id):
                    return use_cases.bookings.confirm(actor, booking_id)
                case Cancel(actor=actor, booking_id=booking_id, reason=reason):
                    return use_cases.bookings.cancel(actor, booking_id, reason)
                case Reduce(actor=actor, booking_id=booking_id, quantity=quantity, reason=reason):
                    return use_cases.bookings.reduce(actor, booking_id, quantity, reason)
                case Accept(actor=actor, entry_id=entry_id):
                    return use_cases.waitlist.accept(actor, entry_id)
                case Decline(actor=actor, entry_id=entry_id):
                    return use_cases.waitlist.decline(actor, entry_id)
                case Leave() | Move():
                    return use_cases.desk.submit(self.event.id, command)
                case ChangeEvent(actor=actor, changes=changes, policy=policy):
                    return _settled(use_cases.events.change(actor, self.event.id, changes, policy=policy))
                case ChangeTicketType():
                    return _settled(self._change_ticket_type(command, dry_run=False))
                case Advance(actor=actor, step=step, reason=reason):
                    return _settled(self._advance(actor, step, reason))
                case _:
                    return use_cases.desk.submit(self.event.id, command)
        except EventlyError as error:
            return Rejected(error)

    def _change_ticket_type(self, command: ChangeTicketType, *, dry_run: bool) -> EventAnswer | Refused:
        return self.evently.events.change_ticket_type(
            command.actor, self.event.id, command.ticket_type_id, command.changes, dry_run=dry_run
        )

    def _advance(self, actor: Any, step: Step, reason: str | None) -> EventAnswer | Refused:
        events = self.evently.events
        if step is Step.CANCEL:
            return events.cancel(actor, self.event.id, reason)
        return (events.publish if step is Step.PUBLISH else events.complete)(actor, self.event.id)

    def _planned(self, command: ChangeTicketType) -> tuple[Any, ...]:
        try:
            return answer_of(_settled(self._change_ticket_type(command, dry_run=True)), [], [])
        except EventlyError as error:
            return answer_of(Rejected(error), [], [])

    # -- what holds after each of them ------------------------------------------------------------------------

    @invariant()
    def the_books_say_what_the_plain_model_says(self) -> None:
        """Every booking and every entry, with all that is recorded of them."""
        bookings, entries = self._read()
        assert bookings == self.naive.bookings
        expected = [plain_waiter(each, len(self.naive.open_offers(each))) for each in self.naive.entries]
        assert entries == expected

    @invariant()
    def no_rule_is_broken(self) -> None:
        """Capacity, counters, holds, places: I1, I2, I3, I10, from the allocations alone."""
        event = self.store.event(self.event.id)
        bookings = {booking.id: booking for booking in self._bookings()}
        entries = {entry.id: entry for entry in self._entries()}
        assert violations(EventState(event, bookings, entries)) == []
        assert list(self.store.drifts(self.event.id)) == []

    @invariant()
    def what_is_read_is_judged_by_the_clock(self) -> None:
        """Free seats, places and one's own list are those of a model that looks right now (I5, I9)."""
        now = self._on_a_copy()
        now.settle()
        seats = self.evently.events.view(ORGANISER, self.event.id).seats
        venue = now.venue
        assert seats.total.taken == now.taken("total")
        assert seats.total.free == venue.seats - now.taken("total")
        for name in venue.kinds:
            count = seats.by_ticket_type[self._kind(name)]
            assert count.free == now.free(name)
            assert count.available == now.room(name, now.ahead_of_newcomers())
            assert count.waiting == sum(entry.kind == name for entry in now.waiting())
        for number in range(3):
            self._reads_own(number)

    def _reads_own(self, number: int) -> None:
        own = [
            (booking.quantity, str(booking.status))
            for booking in self._all(
                lambda page: self.store.bookings(
                    BookingQuery(now=self.clock.now(), event_id=self.event.id, user_id=user(number)), page
                )
            )
        ]
        expected = [
            (booking.seats, "expired" if _is_over(booking, self.naive.now) else booking.status)
            for booking in self.naive.bookings
            if booking.user == number
        ]
        assert own == expected

    @invariant()
    def it_is_explained_why_nobody_offered_a_seat(self) -> None:
        """The reason is that of a model that looks right now; who will be served by the clock alone has none."""
        now = self._on_a_copy()
        now.settle()
        name_of = names_of(self.event)
        for number in range(4):
            for standing in self.evently.events.explain(ORGANISER, self.event.id, user(number)):
                kind = name_of(standing.ticket_type_id)
                waited = [
                    after
                    for before, after in zip(self.naive.entries, now.entries, strict=True)
                    if (before.user, before.kind, before.status) == (number, kind, "waiting")
                ]
                waiter = next((each for each in waited if each.status == "waiting"), None)
                served = any(each.status in ("served", "offered") for each in waited)
                expected = None if served else now.explain(kind, waiter)
                assert (None if standing.reason is None else str(standing.reason.code)) == expected

    @invariant()
    def places_are_exact(self) -> None:
        """Position and seats ahead, for everybody who waits, in the order of the lines (I3)."""
        entries = self._entries()
        places = self.store.places(entries)
        for number, waiter in enumerate(self.naive.entries):
            place = places.get(entries[number].id)
            if waiter.status != "waiting":
                assert place is None
                continue
            ahead = [e for e in self.naive.waiting() if e.kind == waiter.kind and e.order < waiter.order]
            assert place is not None
            assert (place.position, place.seats_ahead) == (1 + len(ahead), sum(e.missing for e in ahead))

    @invariant()
    def the_journal_only_grows_and_names_who_was_passed_over(self) -> None:
        """Numbers rise by one, times do not go back, manual moves have reasons, grants name the passed (I4, I11)."""
        lines = self._all(lambda page: self.store.journal(self.event.id, page))
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert len(lines) >= self.journal_read
        self.journal_read = len(lines)
        times: list[datetime] = [line.at for line in lines]
        assert times == sorted(times)
        assert all(line.reason for line in lines if line.cause == "move" and line.kind == "moved")
        numbers = {str(entry.id): number for number, entry in enumerate(self._entries())}
        bookings = {str(booking.id): number for number, booking in enumerate(self._bookings())}
        granted = [
            (
                bookings[line.data["booking"]["id"]],
                tuple(numbers[each] for each in line.data["passed_over"]),
            )
            for line in lines
            if line.kind == "granted"
        ]
        assert granted == self.naive.passed

    @invariant()
    def the_clock_will_call_for_what_is_due(self) -> None:
        """If a hold lapses next, somebody is told when."""
        held = [b.expires for b in self.naive.bookings if b.status == "held" and b.expires is not None]
        if held:
            due = self._next_due()
            assert due is not None
            assert due <= min(held)

    def _next_due(self) -> int | None:
        moment = self.store.next_due()
        return None if moment is None else minute_of(moment)

    # -- reading ----------------------------------------------------------------------------------------------

    def _read(self) -> tuple[list[Any], list[Any]]:
        name_of = names_of(self.event)
        entries = self._entries()
        bookings = [plain_booking(booking, name_of, entries) for booking in self._bookings()]
        return bookings, [plain_entry(entry, name_of) for entry in entries]

    def _bookings(self) -> list[Booking]:
        """Return all bookings as recorded, in the order they came to be in."""
        query = BookingQuery(now=at(-1), event_id=self.event.id)
        return sorted(
            self._all(lambda page: self.store.bookings(query, page)), key=lambda each: self._order(each.id)
        )

    def _entries(self) -> list[WaitlistEntry]:
        query = EntryQuery(event_id=self.event.id)
        return sorted(
            self._all(lambda page: self.store.entries(query, page)), key=lambda each: self._order(each.id)
        )

    @staticmethod
    def _order(each: UUID) -> int:
        return each.int

    @staticmethod
    def _all(read: Any) -> list[Any]:
        items: list[Any] = []
        page: Page[Any] = read(PageRequest(100))
        items.extend(page.items)
        while page.next_cursor is not None:
            page = read(PageRequest(100, page.next_cursor))
            items.extend(page.items)
        return items


def _is_over(booking: Any, now: int) -> bool:
    return booking.status == "held" and booking.expires is not None and booking.expires <= now


def _image(naive: Naive) -> object:
    return ([attrs.astuple(each) for each in naive.bookings], [attrs.astuple(each) for each in naive.entries])


def _settled(answer: EventAnswer | Refused) -> Outcome:
    return answer if isinstance(answer, Refused) else answer.settled


class MemoryMachine(Machine):
    """The same over the store in memory, whose snapshots are kept instead of added up."""

    @invariant()
    def a_snapshot_is_what_the_allocations_add_up_to(self) -> None:
        """Whatever is asked for, and whoever is named."""
        assert isinstance(self.store, MemoryStorage)
        shelf = self.store._shelves[self.event.id]
        state, now = shelf.state, self.clock.now()
        users = frozenset(booking.user_id for booking in state.bookings.values())
        users |= {entry.user_id for entry in state.entries.values()}
        named = Needs(
            users=users, bookings=frozenset(state.bookings), entries=frozenset(state.entries), depth=2
        )
        lines = frozenset(kind.id for kind in self.event.ticket_types[:1])
        for needs in (
            Needs(),
            named,
            Needs(users=users, seats_of_users=True, whole_lines=lines),
            Needs(entries=frozenset(state.entries), holds=True),
            Needs(live_bookings=True, depth=3),
        ):
            plain = snapshot_of(
                state, needs, now, next_sequence=shelf.next_sequence, wake_at=shelf.wake_at, answers={}
            )
            [found] = self.store.snapshots([self.event.id], now, needs).values()
            assert _in_order(found) == _in_order(plain)


def _in_order(inventory: Inventory) -> Inventory:
    return attrs.evolve(inventory, due=tuple(sorted(inventory.due, key=lambda booking: booking.id)))


TestMachine = MemoryMachine.TestCase
TestMachine.settings = settings(max_examples=80, stateful_step_count=25)
