"""What organisers may know of their own events, and admins of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate

import attrs

from evently_core.analytics import (
    DayFigures,
    EventTotals,
    Interval,
    Ranking,
    Reports,
    Span,
    Totals,
)
from evently_core.errors import Forbidden, NotFound
from evently_core.figures import Figures, median_wait, summed, total_of
from evently_core.paging import Page, PageRequest
from evently_core.ports import Clock
from evently_core.services.events import EventService
from evently_core.values import Actor, EventId, Role, UserId

_AHEAD_OF_UTC = timedelta(hours=14)
"""How far the earliest zone is ahead: somewhere it is tomorrow already."""


@attrs.frozen
class Period:
    """A day or a month, named by its first day, and what it added, by currency."""

    begins: date
    figures: Mapping[str, Figures]

    @property
    def total(self) -> Figures:
        """All currencies together: of everything but the revenue."""
        return total_of(self.figures.values())


@attrs.frozen
class Course:
    """How an event stood at the end of a day."""

    day: date
    sold: int
    held: int
    waiting: int
    """Seats that were waited for."""
    revenue: int
    """In minor units of the event's currency."""


@attrs.frozen
class EventInDepth:
    """All there is to know of one event."""

    totals: EventTotals
    median_wait: timedelta | None
    course: Sequence[Course]
    """By day; days on which nothing happened are left out."""


class AnalyticsService:
    """The use cases around figures."""

    def __init__(self, reports: Reports, events: EventService, clock: Clock) -> None:
        """Take the ports."""
        self._reports = reports
        self._events = events
        self._clock = clock

    def overview(self, actor: Actor) -> Totals:
        """Return what all events come to.

        Raises:
            Forbidden: the actor is no organiser.
        """
        return self._reports.totals(_whose(actor))

    def revenue(
        self,
        actor: Actor,
        since: date | None = None,
        until: date | None = None,
        interval: Interval = Interval.DAY,
    ) -> tuple[Span, tuple[Period, ...]]:
        """Return what each day or month added, also those that added nothing, and the span it is about.

        Raises:
            Forbidden: the actor is no organiser.
            InvalidValue: the span ends before it begins, or is too long.
        """
        span = self.span(since, until, interval)
        return span, _periods(
            self._reports.days(span.since, span.until, organiser_id=_whose(actor)), span, interval
        )

    def ranked(self, actor: Actor, ranking: Ranking, page: PageRequest) -> Page[EventTotals]:
        """List events that are or were on sale by a figure, the greatest first.

        Raises:
            Forbidden: the actor is no organiser.
        """
        return self._reports.ranked(_whose(actor), ranking, page)

    def event(self, actor: Actor, event_id: EventId) -> EventInDepth:
        """Return all there is to know of one event.

        Raises:
            NotFound: there is no such event, or the actor may not know of it.
            Forbidden: it is somebody else's.
        """
        self._events.organised(actor, event_id)
        totals = self._reports.event_totals(event_id)
        if totals is None:
            raise NotFound("event")
        days = self._reports.days(date.min, date.max, event_id=event_id)
        wait = median_wait(self._reports.waits(event_id))
        return EventInDepth(totals, wait, _course(days, totals.event.currency))

    def active_users(self, actor: Actor, span: Span) -> Mapping[date, int]:
        """Return how many users did something about one's events on each day of a span.

        Raises:
            Forbidden: the actor is no organiser.
        """
        found = self._reports.active_users(span.since, span.until, _whose(actor))
        return {day: found.get(day, 0) for day in span.days()}

    def span(
        self, since: date | None = None, until: date | None = None, interval: Interval = Interval.DAY
    ) -> Span:
        """Return the span that is asked for; it ends with the latest day that has begun anywhere.

        Raises:
            InvalidValue: it ends before it begins, or is too long.
        """
        return Span.of(since, until, interval, (self._clock.now() + _AHEAD_OF_UTC).date())


def _whose(actor: Actor) -> UserId | None:
    """Return whose events the actor may know of; None is everybody's."""
    if actor.is_admin:
        return None
    if actor.role is not Role.ORGANISER:
        raise Forbidden("Figures are for organisers.")
    return actor.user_id


def _periods(days: Sequence[DayFigures], span: Span, interval: Interval) -> tuple[Period, ...]:
    def beginning(day: date) -> date:
        return day if interval is Interval.DAY else day.replace(day=1)

    found: dict[date, dict[str, Figures]] = {beginning(day): {} for day in span.days()}
    added = summed(((beginning(each.day), each.currency), each.figures) for each in days)
    for (begins, currency), figures in added.items():
        found[begins][currency] = figures
    return tuple(Period(begins, figures) for begins, figures in found.items())


def _course(days: Sequence[DayFigures], currency: str) -> tuple[Course, ...]:
    by_day: dict[date, list[DayFigures]] = {}
    for each in days:
        by_day.setdefault(each.day, []).append(each)
    steps = [
        Course(
            day,
            total.sold,
            total.held,
            total.waiting,
            sum(each.figures.revenue for each in there if each.currency == currency),
        )
        for day, there in sorted(by_day.items())
        for total in [total_of(each.figures for each in there)]
    ]
    return tuple(
        accumulate(
            steps,
            lambda before, step: Course(
                step.day,
                before.sold + step.sold,
                before.held + step.held,
                before.waiting + step.waiting,
                before.revenue + step.revenue,
            ),
        )
    )
