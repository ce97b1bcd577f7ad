"""Load, decide, record: how every command about an event is carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from evently_core.admission import GRANTS_MAX
from evently_core.commands import Book, Command, JoinWaitlist
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.errors import AlreadySettled, Conflict, NotFound, StaleLock
from evently_core.intake import Intake, QueuedRequest
from evently_core.inventory import Inventory, LoadMore, needs_of
from evently_core.outcomes import Admitted, EventSettled, Outcome, Refused, Rejected
from evently_core.ports import Clock, EventLock, Ids
from evently_core.storage import EventTransaction, Records, Storage
from evently_core.values import EventId

TRIES_MAX = 5
"""How often a batch that lost a race is decided anew."""


class CommandPort(Protocol):
    """Where commands are handed in."""

    def submit(self, event_id: EventId, command: Command) -> Outcome:
        """Have one command decided, and return its answer once it is recorded.

        Raises:
            NotFound: there is no such event.
            Unavailable: the store is gone, or too much is asked at once.
        """


class Decisions:
    """Decides batches of commands, one transaction each, and records what was decided."""

    def __init__(
        self,
        storage: Storage,
        records: Records,
        clock: Clock,
        ids: Ids,
        *,
        grants_max: int = GRANTS_MAX,
        lock: EventLock | None = None,
        intake: Intake | None = None,
    ) -> None:
        """Take the ports; ``grants_max`` bounds how many waiting entries one transaction serves.

        ``lock`` is held around each transaction, as a courtesy; None: nobody waits but in the store. With an
        ``intake``, requests for seats are `Deferred` while others wait in it for the same event.
        """
        self._storage = storage
        self._records = records
        self._clock = clock
        self._ids = ids
        self._intake = intake
        self._grants_max = grants_max
        self._lock = lock

    def submit(self, event_id: EventId, command: Command) -> Outcome:
        """Have one command decided: a batch of one."""
        [outcome] = self.decide_many(event_id, [command])
        return outcome

    def decide_many(self, event_id: EventId, commands: Sequence[Command]) -> list[Outcome]:
        """Have commands decided in order, each as if it were alone, in as few transactions as it takes."""
        return list(self.decide_in_turn(event_id, commands))

    def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        """Yield the answers of `decide_many` one by one, each once it is recorded and final.

        Where seats came free for more waiting entries than one transaction serves, the following ones go on
        before anybody else is answered, and the command that freed them is answered with all of them.
        """
        answered = 0
        while True:
            decision = self._transact(event_id, commands[answered:])
            answered += len(decision.outcomes)
            outcomes = list(decision.outcomes)
            unfinished = outcomes.pop() if outcomes and not decision.settled else None
            yield from outcomes
            while not decision.settled:
                decision = self._transact(event_id, [])
                if isinstance(unfinished, EventSettled):
                    unfinished = unfinished.and_then(decision.opening)
            if unfinished is not None:
                yield unfinished
            if answered == len(commands):
                return

    def settle_in_turn(self, event_id: EventId, requests: Sequence[QueuedRequest]) -> None:
        """Decide queued requests in order, and settle each in the transaction that records its decision.

        Raises:
            AlreadySettled: somebody was faster with some of them; what went before is done.
            Exception: whatever is wrong with a request.
        """
        commands = [request.command() for request in requests]
        decided = 0
        while decided < len(requests):
            decision = self._transact(event_id, commands[decided:], requests[decided:])
            decided += len(decision.outcomes)
            while not decision.settled:
                decision = self._transact(event_id, [])

    def _transact(
        self, event_id: EventId, commands: Sequence[Command], queued: Sequence[QueuedRequest] = ()
    ) -> Decision:
        """Decide and record commands; ``queued`` are the requests they come from, where they were queued."""
        lock = self._lock
        for _ in range(TRIES_MAX - 1):
            try:
                return self._holding(lock, event_id, commands, queued)
            except AlreadySettled:
                raise  # deciding again would not help
            except StaleLock as stale:
                assert lock is not None, "only who came with a token is refused for it"
                lock.rise_above(event_id, stale.newest)
                lock = None  # a courtesy that failed once is not worth a second wait
            except Conflict:
                continue  # somebody was faster; what they wrote is part of the next snapshot
        return self._holding(lock, event_id, commands, queued)

    def _holding(
        self,
        lock: EventLock | None,
        event_id: EventId,
        commands: Sequence[Command],
        queued: Sequence[QueuedRequest],
    ) -> Decision:
        with nullcontext() if lock is None else lock.hold(event_id) as fence:
            return self._load_decide_record(event_id, commands, queued, fence)

    def _load_decide_record(
        self,
        event_id: EventId,
        commands: Sequence[Command],
        queued: Sequence[QueuedRequest],
        fence: int | None,
    ) -> Decision:
        unseen = 0 if queued else self._unseen(event_id, commands)
        now = self._clock.now()
        with self._storage.transaction(event_id, now, fence) as transaction:
            needs = needs_of(commands)
            while isinstance(
                decision := decide(
                    self._in_order(transaction.inventory(needs), queued, unseen),
                    commands,
                    now,
                    self._fresh_ids(),
                    grants_max=self._grants_max,
                ),
                LoadMore,
            ):
                needs = needs.and_also(decision)
            self._record(transaction, decision, queued, now)
            return decision

    def _unseen(self, event_id: EventId, commands: Sequence[Command]) -> int:
        """Return how many were accepted before these commands of whom the store does not know."""
        if self._intake is None or not any(isinstance(command, Book | JoinWaitlist) for command in commands):
            return 0
        return self._intake.unseen(event_id)

    def _in_order(self, inventory: Inventory, queued: Sequence[QueuedRequest], unseen: int) -> Inventory:
        """Return the inventory with the number of those who come before the commands at hand."""
        if queued or self._intake is None:
            ahead = 0  # it is their turn; or nobody decides what is queued
        else:
            ahead = inventory.queued + unseen
        return inventory if ahead == inventory.queued else attrs.evolve(inventory, queued=ahead)

    @staticmethod
    def _record(
        transaction: EventTransaction, decision: Decision, queued: Sequence[QueuedRequest], now: datetime
    ) -> None:
        settlements = [
            request.settled(_final(outcome), now)
            for request, outcome in zip(queued, decision.outcomes, strict=False)  # the rest goes on next time
        ]
        if decision.changes_anything:
            transaction.record(decision)
        if settlements:
            transaction.settle(settlements)
        if decision.changes_anything or settlements:
            transaction.commit()

    def plan(self, event_id: EventId, command: Command) -> Outcome:
        """Decide a command without recording anything: what would be answered, and who would get in."""
        return self.foresee(event_id, command).outcomes[0]

    def foresee(self, event_id: EventId, command: Command) -> Decision:
        """Return the whole decision about a command, of which nothing is recorded.

        Raises:
            NotFound: there is no such event.
        """
        return self.foresee_many(event_id, [command])

    def foresee_many(self, event_id: EventId, commands: Sequence[Command]) -> Decision:
        """Return the whole decision about commands, one after another, of which nothing is recorded.

        Raises:
            NotFound: there is no such event.
        """
        now = self._clock.now()
        needs = needs_of(commands)
        while True:
            inventory = self._records.snapshots([event_id], now, needs).get(event_id)
            if inventory is None:
                raise NotFound("event")
            decision = decide(inventory, commands, now, self._fresh_ids(), grants_max=None)
            if not isinstance(decision, LoadMore):
                return decision
            needs = needs.and_also(decision)

    def _fresh_ids(self) -> Iterator[UUID]:
        while True:
            yield self._ids.new()


def _final(outcome: Outcome) -> Admitted | Refused | Rejected:
    assert isinstance(outcome, Admitted | Refused | Rejected), outcome
    return outcome
