"""What the clock asks for: seats of lapsed holds move on, lines open and close, though nobody asks."""

from __future__ import annotations

from datetime import datetime

from evently_core.commands import Sweep
from evently_core.errors import NotFound
from evently_core.ports import Clock
from evently_core.services.decisions import CommandPort
from evently_core.storage import Storage
from evently_core.values import SYSTEM


class SweepService:
    """Sweeps the events that are due. Any number of processes may do so at once."""

    def __init__(self, storage: Storage, desk: CommandPort, clock: Clock) -> None:
        """Take the ports."""
        self._storage = storage
        self._desk = desk
        self._clock = clock

    def sweep(self, limit: int = 100) -> int:
        """Sweep at most ``limit`` events that are due now; return how many there were."""
        due = self._storage.due_events(self._clock.now(), limit)
        for event_id in due:
            try:
                self._desk.submit(event_id, Sweep(actor=SYSTEM))
            except NotFound:
                continue  # it was deleted meanwhile
        return len(due)

    def next_due(self) -> datetime | None:
        """Return when there is something to sweep next; None if nothing is pending."""
        return self._storage.next_due()
