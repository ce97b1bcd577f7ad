"""The combiner: what many threads want of one event at the same time is done together.

One transaction after another is what bounds a popular event. While one is under way, what arrives for the same
event queues up, and the next transaction takes all of it, in the order it came. The thread whose wish is the
first of a batch works for everybody in it; then it hands the lead to the first that still waits. A wish that
comes alone goes at once: there is no lingering, no timer and no thread of the combiner's own. Under load the
batches form by themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto
from threading import Lock
from typing import Any, Generic, TypeVar

import attrs

from evently_core.errors import EventlyError, Overloaded, Unavailable
from evently_core.values import EventId

W = TypeVar("W")
"""What is wished."""
A = TypeVar("A")
"""What it is answered."""

BATCH_MAX = 500
"""The most wishes of one transaction."""

QUEUE_MAX = 10_000
"""The most wishes that wait for one event; who comes then is told at once that it is too much."""

PATIENCE_SECONDS = 10.0
"""How long a wish waits for its turn."""

TRANSACTION_SECONDS = 30.0
"""How long its asker waits for a transaction that is under way."""


class _Turn(Enum):
    """Where a ticket is."""

    WAITS = auto()
    LEADS = auto()
    UNDER_WAY = auto()
    DONE = auto()


@attrs.define(eq=False)
class _Ticket(Generic[W, A]):
    """A wish in the queue, and later its answer. Its gate opens when its turn has come on."""

    wish: W
    turn: _Turn = _Turn.WAITS
    answer: A | None = None
    error: BaseException | None = None
    gate: Lock = attrs.field(factory=Lock)

    def __attrs_post_init__(self) -> None:
        self.gate.acquire()


@attrs.define(eq=False)
class _Queue(Generic[W, A]):
    """Who waits for one event, while somebody leads a batch of it."""

    waiting: deque[_Ticket[W, A]] = attrs.field(factory=deque)


class Combiner(Generic[W, A]):
    """Takes wishes from many threads and has them worked on in batches, event by event."""

    def __init__(
        self,
        work: Callable[[EventId, Sequence[W]], Iterable[A]],
        *,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take what yields the answers to a batch, in order, each once it is final; and the bounds.

        Those are wishes a batch, wishes in a queue, and seconds to wait for a turn.
        """
        self._work_on = work
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._patience = patience
        self._queues: dict[EventId, _Queue[W, A]] = {}
        self._guard = Lock()

    def submit(self, event_id: EventId, wish: W) -> A:
        """Have one wish worked on, and return its answer once it is final.

        Raises:
            EventlyError: whatever the work on its batch raised.
            Overloaded: too many wait, or the turn did not come in time; nothing was changed.
            Unavailable: whether it was done is not known.
        """
        ticket: _Ticket[W, A] = _Ticket(wish)
        queue = self._enqueue(event_id, ticket)
        if ticket.turn is not _Turn.LEADS:
            self._wait(queue, ticket)
        if ticket.turn is _Turn.LEADS:
            self._lead(event_id, queue, ticket)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.answer is not None
        return ticket.answer

    @property
    def events_in_work(self) -> int:
        """How many events have a batch under way; idle ones are forgotten."""
        return len(self._queues)

    def waiting_for(self, event_id: EventId) -> int:
        """Return how many wishes wait for an event."""
        queue = self._queues.get(event_id)
        return len(queue.waiting) if queue else 0

    def _enqueue(self, event_id: EventId, ticket: _Ticket[W, A]) -> _Queue[W, A]:
        with self._guard:
            queue = self._queues.get(event_id)
            if queue is None:
                queue = self._queues[event_id] = _Queue()
                ticket.turn = _Turn.LEADS
            elif len(queue.waiting) >= self._queue_max:
                raise Overloaded(
                    "Too many requests wait for this event. Try again in a moment.", retry_after=1
                )
            else:
                queue.waiting.append(ticket)
            return queue

    def _wait(self, queue: _Queue[W, A], ticket: _Ticket[W, A]) -> None:
        """Wait until somebody has answered the ticket, or handed it the lead."""
        if ticket.gate.acquire(timeout=self._patience):
            return
        with self._guard:
            if ticket.turn is _Turn.WAITS:
                queue.waiting.remove(ticket)
                raise Overloaded("The turn of this request did not come in time. Try again.", retry_after=1)
        if not ticket.gate.acquire(timeout=TRANSACTION_SECONDS):
            raise Unavailable("Whether this was done is not known. Ask again with the same idempotency key.")

    def _lead(self, event_id: EventId, queue: _Queue[W, A], ticket: _Ticket[W, A]) -> None:
        """Work for one's own batch, and hand the lead on, whatever happens."""
        batch: list[_Ticket[W, A]] = [ticket]
        try:
            self._take_along(queue, batch)
            self._work(event_id, batch)
        finally:
            self._hand_on(event_id, queue)
            _release(batch, but=ticket)

    def _take_along(self, queue: _Queue[W, A], batch: list[_Ticket[W, A]]) -> None:
        with self._guard:
            while queue.waiting and len(batch) < self._batch_max:
                batch.append(queue.waiting.popleft())
            for ticket in batch:
                ticket.turn = _Turn.UNDER_WAY

    def _work(self, event_id: EventId, batch: Sequence[_Ticket[W, A]]) -> None:
        """Have a batch worked on; each ticket gets its answer, or the error that stopped the transaction."""
        left = deque(batch)
        try:
            for answer in self._work_on(event_id, [ticket.wish for ticket in batch]):
                left.popleft().answer = answer
        except EventlyError as error:
            _fail(left, error)
        except Exception as error:  # noqa: BLE001  # a fault of ours; its askers hear of it, the others do not
            self._work_one_by_one(event_id, left, error)

    def _work_one_by_one(self, event_id: EventId, left: deque[_Ticket[W, A]], error: Exception) -> None:
        """Keep a wish that brings the rules down from taking its neighbours along."""
        if len(left) == 1:
            left[0].error = error
            return
        for ticket in left:
            self._work(event_id, [ticket])

    def _hand_on(self, event_id: EventId, queue: _Queue[W, A]) -> None:
        with self._guard:
            if not queue.waiting:
                del self._queues[event_id]
                return
            successor = queue.waiting.popleft()
            successor.turn = _Turn.LEADS
        successor.gate.release()


def _fail(tickets: Iterable[_Ticket[Any, Any]], error: EventlyError) -> None:
    for ticket in tickets:
        ticket.error = error


def _release(batch: Iterable[_Ticket[Any, Any]], *, but: _Ticket[Any, Any]) -> None:
    """Let everybody go; who has no answer, because the leader died on the way, is told so."""
    for ticket in batch:
        if ticket.answer is None and ticket.error is None:
            ticket.error = Unavailable(
                "Whether this was done is not known. Ask again with the same idempotency key."
            )
        ticket.turn = _Turn.DONE
        if ticket is not but:
            ticket.gate.release()
