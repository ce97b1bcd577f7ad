"""Counters of one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

import attrs

from evently_core.counting import Counted, Counters

NAMES_MAX = 100_000
"""Who counts more names than these forgets those whose windows opened first."""
_TIDY_AT_LEAST = 1_000


@attrs.define
class _Window:
    closes_at: float
    count: int = 0


class MemoryCounters:
    """Counts in the memory of this process. Threads may share it."""

    def __init__(self, *, names_max: int = NAMES_MAX, seconds: Callable[[], float] = time.monotonic) -> None:
        """Keep at most so many names; ``seconds`` counts them from anywhere."""
        self._names_max = names_max
        self._seconds = seconds
        self._windows: dict[str, _Window] = {}
        self._tidy_at = min(_TIDY_AT_LEAST, names_max)
        self._lock = Lock()

    def count(self, name: str, seconds: int) -> Counted:
        """Count once more."""
        now = self._seconds()
        with self._lock:
            window = self._windows.get(name)
            if window is None or window.closes_at <= now:
                window = self._opened(name, now, now + seconds)
            window.count += 1
            return Counted(window.count, window.closes_at - now)

    def _opened(self, name: str, now: float, closes_at: float) -> _Window:
        if len(self._windows) >= self._tidy_at:
            self._tidy(now)
        self._windows.pop(name, None)  # a window that opens stands behind all the others
        window = self._windows[name] = _Window(closes_at)
        return window

    def _tidy(self, now: float) -> None:
        """Forget what is closed, each time the number has doubled: so a count costs the same however many there are."""
        kept = [(name, window) for name, window in self._windows.items() if window.closes_at > now]
        self._windows = dict(kept[-self._names_max + 1 :])
        self._tidy_at = min(max(_TIDY_AT_LEAST, 2 * len(self._windows)), self._names_max)


_: type[Counters] = MemoryCounters
