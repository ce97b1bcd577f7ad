"""The intake in memory: the plain definition of what an intake does. Nothing is durable."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

import attrs

from evently_core.documents import seat_request_document
from evently_core.errors import AlreadySettled
from evently_core.intake import (
    DEPTH_MAX,
    Acceptance,
    Asked,
    Intake,
    QueuedRequest,
    QueueFigures,
    QueueFull,
    Receipt,
    Settlement,
    Waiting,
    reused,
)
from evently_core.values import EventId, RequestId


@attrs.define(eq=False)
class _Queue:
    """The requests of one event."""

    waiting: deque[tuple[QueuedRequest, Asked]] = attrs.field(factory=deque)
    accepted: int = 0
    is_claimed: bool = False


class MemoryIntake:
    """The requests of all events of a `MemoryStorage`, which settles them. Threads may share it."""

    def __init__(self, *, depth_max: int = DEPTH_MAX) -> None:
        """Start with nothing; at most ``depth_max`` requests wait for one event."""
        self._depth_max = depth_max
        self._queues: dict[EventId, _Queue] = {}
        self._settled: dict[RequestId, Settlement] = {}
        self._guard = Lock()

    def accept(self, event_id: EventId, asked: Sequence[Asked]) -> Sequence[Acceptance]:
        """Accept requests for one event, behind all that were accepted before."""
        with self._guard:
            queue = self._queues.setdefault(event_id, _Queue())
            return [self._accept(event_id, queue, each) for each in asked]

    def _accept(self, event_id: EventId, queue: _Queue, asked: Asked) -> Acceptance:
        command = asked.command
        for ahead, (request, other) in enumerate(queue.waiting):
            if command.key is not None and command.key == other.command.key:
                same = command.fingerprint() == other.command.fingerprint()
                return Receipt(id=request.id, ahead=ahead, replayed=True) if same else reused()
        if len(queue.waiting) >= self._depth_max:
            return QueueFull()
        queue.accepted += 1
        request = QueuedRequest(
            id=asked.id,
            event_id=event_id,
            user_id=command.user_id,
            sequence=queue.accepted,
            document=seat_request_document(command),
        )
        queue.waiting.append((request, asked))
        return Receipt(id=asked.id, ahead=len(queue.waiting) - 1)

    @contextmanager
    def claim(self, limit: int) -> Iterator[Sequence[QueuedRequest]]:
        """Give the next requests of an event that nobody else is at."""
        queue, requests = self._claimed(limit)
        try:
            yield requests
        finally:
            if queue is not None:
                queue.is_claimed = False

    def _claimed(self, limit: int) -> tuple[_Queue | None, Sequence[QueuedRequest]]:
        with self._guard:
            for event_id, queue in list(self._queues.items()):
                if queue.waiting and not queue.is_claimed:
                    queue.is_claimed = True
                    self._queues[event_id] = self._queues.pop(event_id)  # the others come first next time
                    return queue, [request for request, _ in queue.waiting][:limit]
        return None, ()

    def find(self, request_id: RequestId) -> Waiting | None:
        """Return a request that waits."""
        with self._guard:
            for queue in self._queues.values():
                for ahead, (request, _) in enumerate(queue.waiting):
                    if request.id == request_id:
                        return Waiting(user_id=request.user_id, ahead=ahead)
        return None

    def unseen(self, event_id: EventId) -> int:
        """Return 0: the inventory tells of all."""
        return 0

    def queued(self, event_id: EventId) -> int:
        """Return how many requests wait for an event."""
        queue = self._queues.get(event_id)
        return len(queue.waiting) if queue else 0

    def figures(self) -> QueueFigures:
        """Return what there is to know about the queue as a whole."""
        with self._guard:
            lines = [queue.waiting for queue in self._queues.values() if queue.waiting]
            return QueueFigures(
                depth=sum(map(len, lines)),
                events=len(lines),
                oldest=min((line[0][1].at for line in lines), default=None),
                accepted=sum(queue.accepted for queue in self._queues.values()),
                decided=sum(queue.accepted - len(queue.waiting) for queue in self._queues.values()),
            )

    # -- for the store that settles -----------------------------------------------------------------------------

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what came of requests, all or none.

        Raises:
            AlreadySettled: one was settled before.
        """
        with self._guard:
            if any(settlement.id in self._settled for settlement in settlements):
                raise AlreadySettled
            for settlement in settlements:
                self._settled[settlement.id] = settlement
                queue = self._queues.setdefault(settlement.event_id, _Queue())
                queue.waiting = deque(pair for pair in queue.waiting if pair[0].id != settlement.id)

    def settlements(self, request_ids: Iterable[RequestId]) -> Mapping[RequestId, Settlement]:
        """Return what came of those of these requests that are settled."""
        with self._guard:
            return {each: self._settled[each] for each in request_ids if each in self._settled}

    def forget(self, before: datetime) -> int:
        """Drop what came of requests before a time; return how many."""
        with self._guard:
            old = [each.id for each in self._settled.values() if each.at < before]
            for request_id in old:
                del self._settled[request_id]
            return len(old)


_: type[Intake] = MemoryIntake
