"""P8: what figures cost with few bookings and with many, of the same number of events."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import attrs
import psycopg

from benchmarks.bench import Figure, Ground, Verdict, evently_on, percentile, published, timed
from evently_core import Actor, Evently, PageRequest, Role, UserId
from evently_core.analytics import Ranking
from evently_core.figures import FIGURES
from evently_core.values import EventId

EVENTS = 100
DAYS = 30
FEW = 5_000
_TIMES = 20

# Booked one after another over the days, each by somebody else, and most of them confirmed.
_FILL = """
INSERT INTO bookings (event_id, id, reference, ticket_type_id, user_id, quantity, amount, currency, status, origin,
    cancel_until, created_at, confirmed_at, cancelled_at)
SELECT event_id, gen_random_uuid(), 'EVT-' || n, id, gen_random_uuid(), 1 + n %% 4, 2500, 'EUR',
    CASE n %% 20 WHEN 0 THEN 'cancelled' ELSE 'confirmed' END, 'direct', now() + interval '1 year', at, at,
    CASE n %% 20 WHEN 0 THEN at END
FROM ticket_types, generate_series(1, %(each)s) AS n,
    LATERAL (SELECT now() - make_interval(secs => %(days)s * 86400.0 * n / %(each)s) AS at) AS booked
WHERE event_id = ANY(%(events)s)
"""
_ADD_UP = f"""
INSERT INTO event_figures (event_id, day, currency, {", ".join(FIGURES)})
SELECT event_id, coalesce(confirmed_at::date, '-infinity'), 'EUR', count(*), count(cancelled_at),
    coalesce(sum(quantity) FILTER (WHERE status = 'confirmed'), 0),
    coalesce(sum(quantity * amount) FILTER (WHERE status = 'confirmed'), 0),
    0, 0, coalesce(sum(quantity) FILTER (WHERE status = 'cancelled'), 0), 0, 0, 0, 0, 0, 0
FROM bookings WHERE event_id = ANY(%(events)s)
GROUP BY GROUPING SETS ((event_id, confirmed_at::date), (event_id))
"""
_TELL = """
UPDATE events SET taken = sold FROM (
    SELECT event_id, sold FROM event_figures WHERE event_id = ANY(%(events)s) AND day = '-infinity'
) AS figures WHERE events.id = figures.event_id
"""


@attrs.frozen
class Crowd:
    """An organiser, and one of the events."""

    organiser: Actor
    event: EventId


def figures(ground: Ground) -> list[Verdict]:
    """P8: the same questions about few bookings and about many, in turn."""
    many = 200_000 if ground.quick else 5_000_000
    with evently_on(ground) as (evently, _):
        crowds = {size: _crowd(ground, evently, size) for size in (FEW, many)}
        return [_compared(ground, name, ask, crowds) for name, ask in _questions(evently).items()]


def _questions(evently: Evently) -> dict[str, Callable[[Crowd], object]]:
    analytics = evently.analytics
    return {
        "overview": lambda crowd: analytics.overview(crowd.organiser),
        "revenue by day": lambda crowd: analytics.revenue(crowd.organiser),
        "events ranked": lambda crowd: analytics.ranked(crowd.organiser, Ranking.REVENUE, PageRequest()),
        "one event": lambda crowd: analytics.event(crowd.organiser, crowd.event),
    }


def _compared(ground: Ground, name: str, ask: Callable[[Crowd], object], crowds: dict[int, Crowd]) -> Verdict:
    runs: dict[int, list[float]] = {size: [] for size in crowds}
    for _ in range(ground.runs):
        for size, crowd in crowds.items():
            ask(crowd)  # its connection knows the question now
            costs = [timed(partial(ask, crowd)) * 1000 for _ in range(_TIMES)]
            runs[size].append(percentile(costs, 50))
    few, many = (Figure(name=f"{name} of {size:,}", unit="ms", runs=tuple(runs[size])) for size in crowds)
    ratio = many.median / few.median
    return Verdict(
        bar="P8",
        what=f"{name} with {max(crowds):,} bookings ≤ 1.5 × its cost with {FEW:,}",
        measured=f"{many}, {ratio:.2f} ×",
        holds=ratio <= 1.5,
        figures=(few, many),
    )


def _crowd(ground: Ground, evently: Evently, size: int) -> Crowd:
    """Let so many bookings have been made at the events of somebody, without making them one by one."""
    organiser = Actor(UserId(uuid4()), Role.ORGANISER)
    events = [published(evently, organiser=organiser) for _ in range(EVENTS)]
    values = {"events": events, "each": size // EVENTS, "days": DAYS}
    with psycopg.connect(ground.url) as connection:
        connection.execute("SET statement_timeout = 0")
        for statement in (_FILL, _ADD_UP, _TELL):
            connection.execute(statement.encode(), values)
    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE bookings, events, event_figures")
    return Crowd(organiser, events[0])
