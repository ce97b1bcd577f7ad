"""P6 and P7: what a pass and a place cost in a short line and in one of a million."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import psycopg

from benchmarks.bench import ORGANISER, Figure, Ground, Verdict, evently_on, percentile, published
from evently_core import Actor, Book, Evently, JoinWaitlist, PageRequest, Role, UserId
from evently_core.booking import BookingStatus
from evently_core.outcomes import Admitted
from evently_core.storage import BookingQuery
from evently_core.values import EventId
from evently_core.waitlist import WaitlistEntry
from evently_postgres.event_tables import BUCKET

_FILL = """
INSERT INTO waitlist_entries (event_id, id, ticket_type_id, user_id, asked, missing, least, accept_partial, amount,
    currency, status, priority, sequence, passed_over, open_offers, requeued, joined_at)
SELECT e.id, gen_random_uuid(), t.id, gen_random_uuid(), 1 + n %% 4, 1 + n %% 4, 1 + n %% 4, false, 0,
    'EUR', 'waiting', 0, n, 0, 0, false, now()
FROM events e JOIN ticket_types t ON t.event_id = e.id, generate_series(1, %(length)s) AS n WHERE e.id = %(event)s
"""
_COUNT = f"""
INSERT INTO line_buckets (event_id, ticket_type_id, priority, bucket, entries, seats)
SELECT event_id, ticket_type_id, priority, sequence / {BUCKET}, count(*), sum(missing)
FROM waitlist_entries WHERE event_id = %(event)s GROUP BY 1, 2, 3, 4
"""
_TELL = "UPDATE events SET waiting = %(length)s, next_sequence = %(length)s + 1 WHERE id = %(event)s"


def sold_out_with_a_line(ground: Ground, evently: Evently, length: int) -> EventId:
    """Publish a full event and let so many wait for it, without asking anybody."""
    event = published(evently, capacity=1_000)
    for _ in range(100):
        _book(evently, event, 10)
    with psycopg.connect(ground.url) as connection:
        connection.execute("SET statement_timeout = 0")
        for statement in (_FILL, _COUNT, _TELL):
            connection.execute(statement.encode(), {"event": event, "length": length})
    with psycopg.connect(ground.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE waitlist_entries, line_buckets, bookings")
    return event


def _somebody() -> Actor:
    return Actor(UserId(uuid4()), Role.ATTENDEE)


def _book(evently: Evently, event: EventId, quantity: int) -> Admitted:
    actor = _somebody()
    assert actor.user_id is not None
    answer = evently.bookings.book(event, Book(actor=actor, user_id=actor.user_id, quantity=quantity))
    assert isinstance(answer, Admitted), answer
    return answer


def lines(ground: Ground) -> tuple[list[Verdict], dict[str, dict[int, float]]]:
    """P6 and P7: places in lines of growing length, joining them, and giving back with a promotion.

    The lines are filled once; both bypass limits are measured on the same ones.
    """
    longest = 100_000 if ground.quick else 1_000_000
    lengths = (1_000, 10_000, longest) if ground.quick else (1_000, 10_000, 100_000, longest)
    with evently_on(ground) as (evently, _):
        events = {length: sold_out_with_a_line(ground, evently, length) for length in lengths}
        place, by_length = _places(ground, evently, {10_000: events[10_000], longest: events[longest]})
        curves = {"place": by_length}
        verdicts = [place]
        for bypass_limit in (0, 3):
            for event in events.values():
                evently.events.change(ORGANISER, event, {}, policy={"bypass_limit": bypass_limit})
            for what, measure in (("join", _joining), ("give back and promote", _giving_back)):
                costs = _measured_in_turn(ground, evently, events, measure)
                medians = {length: percentile(values, 50) for length, values in costs.items()}
                curves[f"{what}, bypass limit {bypass_limit}"] = medians
                ratio = medians[longest] / medians[1_000]
                verdicts.append(
                    Verdict(
                        bar="P6",
                        what=f"{what}, bypass_limit {bypass_limit}: at {longest:,} ≤ 1.5 × its cost at 1,000",
                        measured=f"{medians[longest]:.2f} ms, {ratio:.2f} ×",
                        holds=ratio <= 1.5,
                    )
                )
    return verdicts, curves


def _measured_in_turn(
    ground: Ground,
    evently: Evently,
    events: dict[int, EventId],
    measure: Callable[[Evently, EventId, int], list[float]],
) -> dict[int, list[float]]:
    """Measure each line a little, again and again, so that a slow minute of the machine meets all of them."""
    costs: dict[int, list[float]] = {length: [] for length in events}
    for _ in range(ground.runs):
        for length, event in events.items():
            costs[length] += measure(evently, event, 6)
    return costs


def _joining(evently: Evently, event: EventId, times: int) -> list[float]:
    return [_milliseconds(partial(_join, evently, event)) for _ in range(times)]


def _join(evently: Evently, event: EventId) -> None:
    actor = _somebody()
    assert actor.user_id is not None
    answer = evently.waitlist.join(event, JoinWaitlist(actor=actor, user_id=actor.user_id, quantity=2))
    assert isinstance(answer, Admitted), answer


def _giving_back(evently: Evently, event: EventId, times: int) -> list[float]:
    query = BookingQuery(now=datetime.now(UTC), event_id=event, status=BookingStatus.CONFIRMED)
    held = [
        booking
        for booking in evently.records.bookings(query, PageRequest(100)).items
        if booking.quantity == 10
    ]
    return [
        _milliseconds(partial(evently.bookings.cancel, ORGANISER, booking.id, "for the figures"))
        for booking in held[:times]
    ]


def _places(ground: Ground, evently: Evently, events: dict[int, EventId]) -> tuple[Verdict, dict[int, float]]:
    """P7: exact places in the longest line, against those in a line of ten thousand."""
    costs: dict[int, list[list[float]]] = {length: [] for length in events}
    entries = {length: _spread_over(ground, evently, event, length) for length, event in events.items()}
    for _ in range(ground.runs):
        for length, some in entries.items():
            costs[length].append(sorted(_cost_of_place(evently, entry) for entry in some))
    longest = max(events)
    p99 = Figure(
        name=f"place of {longest:,}", unit="ms", runs=tuple(percentile(run, 99) for run in costs[longest])
    )
    median = {
        length: percentile([each for run in runs for each in run], 50) for length, runs in costs.items()
    }
    ratio = median[longest] / median[10_000]
    verdict = Verdict(
        bar="P7",
        what=f"a place in a line of {longest:,}: p99 ≤ 3 ms, ≤ 2 × its cost at 10,000",
        measured=f"p99 {p99}, median {median[longest]:.2f} ms, {ratio:.2f} ×",
        holds=p99.median <= 3 and ratio <= 2,
        figures=(p99,),
    )
    return verdict, median


def _spread_over(ground: Ground, evently: Evently, event: EventId, length: int) -> list[WaitlistEntry]:
    """Return some two hundred entries from all parts of a line, after a look at their places."""
    with psycopg.connect(ground.url) as connection:
        rows = connection.execute(
            "SELECT id FROM waitlist_entries WHERE event_id = %s AND sequence %% %s = 7 ORDER BY sequence",
            (event, max(1, length // 200)),
        )
        found = [evently.records.entry(row[0]) for row in rows]
    entries = [entry for entry in found if entry is not None]
    for entry in entries[:20]:
        assert evently.records.places([entry])[entry.id].position == entry.sequence
    return entries


def _cost_of_place(evently: Evently, entry: WaitlistEntry) -> float:
    return _milliseconds(partial(evently.records.places, [entry]))


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000
