"""Deciding the requests that wait in the intake, in the order accepted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from evently_core.combiner import BATCH_MAX
from evently_core.errors import AlreadySettled, Conflict, NotFound, Unavailable
from evently_core.intake import Intake, QueuedRequest, Settlement
from evently_core.outcomes import Failed, Refused, Rejected
from evently_core.ports import Clock
from evently_core.services.decisions import TRIES_MAX, Decisions
from evently_core.storage import Records, Storage
from evently_core.values import EventId


@attrs.frozen
class Drained:
    """What one turn at the intake came to."""

    requests: int
    failed: tuple[Settlement, ...] = ()
    """Those that could not be decided, for the log."""


class DrainService:
    """Drains the intake. Any number of threads and processes may do so at once."""

    def __init__(
        self, intake: Intake, decisions: Decisions, storage: Storage, records: Records, clock: Clock
    ) -> None:
        """Take the ports."""
        self._intake = intake
        self._decisions = decisions
        self._storage = storage
        self._records = records
        self._clock = clock

    def drain(self, limit: int = BATCH_MAX) -> Drained:
        """Decide at most ``limit`` of the requests that wait, and return how many there were.

        None where others are at work on all that wait.

        Raises:
            Unavailable: what is not settled by now waits on, in its order.
        """
        failed: list[Settlement] = []
        with self._intake.claim(limit) as requests:
            for event_id, theirs in _by_event(requests).items():
                failed += self._settle(event_id, theirs)
        return Drained(len(requests), tuple(failed))

    def _settle(self, event_id: EventId, requests: Sequence[QueuedRequest]) -> list[Settlement]:
        """Have requests of one event decided and settled; return those that failed."""
        in_doubt = any(request.redelivered for request in requests)
        for _ in range(TRIES_MAX):
            if in_doubt:
                requests = self._unsettled(requests)
            try:
                self._decisions.settle_in_turn(event_id, requests)
            except AlreadySettled:
                in_doubt = True  # somebody else was at it: a claim that was lost in the middle
            except NotFound as error:
                self._close(event_id, self._unsettled(requests), Rejected(error))
                return []
            except (Unavailable, Conflict):
                raise  # nobody's fault: they come again
            except Exception as error:  # noqa: BLE001  # a fault of ours must not hold up those behind it
                return self._settle_one_by_one(event_id, self._unsettled(requests), error)
            else:
                return []
        raise AlreadySettled

    def _settle_one_by_one(
        self, event_id: EventId, requests: Sequence[QueuedRequest], error: Exception
    ) -> list[Settlement]:
        if len(requests) == 1:
            return self._close(event_id, requests, Failed(f"{type(error).__name__}: {error}"))
        return [failed for request in requests for failed in self._settle(event_id, [request])]

    def _unsettled(self, requests: Sequence[QueuedRequest]) -> list[QueuedRequest]:
        settled = self._records.settlements([request.id for request in requests])
        return [request for request in requests if request.id not in settled]

    def _close(
        self, event_id: EventId, requests: Sequence[QueuedRequest], outcome: Refused | Rejected | Failed
    ) -> list[Settlement]:
        """Settle requests without a decision."""
        now = self._clock.now()
        settlements = [request.settled(outcome, now) for request in requests]
        self._storage.settle(event_id, settlements)
        return settlements


def _by_event(requests: Iterable[QueuedRequest]) -> dict[EventId, list[QueuedRequest]]:
    grouped: dict[EventId, list[QueuedRequest]] = {}
    for request in requests:
        grouped.setdefault(request.event_id, []).append(request)
    return grouped
