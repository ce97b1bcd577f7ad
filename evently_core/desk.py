"""The desk: requests for one event that arrive together travel together.

One transaction after another is what bounds a popular event. While one is under way, the commands that arrive
for the same event queue up, and the next transaction takes all of them, in the order they came. The thread
whose command is the first of a batch works for everybody in it; then it hands the lead to the first that
still waits. A command that comes alone goes at once: there is no lingering, no timer and no thread of the
desk's own. Under load the batches form by themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from threading import Lock
from typing import Protocol

import attrs

from evently_core.commands import Command
from evently_core.errors import EventlyError, Overloaded, Unavailable
from evently_core.outcomes import Outcome
from evently_core.values import EventId

BATCH_MAX = 500
"""The most commands of one transaction."""

QUEUE_MAX = 10_000
"""The most commands that wait for one event; who comes then is told at once that it is too much."""

PATIENCE_SECONDS = 10.0
"""How long a command waits for its turn."""

TRANSACTION_SECONDS = 30.0
"""How long its asker waits for a transaction that is under way."""


class DecidesInTurn(Protocol):
    """Decides commands in order, in as few transactions as it takes."""

    def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        """Yield each command's answer, in order, once it is recorded."""


class _Turn(Enum):
    """Where a ticket is."""

    WAITS = auto()
    LEADS = auto()
    UNDER_WAY = auto()
    DONE = auto()


@attrs.define(eq=False)
class _Ticket:
    """A command in the queue, and later its answer. Its gate opens when its turn has come on."""

    command: Command
    turn: _Turn = _Turn.WAITS
    outcome: Outcome | None = None
    error: BaseException | None = None
    gate: Lock = attrs.field(factory=Lock)

    def __attrs_post_init__(self) -> None:
        self.gate.acquire()


@attrs.define(eq=False)
class _Queue:
    """Who waits for one event, while somebody leads a batch of it."""

    waiting: deque[_Ticket] = attrs.field(factory=deque)


class Desk:
    """Takes commands from many threads and has them decided in batches, event by event."""

    def __init__(
        self,
        decisions: DecidesInTurn,
        *,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take what decides, and the bounds: commands a batch, commands in a queue, seconds to wait for a turn."""
        self._decisions = decisions
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._patience = patience
        self._queues: dict[EventId, _Queue] = {}
        self._guard = Lock()

    def submit(self, event_id: EventId, command: Command) -> Outcome:
        """Have one command decided, and return its answer once it is recorded.

        Raises:
            NotFound: there is no such event.
            Overloaded: too many wait, or the turn did not come in time; nothing was changed.
            Unavailable: the store is gone, or whether the command was recorded is not known.
        """
        ticket = _Ticket(command)
        queue = self._enqueue(event_id, ticket)
        if ticket.turn is not _Turn.LEADS:
            self._wait(queue, ticket)
        if ticket.turn is _Turn.LEADS:
            self._lead(event_id, queue, ticket)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.outcome is not None
        return ticket.outcome

    @property
    def events_in_work(self) -> int:
        """How many events have a batch under way; idle ones are forgotten."""
        return len(self._queues)

    def waiting_for(self, event_id: EventId) -> int:
        """Return how many commands wait for an event."""
        queue = self._queues.get(event_id)
        return len(queue.waiting) if queue else 0

    def _enqueue(self, event_id: EventId, ticket: _Ticket) -> _Queue:
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

    def _wait(self, queue: _Queue, ticket: _Ticket) -> None:
        """Wait until somebody has answered the ticket, or handed it the lead."""
        if ticket.gate.acquire(timeout=self._patience):
            return
        with self._guard:
            if ticket.turn is _Turn.WAITS:
                queue.waiting.remove(ticket)
                raise Overloaded("The turn of this request did not come in time. Try again.", retry_after=1)
        if not ticket.gate.acquire(timeout=TRANSACTION_SECONDS):
            raise Unavailable("Whether this was done is not known. Ask again with the same idempotency key.")

    def _lead(self, event_id: EventId, queue: _Queue, ticket: _Ticket) -> None:
        """Work for one's own batch, and hand the lead on, whatever happens."""
        batch: list[_Ticket] = [ticket]
        try:
            self._take_along(queue, batch)
            self._work(event_id, batch)
        finally:
            self._hand_on(event_id, queue)
            _release(batch, but=ticket)

    def _take_along(self, queue: _Queue, batch: list[_Ticket]) -> None:
        with self._guard:
            while queue.waiting and len(batch) < self._batch_max:
                batch.append(queue.waiting.popleft())
            for ticket in batch:
                ticket.turn = _Turn.UNDER_WAY

    def _work(self, event_id: EventId, batch: Sequence[_Ticket]) -> None:
        """Have a batch decided; each ticket gets its answer, or the error that stopped the transaction."""
        left = deque(batch)
        try:
            for outcome in self._decisions.decide_in_turn(event_id, [ticket.command for ticket in batch]):
                left.popleft().outcome = outcome
        except EventlyError as error:
            _fail(left, error)
        except Exception as error:  # noqa: BLE001  # a fault of ours; its askers hear of it, the others do not
            self._work_one_by_one(event_id, left, error)

    def _work_one_by_one(self, event_id: EventId, left: deque[_Ticket], error: Exception) -> None:
        """Keep a command that brings the rules down from taking its neighbours along."""
        if len(left) == 1:
            left[0].error = error
            return
        for ticket in left:
            self._work(event_id, [ticket])

    def _hand_on(self, event_id: EventId, queue: _Queue) -> None:
        with self._guard:
            if not queue.waiting:
                del self._queues[event_id]
                return
            successor = queue.waiting.popleft()
            successor.turn = _Turn.LEADS
        successor.gate.release()


def _fail(tickets: Iterable[_Ticket], error: EventlyError) -> None:
    for ticket in tickets:
        ticket.error = error


def _release(batch: Iterable[_Ticket], *, but: _Ticket) -> None:
    """Let everybody go; who has no answer, because the leader died on the way, is told so."""
    for ticket in batch:
        if ticket.outcome is None and ticket.error is None:
            ticket.error = Unavailable(
                "Whether this was done is not known. Ask again with the same idempotency key."
            )
        ticket.turn = _Turn.DONE
        if ticket is not but:
            ticket.gate.release()
