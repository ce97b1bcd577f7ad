"""Load, decide, record: how every command about an event is carried out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Protocol
from uuid import UUID

from evently_core.admission import GRANTS_MAX
from evently_core.commands import Command
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.errors import Conflict, NotFound, StaleLock
from evently_core.inventory import LoadMore, needs_of
from evently_core.outcomes import EventSettled, Outcome
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
    ) -> None:
        """Take the ports; ``grants_max`` bounds how many waiting entries one transaction serves.

        ``lock`` is held around each transaction, as a courtesy; None: nobody waits but in the store.
        """
        self._storage = storage
        self._records = records
        self._clock = clock
        self._ids = ids
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

    def _transact(self, event_id: EventId, commands: Sequence[Command]) -> Decision:
        lock = self._lock
        for _ in range(TRIES_MAX - 1):
            try:
                return self._holding(lock, event_id, commands)
            except StaleLock as stale:
                assert lock is not None, "only who came with a token is refused for it"
                lock.rise_above(event_id, stale.newest)
                lock = None  # a courtesy that failed once is not worth a second wait
            except Conflict:
                continue  # somebody was faster; what they wrote is part of the next snapshot
        return self._holding(lock, event_id, commands)

    def _holding(self, lock: EventLock | None, event_id: EventId, commands: Sequence[Command]) -> Decision:
        with nullcontext() if lock is None else lock.hold(event_id) as fence:
            return self._load_decide_record(event_id, commands, fence)

    def _load_decide_record(
        self, event_id: EventId, commands: Sequence[Command], fence: int | None
    ) -> Decision:
        now = self._clock.now()
        with self._storage.transaction(event_id, now, fence) as transaction:
            needs = needs_of(commands)
            while isinstance(
                decision := decide(
                    transaction.inventory(needs),
                    commands,
                    now,
                    self._fresh_ids(),
                    grants_max=self._grants_max,
                ),
                LoadMore,
            ):
                needs = needs.and_also(decision)
            if decision.changes_anything:
                self._record(transaction, decision)
            return decision

    @staticmethod
    def _record(transaction: EventTransaction, decision: Decision) -> None:
        transaction.record(decision)
        transaction.commit()

    def plan(self, event_id: EventId, command: Command) -> Outcome:
        """Decide a command without recording anything: what would be answered, and who would get in."""
        return self.foresee(event_id, command).outcomes[0]

    def foresee(self, event_id: EventId, command: Command) -> Decision:
        """Return the whole decision about a command, of which nothing is recorded.

        Raises:
            NotFound: there is no such event.
        """
        now = self._clock.now()
        needs = needs_of([command])
        while True:
            inventory = self._records.snapshots([event_id], now, needs).get(event_id)
            if inventory is None:
                raise NotFound("event")
            decision = decide(inventory, [command], now, self._fresh_ids(), grants_max=None)
            if not isinstance(decision, LoadMore):
                return decision
            needs = needs.and_also(decision)

    def _fresh_ids(self) -> Iterator[UUID]:
        while True:
            yield self._ids.new()
