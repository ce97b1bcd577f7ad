"""The watch: many threads wait for answers that other processes give, and one looks for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock, Thread

import attrs

from evently_core.errors import Unavailable
from evently_core.intake import Settlement
from evently_core.values import RequestId

WAITERS_MAX = 8
PAUSE_SECONDS = 0.02
"""How long it takes at most until an answer is noticed, besides the look itself."""


@attrs.define(eq=False)
class _Waiter:
    """Somebody who waits for one request."""

    settlement: Settlement | None = None
    noticed: Event = attrs.field(factory=Event)


class Watch:
    """Waits for queued requests to be settled. Nobody looks while nobody waits."""

    def __init__(
        self,
        look: Callable[[Sequence[RequestId]], Mapping[RequestId, Settlement]],
        *,
        waiters_max: int = WAITERS_MAX,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        """Take what returns those of some requests that are settled, and how many threads may wait at a time."""
        self._look = look
        self._waiters_max = waiters_max
        self._pause = pause
        self._waiters: dict[RequestId, list[_Waiter]] = {}
        self._count = 0
        self._is_watched = False
        self._guard = Lock()

    def wait(self, request_id: RequestId, seconds: float) -> Settlement | None:
        """Return what came of a request as soon as it is settled.

        Returns:
            None if it is not settled in time, or at once if as many as may wait do so already.
        """
        waiter = _Waiter()
        with self._guard:
            if self._count >= self._waiters_max:
                return None
            self._count += 1
            self._waiters.setdefault(request_id, []).append(waiter)
            if not self._is_watched:
                self._is_watched = True
                Thread(target=self._watch, name="watch", daemon=True).start()
        waiter.noticed.wait(seconds)
        with self._guard:
            self._count -= 1
            waiting = self._waiters.get(request_id)
            if waiting is not None and waiter in waiting:
                waiting.remove(waiter)
                if not waiting:
                    del self._waiters[request_id]
        return waiter.settlement

    def _watch(self) -> None:
        """Look again and again, until nobody waits any more."""
        try:
            while True:
                with self._guard:
                    if not self._waiters:
                        self._is_watched = False
                        return
                    wanted = list(self._waiters)
                self._tell(self._looked(wanted))
                time.sleep(self._pause)
        except BaseException:
            with self._guard:
                self._is_watched = False  # the next one who waits has another thread look
            raise

    def _looked(self, wanted: Sequence[RequestId]) -> Mapping[RequestId, Settlement]:
        try:
            return self._look(wanted)
        except Unavailable:
            return {}  # it may be back at the next look; each waiter has an end of its own

    def _tell(self, settled: Mapping[RequestId, Settlement]) -> None:
        with self._guard:
            for request_id, settlement in settled.items():
                for waiter in self._waiters.pop(request_id, ()):
                    waiter.settlement = settlement
                    waiter.noticed.set()
