"""What every store of webhooks and deliveries must do. Subclass, say how they are made, let pytest collect it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from uuid import UUID

import attrs

from evently_core.accounts import AnswerKey, KeyReused
from evently_core.deliveries import (
    GIVE_UP_AFTER,
    Attempt,
    Channel,
    Deliveries,
    Delivery,
    DeliveryId,
    DeliveryState,
    Lane,
    Outbox,
    OutboxLine,
    TargetId,
    WorkerId,
)
from evently_core.evently import Store
from evently_core.memory.basics import SequentialIds
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.testing.storage_contract import START, House
from evently_core.values import EventId, UserId
from evently_core.webhooks import Webhook, WebhookId, Webhooks

SECOND = timedelta(seconds=1)
SHORT = timedelta(milliseconds=100)
"""A lease short enough to be waited for."""
LONG = timedelta(minutes=1)
EVENT, OTHER_EVENT = EventId(UUID(int=401)), EventId(UUID(int=402))
TARGET, OTHER_TARGET = TargetId(UUID(int=501)), TargetId(UUID(int=502))
ANA, BEN = WorkerId(UUID(int=601)), WorkerId(UUID(int=602))


@attrs.frozen
class Outside:
    """The stores of one world: what is recorded, and what is told of it."""

    storage: Store
    webhooks: Webhooks
    outbox: Outbox
    deliveries: Deliveries


class OutsideContract:
    """How the stores are made, and what the suites need of them."""

    def make_outside(self) -> Outside:
        """Return empty stores that belong together. To be overridden."""
        raise NotImplementedError

    @cached_property
    def outside(self) -> Outside:
        """The stores of one test."""
        return self.make_outside()

    @cached_property
    def house(self) -> House:
        """The use cases over the store."""
        return House(self.outside.storage)

    @cached_property
    def ids(self) -> SequentialIds:
        """Makes the ids of deliveries."""
        return SequentialIds()

    def delivery(
        self,
        number: int = 1,
        *,
        event: EventId = EVENT,
        target: TargetId = TARGET,
        after: timedelta = 0 * SECOND,
    ) -> Delivery:
        """Return a delivery that is due some time after the start."""
        return Delivery(
            id=DeliveryId(self.ids.new()),
            event_id=event,
            target_id=target,
            channel=Channel.MAIL,
            number=number,
            kind="granted",
            planned_at=START,
            due_at=START + after,
            give_up_at=START + GIVE_UP_AFTER,
        )

    def planned(self, *deliveries: Delivery) -> None:
        """Add deliveries as a planner does."""
        self.house.published()  # something to take out of the outbox
        with self.outside.outbox.planning(100) as planning:
            assert planning is not None
            planning.plan(deliveries)

    def held(self, worker: WorkerId = ANA, lease: timedelta = LONG) -> Lane:
        """Let a worker hold the one lane that is due."""
        self.outside.deliveries.beat(worker, lease)
        [lane] = self.outside.deliveries.claim(worker, START, 10)
        return lane


def _told(lines: Sequence[OutboxLine]) -> list[tuple[EventId, int, str]]:
    return [(told.line.event_id, told.line.number, told.line.kind) for told in lines]


class OutboxContract(OutsideContract):
    """What is recorded comes out, all of it and once."""

    def test_what_is_recorded_comes_out_in_order(self) -> None:
        """With whose event it is, and whom each line is about."""
        event = self.house.published(capacity=1)
        booking = self.house.booked(event, 1)
        self.house.waits(event, 2)
        self.house.bookings.cancel(self.house.person(1), booking.id)
        with self.outside.outbox.planning(100) as planning:
            assert planning is not None
            lines = planning.lines()
        assert [told.line.kind for told in lines] == [
            "event_created",
            "event_advanced",
            "granted",
            "joined",
            "cancelled",
            "granted",
        ]
        journal = [self.outside.storage.journal_line(event.id, told.line.number) for told in lines]
        assert journal == [told.line for told in lines]
        assert {told.organiser_id for told in lines} == {self.house.organiser.user_id}
        people = [None, None, *(self.house.person(number).user_id for number in (1, 2, 1, 2))]
        assert [told.user_id for told in lines] == people

    def test_nothing_comes_out_before_it_is_recorded(self) -> None:
        """What was refused left no line."""
        with self.outside.outbox.planning(100) as planning:
            assert planning is not None
            assert planning.is_empty

    def test_what_was_planned_does_not_come_out_again(self) -> None:
        """And what came after it does."""
        event = self.house.published()
        self.planned()
        self.house.booked(event, 1)
        assert [kind for _, _, kind in self.next_lines()] == ["granted"]

    def test_what_was_taken_and_not_planned_comes_out_again(self) -> None:
        """So it is when a process dies in the middle."""
        self.house.published()
        first = self.next_lines()
        assert first
        assert self.next_lines() == first

    def test_how_much_is_not_planned_yet_is_known(self) -> None:
        """As far as somebody wants to count."""
        outbox = self.outside.outbox
        assert outbox.backlog(100) == 0
        event = self.house.published(capacity=5)
        before = outbox.backlog(100)
        self.house.booked(event, 1)
        assert outbox.backlog(100) > before > 0
        assert outbox.backlog(1) == 1
        while self.next_lines(plan=True):
            pass
        assert outbox.backlog(100) == 0

    def test_lines_come_out_in_pieces_when_there_are_many(self) -> None:
        """Also those of one decision."""
        event = self.house.published(capacity=5)
        for person in range(5):
            self.house.booked(event, person)
        self.house.events.cancel(self.house.organiser, event.id, "rain")
        seen: list[tuple[EventId, int, str]] = []
        while lines := self.next_lines(3, plan=True):
            assert len(lines) <= 3
            seen += lines
        assert [number for _, number, _ in seen] == list(range(1, len(seen) + 1))
        assert [kind for _, _, kind in seen].count("cancelled") == 5

    def test_a_busy_event_lets_the_others_through(self) -> None:
        """However much happens there."""
        busy = self.house.published(capacity=100)
        quiet = self.house.published()
        seen: set[EventId] = set()
        for person in range(10):
            self.house.booked(busy, 2 * person)
            self.house.booked(busy, 2 * person + 1)
            seen |= {event_id for event_id, _, _ in self.next_lines(2, plan=True)}
        assert {busy.id, quiet.id} <= seen

    def test_a_deleted_event_is_told_of_too(self) -> None:
        """Its organiser is known from its journal."""
        event = self.house.published()
        drafted = self.drafted()
        self.house.events.delete(self.house.organiser, drafted)
        with self.outside.outbox.planning(100) as planning:
            assert planning is not None
            last = [told for told in planning.lines() if told.line.event_id == drafted][-1]
        assert (last.line.kind, last.organiser_id) == ("event_deleted", event.organiser_id)

    def test_there_is_one_planner_at_a_time(self) -> None:
        """The second gets nothing, and does not wait."""
        self.house.published()
        with self.outside.outbox.planning(10) as first:
            assert first is not None
            with self.outside.outbox.planning(10) as second:
                assert second is None
        assert self.next_lines()

    def drafted(self) -> EventId:
        """Return a draft."""
        new = NewEvent(
            title="Draft", timezone="UTC", starts_at=START + LONG, ends_at=START + 2 * LONG, capacity=1
        )
        drafted = self.house.events.create(self.house.organiser, new)
        assert isinstance(drafted, EventAnswer)
        return drafted.view.event.id

    def next_lines(self, limit: int = 100, *, plan: bool = False) -> list[tuple[EventId, int, str]]:
        """Return what comes out next; with ``plan`` it is taken out."""
        with self.outside.outbox.planning(limit) as planning:
            assert planning is not None
            if planning.is_empty:
                return []
            lines = _told(planning.lines())
            if plan:
                planning.plan([])
            return lines


class DeliveriesContract(OutsideContract):
    """Each delivery is made by one worker at a time, in order, and none is forgotten."""

    @property
    def deliveries(self) -> Deliveries:
        """The store under test."""
        return self.outside.deliveries

    def due(self, worker: WorkerId = BEN, after: timedelta = 0 * SECOND) -> list[Lane]:
        """Return what a worker gets to hold at a time."""
        self.deliveries.beat(worker, LONG)
        return list(self.deliveries.claim(worker, START + after, 10))

    def test_a_delivery_reads_as_planned(self) -> None:
        """Nothing is lost or rounded."""
        delivery = self.delivery(after=SECOND)
        self.planned(delivery)
        assert self.deliveries.delivery(delivery.id) == delivery
        assert self.deliveries.next_due() == START + SECOND
        assert self.deliveries.delivery(DeliveryId(UUID(int=1))) is None

    def test_what_is_due_is_held_by_one_worker(self) -> None:
        """And by nobody before it is due."""
        self.planned(self.delivery(after=SECOND))
        assert self.due(ANA) == []
        lanes = self.due(ANA, SECOND)
        assert len(lanes) == 1
        assert self.due(BEN, SECOND) == []
        assert (list(self.deliveries.held(ANA)), list(self.deliveries.held(BEN))) == (lanes, [])
        assert self.deliveries.next_due() is None

    def test_a_worker_holds_what_it_can_deliver(self) -> None:
        """The rest is left to others."""
        self.planned(self.delivery())
        self.deliveries.beat(ANA, LONG)
        assert list(self.deliveries.claim(ANA, START, 10, [Channel.WEBHOOK])) == []
        assert self.deliveries.next_due([Channel.WEBHOOK]) is None
        assert self.deliveries.next_due([Channel.MAIL]) == START
        assert len(self.deliveries.claim(ANA, START, 10, [Channel.MAIL])) == 1

    def test_a_lane_is_made_in_the_order_of_the_journal(self) -> None:
        """Whatever order it was planned in, and however often one was tried."""
        first, second, third = (self.delivery(number) for number in (1, 2, 3))
        self.planned(second, first)
        self.planned(third)
        lane = self.held()
        assert list(self.deliveries.pending(lane, 10)) == [first, second, third]
        assert list(self.deliveries.pending(lane, 2)) == [first, second]
        assert self.deliveries.note(ANA, first.delivered(START), None)
        assert list(self.deliveries.pending(lane, 10)) == [second, third]

    def test_a_lane_is_due_again_when_its_first_delivery_is(self) -> None:
        """The ones behind it wait."""
        first, second = self.delivery(1), self.delivery(2)
        self.planned(first, second)
        lane = self.held()
        again = first.failed_or_to_be_retried(START, 0.5)
        assert again.due_at > START
        assert self.deliveries.note(ANA, again, None)
        self.deliveries.release(ANA, lane)
        assert self.due() == []
        assert self.deliveries.next_due() == again.due_at
        assert self.due(after=again.due_at - START) == [lane]
        assert list(self.deliveries.pending(lane, 10)) == [again, second]

    def test_an_empty_lane_is_due_no_more(self) -> None:
        """Until there is something in it again."""
        first = self.delivery(1)
        self.planned(first)
        lane = self.held()
        assert self.deliveries.note(ANA, first.delivered(START), None)
        self.deliveries.release(ANA, lane)
        assert self.due() == []
        assert self.deliveries.next_due() is None
        self.planned(self.delivery(2))
        assert self.due() == [lane]

    def test_what_is_added_while_a_lane_is_held_is_not_lost(self) -> None:
        """It is there after the release."""
        first, second = self.delivery(1), self.delivery(2)
        self.planned(first)
        lane = self.held()
        assert self.deliveries.note(ANA, first.delivered(START), None)
        self.planned(second)
        self.deliveries.release(ANA, lane)
        assert self.due() == [lane]
        assert list(self.deliveries.pending(lane, 10)) == [second]

    def test_a_target_is_told_one_thing_at_a_time(self) -> None:
        """A slow one keeps one worker busy, and no more."""
        self.planned(
            self.delivery(1), self.delivery(1, event=OTHER_EVENT), self.delivery(1, target=OTHER_TARGET)
        )
        lanes = self.due(ANA)
        assert sorted(lane.target_id for lane in lanes) == [TARGET, OTHER_TARGET]
        assert self.due(BEN) == []
        [lane] = [lane for lane in lanes if lane.target_id == TARGET]
        [first] = self.deliveries.pending(lane, 1)
        self.deliveries.note(ANA, first.delivered(START), None)
        self.deliveries.release(ANA, lane)
        [other] = self.due(BEN)
        assert (other.target_id, other.event_id != lane.event_id) == (TARGET, True)

    def test_what_a_dead_worker_held_is_taken_over(self) -> None:
        """And the dead one, should it wake, changes nothing any more."""
        delivery = self.delivery()
        self.planned(delivery)
        lane = self.held(ANA)
        assert self.due(BEN) == []
        self.deliveries.beat(ANA, SHORT)
        deadline = time.monotonic() + LONG.total_seconds()
        while not (due := self.due(BEN)):
            assert time.monotonic() < deadline, "nobody takes it over"
            time.sleep(SHORT.total_seconds() / 2)
        assert due == [lane]
        assert not self.deliveries.note(ANA, delivery.delivered(START), None)
        self.deliveries.release(ANA, lane)
        assert self.deliveries.note(BEN, delivery.delivered(START), None)

    def test_a_worker_that_beats_keeps_what_it_holds(self) -> None:
        """However long it takes."""
        self.planned(self.delivery())
        self.held(ANA, SHORT)
        self.deliveries.beat(ANA, LONG)
        time.sleep(2 * SHORT.total_seconds())
        assert self.due(BEN) == []

    def test_what_a_worker_leaves_is_free_at_once(self) -> None:
        """It need not be waited for."""
        self.planned(self.delivery())
        lane = self.held(ANA, LONG)
        self.deliveries.leave(ANA)
        assert self.due(BEN) == [lane]

    def test_a_target_can_be_held_back(self) -> None:
        """With all of its lanes that are not held; others are not concerned."""
        self.planned(
            self.delivery(1), self.delivery(1, event=OTHER_EVENT), self.delivery(1, target=OTHER_TARGET)
        )
        self.deliveries.hold_back(TARGET, START + LONG)
        assert [lane.target_id for lane in self.due()] == [OTHER_TARGET]
        assert self.deliveries.next_due() == START + LONG
        self.deliveries.hold_back(TARGET, START + SECOND)
        assert self.deliveries.next_due() == START + LONG

    def test_every_attempt_is_kept(self) -> None:
        """Oldest first, as it was."""
        delivery = self.delivery()
        self.planned(delivery)
        self.held()
        failed = Attempt(number=1, at=START, ms=12, status=500, error="The address answered 500.")
        made = Attempt(number=2, at=START + SECOND, ms=3, status=204)
        retried = delivery.failed_or_to_be_retried(START, 0.0)
        delivered = retried.delivered(START + SECOND)
        assert self.deliveries.note(ANA, retried, failed)
        assert self.deliveries.note(ANA, delivered, made)
        assert self.deliveries.delivery(delivery.id) == delivered
        assert self.deliveries.attempts([delivery.id]) == {delivery.id: (failed, made)}

    def test_what_is_done_can_be_made_again(self) -> None:
        """Under the same id; its attempts go on counting."""
        delivery = self.delivery()
        self.planned(delivery)
        lane = self.held()
        done = delivery.delivered(START)
        self.deliveries.note(ANA, done, Attempt(number=1, at=START, ms=1, status=200))
        self.deliveries.release(ANA, lane)
        again = done.to_be_made_again(START + SECOND)
        self.deliveries.make_again(again)
        assert self.due() == []
        assert self.due(after=SECOND) == [lane]
        assert list(self.deliveries.pending(lane, 10)) == [again]
        assert (again.id, again.state, again.attempts) == (delivery.id, DeliveryState.PENDING, 1)

    def test_making_it_again_does_not_wait_for_the_next_retry(self) -> None:
        """Whoever asks for it knows that the target is back."""
        delivery = self.delivery()
        self.planned(delivery)
        lane = self.held()
        retried = delivery.failed_or_to_be_retried(START, 0.5)
        self.deliveries.note(ANA, retried, None)
        self.deliveries.release(ANA, lane)
        self.deliveries.hold_back(TARGET, START + LONG)
        self.deliveries.make_again(retried.to_be_made_again(START))
        assert self.due() == [lane]

    def test_deliveries_of_a_target_are_listed_newest_first(self) -> None:
        """In pieces."""
        made = [self.delivery(number) for number in (1, 2, 3)]
        self.planned(*made, self.delivery(1, target=OTHER_TARGET))
        assert list(self.deliveries.of_target(TARGET, None, 2)) == [made[2], made[1]]
        assert list(self.deliveries.of_target(TARGET, made[1].id, 2)) == [made[0]]

    def test_what_was_done_long_ago_is_forgotten(self) -> None:
        """What is still to be made is not, however old."""
        old, pending = self.delivery(1), self.delivery(2)
        self.planned(old, pending)
        self.held()
        self.deliveries.note(ANA, old.delivered(START), Attempt(number=1, at=START, ms=1, status=200))
        assert self.deliveries.forget(START) == 0
        assert self.deliveries.forget(START + SECOND) == 1
        assert self.deliveries.delivery(old.id) is None
        assert self.deliveries.delivery(pending.id) == pending


class WebhooksContract(OutsideContract):
    """Organisers' webhooks."""

    @property
    def webhooks(self) -> Webhooks:
        """The store under test."""
        return self.outside.webhooks

    def hook(self, owner: int = 9_000) -> Webhook:
        """Return a webhook that nobody has added."""
        return Webhook(
            id=WebhookId(self.ids.new()),
            owner_id=UserId(UUID(int=owner)),
            url="https://example.org/hooks",
            types=("cancelled", "granted"),
            description="the till",
            secret="whsec_c2VjcmV0",  # noqa: S106  # it signs nothing
            created_at=START,
        )

    def test_a_webhook_reads_as_added(self) -> None:
        """Nothing is lost."""
        hook = self.hook()
        added = self.webhooks.add(hook, 20)
        assert added is not None
        assert (added.value, added.replayed) == (hook, False)
        assert self.webhooks.webhook(hook.id) == hook
        assert self.webhooks.webhook(WebhookId(UUID(int=1))) is None

    def test_webhooks_are_listed_by_owner_and_all(self) -> None:
        """Oldest first, in pieces."""
        hooks = [self.hook(), self.hook(9_001), self.hook()]
        for hook in hooks:
            self.webhooks.add(hook, 20)
        assert list(self.webhooks.of_owner(hooks[0].owner_id)) == [hooks[0], hooks[2]]
        assert list(self.webhooks.of_owners([hook.owner_id for hook in hooks])) == hooks
        assert list(self.webhooks.page(None, 2)) == hooks[:2]
        assert list(self.webhooks.page(hooks[1].id, 2)) == hooks[2:]

    def test_nobody_has_more_than_the_most(self) -> None:
        """Others are not concerned."""
        assert self.webhooks.add(self.hook(), 1) is not None
        assert self.webhooks.add(self.hook(), 1) is None
        assert self.webhooks.add(self.hook(9_001), 1) is not None
        assert len(self.webhooks.page(None, 10)) == 2

    def test_the_second_call_under_a_key_adds_nothing(self) -> None:
        """It gets the answer of the first, as it was then."""
        key = AnswerKey("9000 POST /webhooks", "k-1", b"fingerprint")
        hook = self.hook()
        self.webhooks.add(hook, 20, key)
        self.webhooks.replace(hook, hook.disabled(START, "switched off"))
        again = self.webhooks.add(self.hook(), 20, key)
        assert again is not None
        assert (again.value, again.replayed) == (hook, True)
        assert len(self.webhooks.page(None, 10)) == 1
        try:
            self.webhooks.add(self.hook(), 20, attrs.evolve(key, fingerprint=b"other"))
        except KeyReused:
            return
        raise AssertionError("another request under the same key was let through")

    def test_that_there_are_too_many_is_not_kept_under_the_key(self) -> None:
        """It may be over the next time."""
        key = AnswerKey("9000 POST /webhooks", "k-1", b"fingerprint")
        first = self.hook()
        self.webhooks.add(first, 1)
        assert self.webhooks.add(self.hook(), 1, key) is None
        self.webhooks.remove(first.id)
        assert self.webhooks.add(self.hook(), 1, key) is not None

    def test_one_state_takes_the_place_of_another(self) -> None:
        """Only while the state it replaces is the present one."""
        before = self.hook()
        self.webhooks.add(before, 20)
        after = before.with_secret("whsec_bmV3", START)
        assert self.webhooks.replace(before, after)
        assert not self.webhooks.replace(before, before.disabled(START, "switched off"))
        assert self.webhooks.webhook(before.id) == after

    def test_whether_anything_may_have_to_be_sent_is_known(self) -> None:
        """Not by webhooks that are disabled."""
        hook = self.hook()
        assert not self.webhooks.any_enabled()
        self.webhooks.add(hook, 20)
        assert self.webhooks.any_enabled()
        self.webhooks.replace(hook, hook.disabled(START, "switched off"))
        assert not self.webhooks.any_enabled()

    def test_a_removed_webhook_takes_its_deliveries_along(self) -> None:
        """Nothing more is sent; the second time changes nothing (I7)."""
        hook = self.hook()
        self.webhooks.add(hook, 20)
        delivery = attrs.evolve(self.delivery(target=TargetId(hook.id)), channel=Channel.WEBHOOK)
        self.planned(delivery)
        self.webhooks.remove(hook.id)
        self.webhooks.remove(hook.id)
        assert self.webhooks.webhook(hook.id) is None
        assert self.outside.deliveries.delivery(delivery.id) is None
        self.outside.deliveries.beat(ANA, LONG)
        assert list(self.outside.deliveries.claim(ANA, START, 10)) == []
