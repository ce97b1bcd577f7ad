"""The desk: commands about one event that arrive together are decided together (see `combiner`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from evently_core.combiner import BATCH_MAX, PATIENCE_SECONDS, QUEUE_MAX, Combiner
from evently_core.commands import Command
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
    ) -> None:
        """Take what decides, and the bounds: commands a batch, commands in a queue, seconds to wait for a turn."""
        super().__init__(
            decisions.decide_in_turn, batch_max=batch_max, queue_max=queue_max, patience=patience
        )
