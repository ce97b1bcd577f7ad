"""Figures in memory: the plain definition of what a report says. Everything is added up when it is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import attrs

from evently_core.analytics import (
    ON_SALE_OR_OVER,
    DayFigures,
    EventCount,
    EventTotals,
    Ranking,
    Reports,
    Totals,
)
from evently_core.event import Event, EventStatus
from evently_core.figures import Figures, local_day, summed
from evently_core.paging import Page, PageRequest, page_of
from evently_core.storage import JournalLine
from evently_core.values import EventId, UserId

PARTS = 1_000_000
"""Shares are compared in whole millionths."""


@attrs.frozen(kw_only=True)
class Told:
    """What there is to be told of an event."""

    event: Event
    taken: int
    waiting: int
    figures: Sequence[tuple[datetime, Mapping[str, Figures]]]
    waits: Mapping[int, int]
    journal: Sequence[JournalLine]

    def days(self) -> Iterator[DayFigures]:
        """Yield what each decision added, on its day in the event's zone."""
        for moment, by_currency in self.figures:
            day = local_day(moment, self.event.timezone)
            yield from (DayFigures(day, currency, figures) for currency, figures in by_currency.items())

    def totals(self) -> EventTotals:
        """Return all of it together."""
        return EventTotals(self.event, _by_currency(self.days()), self.waiting)


class MemoryReports:
    """What was added up of the events of a process."""

    def __init__(self, told: Callable[[], Iterable[Told]]) -> None:
        """Take what yields every event."""
        self._told = told

    def _of(self, organiser_id: UserId | None) -> list[Told]:
        return [each for each in self._told() if organiser_id in (None, each.event.organiser_id)]

    def totals(self, organiser_id: UserId | None) -> Totals:
        """Return what is added up of all events of an organiser."""
        events = self._of(organiser_id)
        by_status: dict[EventStatus, EventCount] = {}
        for each in events:
            count = by_status.get(each.event.status, EventCount())
            by_status[each.event.status] = EventCount(
                events=count.events + 1,
                capacity=count.capacity + each.event.capacity,
                taken=count.taken + each.taken,
                waiting=count.waiting + each.waiting,
            )
        return Totals(by_status, _by_currency(day for each in events for day in each.days()))

    def days(
        self,
        since: date,
        until: date,
        *,
        organiser_id: UserId | None = None,
        event_id: EventId | None = None,
    ) -> Sequence[DayFigures]:
        """Return what each day added."""
        found = summed(
            ((day.day, day.currency), day.figures)
            for each in self._of(organiser_id)
            if event_id in (None, each.event.id)
            for day in each.days()
            if since <= day.day <= until
        )
        return [DayFigures(*key, figures) for key, figures in sorted(found.items(), key=lambda kept: kept[0])]

    def ranked(self, organiser_id: UserId | None, ranking: Ranking, page: PageRequest) -> Page[EventTotals]:
        """List events by a figure, the greatest first."""

        def rank(totals: EventTotals) -> tuple[int, str]:
            return rank_of(ranking, totals), str(totals.event.id)

        found = [each.totals() for each in self._of(organiser_id) if each.event.status in ON_SALE_OR_OVER]
        after = page.after(lambda parts: (int(parts[0]), str(UUID(str(parts[1])))))
        behind = [each for each in found if after is None or rank(each) < after]
        return page_of(sorted(behind, key=rank, reverse=True)[: page.limit + 1], page.limit, rank)

    def event_totals(self, event_id: EventId) -> EventTotals | None:
        """Return what is added up of one event."""
        return next((each.totals() for each in self._told() if each.event.id == event_id), None)

    def waits(self, event_id: EventId) -> Mapping[int, int]:
        """Return how many entries of an event were served after a wait of each length."""
        return next((each.waits for each in self._told() if each.event.id == event_id), {})

    def active_users(self, since: date, until: date, organiser_id: UserId | None) -> Mapping[date, int]:
        """Return how many users did something about these events on each day."""
        seen: dict[date, set[UserId]] = defaultdict(set)
        for each in self._of(organiser_id):
            for line in each.journal:
                day = local_day(line.at, each.event.timezone)
                if line.actor_id is not None and not line.kind.startswith("event_") and since <= day <= until:
                    seen[day].add(line.actor_id)
        return {day: len(users) for day, users in seen.items()}


def rank_of(ranking: Ranking, totals: EventTotals) -> int:
    """Return the figure by which an event is ranked, shares in whole millionths; what is unknown counts as none."""
    total = totals.total
    match ranking:
        case Ranking.SEATS:
            return total.sold
        case Ranking.REVENUE:
            return total.revenue
        case Ranking.UTILISATION:
            return _share(total.sold, totals.event.capacity)
        case Ranking.CANCELLATION_RATE:
            return _share(total.cancelled, total.confirmed)
        case Ranking.WAITLIST_CONVERSION:
            return _share(total.served, total.joined)


def _share(part: int, whole: int) -> int:
    return part * PARTS // whole if whole > 0 else 0


def _by_currency(days: Iterable[DayFigures]) -> dict[str, Figures]:
    return summed((each.currency, each.figures) for each in days)


_: type[Reports] = MemoryReports
