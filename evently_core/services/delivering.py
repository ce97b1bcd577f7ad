"""Telling the outside what happened: planning deliveries of what was recorded, and making them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from threading import Lock
from typing import Protocol

import attrs

from evently_core.deliveries import (
    DELIVERIES_KEPT,
    ERROR_MAX,
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
from evently_core.ports import Clock, Ids
from evently_core.webhooks import Webhook, Webhooks

PLANNED_AT_ONCE = 500
"""The most lines that one transaction makes deliveries of."""
READ_AT_ONCE = 20
"""So many deliveries of a lane are read at a time."""
MADE_AT_ONCE = 200
"""After so many of one lane it is another one's turn."""
LEASE = timedelta(seconds=3)
"""How long a worker that says nothing keeps what it holds. It says so every second."""


class Planner:
    """Makes of each line that was recorded one delivery for every target that is interested in it."""

    def __init__(
        self, outbox: Outbox, webhooks: Webhooks, clock: Clock, ids: Ids, *, mailed: Collection[str] = ()
    ) -> None:
        """Take the ports; ``mailed`` are the kinds of lines of which people are told by mail."""
        self._outbox = outbox
        self._webhooks = webhooks
        self._clock = clock
        self._ids = ids
        self._mailed = mailed

    def plan(self, limit: int = PLANNED_AT_ONCE) -> bool:
        """Plan what was recorded, at most so many lines; tell whether there may be more."""
        with self._outbox.planning(limit) as planning:
            if planning is None or planning.is_empty:
                return False  # another process plans, or there is nothing to plan
            somebody = bool(self._mailed) or self._webhooks.any_enabled()
            planning.plan(list(self._deliveries(planning.lines())) if somebody else [])
        return True

    def _deliveries(self, lines: Sequence[OutboxLine]) -> Iterator[Delivery]:
        now = self._clock.now()
        hooks: dict[object, list[Webhook]] = {}
        for hook in self._webhooks.of_owners(sorted({told.organiser_id for told in lines})):
            hooks.setdefault(hook.owner_id, []).append(hook)
        for told in lines:
            for hook in hooks.get(told.organiser_id, ()):
                if hook.wants(told.line.kind):
                    yield self._delivery(told, TargetId(hook.id), Channel.WEBHOOK, now)
            if told.user_id is not None and told.line.kind in self._mailed:
                yield self._delivery(told, TargetId(told.user_id), Channel.MAIL, now)

    def _delivery(self, told: OutboxLine, target_id: TargetId, channel: Channel, now: datetime) -> Delivery:
        return Delivery(
            id=DeliveryId(self._ids.new()),
            event_id=told.line.event_id,
            target_id=target_id,
            channel=channel,
            number=told.line.number,
            kind=told.line.kind,
            planned_at=now,
            due_at=now,
            give_up_at=now + GIVE_UP_AFTER,
        )


class Verdict(Enum):
    """What came of telling somebody something."""

    DELIVERED = "delivered"
    AGAIN = "again"
    """It did not work now, and may work later."""
    NEVER = "never"
    """It will not work later either."""
    NOBODY = "nobody"
    """Nothing was sent: there is nobody to tell, or nothing worth telling any more."""


@attrs.frozen
class Told:
    """What came of telling somebody something: the verdict, what was answered, and what went wrong."""

    verdict: Verdict
    status: int | None = None
    error: str | None = None


class Messenger(Protocol):
    """Tells one kind of target."""

    def tell(self, delivery: Delivery, now: datetime) -> Told:
        """Tell a target of a line of the journal. Whatever goes wrong outside is part of what is returned."""


class Courier:
    """Makes deliveries on behalf of one worker: lane by lane, each in order, at least once. Threads may share it."""

    def __init__(
        self,
        deliveries: Deliveries,
        messengers: Mapping[Channel, Messenger],
        clock: Clock,
        worker: WorkerId,
        *,
        chance: Callable[[], float],
    ) -> None:
        """Take the ports; ``chance`` gives numbers from 0 to 1 for the jitter of retries."""
        self._deliveries = deliveries
        self._messengers = messengers
        self._channels = tuple(messengers)  # what needs another messenger is left to another worker
        self._clock = clock
        self._worker = worker
        self._chance = chance
        self._claiming = Lock()
        self._walked: set[Lane] = set()
        self._astray = False

    def beat(self) -> None:
        """Say that this worker is alive; to be called every second while it holds anything."""
        self._deliveries.beat(self._worker, LEASE)

    def leave(self) -> None:
        """Say that this worker is gone."""
        self._deliveries.leave(self._worker)

    def next_due(self) -> datetime | None:
        """Return when there is something to deliver next; None if nothing is pending."""
        return self._deliveries.next_due(self._channels)

    def forget(self) -> int:
        """Forget deliveries that were done long ago; return how many."""
        return self._deliveries.forget(self._clock.now() - DELIVERIES_KEPT)

    def deliver(self, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Make the deliveries of one lane that are due; tell whether there was one.

        ``stopping`` is asked between two deliveries whether it is time to end.
        """
        lane = self._next_lane()
        if lane is None:
            return False
        try:
            self._go_along(lane, stopping)
        finally:
            self._let_go(lane)
        return True

    def _next_lane(self) -> Lane | None:
        with self._claiming:
            astray, self._astray = self._astray, True  # until it is known how this ended
            if astray:
                self._release_astray()
            lanes = self._deliveries.claim(self._worker, self._clock.now(), 1, self._channels)
            self._walked.update(lanes)
            self._astray = False
        return lanes[0] if lanes else None

    def _release_astray(self) -> None:
        """Release what this worker holds and nobody here knows of: an answer of the store was lost on its way."""
        for lane in self._deliveries.held(self._worker):
            if lane not in self._walked:
                self._deliveries.release(self._worker, lane)

    def _let_go(self, lane: Lane) -> None:
        released = False
        try:
            self._deliveries.release(self._worker, lane)
            released = True
        finally:
            with self._claiming:
                self._walked.discard(lane)
                self._astray = self._astray or not released

    def _go_along(self, lane: Lane, stopping: Callable[[], bool]) -> None:
        made, gave_up = 0, False
        while made < MADE_AT_ONCE:
            pending = self._deliveries.pending(lane, READ_AT_ONCE)
            for delivery in pending:
                now = self._clock.now()
                if stopping() or delivery.due_at > now:
                    return
                # What one was tried for in vain for a day the next one, which is as old, need not be tried for.
                hopeless = gave_up and now >= delivery.give_up_at
                after = self._give_up(delivery, now) if hopeless else self._make(delivery)
                if after is None or after.is_pending:
                    return
                gave_up = after.state is DeliveryState.FAILED
                made += 1
            if len(pending) < READ_AT_ONCE:
                return

    def _give_up(self, delivery: Delivery, now: datetime) -> Delivery | None:
        """Give a delivery up without trying it; return how it stands now, or None if the lane is lost."""
        after = delivery.failed_untried(now)
        return after if self._deliveries.note(self._worker, after, None) else None

    def _make(self, delivery: Delivery) -> Delivery | None:
        """Try to make a delivery; return how it stands now, or None if another worker has taken over."""
        begun = self._clock.now()
        told = self._messengers[delivery.channel].tell(delivery, begun)
        ended = self._clock.now()
        after = self._judged(delivery, told, ended)
        attempt = None
        if told.verdict is not Verdict.NOBODY:
            attempt = Attempt(
                number=after.attempts,
                at=begun,
                ms=max(0, (ended - begun) // timedelta(milliseconds=1)),
                status=told.status,
                error=None if told.error is None else told.error[:ERROR_MAX],
            )
        if not self._deliveries.note(self._worker, after, attempt):
            return None
        if told.verdict is Verdict.AGAIN and after.is_pending:
            self._deliveries.hold_back(delivery.target_id, after.due_at)
        return after

    def _judged(self, delivery: Delivery, told: Told, at: datetime) -> Delivery:
        match told.verdict:
            case Verdict.DELIVERED:
                return delivery.delivered(at)
            case Verdict.NEVER:
                return delivery.failed(at)
            case Verdict.NOBODY:
                return delivery.dropped(at)
        return delivery.failed_or_to_be_retried(at, self._chance())
