"""Webhooks and deliveries in memory: for tests, simulations and first steps. Nothing is durable."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock, RLock
from uuid import UUID

import attrs

from evently_core.accounts import Answered, AnswerKey, KeyReused
from evently_core.deliveries import (
    Attempt,
    Channel,
    Deliveries,
    Delivery,
    DeliveryId,
    Lane,
    Outbox,
    OutboxLine,
    Planning,
    TargetId,
    WorkerId,
)
from evently_core.memory.storage import MemoryStorage
from evently_core.storage import JournalLine
from evently_core.values import BookingId, EntryId, EventId, UserId
from evently_core.webhooks import Webhook, WebhookId, Webhooks


class MemoryWebhooks:
    """Where organisers want to be told."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._webhooks: dict[WebhookId, Webhook] = {}
        self._answers: dict[tuple[str, str], tuple[bytes, Webhook]] = {}
        self._lock = RLock()

    def add(self, webhook: Webhook, most: int, key: AnswerKey | None = None) -> Answered[Webhook] | None:
        """Add a webhook, and keep the answer under the key."""
        with self._lock:
            kept = None if key is None else self._answers.get((key.scope, key.key))
            if key is not None and kept is not None:
                if kept[0] != key.fingerprint:
                    raise KeyReused
                return Answered(kept[1], replayed=True)
            if len(self.of_owner(webhook.owner_id)) >= most:
                return None
            self._webhooks[webhook.id] = webhook
            if key is not None:
                self._answers[key.scope, key.key] = (key.fingerprint, webhook)
            return Answered(webhook)

    def webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return a webhook."""
        return self._webhooks.get(webhook_id)

    def of_owner(self, owner_id: UserId) -> Sequence[Webhook]:
        """Return the webhooks of somebody, oldest first."""
        return self.of_owners([owner_id])

    def page(self, after: WebhookId | None, limit: int) -> Sequence[Webhook]:
        """Return webhooks of everybody in the order of their ids."""
        return [each for each in self._all() if after is None or each.id > after][:limit]

    def of_owners(self, owner_ids: Sequence[UserId]) -> Sequence[Webhook]:
        """Return the webhooks of these people, oldest first."""
        return [each for each in self._all() if each.owner_id in owner_ids]

    def any_enabled(self) -> bool:
        """Tell whether anything may have to be sent."""
        return any(each.is_enabled for each in self._all())

    def replace(self, before: Webhook, after: Webhook) -> bool:
        """Put one state of a webhook in the place of another, if that is still its state."""
        with self._lock:
            if self._webhooks.get(before.id) != before:
                return False
            self._webhooks[before.id] = after
            return True

    def remove(self, webhook_id: WebhookId) -> None:
        """Remove a webhook."""
        with self._lock:
            self._webhooks.pop(webhook_id, None)

    def _all(self) -> list[Webhook]:
        with self._lock:
            return sorted(self._webhooks.values(), key=lambda each: each.id)


@attrs.define
class _Way:
    """A lane with something in it."""

    lane: Lane
    due_at: datetime
    held_by: WorkerId | None = None


class MemoryDeliveries:
    """The outbox of a store in memory, and the deliveries made of it."""

    def __init__(self, storage: MemoryStorage, webhooks: MemoryWebhooks) -> None:
        """Tell of what is in this store; deliveries to a webhook go with it."""
        self._storage = storage
        self._webhooks = webhooks
        self._planned: dict[EventId, int] = defaultdict(int)
        self._last = EventId(UUID(int=0))
        self._deliveries: dict[tuple[EventId, TargetId, int], Delivery] = {}
        self._tried: dict[DeliveryId, list[Attempt]] = defaultdict(list)
        self._ways: dict[tuple[EventId, TargetId], _Way] = {}
        self._alive: dict[WorkerId, float] = {}
        self._guard = RLock()
        self._planner = Lock()

    # -- the outbox ---------------------------------------------------------------------------------------------

    @contextmanager
    def planning(self, limit: int) -> Iterator[Planning | None]:
        """Take lines nobody was told of yet."""
        if not self._planner.acquire(blocking=False):
            yield None
            return
        try:
            yield _MemoryPlanning(self, self._unplanned(limit))
        finally:
            self._planner.release()

    def backlog(self, most: int) -> int:
        """Return how many lines are not planned yet."""
        with self._guard:
            journals = self._storage.journals()
            return min(most, sum(len(lines) - self._planned[each] for each, lines in journals.items()))

    def _unplanned(self, limit: int) -> list[OutboxLine]:
        journals = self._storage.journals()
        behind = [event_id for event_id in sorted(journals) if event_id > self._last]
        before = [event_id for event_id in sorted(journals) if event_id <= self._last]
        found = [
            OutboxLine(
                line=line,
                organiser_id=UserId(UUID(journals[event_id][0].data["event"]["organiser_id"])),
                user_id=self._subject(line),
            )
            for event_id in [*behind, *before]  # a busy event lets the others through
            for line in journals[event_id][self._planned[event_id] :]
        ][:limit]
        if found:
            self._last = found[-1].line.event_id
        return found

    def _subject(self, line: JournalLine) -> UserId | None:
        data = line.data
        for name in ("booking", "entry"):
            if name in data:
                return UserId(UUID(data[name]["user_id"]))
        booking = self._storage.booking(BookingId(UUID(data["booking_id"]))) if "booking_id" in data else None
        entry = self._storage.entry(EntryId(UUID(data["entry_id"]))) if "entry_id" in data else None
        subject = booking or entry
        return subject.user_id if subject else None

    def planned(self, lines: Sequence[OutboxLine], deliveries: Sequence[Delivery]) -> None:
        """Add deliveries and take the lines out."""
        with self._guard:
            for delivery in deliveries:
                key = (delivery.event_id, delivery.target_id)
                self._deliveries[*key, delivery.number] = delivery
                self._ways.setdefault(key, _Way(delivery.lane, delivery.due_at))
            for told in lines:
                self._planned[told.line.event_id] = told.line.number

    # -- making deliveries --------------------------------------------------------------------------------------

    def beat(self, worker: WorkerId, lease: timedelta) -> None:
        """Say that a worker is alive."""
        with self._guard:
            self._alive[worker] = time.monotonic() + lease.total_seconds()

    def leave(self, worker: WorkerId) -> None:
        """Say that a worker is gone."""
        with self._guard:
            self._alive.pop(worker, None)

    def claim(
        self, worker: WorkerId, now: datetime, limit: int, channels: Collection[Channel] = tuple(Channel)
    ) -> Sequence[Lane]:
        """Hold lanes in which something is due."""
        with self._guard:
            busy = {way.lane.target_id for way in self._ways.values() if self._is_held(way)}
            taken: list[Lane] = []
            due = [way for way in self._ways.values() if way.due_at <= now and way.lane.channel in channels]
            for way in sorted(due, key=lambda way: way.due_at):
                if len(taken) < limit and way.lane.target_id not in busy:
                    way.held_by = worker
                    busy.add(way.lane.target_id)
                    taken.append(way.lane)
            return taken

    def _is_held(self, way: _Way) -> bool:
        return way.held_by is not None and self._alive.get(way.held_by, 0.0) > time.monotonic()

    def held(self, worker: WorkerId) -> Sequence[Lane]:
        """Return the lanes that a worker holds."""
        with self._guard:
            return [way.lane for way in self._ways.values() if way.held_by == worker]

    def pending(self, lane: Lane, limit: int) -> Sequence[Delivery]:
        """Return the first deliveries of a lane that are still to be made."""
        with self._guard:
            found = [each for each in self._deliveries.values() if each.lane == lane and each.is_pending]
        return sorted(found, key=lambda each: each.number)[:limit]

    def note(self, worker: WorkerId, delivery: Delivery, attempt: Attempt | None) -> bool:
        """Keep how a delivery stands and how it was tried, if the lane is still held."""
        with self._guard:
            key = (delivery.event_id, delivery.target_id)
            way = self._ways.get(key)
            if way is None or way.held_by != worker or (*key, delivery.number) not in self._deliveries:
                return False
            self._deliveries[*key, delivery.number] = delivery
            if attempt is not None:
                self._tried[delivery.id].append(attempt)
            return True

    def release(self, worker: WorkerId, lane: Lane) -> None:
        """Let go of a lane."""
        with self._guard:
            key = (lane.event_id, lane.target_id)
            way = self._ways.get(key)
            if way is None or way.held_by != worker:
                return
            left = self.pending(lane, 1)
            if left:
                way.held_by, way.due_at = None, left[0].due_at
            else:
                del self._ways[key]

    def hold_back(self, target_id: TargetId, until: datetime) -> None:
        """Let nothing be due before then for a target."""
        with self._guard:
            for way in self._ways.values():
                if way.lane.target_id == target_id:
                    way.due_at = max(way.due_at, until)

    def next_due(self, channels: Collection[Channel] = tuple(Channel)) -> datetime | None:
        """Return when the next lane is due that nobody holds."""
        with self._guard:
            free = [way for way in self._ways.values() if way.held_by is None]
            return min((way.due_at for way in free if way.lane.channel in channels), default=None)

    # -- looking them up ----------------------------------------------------------------------------------------

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return a delivery."""
        return next((each for each in self._all() if each.id == delivery_id), None)

    def of_target(self, target_id: TargetId, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """Return deliveries to a target, newest first."""
        found = [
            each
            for each in self._all()
            if each.target_id == target_id and (before is None or each.id < before)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    def attempts(self, delivery_ids: Sequence[DeliveryId]) -> dict[DeliveryId, tuple[Attempt, ...]]:
        """Return how these were tried, oldest first."""
        with self._guard:
            return {each: tuple(self._tried[each]) for each in delivery_ids if self._tried.get(each)}

    def make_again(self, delivery: Delivery) -> None:
        """Keep a delivery that is to be made again, and let its lane be due when it is."""
        with self._guard:
            key = (delivery.event_id, delivery.target_id)
            if (*key, delivery.number) in self._deliveries:
                self._deliveries[*key, delivery.number] = delivery
                self._ways.setdefault(key, _Way(delivery.lane, delivery.due_at)).due_at = delivery.due_at

    def forget(self, before: datetime) -> int:
        """Forget deliveries that were done before then."""
        with self._guard:
            old = [
                key
                for key, each in self._deliveries.items()
                if each.done_at is not None and each.done_at < before
            ]
            for key in old:
                self._tried.pop(self._deliveries.pop(key).id, None)
            return len(old)

    def _all(self) -> list[Delivery]:
        """Return every delivery, but for those of webhooks that were removed."""
        with self._guard:
            for key in [key for key in self._deliveries if self._is_of_nobody(self._deliveries[key])]:
                del self._deliveries[key]
                self._ways.pop(key[:2], None)
            return list(self._deliveries.values())

    def _is_of_nobody(self, delivery: Delivery) -> bool:
        removed = self._webhooks.webhook(WebhookId(delivery.target_id)) is None
        return delivery.channel is Channel.WEBHOOK and removed


class _MemoryPlanning:
    """Some lines nobody was told of yet, in the hands of one planner."""

    def __init__(self, deliveries: MemoryDeliveries, lines: Sequence[OutboxLine]) -> None:
        self._deliveries = deliveries
        self._lines = lines

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to plan."""
        return not self._lines

    def lines(self) -> Sequence[OutboxLine]:
        """Return the lines."""
        return self._lines

    def plan(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries and take the lines out."""
        self._deliveries.planned(self._lines, deliveries)


_webhooks: type[Webhooks] = MemoryWebhooks
_outbox: type[Outbox] = MemoryDeliveries
_deliveries: type[Deliveries] = MemoryDeliveries
