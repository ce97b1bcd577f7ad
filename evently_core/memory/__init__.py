"""In-memory adapters of every port: for tests, simulations and first steps."""

from __future__ import annotations

from evently_core.evently import Evently
from evently_core.memory.basics import RandomIds, SystemClock
from evently_core.memory.storage import MemoryStorage


def in_memory() -> Evently:
    """Return all use cases over a store that lives as long as the process."""
    return Evently.over(MemoryStorage(), SystemClock(), RandomIds())
