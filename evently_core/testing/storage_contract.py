"""What every store of events must do. Subclass, say how a store is made, and let pytest collect it.

The plain definition is the in-memory store: the same history is told to both, and both must answer alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import attrs

from evently_core.analytics import Ranking
from evently_core.booking import Booking, BookingStatus
from evently_core.commands import LASTING, Book, ChangeEvent, Command, JoinWaitlist, Key
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.errors import Conflict, EventlyError, NotFound, StaleLock
from evently_core.event import Event, EventStatus, OnSilence, Policy
from evently_core.evently import Store
from evently_core.facts import EventCreated, EventDeleted, Record
from evently_core.inventory import Answered, Inventory, Needs, needs_of
from evently_core.memory.basics import FixedClock, SequentialIds
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Admitted, DoorAnswer, EventSettled, Outcome, Refused
from evently_core.paging import Page, PageRequest
from evently_core.reasons import ReasonCode
from evently_core.seals import HmacSeal
from evently_core.services.bookings import BookingService
from evently_core.services.decisions import Decisions
from evently_core.services.events import EventAnswer, EventService, NewEvent, NewTicketType
from evently_core.services.sweeping import SweepService
from evently_core.services.tickets import TicketService
from evently_core.services.waitlist import WaitlistService
from evently_core.storage import BookingQuery, EntryQuery, EventQuery, LineFigures, LineLength
from evently_core.tickets import Attendance
from evently_core.values import OPERATOR, Actor, EventId, Money, Role, UserId
from evently_core.waitlist import EntryStatus

START = datetime(2030, 5, 1, 12, tzinfo=UTC)


class House:
    """A store with the use cases on top, a clock and ids of its own, and a few people."""

    def __init__(self, storage: Store) -> None:
        self.storage = storage
        self.clock = FixedClock(START)
        self.ids = SequentialIds()
        self.decisions = Decisions(storage, storage, self.clock, self.ids)
        self.events = EventService(storage, storage, self.decisions, self.decisions, self.clock, self.ids)
        self.bookings = BookingService(storage, self.decisions, self.decisions, self.events, self.clock)
        self.waitlist = WaitlistService(storage, self.decisions, self.decisions, self.events, self.clock)
        self.tickets = TicketService(
            storage, self.decisions, self.decisions, self.events, self.bookings, HmacSeal(b"the same for all")
        )
        self.sweeping = SweepService(storage, self.decisions, self.clock)
        self.organiser = Actor(UserId(UUID(int=9_000)), Role.ORGANISER)
        self.outcomes: list[Outcome] = []

    def pass_by(self, **span: int) -> None:
        """Let time go by; the span is given as to `timedelta`."""
        self.clock.advance(timedelta(**span))

    def person(self, number: int) -> Actor:
        """Return one of the attendees."""
        return Actor(UserId(UUID(int=10_000 + number)), Role.ATTENDEE)

    def published(self, **fields: Any) -> Event:
        """Return a new published event."""
        starts_at = self.clock.now() + timedelta(days=10)
        defaults: dict[str, Any] = {
            "title": "Concert",
            "timezone": "Europe/Berlin",
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=3),
            "capacity": 4,
        }
        drafted = self.events.create(self.organiser, NewEvent(**{**defaults, **fields}))
        assert isinstance(drafted, EventAnswer)
        published = self.events.publish(self.organiser, drafted.view.event.id)
        assert isinstance(published, EventAnswer)
        return published.view.event

    def book(self, event: Event, person: int, quantity: int = 1, **how: Any) -> Admitted | Refused:
        """Ask for seats."""
        actor = self.person(person)
        assert actor.user_id is not None
        request = Book(actor=actor, user_id=actor.user_id, quantity=quantity, **how)
        outcome = self.bookings.book(event.id, request)
        self.outcomes.append(outcome)
        return outcome

    def booked(self, event: Event, person: int, quantity: int = 1, **how: Any) -> Booking:
        """Ask for seats and get some."""
        outcome = self.book(event, person, quantity, **how)
        assert isinstance(outcome, Admitted), outcome
        assert outcome.booking is not None
        return outcome.booking

    def codes(self, booking: Booking) -> list[str]:
        """Return the codes of a booking."""
        return [ticket.code for ticket in self.tickets.of_booking(OPERATOR, booking.id).items]

    def waits(self, event: Event, person: int, quantity: int = 1, **how: Any) -> Admitted:
        """Ask to wait, and wait."""
        actor = self.person(person)
        assert actor.user_id is not None
        request = JoinWaitlist(actor=actor, user_id=actor.user_id, quantity=quantity, **how)
        outcome = self.waitlist.join(event.id, request)
        self.outcomes.append(outcome)
        assert isinstance(outcome, Admitted), outcome
        return outcome


def tell(house: House) -> Event:
    """Tell a house a history with most of what can happen to one event; return the event.

    At the end two pools are full, several classes wait in two lines with three priorities, offers are open,
    one hold has lapsed without having been swept, answers are kept under keys, and a few people are in.
    """
    event = house.published(
        capacity=12,
        ticket_types=(
            NewTicketType(name="Floor", price=Money(2_500, "EUR"), min_per_booking=2),
            NewTicketType(name="Box", price=Money(9_900, "EUR"), capacity=4),
        ),
        policy=Policy(
            hold_for=timedelta(minutes=30),
            offer_window=timedelta(hours=2),
            bypass_limit=2,
            max_per_user=20,
            on_silence=OnSilence.REQUEUE,
        ),
    )
    floor, box = (kind.id for kind in event.ticket_types)
    first = house.booked(event, 1, 6, ticket_type_id=floor)
    boxed = house.booked(event, 2, 4, ticket_type_id=box, key=Key("2", "k"))
    house.bookings.confirm(house.person(2), boxed.id, "paid-1")
    house.booked(event, 3, 5, ticket_type_id=floor, accept_partial=True, join_waitlist=True)
    house.waits(event, 4, 3, ticket_type_id=floor)
    house.waits(event, 5, 2, ticket_type_id=box, accept_partial=True)
    house.waits(event, 6, 2, ticket_type_id=floor)
    moved = house.waits(event, 7, 4, ticket_type_id=floor).entry
    left = house.waits(event, 8, 2, ticket_type_id=floor).entry
    low = house.waits(event, 9, 2, ticket_type_id=floor).entry
    assert moved is not None
    assert left is not None
    assert low is not None
    house.waitlist.move(house.organiser, moved.id, 5, "guest of the band")
    house.waitlist.move(house.organiser, low.id, -3, "came last year and did not show up")
    house.waitlist.leave(house.person(8), left.id)
    house.book(event, 10, 2, ticket_type_id=floor, key=Key("10", "refused"))
    house.pass_by(minutes=1)
    house.bookings.confirm(house.person(1), first.id)
    codes = house.codes(first)
    house.tickets.check_in(house.organiser, event.id, [(code, None) for code in codes[:2]])
    house.pass_by(seconds=1)
    house.tickets.check_in(house.organiser, event.id, [(house.codes(boxed)[3], START), (codes[4], None)])
    house.tickets.undo(house.organiser, codes[1])
    house.bookings.reduce(house.person(1), first.id, 2)
    house.pass_by(minutes=31)
    house.sweeping.sweep()
    house.bookings.cancel(house.person(2), boxed.id)
    house.pass_by(hours=3)
    return event


class StorageContract:
    """Promises of `Storage`, `EventTransaction` and `Records`."""

    def make_storage(self) -> Store:
        """Return an empty store."""
        raise NotImplementedError

    def house(self) -> House:
        """Return a house over an empty store."""
        return House(self.make_storage())

    # -- transactions -----------------------------------------------------------------------------------------

    def test_an_event_that_is_not_there_has_no_transaction(self) -> None:
        """An unknown event is not found."""
        with (
            raises(NotFound),
            self.make_storage().transaction(EventId(UUID(int=1)), START) as transaction,
        ):
            transaction.inventory(Needs())

    def test_leaving_without_commit_undoes_everything(self) -> None:
        """What was recorded and not committed never was."""
        house = self.house()
        event = house.published()
        before = house.storage.journal(event.id, PageRequest())
        with raises(ZeroDivisionError), house.storage.transaction(event.id, house.clock.now()) as transaction:
            transaction.inventory(Needs())
            transaction.delete(Record(EventDeleted("gone"), house.organiser, "delete_event", START))
            raise ZeroDivisionError
        with house.storage.transaction(event.id, house.clock.now()) as transaction:
            transaction.inventory(Needs())
            transaction.delete(Record(EventDeleted("gone"), house.organiser, "delete_event", START))
        assert house.storage.event(event.id) == event
        assert house.storage.journal(event.id, PageRequest()) == before

    def test_a_deleted_draft_leaves_its_journal(self) -> None:
        """The event is gone, the record of it stays."""
        house = self.house()
        created = house.events.create(house.organiser, _draft(house))
        assert isinstance(created, EventAnswer)
        event_id = created.view.event.id
        assert house.events.delete(house.organiser, event_id) is None
        assert house.storage.event(event_id) is None
        kinds = [line.kind for line in house.storage.journal(event_id, PageRequest()).items]
        assert kinds == ["event_created", "event_deleted"]

    def test_the_journal_reads_from_its_end_as_well(self) -> None:
        """Newest first, page by page: the same lines, the other way round."""
        house = self.house()
        event = house.published()
        for number in range(5):
            house.events.change(house.organiser, event.id, {"capacity": 20 + number})
        forward = _all_pages(lambda page: house.storage.journal(event.id, page), 3)
        backward = _all_pages(lambda page: house.storage.journal(event.id, page, newest_first=True), 3)
        assert len(forward) > 6
        assert backward == forward[::-1]

    def test_the_people_of_an_event_are_those_who_had_seats_or_waited(self) -> None:
        """Nobody else is among them, whoever is asked about."""
        house = self.house()
        event, other = house.published(capacity=1), house.published()
        house.booked(event, 1)
        house.waits(event, 2)
        house.booked(other, 3)
        asked = [user_id for person in range(1, 5) if (user_id := house.person(person).user_id)]
        booked, waiting, *_ = asked
        assert house.storage.people(event.id, asked) == {booked, waiting}
        assert house.storage.people(event.id, ()) == frozenset()
        assert house.storage.people(EventId(UUID(int=1)), asked) == frozenset()

    def test_lines_are_told_by_their_length_the_longest_first(self) -> None:
        """Of all who wait, and of the events for which most do."""
        house = self.house()
        assert house.storage.line_figures(10) == LineFigures(0, 0, [])
        short, long, none = (house.published(capacity=2) for _ in range(3))
        for event, parties in ((short, [2, 1]), (long, [2, 2, 1, 2]), (none, [2])):
            house.booked(event, 1, parties[0])
            for person, party in enumerate(parties[1:], start=2):
                house.waits(event, person, party)
        lengths = [LineLength(long.id, 3, 5), LineLength(short.id, 1, 1)]
        assert house.storage.line_figures(10) == LineFigures(4, 6, lengths)
        assert house.storage.line_figures(1) == LineFigures(4, 6, lengths[:1])

    def test_one_event_is_decided_by_one_at_a_time(self) -> None:
        """Many threads, few seats: exactly as many are booked as there are, and everybody gets an answer."""
        house = self.house()
        event = house.published(capacity=5)
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda number: house.book(event, number), range(24)))
        assert sum(isinstance(outcome, Admitted) for outcome in outcomes) == 5
        assert house.events.view(None, event.id).seats.total.taken == 5
        assert house.storage.drifts(event.id) == []

    def test_a_token_older_than_one_that_has_written_is_refused(self) -> None:
        """Whoever lost the event's lock cannot write; who never had it can."""
        house = self.house()
        event = house.published(capacity=9)
        seats = [
            self._write_with(house, event, token, person)
            for person, token in enumerate([7, 6, 7, None, 6, 1_800_000_000_000_000, 8])
        ]
        assert seats == [1, "newer: 7", 2, 3, "newer: 7", 4, "newer: 1800000000000000"]

    def test_a_change_of_the_event_keeps_its_token_too(self) -> None:
        """Whatever the command."""
        house = self.house()
        event = house.published(capacity=4)
        change = ChangeEvent(actor=house.organiser, changes={"capacity": 9})
        assert self._write_with(house, event, 7, 0, change) == 0
        assert self._write_with(house, event, 6, 1, change) == "newer: 7"
        assert self._write_with(house, event, 7, 2) == 1

    def test_a_token_that_wrote_nothing_outdates_nobody(self) -> None:
        """To look with a newer token is not to write with it; and each event has tokens of its own."""
        house = self.house()
        event, other = house.published(), house.published()
        assert self._write_with(house, other, 9, 0) == 1
        with house.storage.transaction(event.id, house.clock.now(), 9) as transaction:
            transaction.inventory(Needs())
        assert self._write_with(house, event, 8, 0) == 1

    @staticmethod
    def _write_with(
        house: House, event: Event, fence: int | None, person: int, command: Command | None = None
    ) -> int | str:
        """Book a seat with this token, or do something else; return how many are taken then, or why not."""
        actor, now = house.person(person), house.clock.now()
        assert actor.user_id is not None
        command = command or Book(actor=actor, user_id=actor.user_id)
        try:
            with house.storage.transaction(event.id, now, fence) as transaction:
                inventory = transaction.inventory(needs_of([command]))
                decision = decide(inventory, [command], now, iter(house.ids.new, None))
                assert isinstance(decision, Decision)
                transaction.record(decision)
                transaction.commit()
        except StaleLock as stale:
            return f"newer: {stale.newest}"
        return house.events.view(None, event.id).seats.total.taken

    # -- creation ---------------------------------------------------------------------------------------------

    def test_a_created_event_reads_as_it_was_written(self) -> None:
        """Every field comes back as it was."""
        house = self.house()
        event = house.published(
            description="Two sets, one break.\nDoors at seven.",
            venue="Kleine Halle",
            booking_opens_at=START,
            booking_closes_at=START + timedelta(days=9, microseconds=1),
            policy=Policy(
                max_per_booking=7,
                max_per_user=9,
                hold_for=timedelta(minutes=15),
                cancel_until=START + timedelta(days=5),
                max_entries=50,
                offer_window=timedelta(seconds=90),
                bypass_limit=3,
                on_silence=OnSilence.REQUEUE,
            ),
            ticket_types=(
                NewTicketType(name="Zoo", price=Money(1, "JPY"), sales_open_at=START),
                NewTicketType(
                    name="Aquarium",
                    price=Money(0, "JPY"),
                    capacity=0,
                    min_per_booking=2,
                    max_per_booking=3,
                    sales_close_at=START + timedelta(days=1),
                ),
            ),
        )
        assert house.storage.event(event.id) == event
        assert house.storage.events_named([event.id, EventId(UUID(int=1))]) == {event.id: event}

    def test_what_was_answered_under_a_key_is_kept_with_the_event(self) -> None:
        """The same key is answered the same; a second creation under it is a lost race."""
        house = self.house()
        key = Key("someone:/events", "k-1")
        created = house.events.create(house.organiser, _draft(house), key=key)
        again = house.events.create(house.organiser, _draft(house), key=key)
        assert isinstance(created, EventAnswer)
        assert isinstance(again, EventAnswer)
        assert again.replayed
        assert again.view.event == created.view.event
        other = house.events.create(house.organiser, attrs.evolve(_draft(house), title="Another"), key=key)
        assert isinstance(other, Refused)
        assert other.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED
        event = attrs.evolve(created.view.event, id=EventId(UUID(int=77)))
        record = Record(EventCreated(event), house.organiser, "create_event", START)
        with raises(Conflict):
            house.storage.create(event, record, (key, Answered(b"x", EventSettled(event))))
        assert house.storage.event(event.id) is None

    # -- the same as the plain definition -----------------------------------------------------------------------

    def test_a_history_is_answered_as_in_memory(self) -> None:
        """Every outcome of a long history is the same."""
        ours, plain = self.house(), House(MemoryStorage())
        assert tell(ours) == tell(plain)
        assert ours.outcomes == plain.outcomes

    def test_a_history_is_read_as_in_memory(self) -> None:
        """Bookings, entries, places, offers, journal and figures are the same, page by page."""
        ours, plain = self.house(), House(MemoryStorage())
        event = tell(ours)
        tell(plain)
        for read in _readings(event, ours.clock.now()):
            for limit in (100, 2):
                found, expected = read(ours.storage, limit), read(plain.storage, limit)
                assert found == expected, (found, expected)

    def test_a_snapshot_holds_what_its_needs_name(self) -> None:
        """For many needs the inventory holds what the plain definition holds, in a transaction and without."""
        ours, plain = self.house(), House(MemoryStorage())
        event = tell(ours)
        tell(plain)
        now = ours.clock.now()
        for needs in _many_needs(plain.storage, event):
            expected = plain.storage.snapshots([event.id], now, needs)[event.id]
            _assert_holds(ours.storage.snapshots([event.id], now, needs)[event.id], expected)
            with ours.storage.transaction(event.id, now) as transaction:
                _assert_holds(
                    transaction.inventory(Needs()),
                    plain.storage.snapshots([event.id], now, Needs())[event.id],
                )
                _assert_holds(transaction.inventory(needs), expected)

    def test_nothing_has_drifted_after_a_history(self) -> None:
        """Counters say what the allocations add up to (I2)."""
        house = self.house()
        tell(house)
        assert house.storage.drifts() == []

    # -- what is due ------------------------------------------------------------------------------------------

    def test_what_is_due_is_found_when_it_is_due(self) -> None:
        """A hold is due when it lapses, a line when its sales end; a swept event is not due again."""
        house = self.house()
        assert house.storage.next_due() is None
        event = house.published(policy=Policy(hold_for=timedelta(minutes=5)))
        house.booked(event, 1, 4)
        house.waits(event, 2)
        assert house.storage.next_due() == START + timedelta(minutes=5)
        house.pass_by(minutes=4)
        assert house.storage.due_events(house.clock.now(), 10) == []
        house.pass_by(minutes=1)
        assert house.storage.due_events(house.clock.now(), 10) == [event.id]
        assert house.sweeping.sweep() == 1
        [offer] = house.storage.bookings(
            BookingQuery(now=house.clock.now(), status=BookingStatus.HELD), PageRequest()
        ).items
        assert offer.quantity == 1
        house.pass_by(days=30)
        house.sweeping.sweep()
        assert house.sweeping.sweep() == 0
        assert house.storage.next_due() is None

    def test_a_line_is_closed_when_its_sales_end(self) -> None:
        """Nobody waits on in a line that is over, though nobody asked."""
        house = self.house()
        event = house.published(capacity=1)
        house.booked(event, 1)
        entry = house.waits(event, 2).entry
        assert entry is not None
        assert house.storage.next_due() == event.starts_at
        house.pass_by(days=10)
        assert house.sweeping.sweep() == 1
        closed = house.storage.entry(entry.id)
        assert closed is not None
        assert closed.status is EntryStatus.CLOSED

    # -- at the door ------------------------------------------------------------------------------------------

    def test_two_doors_let_a_ticket_in_once(self) -> None:
        """Of many who show the same code at once one comes in; the others hear since when somebody is."""
        house = self.house()
        event = house.published()
        [code] = house.codes(house.booked(event, 1))
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: house.tickets.check_in_one(house.organiser, event.id, code), range(16))
            )
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert len(refused) == 15
        assert {answer.reason.code for answer in refused} == {ReasonCode.ALREADY_IN}
        assert house.storage.attendance(event.id)[event.ticket_types[0].id] == Attendance(1, 1)

    def test_what_was_noted_at_a_door_may_be_handed_in_again(self) -> None:
        """The same codes with their times add nothing, also after one of them was taken back."""
        house = self.house()
        event = house.published()
        codes = house.codes(house.booked(event, 1, 3))
        noted = [(code, house.clock.now() + timedelta(seconds=place)) for place, code in enumerate(codes)]
        house.pass_by(minutes=5)
        first = house.tickets.check_in(house.organiser, event.id, noted)
        assert house.tickets.check_in(house.organiser, event.id, noted) == first
        house.tickets.undo(house.organiser, codes[0])
        again = house.tickets.check_in(house.organiser, event.id, noted)
        assert isinstance(again, DoorAnswer)
        assert [scanned.reason and scanned.reason.code for scanned in again.scanned] == [
            ReasonCode.CHECK_IN_UNDONE,
            None,
            None,
        ]
        kinds = [line.kind for line in house.storage.journal(event.id, PageRequest()).items]
        assert kinds[-4:] == ["checked_in"] * 3 + ["check_in_undone"]

    # -- answers ----------------------------------------------------------------------------------------------

    def test_answers_are_kept_and_forgotten(self) -> None:
        """A key answers until its answer is forgotten."""
        house = self.house()
        event = house.published(capacity=1)
        key = Key("u", "k")
        first = house.booked(event, 1, key=key)
        again = house.book(event, 1, key=key)
        assert isinstance(again, Admitted)
        assert again.replayed
        assert again.booking == first
        assert house.storage.forget_answers(START) == 0
        assert house.storage.forget_answers(START + timedelta(days=1)) == 1
        refused = house.book(event, 1, key=key)
        assert isinstance(refused, Refused)
        assert refused.reason.code is ReasonCode.SOLD_OUT

    def test_what_was_answered_under_a_lasting_key_is_never_forgotten(self) -> None:
        """What was imported can be imported again after any time."""
        house = self.house()
        key = Key(f"{LASTING}u", "k")
        drafted, again = (self._imported(house, key) for _ in range(2))
        event = house.published(capacity=1)
        first = house.booked(event, 1, key=key)
        assert house.storage.forget_answers(START + timedelta(days=9)) == 0
        booked = house.book(event, 1, key=key)
        assert isinstance(booked, Admitted)
        assert (booked.booking, booked.replayed) == (first, True)
        assert self._imported(house, key).view.event.id == again.view.event.id == drafted.view.event.id

    @staticmethod
    def _imported(house: House, key: Key) -> EventAnswer:
        starts_at = START + timedelta(days=20)
        new = NewEvent(
            title="Imported",
            timezone="UTC",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            capacity=3,
        )
        answer = house.events.create(house.organiser, new, key=key)
        assert isinstance(answer, EventAnswer)
        return answer

    # -- repairs ----------------------------------------------------------------------------------------------

    def test_a_sound_event_needs_no_repair(self) -> None:
        """Nothing is mended, and nothing is written down."""
        house = self.house()
        event = tell(house)
        [newest] = house.storage.journal(event.id, PageRequest(1), newest_first=True).items
        assert house.storage.repair(event.id, house.clock.now()) == []
        assert house.storage.journal(event.id, PageRequest(1), newest_first=True).items == (newest,)

    def test_an_unknown_event_cannot_be_repaired(self) -> None:
        """Whoever asks is told."""
        house = self.house()
        with raises(NotFound):
            house.storage.repair(EventId(UUID(int=1)), house.clock.now())

    # -- lists of events --------------------------------------------------------------------------------------

    def test_events_are_listed_by_start_and_filtered(self) -> None:
        """Pages follow each other without gap or repetition, and every filter holds."""
        ours, plain = self.house(), House(MemoryStorage())
        for house in (ours, plain):
            for number in range(7):
                starts_at = START + timedelta(days=20 - number // 2)
                event = house.published(
                    title=f"Night {number} 100%_\\",
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(hours=1),
                    capacity=1,
                )
                if number % 3 == 0:
                    house.booked(event, number)
            house.events.create(house.organiser, _draft(house))
        queries = [
            EventQuery(),
            EventQuery(text="NIGHT 1"),
            EventQuery(text="100%_\\"),
            EventQuery(text="0_"),
            EventQuery(only_available=True),
            EventQuery(drafts_of=ours.organiser.user_id),
            EventQuery(all_drafts=True, statuses=frozenset({EventStatus.DRAFT})),
            EventQuery(starts_from=START + timedelta(days=18), starts_before=START + timedelta(days=19)),
            EventQuery(organiser_id=UserId(UUID(int=1))),
        ]
        for query in queries:
            for limit in (100, 3, 1):
                found = _all_pages(lambda page, query=query: ours.storage.events(query, page), limit)
                assert found == _all_pages(
                    lambda page, query=query: plain.storage.events(query, page), limit
                ), query

    def test_a_lapsed_hold_is_free_in_lists_as_it_is_in_its_event(self) -> None:
        """Nobody has swept, and the list of events with free seats has it; unless somebody waits for it (I9)."""
        house = self.house()
        policy = Policy(hold_for=timedelta(minutes=5))
        quiet, awaited, sold = (house.published(capacity=1, policy=policy) for _ in range(3))
        house.booked(quiet, 1)
        house.booked(awaited, 1)
        house.bookings.confirm(house.person(1), house.booked(sold, 1).id)
        house.waits(awaited, 2)
        asked = EventQuery(only_available=True)
        assert house.events.views(None, asked, PageRequest()).items == ()
        house.pass_by(minutes=6)
        [listed] = house.events.views(None, asked, PageRequest()).items
        assert listed == house.events.view(None, quiet.id)
        assert listed.seats.total.free == 1
        read = attrs.evolve(asked, now=house.clock.now())
        assert [event.id for event in house.storage.events(asked, PageRequest()).items] == []
        assert [event.id for event in house.storage.events(read, PageRequest()).items] == [
            quiet.id,
            awaited.id,
        ]

    def test_events_are_listed_with_their_snapshots(self) -> None:
        """The events are those of the list, in its order, and the snapshots are those of the events."""
        house = self.house()
        events = [house.published(title=f"Night {number}", capacity=3) for number in range(3)]
        house.booked(events[1], 1, 3)
        house.waits(events[1], 2)
        now = house.clock.now()
        query = EventQuery()
        for limit in (1, 2, 3):
            listed = _all_pages(lambda page: house.storage.listed(query, page, now), limit)
            assert [each.event for each in listed] == _all_pages(
                lambda page: house.storage.events(query, page), limit
            )
            for each in listed:
                assert each == house.storage.snapshots([each.event.id], now, each.needs)[each.event.id]


def _draft(house: House) -> NewEvent:
    starts_at = START + timedelta(days=3)
    return NewEvent(
        title="Draft", timezone="UTC", starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), capacity=3
    )


def _all_pages(read: Any, limit: int) -> list[Any]:
    items: list[Any] = []
    cursor: str | None = None
    while True:
        page: Page[Any] = read(PageRequest(limit, cursor))
        items.extend(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return items
        assert len(page.items) == limit, "a page before the last is full"


def _readings(event: Event, now: datetime) -> list[Any]:
    """Return readings of a store, each as a function of the store and the size of a page."""
    users = [UserId(UUID(int=10_000 + number)) for number in range(11)]

    def bookings(**query: Any) -> Any:
        return lambda store, limit: _all_pages(
            lambda page: store.bookings(BookingQuery(now=now, **query), page), limit
        )

    def entries(**query: Any) -> Any:
        return lambda store, limit: _all_pages(lambda page: store.entries(EntryQuery(**query), page), limit)

    def named(store: Store, _: int) -> Any:
        found = _all_pages(lambda page: store.entries(EntryQuery(event_id=event.id), page), 100)
        booked = _all_pages(lambda page: store.bookings(BookingQuery(now=now, event_id=event.id), page), 100)
        return (
            store.places(found),
            store.offers([entry.id for entry in found]),
            [store.entry(entry.id) for entry in found],
            [store.booking(booking.id) for booking in booked],
            [store.bookings_by_reference(booking.reference) for booking in booked],
            [store.arrivals_on(booking) for booking in booked],
        )

    return [
        lambda store, limit: store.event(event.id),
        bookings(event_id=event.id),
        *(bookings(event_id=event.id, status=status) for status in BookingStatus),
        *(bookings(user_id=user) for user in users),
        entries(event_id=event.id),
        entries(event_id=event.id, in_line=True),
        *(entries(event_id=event.id, in_line=True, ticket_type_id=kind.id) for kind in event.ticket_types),
        *(entries(event_id=event.id, status=status) for status in EntryStatus),
        *(entries(user_id=user) for user in users),
        named,
        lambda store, limit: [sorted(e.id for e in store.waiting_entries(event.id, user)) for user in users],
        lambda store, limit: _all_pages(lambda page: store.journal(event.id, page), limit),
        lambda store, limit: _all_pages(lambda page: store.arrivals(event.id, page), limit),
        lambda store, limit: store.attendance(event.id),
        lambda store, limit: store.reports.totals(None),
        lambda store, limit: store.reports.totals(event.organiser_id),
        lambda store, limit: store.reports.totals(UserId(UUID(int=1))),
        lambda store, limit: store.reports.event_totals(event.id),
        lambda store, limit: store.reports.event_totals(EventId(UUID(int=1))),
        lambda store, limit: store.reports.waits(event.id),
        *(
            lambda store, limit, days=days, whose=whose: (
                store.reports.days(*days, **whose),
                store.reports.active_users(*days, whose.get("organiser_id")),
            )
            for days in ((date.min, date.max), (START.date(), START.date()))
            for whose in ({}, {"event_id": event.id}, {"organiser_id": event.organiser_id})
        ),
        *(
            lambda store, limit, ranking=ranking: _all_pages(
                lambda page: store.reports.ranked(event.organiser_id, ranking, page), limit
            )
            for ranking in Ranking
        ),
        lambda store, limit: (list(store.due_events(now, 10)), store.next_due()),
    ]


def _many_needs(store: Store, event: Event) -> Iterator[Needs]:
    entries = store.entries(EntryQuery(event_id=event.id), PageRequest(100)).items
    bookings = store.bookings(BookingQuery(now=START, event_id=event.id), PageRequest(100)).items
    users = frozenset(UserId(UUID(int=10_000 + number)) for number in range(11))
    yield Needs()
    yield Needs(users=users)
    yield Needs(users=users, depth=2, seats_of_users=True)
    yield Needs(depth=100)
    yield Needs(keys=frozenset({Key("2", "k"), Key("10", "refused"), Key("nobody", "k")}))
    yield Needs(holds=True)
    yield Needs(live_bookings=True)
    yield Needs(whole_lines=frozenset({event.ticket_types[0].id}))
    for entry in entries:
        yield Needs(entries=frozenset({entry.id}))
    for booking in bookings:
        yield Needs(bookings=frozenset({booking.id}))
        yield Needs(bookings=frozenset({booking.id}), arrivals=frozenset({booking.id}))
    yield Needs(
        entries=frozenset(entry.id for entry in entries),
        bookings=frozenset(booking.id for booking in bookings),
        depth=3,
    )


def _assert_holds(found: Inventory, expected: Inventory) -> None:
    """A store may load more than was asked for, and never less or something else."""
    for field in ("event", "needs", "taken", "next_sequence", "wake_at", "fronts", "answered"):
        assert getattr(found, field) == getattr(expected, field), field
    tallies = {kind: {p: t for p, t in tiers.items() if t.entries} for kind, tiers in found.tallies.items()}
    assert {kind: tiers for kind, tiers in tallies.items() if tiers} == expected.tallies
    assert sorted(found.due, key=lambda b: b.id) == sorted(expected.due, key=lambda b: b.id)
    assert found.bookings.items() >= expected.bookings.items()
    assert found.entries.items() >= expected.entries.items()
    assert found.arrivals.items() >= expected.arrivals.items()
    assert found.waiting_of.items() >= expected.waiting_of.items()
    if expected.seats_of is not None:
        assert found.seats_of is not None
        assert found.seats_of.items() >= expected.seats_of.items()


@contextmanager
def raises(kind: type[BaseException] | type[EventlyError]) -> Iterator[None]:
    """Expect an exception, without a test framework."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")
