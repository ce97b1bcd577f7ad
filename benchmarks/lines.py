"""P6 and P7: what a pass and a place cost in a short line and in one of a million."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import psycopg

from benchmarks.bench import ORGANISER, Figure, Ground, Verdict, evently_on, percentile, published
from evently_core import Actor, Book, Evently, JoinWaitlist, PageRequest, Policy, Role, UserId
from evently_core.booking import BookingStatus
from evently_core.outcomes import Admitted
from evently_core.storage import BookingQuery
from evently_core.values import EntryId, EventId
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


def sold_out_with_a_line(ground: Ground, evently: Evently, length: int, bypass_limit: int) -> EventId:
    """Publish a full event and let so many wait for it, without asking anybody."""
    event = published(evently, capacity=400, policy=Policy(bypass_limit=bypass_limit))
    for _ in range(40):
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


def length_of_the_line(ground: Ground) -> tuple[list[Verdict], dict[str, dict[int, float]]]:
    """P6: joining, and giving back with a promotion, in lines of growing length."""
    lengths = (1_000, 100_000, 1_000_000) if not ground.quick else (1_000, 1_000_000)
    curves: dict[str, dict[int, float]] = {}
    verdicts = []
    for bypass_limit in (0, 3):
        costs: dict[str, dict[int, list[float]]] = {"join": {}, "give back and promote": {}}
        for length in lengths:
            with evently_on(ground) as (evently, _):
                event = sold_out_with_a_line(ground, evently, length, bypass_limit)
                costs["join"][length] = [
                    _milliseconds(partial(_join, evently, event)) for _ in range(ground.runs * 20)
                ]
                costs["give back and promote"][length] = _giving_back(evently, event, ground.runs * 8)
        for what, by_length in costs.items():
            medians = {length: percentile(values, 50) for length, values in by_length.items()}
            curves[f"{what}, bypass limit {bypass_limit}"] = medians
            ratio = medians[lengths[-1]] / medians[lengths[0]]
            verdicts.append(
                Verdict(
                    bar="P6",
                    what=f"{what}, bypass_limit {bypass_limit}: at 1,000,000 ≤ 1.5 × its cost at 1,000",
                    measured=f"{medians[lengths[-1]]:.2f} ms, {ratio:.2f} ×",
                    holds=ratio <= 1.5,
                )
            )
    return verdicts, curves


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


def places(ground: Ground) -> list[Verdict]:
    """P7: exact places in a line of a million, against a line of ten thousand."""
    p99: dict[int, Figure] = {}
    median: dict[int, float] = {}
    for length in (10_000, 1_000_000):
        with evently_on(ground) as (evently, _):
            event = sold_out_with_a_line(ground, evently, length, 0)
            ids = _spread_over(ground, event, length)
            entries = [entry for entry in map(evently.records.entry, ids) if entry is not None]
            expected = {entry.id: entry.sequence for entry in entries}
            for entry in entries[:20]:
                assert evently.records.places([entry])[entry.id].position == expected[entry.id]
            runs = [sorted(_cost_of_place(evently, entry) for entry in entries) for _ in range(ground.runs)]
        p99[length] = Figure(
            name=f"place of {length:,}", unit="ms", runs=tuple(percentile(run, 99) for run in runs)
        )
        median[length] = percentile([each for run in runs for each in run], 50)
    ratio = median[1_000_000] / median[10_000]
    return [
        Verdict(
            bar="P7",
            what="a place in a line of 1,000,000: p99 ≤ 3 ms, ≤ 2 × its cost at 10,000",
            measured=f"p99 {p99[1_000_000]}, median {median[1_000_000]:.2f} ms, {ratio:.2f} ×",
            holds=p99[1_000_000].median <= 3 and ratio <= 2,
            figures=tuple(p99.values()),
        )
    ]


def _spread_over(ground: Ground, event: EventId, length: int) -> list[EntryId]:
    with psycopg.connect(ground.url) as connection:
        rows = connection.execute(
            "SELECT id FROM waitlist_entries WHERE event_id = %s AND sequence %% %s = 7 ORDER BY sequence",
            (event, max(1, length // 200)),
        )
        return [row[0] for row in rows]


def _cost_of_place(evently: Evently, entry: WaitlistEntry) -> float:
    return _milliseconds(partial(evently.records.places, [entry]))


def _milliseconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000
