"""Being there: what a process tells the others of itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from threading import Lock

import attrs

from evently_core.errors import Unavailable
from evently_core.instances import Instance
from evently_core.ports import Clock, Instances


class Presence:
    """This process among those that are live."""

    def __init__(self, instances: Instances, own: Instance, clock: Clock) -> None:
        """Take where it is told, and who this is."""
        self._instances = instances
        self._own = own
        self._clock = clock
        self._numbers = count(own.requests + 1)
        self._requests = own.requests
        self._lock = Lock()
        self._left = False

    def answered(self) -> None:
        """Take note that this process has answered a request. Threads need not wait for each other."""
        self._requests = next(self._numbers)

    def beat(self) -> None:
        """Tell that this process lives; to be called once every ``BEAT_EVERY``.

        Where it cannot be told now it is told with the next beat.
        """
        with self._lock:
            if not self._left:
                try:
                    self._instances.beat(self._as_of_now())
                except Unavailable:
                    return  # who asks meanwhile is told of this one alone

    def leave(self) -> None:
        """Tell that this process ends. One that cannot tell vanishes by itself."""
        with self._lock:
            self._left = True
            try:
                self._instances.leave(self._own.name)
            except Unavailable:
                return

    def live(self) -> Sequence[Instance]:
        """Return all that live, by name, this one always; while they cannot be asked for, this one alone."""
        own = self._as_of_now()
        try:
            others = [each for each in self._instances.live() if each.name != own.name]
        except Unavailable:
            others = []
        return sorted([own, *others], key=lambda each: each.name)

    def _as_of_now(self) -> Instance:
        return attrs.evolve(self._own, last_beat_at=self._clock.now(), requests=self._requests)
