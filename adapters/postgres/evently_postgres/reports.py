"""Reading figures: what was added up while things happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from evently_core.analytics import (
    ON_SALE_OR_OVER,
    DayFigures,
    EventCount,
    EventTotals,
    Ranking,
    Reports,
    Totals,
)
from evently_core.event import EventStatus
from evently_core.figures import FIGURES, Figures
from evently_core.paging import Page, PageRequest, page_of
from evently_core.values import EventId, UserId
from evently_postgres.engine import begin, lent_connection, local_settings, reading
from evently_postgres.loading import load_events
from evently_postgres.rollups import ALL_DAYS

_SUMS = ", ".join(f"sum(kept.{name})::bigint" for name in FIGURES)

_BY_STATUS = """
SELECT status, count(*), sum(capacity)::bigint, sum(taken)::bigint, sum(waiting)::bigint FROM events
WHERE (%(organiser)s::uuid IS NULL OR organiser_id = %(organiser)s) GROUP BY status
"""
_TOTALS = f"""
SELECT kept.currency, {_SUMS} FROM event_figures AS kept
WHERE kept.day = {ALL_DAYS} AND {{whose}} GROUP BY kept.currency
"""
_DAYS = f"""
SELECT kept.day, kept.currency, {_SUMS} FROM event_figures AS kept
WHERE kept.day BETWEEN %(since)s AND %(until)s AND {{whose}} GROUP BY 1, 2 ORDER BY 1, 2
"""
_OF_EVENT = f"""
SELECT kept.event_id, kept.currency, {_SUMS} FROM event_figures AS kept
WHERE kept.event_id = ANY(%(events)s) AND kept.day = {ALL_DAYS} GROUP BY 1, 2
"""
_WAITING = "SELECT id, waiting FROM events WHERE id = ANY(%(events)s)"
_WAITS = "SELECT wait, entries FROM event_waits WHERE event_id = %(event)s"
_ACTIVE = """
SELECT kept.day, count(DISTINCT kept.user_id) FROM event_users AS kept
WHERE kept.day BETWEEN %(since)s AND %(until)s AND {whose} GROUP BY 1
"""

# Whose events: everybody's, those of one organiser, or one.
_EVERYBODYS = "true"
_ORGANISERS = "kept.event_id = ANY(ARRAY(SELECT id FROM events WHERE organiser_id = %(organiser)s))"
_ONE = "kept.event_id = %(event)s"

_SHARE = "CASE WHEN {whole} > 0 THEN {part} * 1000000 / {whole} ELSE 0 END"
_RANKS = {
    Ranking.SEATS: "sold",
    Ranking.REVENUE: "revenue",
    Ranking.UTILISATION: _SHARE.format(part="sold", whole="events.capacity"),
    Ranking.CANCELLATION_RATE: _SHARE.format(part="cancelled", whole="confirmed"),
    Ranking.WAITLIST_CONVERSION: _SHARE.format(part="served", whole="joined"),
}
_RANKED = f"""
SELECT rank, id FROM (
    SELECT ({{rank}})::bigint AS rank, events.id FROM events LEFT JOIN (
        SELECT event_id, {", ".join(f"sum({name})::bigint AS {name}" for name in FIGURES)}
        FROM event_figures WHERE day = {ALL_DAYS} GROUP BY event_id
    ) AS kept ON kept.event_id = events.id
    WHERE events.status IN ({", ".join(f"'{status}'" for status in ON_SALE_OR_OVER)})
      AND (%(organiser)s::uuid IS NULL OR events.organiser_id = %(organiser)s)
) AS ranked WHERE %(after)s::bigint IS NULL OR (rank, id) < (%(after)s, %(after_id)s::uuid)
ORDER BY rank DESC, id DESC LIMIT %(limit)s
"""


class PostgresReports:
    """What was added up of the events of a database."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine
        self._settings = local_settings(engine)

    def totals(self, organiser_id: UserId | None) -> Totals:
        """Return what is added up of all events of an organiser."""
        values = {"organiser": organiser_id}
        statuses = {
            EventStatus(status): EventCount(events=events, capacity=capacity, taken=taken, waiting=waiting)
            for status, events, capacity, taken, waiting in self._read(_BY_STATUS, values)
        }
        rows = self._read(_TOTALS.format(whose=_whose(organiser_id)), values)
        return Totals(statuses, {row[0]: _figures(row[1:]) for row in rows})

    def days(
        self,
        since: date,
        until: date,
        *,
        organiser_id: UserId | None = None,
        event_id: EventId | None = None,
    ) -> Sequence[DayFigures]:
        """Return what each day added."""
        values = {"since": since, "until": until, "organiser": organiser_id, "event": event_id}
        whose = _ONE if event_id is not None else _whose(organiser_id)
        rows = self._read(_DAYS.format(whose=whose), values)
        return [DayFigures(row[0], row[1], _figures(row[2:])) for row in rows]

    def ranked(self, organiser_id: UserId | None, ranking: Ranking, page: PageRequest) -> Page[EventTotals]:
        """List events by a figure, the greatest first."""
        after = page.after(lambda parts: (_rank(parts[0]), UUID(str(parts[1]))))
        values = {
            "organiser": organiser_id,
            "limit": page.limit + 1,
            "after": after[0] if after else None,
            "after_id": after[1] if after else None,
        }
        ranks = {
            EventId(row[1]): row[0]
            for row in self._read(_RANKED.format(rank=f"coalesce({_RANKS[ranking]}, 0)"), values)
        }
        totals = self._event_totals(list(ranks))
        found = [totals[event_id] for event_id in ranks if event_id in totals]
        return page_of(found, page.limit, lambda each: (ranks[each.event.id], str(each.event.id)))

    def event_totals(self, event_id: EventId) -> EventTotals | None:
        """Return what is added up of one event."""
        return self._event_totals([event_id]).get(event_id)

    def waits(self, event_id: EventId) -> Mapping[int, int]:
        """Return how many entries of an event were served after a wait of each length."""
        return {row[0]: row[1] for row in self._read(_WAITS, {"event": event_id}) if row[1]}

    def active_users(self, since: date, until: date, organiser_id: UserId | None) -> Mapping[date, int]:
        """Return how many users did something about these events on each day."""
        values = {"since": since, "until": until, "organiser": organiser_id}
        return {row[0]: row[1] for row in self._read(_ACTIVE.format(whose=_whose(organiser_id)), values)}

    def _event_totals(self, event_ids: Sequence[EventId]) -> dict[EventId, EventTotals]:
        values = {"events": list(event_ids)}
        with lent_connection(self._engine) as connection:
            begin(connection, self._settings, "ISOLATION LEVEL REPEATABLE READ READ ONLY")
            events = load_events(connection, event_ids)
            waiting = dict(connection.execute(_WAITING, values).fetchall())
            sums: dict[EventId, dict[str, Figures]] = {event.id: {} for event in events}
            for event_id, currency, *row in connection.execute(_OF_EVENT.encode(), values):
                if event_id in sums:
                    sums[event_id][currency] = _figures(row)
        return {event.id: EventTotals(event, sums[event.id], waiting[event.id]) for event in events}

    def _read(self, statement: str, values: Mapping[str, Any]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.exec_driver_sql(statement, dict(values)).all())


def _whose(organiser_id: UserId | None) -> str:
    return _EVERYBODYS if organiser_id is None else _ORGANISERS


def _figures(row: Sequence[int]) -> Figures:
    return Figures(**dict(zip(FIGURES, row, strict=True)))


def _rank(part: str | int) -> int:
    rank = int(part)
    if abs(rank) >= 1 << 63:
        raise ValueError("no such figure was ever told")
    return rank


_: type[Reports] = PostgresReports
