"""What organisers want to know of their events, in figures that cost the same however much was booked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

import attrs

from evently_core.errors import InvalidValue
from evently_core.event import Event, EventStatus
from evently_core.figures import Figures, total_of
from evently_core.paging import Page, PageRequest
from evently_core.values import EventId, UserId

ON_SALE_OR_OVER = (EventStatus.PUBLISHED, EventStatus.COMPLETED)
"""The events that are ranked, and whose seats are there to be sold."""

DAYS_MAX = 366
MONTHS_MAX = 120
"""The longest span that may be asked for."""


class Interval(StrEnum):
    """How finely revenue is told."""

    DAY = "day"
    MONTH = "month"


class Ranking(StrEnum):
    """By what events are ranked; the greatest comes first."""

    SEATS = "seats"
    REVENUE = "revenue"
    UTILISATION = "utilisation"
    CANCELLATION_RATE = "cancellation_rate"
    WAITLIST_CONVERSION = "waitlist_conversion"


@attrs.frozen
class Takings:
    """An amount in minor units of a currency: a sum, which may be negative and larger than any price."""

    amount: int
    currency: str


@attrs.frozen(kw_only=True)
class EventCount:
    """The events in one state: how many, and what is counted of all of them."""

    events: int = 0
    capacity: int = 0
    taken: int = 0
    waiting: int = 0
    """Entries that wait."""


@attrs.frozen
class Totals:
    """All that is added up of some events."""

    by_status: Mapping[EventStatus, EventCount]
    figures: Mapping[str, Figures]
    """By currency."""

    @property
    def total(self) -> Figures:
        """All currencies together: of everything but the revenue."""
        return total_of(self.figures.values())


@attrs.frozen
class EventTotals:
    """All that is added up of one event."""

    event: Event
    figures: Mapping[str, Figures]
    """By currency: one, unless prices changed it."""
    waiting: int
    """Entries that wait."""

    @property
    def total(self) -> Figures:
        """All currencies together: of everything but the revenue."""
        return total_of(self.figures.values())


@attrs.frozen
class DayFigures:
    """What a day added."""

    day: date
    currency: str
    figures: Figures


class Reports(Protocol):
    """What was added up while things happened. ``organiser_id`` None is every organiser's.

    What a reading costs depends on the number of events and days, and not on that of bookings.
    """

    def totals(self, organiser_id: UserId | None) -> Totals:
        """Return what is added up of all events of an organiser."""

    def days(
        self,
        since: date,
        until: date,
        *,
        organiser_id: UserId | None = None,
        event_id: EventId | None = None,
    ) -> Sequence[DayFigures]:
        """Return what each day added, both ends included, by day and currency; days of nothing are left out."""

    def ranked(self, organiser_id: UserId | None, ranking: Ranking, page: PageRequest) -> Page[EventTotals]:
        """List events that are or were on sale by a figure, the greatest first, then the latest made."""

    def event_totals(self, event_id: EventId) -> EventTotals | None:
        """Return what is added up of one event."""

    def waits(self, event_id: EventId) -> Mapping[int, int]:
        """Return how many entries of an event were served after a wait of each length (`figures.wait_of`)."""

    def active_users(self, since: date, until: date, organiser_id: UserId | None) -> Mapping[date, int]:
        """Return how many users did something about these events on each day."""


def ratio(part: int, whole: int) -> float | None:
    """Return a share from 0 to 1; None of nothing."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None


def utilisation(figures: Figures, capacity: int) -> float | None:
    """Return the share of the seats that is sold."""
    return ratio(figures.sold, capacity)


def cancellation_rate(figures: Figures) -> float | None:
    """Return the share of the confirmed bookings that was cancelled."""
    return ratio(figures.cancelled, figures.confirmed)


def waitlist_conversion(figures: Figures) -> float | None:
    """Return the share of those who joined a line that got all their seats."""
    return ratio(figures.served, figures.joined)


def refill_rate(figures: Figures) -> float | None:
    """Return the share of the freed seats that went to somebody who waited."""
    return ratio(figures.refilled, figures.freed)


def offer_acceptance(figures: Figures) -> float | None:
    """Return the share of the offers that were accepted, of those that are over."""
    return ratio(figures.accepted, figures.accepted + figures.declined)


def takings(figures: Mapping[str, Figures]) -> tuple[Takings, ...]:
    """Return the revenue of each currency in which there is any."""
    return tuple(
        Takings(figures[currency].revenue, currency)
        for currency in sorted(figures)
        if figures[currency].revenue
    )


@attrs.frozen
class Span:
    """Some days, both ends included."""

    since: date
    until: date

    def days(self) -> Iterable[date]:
        """Yield each day."""
        for number in range((self.until - self.since).days + 1):
            yield self.since + timedelta(days=number)

    @classmethod
    def of(cls, since: date | None, until: date | None, interval: Interval, today: date) -> Span:
        """Return the span that is asked for: by default the last thirty days, or twelve months.

        Raises:
            InvalidValue: it ends before it begins, or is too long.
        """
        until = until or today
        for field, day in (("from", since), ("to", until)):
            if day is not None and not 1970 <= day.year <= 9998:
                raise InvalidValue(field, "out_of_range", f"{field} is in the years 1970 to 9998.")
        if since is None:
            since = until - timedelta(days=29) if interval is Interval.DAY else _months_before(until, 11)
        if until < since:
            raise InvalidValue(
                "to", "ends_before_start", "to is not before from; name a later day, or leave it out."
            )
        if (until - since).days > (DAYS_MAX if interval is Interval.DAY else MONTHS_MAX * 31):
            most = f"{DAYS_MAX} days" if interval is Interval.DAY else f"{MONTHS_MAX} months"
            raise InvalidValue("from", "out_of_range", f"Ask for at most {most} at a time.")
        return cls(since, until)


def _months_before(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 - months
    return date(month // 12, month % 12 + 1, 1)
