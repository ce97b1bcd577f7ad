"""What every intake must do. Subclass, say how one is made over a store, and let pytest collect it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from threading import Lock
from typing import Any
from uuid import UUID

import attrs

from evently_core.commands import Book, JoinWaitlist, Key
from evently_core.errors import AlreadySettled, Forbidden, InvalidValue, NotFound, Overloaded
from evently_core.evently import Evently, Store
from evently_core.intake import (
    DEPTH_MAX,
    Acceptance,
    Asked,
    Intake,
    QueuedRequest,
    QueueFull,
    Receipt,
    RequestState,
    SeatRequest,
    StillQueued,
    Waiting,
)
from evently_core.memory.basics import FixedClock, RandomIds
from evently_core.outcomes import Admitted, Failed, Outcome, Refused, Rejected
from evently_core.paging import PageRequest
from evently_core.reasons import ReasonCode
from evently_core.services.draining import DrainService
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.services.queueing import QueueService
from evently_core.values import Actor, BookingId, EventId, RequestId, Role, UserId

START = datetime(2030, 5, 1, 12, tzinfo=UTC)
ORGANISER = Actor(UserId(UUID(int=9_000)), Role.ORGANISER)


def person(number: int) -> Actor:
    """Return one of the attendees."""
    return Actor(UserId(UUID(int=10_000 + number)), Role.ATTENDEE)


def a_request(number: int, quantity: int = 1, *, key: str | None = None, **how: Any) -> Book:
    """Return what one of the attendees asks for."""
    actor = person(number)
    assert actor.user_id is not None
    return Book(
        actor=actor,
        user_id=actor.user_id,
        quantity=quantity,
        key=None if key is None else Key(str(actor.user_id), key),
        **how,
    )


class Door:
    """The use cases over a store and one way into its intake, as one process holds them."""

    def __init__(self, storage: Store, intake: Intake) -> None:
        self.storage = storage
        self.intake = intake
        self.clock = FixedClock(START)
        self.ids = RandomIds()
        self.evently = Evently.over(storage, self.clock, self.ids, intake=intake)
        assert self.evently.queue is not None
        assert self.evently.drain is not None
        self.queue: QueueService = self.evently.queue
        self.drain: DrainService = self.evently.drain

    def event(self, capacity: int = 100) -> EventId:
        """Return a new published event."""
        starts_at = START + timedelta(days=10)
        drafted = self.evently.events.create(
            ORGANISER,
            NewEvent(
                title="Concert",
                timezone="UTC",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=3),
                capacity=capacity,
            ),
        )
        assert isinstance(drafted, EventAnswer)
        self.evently.events.publish(ORGANISER, drafted.view.event.id)
        return drafted.view.event.id

    def asked(self, command: SeatRequest) -> Asked:
        """Return a request on its way in."""
        return Asked(id=RequestId(self.ids.new()), command=command, at=self.clock.now())

    def accept(self, event_id: EventId, *commands: SeatRequest) -> list[Acceptance]:
        """Hand requests in, past the use cases."""
        return list(self.intake.accept(event_id, [self.asked(command) for command in commands]))

    def receipt(self, event_id: EventId, command: SeatRequest) -> Receipt:
        """Hand a request in; it is accepted."""
        receipt = self.queue.ask(event_id, command)
        assert isinstance(receipt, Receipt), receipt
        return receipt

    def drain_all(self, limit: int = 500) -> int:
        """Decide all that waits; return how many there were."""
        count = 0
        while drained := self.drain.drain(limit).requests:
            count += drained
        return count

    def bookers(self, event_id: EventId) -> list[UserId]:
        """Return who got seats, in the order of the journal."""
        found: list[UserId] = []
        cursor: str | None = None
        while True:
            page = self.storage.journal(event_id, PageRequest(100, cursor))
            found += [
                UserId(UUID(line.data["booking"]["user_id"])) for line in page.items if line.kind == "granted"
            ]
            cursor = page.next_cursor
            if cursor is None:
                return found


def numbers(requests: Sequence[QueuedRequest]) -> list[int]:
    """Return which of the attendees asked."""
    return [request.user_id.int - 10_000 for request in requests]


class IntakeContract:
    """The promises of `Intake`, and of the use cases over it."""

    def make_storage(self, depth_max: int = DEPTH_MAX) -> Store:
        """Return a new store; at most so many requests wait for one of its events."""
        raise NotImplementedError

    def make_intake(self, storage: Store) -> Intake:
        """Return a way into the intake of a store; each may be that of another process."""
        raise NotImplementedError

    def make_door(self, depth_max: int = DEPTH_MAX) -> Door:
        """Return the use cases over a new store."""
        storage = self.make_storage(depth_max)
        return Door(storage, self.make_intake(storage))

    def beside(self, door: Door) -> Door:
        """Return the use cases of another process over the same store."""
        return Door(door.storage, self.make_intake(door.storage))

    # -- the order ----------------------------------------------------------------------------------------------

    def test_requests_are_given_out_in_the_order_accepted(self) -> None:
        """Whoever accepted them, and however many arrived together."""
        one = self.make_door()
        two = self.beside(one)
        event = one.event()
        one.accept(event, a_request(1), a_request(2))
        two.accept(event, a_request(3))
        one.accept(event, a_request(4), a_request(5))
        with two.intake.claim(3) as first:
            assert numbers(first) == [1, 2, 3]
            assert [request.sequence for request in first] == [1, 2, 3]
            two.drain._settle(event, first)
        with one.intake.claim(10) as rest:
            assert numbers(rest) == [4, 5]

    def test_while_somebody_is_at_an_event_nobody_else_is_given_its_requests(self) -> None:
        """Those of other events are given out."""
        one = self.make_door()
        two = self.beside(one)
        first, second = one.event(), one.event()
        one.accept(first, a_request(1), a_request(2))
        with one.intake.claim(1) as mine:
            assert numbers(mine) == [1]
            with two.intake.claim(10) as theirs:
                assert list(theirs) == []
            one.drain._settle(first, mine)
        two.accept(second, a_request(3))
        given: list[int] = []
        for _ in range(2):
            with two.intake.claim(10) as theirs:
                given += numbers(theirs)
                for event in (first, second):
                    two.drain._settle(event, [each for each in theirs if each.event_id == event])
        assert sorted(given) == [2, 3]

    def test_each_event_has_its_turn(self) -> None:
        """A long queue for one event does not keep the others waiting, wherever an adapter keeps them."""
        door = self.make_door()
        long, short = door.event(), door.event()
        while (long.int - short.int) % 16:
            short = door.event()
        for start in range(0, 40, 10):
            door.accept(long, *(a_request(start + number) for number in range(10)))
        door.accept(short, a_request(99))
        for _ in range(12):
            door.drain.drain(5)
            if door.bookers(short):
                break
        assert len(door.bookers(long)) < 40
        assert door.bookers(short)

    def test_what_was_not_settled_is_given_out_again_and_in_order(self) -> None:
        """The process that was at it may have died in the middle."""
        door = self.make_door()
        event = door.event()
        door.accept(event, *map(a_request, range(6)))
        with suppress(InterruptedError), door.intake.claim(4) as requests:
            door.evently.decisions.settle_in_turn(event, requests[:2])
            raise InterruptedError
        assert door.drain_all(3) >= 4
        assert door.bookers(event) == [person(number).user_id for number in range(6)]

    # -- accepting ----------------------------------------------------------------------------------------------

    def test_a_receipt_says_how_many_are_ahead(self) -> None:
        """Those that are decided are ahead of nobody."""
        door = self.make_door()
        event = door.event()
        first, second = door.receipt(event, a_request(1)), door.receipt(event, a_request(2))
        assert (first.ahead, second.ahead) == (0, 1)
        assert door.drain_all() == 2
        assert door.receipt(event, a_request(3)).ahead == 0
        assert door.receipt(door.event(), a_request(4)).ahead == 0

    def test_a_request_that_waits_is_found_until_it_is_settled(self) -> None:
        """With its exact number ahead."""
        door = self.make_door()
        event = door.event()
        receipts = [door.receipt(event, a_request(number)) for number in range(5)]
        user = person(4).user_id
        assert user is not None
        assert door.intake.find(receipts[4].id) == Waiting(user_id=user, ahead=4)
        door.drain.drain(3)
        assert door.intake.find(receipts[4].id) == Waiting(user_id=user, ahead=1)
        assert door.intake.find(receipts[0].id) is None
        assert door.drain_all() == 2
        assert door.intake.find(receipts[4].id) is None
        assert door.intake.find(RequestId(UUID(int=7))) is None

    def test_a_command_comes_out_as_it_went_in(self) -> None:
        """Whoever asks, and whatever was asked."""
        door = self.make_door()
        event = door.event()
        someone, admin = person(1).user_id, Actor(UserId(UUID(int=5)), Role.ADMIN)
        assert someone is not None
        commands: list[SeatRequest] = [
            a_request(1, 3, key='a key\\ with "quotes", {braces} and ünïcode', accept_partial=True),
            Book(actor=admin, user_id=someone, join_waitlist=True),
            JoinWaitlist(actor=person(1), user_id=someone, quantity=2, accept_partial=True),
        ]
        door.accept(event, *commands)
        with door.intake.claim(10) as requests:
            assert [request.command() for request in requests] == commands

    def test_the_same_key_twice_has_one_receipt(self) -> None:
        """While it waits; also where both arrive together."""
        door = self.make_door()
        event = door.event()
        first = door.receipt(event, a_request(1, key="k"))
        door.receipt(event, a_request(2))
        again = door.receipt(event, a_request(1, key="k"))
        assert again == attrs.evolve(first, replayed=True)
        one, two = door.accept(event, a_request(3, key="k"), a_request(3, key="k"))
        assert isinstance(one, Receipt)
        assert two == attrs.evolve(one, replayed=True)
        assert door.drain_all() == 3

    def test_another_request_under_a_key_that_waits_is_refused(self) -> None:
        """I6; also where both arrive together."""
        door = self.make_door()
        event = door.event()
        door.receipt(event, a_request(1, key="k"))
        answers = [door.queue.ask(event, a_request(1, 2, key="k"))]
        answers += door.accept(event, a_request(2, key="k"), a_request(2, 2, key="k"))[1:]  # type: ignore[arg-type]  # no queue is full
        for answer in answers:
            assert isinstance(answer, Refused)
            assert answer.reason.code is ReasonCode.IDEMPOTENCY_KEY_REUSED
        assert door.drain_all() == 2

    def test_a_key_that_was_answered_gives_that_answer(self) -> None:
        """However it was asked before, and however it is asked again."""
        door = self.make_door()
        event = door.event()
        door.receipt(event, a_request(1, key="queued"))
        assert door.drain_all() == 1
        direct = door.queue.submit(event, a_request(2, key="direct"))
        assert isinstance(direct, Admitted)
        assert door.queue.ask(event, a_request(2, key="direct")) == attrs.evolve(direct, replayed=True)
        queued = door.queue.ask(event, a_request(1, key="queued"))
        assert isinstance(queued, Admitted)
        assert queued == door.queue.submit(event, a_request(1, key="queued"))
        assert len(door.bookers(event)) == 2

    def test_a_full_queue_takes_no_more(self) -> None:
        """Until there is room again; who had a place keeps it."""
        door = self.make_door(depth_max=3)
        event = door.event()
        kinds = [type(each) for each in door.accept(event, *map(a_request, range(5)))]
        assert kinds == [Receipt] * 3 + [QueueFull] * 2
        with suppress(Overloaded):
            door.queue.ask(event, a_request(9))
            raise AssertionError("the queue was full")
        assert isinstance(door.queue.ask(door.event(), a_request(9)), Receipt)
        door.drain_all()
        assert door.receipt(event, a_request(6)).ahead == 0
        assert door.drain_all() == 1
        assert door.bookers(event) == [person(number).user_id for number in (0, 1, 2, 6)]

    def test_the_figures_tell_depth_and_age(self) -> None:
        """Of all events together."""
        door = self.make_door()
        first, second = door.event(), door.event()
        empty = door.intake.figures()
        assert (empty.depth, empty.events, empty.oldest) == (0, 0, None)
        assert (empty.accepted, empty.decided) == (0, 0)
        door.receipt(first, a_request(1))
        door.clock.advance(timedelta(seconds=5))
        door.receipt(second, a_request(2))
        door.receipt(first, a_request(3))
        figures = door.intake.figures()
        assert (figures.depth, figures.events, figures.oldest) == (3, 2, START)
        assert (figures.accepted, figures.decided) == (3, 0)
        door.drain_all()
        assert door.intake.figures() == attrs.evolve(empty, accepted=3, decided=3)

    # -- settling -----------------------------------------------------------------------------------------------

    def test_a_request_is_settled_once(self) -> None:
        """The second time nothing is written: neither what came of it nor what was decided."""
        one = self.make_door()
        two = self.beside(one)
        event = one.event()
        one.accept(event, a_request(1), a_request(2))
        with one.intake.claim(10) as requests:
            one.evently.decisions.settle_in_turn(event, requests)
            for again in (requests, requests[1:]):
                with suppress(AlreadySettled):
                    two.evently.decisions.settle_in_turn(event, again)
                    raise AssertionError("it was settled twice")
            with suppress(AlreadySettled):
                two.storage.settle(event, [requests[0].settled(Failed("no"), START)])
                raise AssertionError("it was settled twice")
        assert len(one.bookers(event)) == 2
        assert one.drain_all() in (0, 2)  # those that are given out again are told apart
        assert len(one.bookers(event)) == 2

    def test_what_came_of_a_request_reads_back_as_it_was(self) -> None:
        """Whatever came of it, be there such an event or not."""
        door = self.make_door()
        event = door.event()
        door.accept(event, *map(a_request, range(6)))
        outcomes: list[Rejected | Failed] = [
            Rejected(NotFound("event")),
            Rejected(Forbidden("Only admins may.")),
            Rejected(InvalidValue("quantity", "out_of_range", "too many")),
            Failed("AssertionError: our own fault"),
        ]
        with door.intake.claim(10) as requests:
            settlements = [
                request.settled(outcome, START) for request, outcome in zip(requests, outcomes, strict=False)
            ]
            door.storage.settle(event, settlements)
            door.drain._settle(event, requests[4:])
        found = door.storage.settlements([request.id for request in requests])
        assert len(found) == 6
        for settlement in settlements:
            read = found[settlement.id]
            assert attrs.evolve(read, outcome=settlement.outcome) == settlement
            assert _said(read.outcome) == _said(settlement.outcome)
        states = [found[request.id].state for request in requests]
        assert states == [RequestState.REFUSED] * 3 + [RequestState.FAILED] + [RequestState.DONE] * 2
        booked = found[requests[5].id].outcome
        assert isinstance(booked, Admitted)
        assert booked.booking == door.storage.booking(
            BookingId(booked.booking.id if booked.booking else UUID(int=0))
        )

    def test_settlements_are_forgotten_with_the_answers(self) -> None:
        """After the time they are kept."""
        door = self.make_door()
        event = door.event()
        receipt = door.receipt(event, a_request(1))
        door.drain_all()
        assert door.storage.forget_answers(START) == 0
        assert receipt.id in door.storage.settlements([receipt.id])
        assert door.storage.forget_answers(START + timedelta(seconds=1)) == 1
        assert door.storage.settlements([receipt.id]) == {}

    # -- the use cases ------------------------------------------------------------------------------------------

    def test_one_reads_one_s_own_requests_and_no_others(self) -> None:
        """As they wait, and what came of them."""
        door = self.make_door()
        event = door.event(capacity=1)
        receipts = [door.receipt(event, a_request(number)) for number in range(2)]
        view = door.queue.request(person(1), receipts[1].id)
        assert (view.state, view.ahead, view.outcome) == (RequestState.QUEUED, 1, None)
        door.drain_all()
        states = [door.queue.request(person(number), receipts[number].id).state for number in range(2)]
        assert states == [RequestState.DONE, RequestState.REFUSED]
        for actor, request_id in ((person(2), receipts[0].id), (person(0), RequestId(UUID(int=7)))):
            with suppress(NotFound):
                door.queue.request(actor, request_id)
                raise AssertionError("it was shown to somebody else")

    def test_who_waits_for_an_answer_has_it_when_it_is_decided(self) -> None:
        """By whomever."""
        door = self.make_door()
        other = self.beside(door)
        receipt = door.receipt(door.event(), a_request(1))
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(door.queue.request, person(1), receipt.id, wait=20)
            assert other.drain_all() == 1
            assert waits.result(timeout=60).state is RequestState.DONE

    def test_nobody_overtakes_those_who_were_accepted(self) -> None:
        """A request that wants its answer at once joins the end, and has it in its turn."""
        door = self.make_door()
        event = door.event(capacity=3)
        door.accept(event, *map(a_request, range(3)))
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(door.queue.submit, event, a_request(3))
            while not late.done() and door.intake.figures().depth < 4:
                pass
            assert not late.done()
            door.drain_all()
            answer = late.result(timeout=60)
        assert isinstance(answer, Refused)
        assert door.bookers(event) == [person(number).user_id for number in range(3)]
        assert isinstance(door.queue.submit(event, a_request(4)), Refused), (
            "with nobody ahead it goes at once"
        )

    def test_what_is_asked_after_a_receipt_is_decided_after_it(self) -> None:
        """Whoever asks, however the answer is wanted, and while others drain."""
        doors = [self.make_door()]
        doors.append(self.beside(doors[0]))
        event = doors[0].event(capacity=1_000)
        finished = Signal()

        def ask(thread: int) -> list[UserId]:
            """Ask in turn for later and at once, each time knowing that the one before was accepted."""
            door, order = doors[thread % 2], []
            for number in range(thread * 100, thread * 100 + 12, 2):
                door.receipt(event, a_request(number))
                answer = door.queue.submit(event, a_request(number + 1))
                assert isinstance(answer, Admitted), answer
                order += [a_request(number).user_id, a_request(number + 1).user_id]
            return order

        def drain(door: Door) -> None:
            while not finished.is_set() or door.intake.figures().depth:
                door.drain.drain(5)

        with ThreadPoolExecutor(6) as pool:
            drains = [pool.submit(drain, door) for door in doors]
            try:
                asked = list(pool.map(ask, range(4)))
            finally:
                finished.set()
            for each in drains:
                each.result(timeout=60)
        place = {user: number for number, user in enumerate(doors[0].bookers(event))}
        assert len(place) == 48
        for order in asked:
            assert [place[user] for user in order] == sorted(place[user] for user in order)

    def test_who_gives_seats_back_or_organises_never_waits_in_the_queue(self) -> None:
        """Also in one batch with those who do."""
        door = self.make_door()
        event = door.event(capacity=2)
        answer = door.evently.bookings.book(event, a_request(1, 2))
        assert isinstance(answer, Admitted)
        assert answer.booking is not None
        door.accept(event, a_request(2))
        changed = door.evently.events.change(ORGANISER, event, {"capacity": 3})
        assert isinstance(changed, EventAnswer)
        door.evently.bookings.cancel(person(1), answer.booking.id)
        door.drain_all()
        assert door.bookers(event) == [person(1).user_id, person(2).user_id]

    def test_who_waited_long_enough_is_given_the_receipt(self) -> None:
        """And finds the answer under it later."""
        door = self.make_door()
        event = door.event()
        door.accept(event, a_request(1))
        hasty = QueueService(
            door.intake, door.evently.desk, door.storage, door.clock, door.ids, patience=0.05
        )
        with suppress(StillQueued):
            hasty.submit(event, a_request(2))
            raise AssertionError("nobody had decided it")
        try:
            hasty.submit(event, a_request(3, key="k"))
            raise AssertionError("nobody had decided it")
        except StillQueued as waiting:
            receipt = waiting.receipt
        door.drain_all()
        assert door.queue.request(person(3), receipt.id).state is RequestState.DONE
        assert isinstance(door.queue.submit(event, a_request(3, key="k")), Admitted)
        assert len(door.bookers(event)) == 3

    def test_requests_for_a_cancelled_event_are_refused_with_that_reason(self) -> None:
        """As all others."""
        door = self.make_door()
        event = door.event()
        receipt = door.receipt(event, a_request(1))
        assert not isinstance(door.evently.events.cancel(ORGANISER, event, "Rain"), Refused)
        door.drain_all()
        outcome = door.queue.request(person(1), receipt.id).outcome
        assert isinstance(outcome, Refused)
        assert outcome.reason.code is ReasonCode.EVENT_CANCELLED

    def test_requests_for_an_event_that_is_gone_are_told_so(self) -> None:
        """And hold up nobody."""
        door = self.make_door()
        event = EventId(door.ids.new())
        [receipt, *_] = door.accept(event, a_request(1), a_request(2))
        assert isinstance(receipt, Receipt)
        assert door.drain_all() == 2
        view = door.queue.request(person(1), receipt.id)
        assert view.state is RequestState.REFUSED
        assert isinstance(view.outcome, Rejected)
        assert isinstance(view.outcome.error, NotFound)

    def test_nothing_is_accepted_for_an_event_that_the_asker_may_not_know_of(self) -> None:
        """There is none, or it is a draft of somebody else."""
        door = self.make_door()
        starts_at = START + timedelta(days=1)
        new = NewEvent(
            title="Secret",
            timezone="UTC",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            capacity=1,
        )
        drafted = door.evently.events.create(ORGANISER, new)
        assert isinstance(drafted, EventAnswer)
        for event in (EventId(door.ids.new()), drafted.view.event.id):
            with suppress(NotFound):
                door.queue.ask(event, a_request(1))
                raise AssertionError("it was accepted")
        assert door.intake.figures().depth == 0

    def test_a_request_that_cannot_be_decided_is_set_aside(self) -> None:
        """With its reason; those behind it go on, and each in its order."""
        door = self.make_door()
        event = door.event()
        door.accept(event, *map(a_request, range(7)))
        drain = DrainService(
            _Poisoned(door.intake, person(3).user_id),
            door.evently.decisions,
            door.storage,
            door.storage,
            door.clock,
        )
        drained = drain.drain()
        assert drained.requests == 7
        [failed] = drained.failed
        assert failed.user_id == person(3).user_id
        assert isinstance(failed.outcome, Failed)
        assert "quantity" in failed.outcome.fault
        assert door.queue.request(person(3), failed.id).state is RequestState.FAILED
        assert door.bookers(event) == [person(number).user_id for number in (0, 1, 2, 4, 5, 6)]
        assert door.drain_all() == 0

    def test_many_threads_ask_and_many_drain_and_the_order_is_kept(self) -> None:
        """None is lost, none is decided twice; the journal shows the order in which they were accepted."""
        one = self.make_door()
        doors = [one, self.beside(one), self.beside(one)]
        events = [one.event(capacity=60), one.event(capacity=1_000)]
        accepted: dict[EventId, list[tuple[int, UserId]]] = {event: [] for event in events}
        guard, finished = Lock(), Signal()

        def ask(thread: int) -> None:
            for number in range(26):
                event = events[number % 2]
                command = a_request(thread * 1_000 + number)
                receipt = doors[thread % 2].receipt(event, command)
                with guard:
                    accepted[event].append((receipt.id.int, command.user_id))

        def drain(door: Door) -> None:
            while not finished.is_set() or door.intake.figures().depth:
                door.drain.drain(7)

        with ThreadPoolExecutor(8) as pool:
            drains = [pool.submit(drain, door) for door in doors]
            try:
                list(pool.map(ask, range(4)))
            finally:
                finished.set()
            for each in drains:
                each.result(timeout=60)
        for event, asked in accepted.items():
            found = one.storage.settlements([RequestId(UUID(int=number)) for number, _ in asked])
            assert len(found) == len(asked) == 52
            in_order = sorted(found.values(), key=lambda settlement: settlement.sequence)
            assert [settlement.sequence for settlement in in_order] == list(range(1, 53))
            granted = [each.user_id for each in in_order if isinstance(each.outcome, Admitted)]
            assert one.bookers(event) == granted


@attrs.frozen
class _Poisoned:
    """An intake one of whose requests makes no sense to this version of the program."""

    intake: Intake
    victim: UserId | None

    def claim(self, limit: int) -> Any:
        """Give out what the intake gives out, one document of it spoilt."""
        return _Spoiling(self.intake.claim(limit), self.victim)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.intake, name)


@attrs.frozen
class _Spoiling:
    claim: Any
    victim: UserId | None

    def __enter__(self) -> list[QueuedRequest]:
        return [
            attrs.evolve(request, document={**request.document, "quantity": "many"})
            if request.user_id == self.victim
            else request
            for request in self.claim.__enter__()
        ]

    def __exit__(self, *how: Any) -> Any:
        return self.claim.__exit__(*how)


def _said(outcome: Outcome | Failed) -> str:
    match outcome:
        case Rejected():
            return f"{type(outcome.error).__name__} {outcome.error}"
        case Failed():
            return outcome.fault
    return repr(outcome)
