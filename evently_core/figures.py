"""Figures that are kept as things happen: what a change of a booking or an entry adds to the day it happens on.

Every figure is a sum, so that days add up to months and events to a whole, and what a batch adds does not depend
on how it was cut. A day is one of the event's own zone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import attrs

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.waitlist import EntryStatus, WaitlistEntry

K = TypeVar("K")

_HELD, _CONFIRMED, _CANCELLED = BookingStatus.HELD, BookingStatus.CONFIRMED, BookingStatus.CANCELLED


@attrs.define(kw_only=True)
class Figures:
    """What is added up, of one currency. Some are amounts that happened, others differences to what was before."""

    confirmed: int = 0
    """Bookings that were confirmed, at once or after a hold."""
    cancelled: int = 0
    """Confirmed bookings that were cancelled."""
    sold: int = 0
    """Seats that were confirmed, less those of them that were given back."""
    revenue: int = 0
    """What these seats cost, in minor units: it counts at confirmation, what is given back is negative."""
    held: int = 0
    """Seats that are held, more (or fewer) than before."""
    waiting: int = 0
    """Seats that are waited for, more (or fewer) than before."""
    freed: int = 0
    """Seats that were given back or lapsed."""
    refilled: int = 0
    """Seats that went to somebody who waited."""
    offers: int = 0
    """Offers that were made."""
    accepted: int = 0
    """Offers that were accepted."""
    declined: int = 0
    """Offers that were declined, lapsed or ended with the event."""
    joined: int = 0
    """Entries that joined a line."""
    served: int = 0
    """Entries that got all their seats."""

    def plus(self, more: Figures) -> Figures:
        """Return both together."""
        return Figures(**{name: getattr(self, name) + getattr(more, name) for name in FIGURES})


FIGURES = tuple(field.name for field in attrs.fields(Figures))
NOTHING = Figures()


def summed(figures: Iterable[tuple[K, Figures]]) -> dict[K, Figures]:
    """Return what those of each key come to together."""
    found: dict[K, Figures] = {}
    for key, each in figures:
        found[key] = found.get(key, NOTHING).plus(each)
    return found


def total_of(figures: Iterable[Figures]) -> Figures:
    """Return all of these together."""
    total = Figures()
    for each in figures:
        total = total.plus(each)
    return total


class Count:
    """What a decision adds to the figures, counted change by change."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.by_currency: dict[str, Figures] = {}
        self.waits: Counter[int] = Counter()
        """How many entries were served after a wait of each length; see `wait_of`."""

    def _of(self, currency: str) -> Figures:
        figures = self.by_currency.get(currency)
        if figures is None:
            figures = self.by_currency[currency] = Figures()
        return figures

    def booking(self, before: Booking | None, after: Booking) -> None:
        """Count what a booking became."""
        if before is None and after.status is _CONFIRMED and after.origin is Origin.DIRECT:
            # What most are; in a rush there is nothing else, and each microsecond counts.
            figures = self._of(after.unit_price.currency)
            figures.confirmed += 1
            figures.sold += after.quantity
            figures.revenue += after.quantity * after.unit_price.amount
            return
        was, now = before.status if before else None, after.status
        had = before.quantity if before else 0
        has = after.quantity
        sold = (has if now is _CONFIRMED else 0) - (had if was is _CONFIRMED else 0)
        held = (has if now is _HELD else 0) - (had if was is _HELD else 0)
        figures = self._of(after.unit_price.currency)
        figures.sold += sold
        figures.held += held
        figures.revenue += sold * after.unit_price.amount
        figures.freed += max(0, -(sold + held))
        if now is not was:
            figures.confirmed += now is _CONFIRMED
            figures.cancelled += was is _CONFIRMED and now is _CANCELLED
        if after.origin is Origin.WAITLIST:
            if was is None:
                figures.refilled += has
                figures.offers += now is _HELD
            elif was is _HELD and now is not _HELD:
                figures.accepted += now is _CONFIRMED
                figures.declined += now is not _CONFIRMED

    def entry(self, before: WaitlistEntry | None, after: WaitlistEntry) -> None:
        """Count what an entry became."""
        figures = self._of(after.unit_price.currency)
        figures.waiting += (after.missing if after.is_waiting else 0) - (
            before.missing if before and before.is_waiting else 0
        )
        figures.joined += before is None
        if after.status is EntryStatus.SERVED and (before is None or before.status is not after.status):
            assert after.ended_at is not None, "who is served waits no more"
            figures.served += 1
            self.waits[wait_of(after.ended_at - after.joined_at)] += 1

    def changed(self) -> Mapping[str, Figures]:
        """Return what was added, by currency, without what came to nothing."""
        return {currency: each for currency, each in self.by_currency.items() if each != NOTHING}


def local_day(moment: datetime, zone: str) -> date:
    """Return the day that an instant is on in a zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


# -- lengths of time, in logarithmic steps ----------------------------------------------------------------------

_STEPS_PER_DOUBLING = 8
_DOUBLINGS = 27  # of a second: more than four years

WAIT_BOUNDS = tuple(
    sorted({round(2 ** (step / _STEPS_PER_DOUBLING)) for step in range(_DOUBLINGS * _STEPS_PER_DOUBLING + 1)})
)
"""The shortest time of each step but the first, in seconds: a step is some nine per cent wide."""


def wait_of(length: timedelta) -> int:
    """Return the number of the step that a length of time falls into."""
    return bisect_right(WAIT_BOUNDS, length // timedelta(seconds=1))


def median_wait(waits: Mapping[int, int]) -> timedelta | None:
    """Return the median of lengths of time, of which is known how many there are in each step; None of none.

    It is at most five per cent off.
    """
    total = sum(waits.values())
    if not total:
        return None
    behind = 0
    for step in sorted(waits):
        behind += waits[step]
        if behind * 2 >= total:
            return _middle_of(step)
    raise AssertionError("half of them are within all of them")


def _middle_of(step: int) -> timedelta:
    if step == 0:
        return timedelta(0)
    least = WAIT_BOUNDS[step - 1]
    most = WAIT_BOUNDS[step] if step < len(WAIT_BOUNDS) else least
    return timedelta(seconds=least if most - least <= 1 else (least + most) // 2)
