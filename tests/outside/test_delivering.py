"""What webhooks are told: planned from the journal, sent to a real receiver, by a clock that can be moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from evently_core.deliveries import (
    GIVE_UP_AFTER,
    RETRY_MAX,
    Attempt,
    Channel,
    Delivery,
    DeliveryState,
    Lane,
    WorkerId,
    pause_after,
)
from evently_core.errors import Forbidden, InvalidValue, NotFound, Unavailable
from evently_core.memory.deliveries import MemoryDeliveries
from evently_core.outcomes import Refused
from evently_core.paging import PageRequest
from evently_core.reasons import ReasonCode
from evently_core.services.delivering import Planner
from evently_core.services.webhooks import DeliveryView
from evently_core.values import OPERATOR, UserId
from evently_core.webhooks import WEBHOOKS_MAX
from tests.outside.receivers import HttpReceiver
from tests.outside.world import World, other_organiser

FIRST = PageRequest(100)


@pytest.fixture
def world() -> World:
    return World()


def test_a_webhook_is_told_of_everything_that_happens_in_order(world: World, receiver: HttpReceiver) -> None:
    webhook = world.hook(receiver.url)
    event = world.house.published(capacity=1)
    booking = world.house.booked(event, 1)
    world.house.waits(event, 2)
    world.house.bookings.cancel(world.house.person(1), booking.id)
    world.work()
    contents = [message.verified(webhook.secret) for message in receiver.messages]
    assert [content["type"] for content in contents] == [
        "event_created",
        "event_advanced",
        "granted",
        "joined",
        "cancelled",
        "granted",
    ]
    assert [content["data"]["number"] for content in contents] == [1, 2, 3, 4, 5, 6]
    granted = contents[2]
    assert granted["data"]["fact"]["booking"]["id"] == str(booking.id)
    assert granted["data"]["event_id"] == str(event.id)
    assert {delivery.state for delivery in world.told(webhook)} == {DeliveryState.DELIVERED}
    world.work()
    assert len(receiver.messages) == 6, "each line is told once"


def test_only_the_organiser_of_the_event_is_told(world: World, receiver: HttpReceiver) -> None:
    other = world.user(other_organiser())
    world.hook(receiver.url, other)
    world.house.published()
    world.work()
    assert receiver.messages == []


def test_a_webhook_is_told_of_the_types_it_asks_for(world: World, receiver: HttpReceiver) -> None:
    world.hook(receiver.url, types=["granted"])
    event = world.house.published()
    world.house.booked(event, 1)
    world.work()
    assert [message.content["type"] for message in receiver.messages] == ["granted"]


def test_what_happened_before_a_webhook_was_there_is_not_told(world: World, receiver: HttpReceiver) -> None:
    event = world.house.published()
    world.work()
    world.hook(receiver.url)
    world.house.booked(event, 1)
    world.work()
    assert [message.content["type"] for message in receiver.messages] == ["granted"]


def test_a_delivery_that_fails_is_tried_again_later_and_those_behind_it_wait(
    world: World, receiver: HttpReceiver
) -> None:
    webhook = world.hook(receiver.url, types=["granted"])
    event = world.house.published()
    for person in (1, 2):
        world.house.booked(event, person)
    receiver.answer = lambda _: 503
    world.work()
    world.work()
    assert len(receiver.messages) == 1, "it is not tried again at once"
    world.pass_by(seconds=4)
    world.work()
    assert len(receiver.messages) == 1
    world.pass_by(seconds=1)
    world.work()
    assert [message.line[1] for message in receiver.messages] == [3, 3]
    receiver.answer = lambda _: 200
    world.pass_by(seconds=20)
    world.work()
    assert [message.line[1] for message in receiver.messages] == [3, 3, 3, 4]
    first, second = world.service.deliveries(world.organiser, webhook.id, FIRST).items[::-1]
    assert [attempt.status for attempt in first.attempts] == [503, 503, 200]
    assert first.attempts[0].error == "The address answered 503."
    assert (first.delivery.state, second.delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert len({message.id for message in receiver.messages}) == 2, "each delivery keeps its id"


def test_pauses_grow_up_to_two_hours_and_are_spread() -> None:
    middle = [pause_after(attempts, 0.5) for attempts in range(1, 9)]
    assert middle[:3] == [timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=80)]
    assert middle == sorted(middle)
    assert pause_after(1_000, 0.5) == RETRY_MAX
    assert pause_after(1, 0.0) == timedelta(seconds=4)
    assert pause_after(1, 1.0) == timedelta(seconds=6)


def test_after_a_day_it_is_given_up_and_what_is_as_old_with_it(world: World, receiver: HttpReceiver) -> None:
    webhook = world.hook(receiver.url, types=["granted"])
    event = world.house.published(capacity=10)
    for person in (1, 2):
        world.house.booked(event, person)
    receiver.answer = lambda _: 500
    world.work()
    world.pass_by(hours=2)
    world.house.booked(event, 3)
    for _ in range(100):
        world.work()
        due = world.deliveries.next_due()
        if due is None or world.told(webhook)[0].state is DeliveryState.FAILED:
            break
        world.clock.set(due)
    first, second, third = world.told(webhook)
    assert first.state is DeliveryState.FAILED
    assert first.done_at is not None
    assert first.done_at - first.planned_at == GIVE_UP_AFTER
    assert 10 <= first.attempts <= 25
    assert (second.state, second.attempts) == (DeliveryState.FAILED, 0), "there is no use in trying it"
    assert (third.state, third.attempts) == (DeliveryState.PENDING, 1), "its day is not over"
    receiver.answer = lambda _: 200
    world.clock.set(third.due_at)
    world.work()
    assert world.told(webhook)[2].state is DeliveryState.DELIVERED


def test_what_was_late_through_our_own_fault_is_tried_all_the_same(
    world: World, receiver: HttpReceiver
) -> None:
    webhook = world.hook(receiver.url)
    world.house.published()
    while world.planner.plan():
        pass
    world.pass_by(days=2)
    # Whoever verifies a signature looks at the time; here only what was received counts.
    world.work()
    assert {delivery.state for delivery in world.told(webhook)} == {DeliveryState.DELIVERED}
    assert len(receiver.messages) == 2


def test_an_address_that_fails_is_left_alone_by_all_events(world: World, receiver: HttpReceiver) -> None:
    world.hook(receiver.url, types=["granted"])
    for _ in range(5):
        world.house.booked(world.house.published(), 1)
    receiver.answer = lambda _: 500
    world.work()
    assert len(receiver.messages) == 1
    receiver.answer = lambda _: 200
    world.pass_by(seconds=5)
    world.work()
    assert len(receiver.messages) == 6


def test_one_address_that_fails_does_not_hold_up_another(world: World, receiver: HttpReceiver) -> None:
    world.hook("http://127.0.0.1:1/")
    world.hook(receiver.url)
    world.house.published()
    world.work()
    assert [message.line[1] for message in receiver.messages] == [1, 2]


def test_410_disables_a_webhook_for_good(world: World, receiver: HttpReceiver) -> None:
    webhook = world.hook(receiver.url)
    receiver.answer = lambda _: 410
    event = world.house.published()
    world.work()
    assert len(receiver.messages) == 1
    after = world.service.webhook(world.organiser, webhook.id)
    assert (after.is_enabled, after.disabled_because) == (False, "it answered 410 Gone")
    assert [delivery.state for delivery in world.told(webhook)] == [
        DeliveryState.FAILED,
        DeliveryState.DROPPED,
    ]
    world.house.booked(event, 1)
    world.work()
    assert len(world.told(webhook)) == 2, "nothing more is planned for it"


def test_what_was_missed_can_be_replayed_once_it_is_enabled_again(
    world: World, receiver: HttpReceiver
) -> None:
    webhook = world.hook(receiver.url)
    receiver.answer = lambda _: 410
    world.house.published()
    world.work()
    missed = world.told(webhook)[1]
    refused = world.service.replay(world.organiser, webhook.id, missed.id)
    assert isinstance(refused, Refused)
    assert refused.reason.code is ReasonCode.WEBHOOK_DISABLED
    world.service.change(world.organiser, webhook.id, enabled=True)
    receiver.answer = lambda _: 200
    receiver.messages.clear()
    foreseen = world.service.replay(world.organiser, webhook.id, missed.id, dry_run=True)
    assert isinstance(foreseen, DeliveryView)
    world.work()
    assert receiver.messages == [], "a dry run sends nothing"
    world.service.replay(world.organiser, webhook.id, missed.id)
    world.work()
    assert [message.id for message in receiver.messages] == [str(missed.id)]
    assert world.told(webhook)[1].state is DeliveryState.DELIVERED


def test_what_arrived_can_be_replayed_under_the_same_id(world: World, receiver: HttpReceiver) -> None:
    webhook = world.hook(receiver.url, types=["granted"])
    world.house.booked(world.house.published(), 1)
    world.work()
    [delivery] = world.told(webhook)
    world.service.replay(world.organiser, webhook.id, delivery.id)
    world.work()
    assert [message.id for message in receiver.messages] == [str(delivery.id)] * 2
    assert receiver.messages[0].body == receiver.messages[1].body
    [view] = world.service.deliveries(world.organiser, webhook.id, FIRST).items
    assert [attempt.number for attempt in view.attempts] == [1, 2]


def test_who_organises_nothing_any_more_is_told_nothing(world: World, receiver: HttpReceiver) -> None:
    webhook = world.hook(receiver.url)
    world.house.published()
    world.demote(world.organiser)
    world.work()
    assert receiver.messages == []
    assert {delivery.state for delivery in world.told(webhook)} == {DeliveryState.DROPPED}


def test_a_worker_that_is_told_to_stop_begins_nothing_more(world: World, receiver: HttpReceiver) -> None:
    world.hook(receiver.url)
    world.house.published()
    world.planner.plan()
    courier = world.courier()
    assert courier.deliver(lambda: bool(receiver.messages))
    assert len(receiver.messages) == 1
    world.work()
    assert [message.line[1] for message in receiver.messages] == [1, 2]


# -- whose webhooks they are ------------------------------------------------------------------------------------


def test_organisers_have_webhooks_of_their_own(world: World, receiver: HttpReceiver) -> None:
    other = world.user(other_organiser())
    mine, theirs = world.hook(receiver.url), world.hook(receiver.url, other)
    assert [hook.id for hook in world.service.webhooks(world.organiser, FIRST).items] == [mine.id]
    assert [hook.id for hook in world.service.webhooks(other, FIRST).items] == [theirs.id]
    assert len(world.service.webhooks(OPERATOR, FIRST).items) == 2
    for call in (
        lambda: world.service.webhook(other, mine.id),
        lambda: world.service.change(other, mine.id, enabled=False),
        lambda: world.service.remove(other, mine.id),
        lambda: world.service.deliveries(other, mine.id, FIRST),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Forbidden):
        world.service.add(world.house.person(1), receiver.url)
    with pytest.raises(Forbidden):
        world.service.webhooks(world.house.person(1), FIRST)
    with pytest.raises(Forbidden):
        world.service.add(other, receiver.url, owner_id=world.organiser.user_id)
    with pytest.raises(Forbidden):
        world.service.add(OPERATOR, receiver.url)
    with pytest.raises(NotFound):
        world.service.add(OPERATOR, receiver.url, owner_id=UserId(UUID(int=1)))
    made = world.hook(receiver.url, OPERATOR, owner_id=other.user_id)
    assert made.owner_id == other.user_id


def test_a_webhook_of_nobody_elses_delivery_can_be_replayed(world: World, receiver: HttpReceiver) -> None:
    other = world.user(other_organiser())
    mine, theirs = world.hook(receiver.url), world.hook(receiver.url, other)
    world.house.published()
    world.work()
    delivery = world.told(mine)[0]
    with pytest.raises(NotFound):
        world.service.replay(other, theirs.id, delivery.id)
    with pytest.raises(NotFound):
        world.service.replay(OPERATOR, theirs.id, delivery.id)


def test_there_is_a_most_of_webhooks(world: World) -> None:
    for _ in range(WEBHOOKS_MAX):
        world.hook("https://example.org/")
    for dry_run in (True, False):
        refused = world.service.add(world.organiser, "https://example.org/", dry_run=dry_run)
        assert isinstance(refused, Refused)
        assert dict(refused.reason.figures) == {"limit": WEBHOOKS_MAX}


def test_what_is_changed_is_judged_as_what_is_new(world: World) -> None:
    webhook = world.hook("https://example.org/")
    for wrong in ({"url": "ftp://example.org/"}, {"types": ["nothing"]}, {"description": "x" * 201}):
        with pytest.raises(InvalidValue):
            world.service.change(world.organiser, webhook.id, **wrong)
    changed = world.service.change(
        world.organiser,
        webhook.id,
        url="https://example.net/",
        types=["joined", "granted"],
        description=" till ",
    )
    assert (changed.url, changed.types, changed.description) == (
        "https://example.net/",
        ("granted", "joined"),
        "till",
    )
    rotated = world.service.change(world.organiser, webhook.id, rotate_secret=True)
    now = world.clock.now()
    assert rotated.secrets(now) == (rotated.secret, webhook.secret)
    assert rotated.secrets(now + timedelta(hours=24)) == (rotated.secret,)
    assert webhook.secret not in repr(rotated)


class _CutOff(MemoryDeliveries):
    """A store whose answers are lost on their way, of the calls that are named: what was asked for was done."""

    def __init__(self, world: World) -> None:
        super().__init__(world.storage, world.webhooks)
        self.lost: set[str] = set()

    def _answer(self, call: str) -> None:
        if call in self.lost:
            self.lost.discard(call)
            raise Unavailable("The connection broke.")

    def claim(
        self, worker: WorkerId, now: datetime, limit: int, channels: Collection[Channel] = tuple(Channel)
    ) -> Sequence[Lane]:
        lanes = super().claim(worker, now, limit, channels)
        self._answer("claim")
        return lanes

    def note(self, worker: WorkerId, delivery: Delivery, attempt: Attempt | None) -> bool:
        self._answer("note")
        return super().note(worker, delivery, attempt)

    def release(self, worker: WorkerId, lane: Lane) -> None:
        self._answer("release")
        super().release(worker, lane)


@pytest.mark.parametrize("lost", [{"claim"}, {"note"}, {"release"}, {"note", "release"}])
def test_a_lane_is_not_lost_when_an_answer_of_the_store_is(
    world: World, receiver: HttpReceiver, lost: set[str]
) -> None:
    world.deliveries = store = _CutOff(world)
    world.planner = Planner(store, world.webhooks, world.clock, world.house.ids)
    world.hook(receiver.url)
    world.house.published()
    world.planner.plan()
    courier = world.courier()
    store.lost = set(lost)
    for _ in range(len(lost)):
        with suppress(Unavailable):
            courier.deliver()
    world.work(courier)
    assert {message.line[1] for message in receiver.messages} == {1, 2}
    assert store.next_due() is None
