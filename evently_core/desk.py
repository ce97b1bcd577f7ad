"""The desk: commands about one event that arrive together are decided together (see `combiner`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from evently_core.combiner import BATCH_MAX, PATIENCE_SECONDS, QUEUE_MAX, Combiner
from evently_core.commands import Command
from evently_core.observing import Observer
from evently_core.outcomes import Outcome
from evently_core.values import EventId

__all__ = ["BATCH_MAX", "DecidesInTurn", "Desk"]


class DecidesInTurn(Protocol):
    """Decides commands in order, in as few transactions as it takes."""

    def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        """Yield each command's answer, in order, once it is recorded."""


class Desk(Combiner[Command, Outcome]):
    """Takes commands from many threads and has them decided in batches, event by event."""

    def __init__(
        self,
        decisions: DecidesInTurn,
        *,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        patience: float = PATIENCE_SECONDS,
        observer: Observer | None = None,
    ) -> None:
        """Take what decides, and the bounds: commands a batch, commands in a queue, seconds to wait for a turn."""
        decide = decisions.decide_in_turn if observer is None else _observed(decisions, observer)
        super().__init__(decide, batch_max=batch_max, queue_max=queue_max, patience=patience)
        self._observer = observer

    def _wait(self, queue: Any, ticket: Any) -> None:
        if self._observer is None:
            super()._wait(queue, ticket)
            return
        started = time.perf_counter()
        try:
            super()._wait(queue, ticket)
        finally:
            self._observer.waited(time.perf_counter() - started)


def _observed(
    decisions: DecidesInTurn, observer: Observer
) -> Callable[[EventId, Sequence[Command]], Iterator[Outcome]]:
    def decide(event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        started = time.perf_counter()
        try:
            yield from decisions.decide_in_turn(event_id, commands)
        finally:
            observer.batch(len(commands), time.perf_counter() - started)

    return decide
