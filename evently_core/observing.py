"""Somebody who watches how commands travel, to count and time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from evently_core.ports import EventLock
from evently_core.values import EventId


class Observer(Protocol):
    """Counts and times what goes on around decisions. It must be quick: whoever is told waits for it."""

    def batch(self, size: int, seconds: float) -> None:
        """Take note of a batch: how many commands were decided together, and how long that took."""

    def waited(self, seconds: float) -> None:
        """Take note of a command that met others of its event, and waited for them."""

    def locked(self, seconds: float) -> None:
        """Take note of a wait for the lock of an event."""


class ObservedLock:
    """A lock of events; an observer is told how long was waited for it."""

    def __init__(self, lock: EventLock, observer: Observer) -> None:
        """Watch a lock."""
        self._lock = lock
        self._observer = observer

    @contextmanager
    def hold(self, event_id: EventId) -> Iterator[int | None]:
        """Hold the lock, as the port says."""
        started = time.perf_counter()
        with self._lock.hold(event_id) as token:
            self._observer.locked(time.perf_counter() - started)
            yield token

    def rise_above(self, event_id: EventId, token: int) -> None:
        """Let tokens rise, as the port says."""
        self._lock.rise_above(event_id, token)


_: type[EventLock] = ObservedLock
