"""The live instances of one process: itself, and whoever shares the object."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from evently_core.instances import LIVE_FOR, Instance
from evently_core.ports import Instances


class MemoryInstances:
    """Instances that beat in this process. Threads may share it."""

    def __init__(self, live_for: timedelta = LIVE_FOR) -> None:
        """Say how long after its last beat an instance is believed to live."""
        self._live_for = live_for.total_seconds()
        self._lock = Lock()
        self._beats: dict[str, tuple[float, Instance]] = {}

    def beat(self, instance: Instance) -> None:
        """Say that an instance lives, and how it is."""
        with self._lock:
            self._beats[instance.name] = (time.monotonic(), instance)

    def leave(self, name: str) -> None:
        """Say that an instance ends."""
        with self._lock:
            self._beats.pop(name, None)

    def live(self) -> Sequence[Instance]:
        """Return the instances that beat lately, by name."""
        since = time.monotonic() - self._live_for
        with self._lock:
            self._beats = {name: beat for name, beat in self._beats.items() if beat[0] > since}
            return [self._beats[name][1] for name in sorted(self._beats)]


_: type[Instances] = MemoryInstances
