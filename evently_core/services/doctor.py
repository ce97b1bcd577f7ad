"""The doctor: holds what is counted against what there is, and mends what is counted (I2)."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from evently_core.commands import Sweep
from evently_core.errors import NotFound
from evently_core.ports import Clock
from evently_core.services.decisions import CommandPort
from evently_core.storage import Drift, Records, Storage
from evently_core.values import SYSTEM, EventId


@attrs.frozen
class Treated:
    """What a repair mended, and what is left that no counter can mend: somebody has to decide."""

    mended: tuple[Drift, ...] = ()
    left: tuple[Drift, ...] = ()


class DoctorService:
    """Examines events, and repairs them. What it costs grows with the bookings: it is for operators."""

    def __init__(self, storage: Storage, records: Records, desk: CommandPort, clock: Clock) -> None:
        """Take the ports."""
        self._storage = storage
        self._records = records
        self._desk = desk
        self._clock = clock

    def examine(self, event_id: EventId | None = None) -> Sequence[Drift]:
        """Return what does not add up, of one event or of all."""
        return self._records.drifts(event_id)

    def repair(self, event_id: EventId | None = None) -> Treated:
        """Mend what does not add up, of one event or of all, with a record in the journal of each.

        Seats that turn out to be free go to who waits for them.
        """
        ill = dict.fromkeys(drift.event_id for drift in self._records.drifts(event_id))
        treated = Treated()
        for each in ill:
            after = self._repaired(each)
            treated = Treated(treated.mended + after.mended, treated.left + after.left)
        return treated

    def _repaired(self, event_id: EventId) -> Treated:
        try:
            mended = self._storage.repair(event_id, self._clock.now())
            if mended:
                self._desk.submit(event_id, Sweep(actor=SYSTEM))
        except NotFound:
            mended = ()  # it was deleted meanwhile, or is what nothing belongs to any more
        return Treated(tuple(mended), tuple(self._records.drifts(event_id)))
