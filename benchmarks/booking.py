"""P1 to P4 and P9: bookings of one hot event and of many, from threads, from a queue, alone, and in the core only."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

import psycopg

from benchmarks.bench import (
    Figure,
    Ground,
    Load,
    Verdict,
    evently_on,
    published,
    repeated,
    request,
    timed,
    under_load,
)
from benchmarks.raw import Raw, one_statement, side_by_side
from evently_core import Evently
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.inventory import needs_of
from evently_core.values import EventId
from evently_wiring.ids import UuidV7

Curves = dict[str, dict[int, Load]]


def hot_event(ground: Ground) -> tuple[list[Verdict], Curves]:
    """P1: one hot event from many threads, against the best single statement and against batches of one."""
    curves: Curves = {"the desk": {}, "batches of one": {}, "one statement (pgbench)": {}}
    ratios: list[float] = []
    single: list[float] = []
    for clients in (1, 64, 256) if ground.quick else (1, 4, 16, 64, 256):
        ours, one, base = [], [], []
        for _ in range(ground.runs):
            ours.append(_desk(ground, clients))
            one.append(_desk(ground, clients, batch_max=1))
            base.append(one_statement(ground, min(clients, 64)))  # the server takes 200 connections
        curves["the desk"][clients] = _middle(ours)
        curves["batches of one"][clients] = _middle(one)
        curves["one statement (pgbench)"][clients] = _middle(base)
        if clients == 64:
            ratios = [a.per_second / b.per_second for a, b in zip(ours, base, strict=True)]
            single = [a.per_second / b.per_second for a, b in zip(ours, one, strict=True)]
    lone, many = curves["the desk"][1], curves["the desk"][64]
    against_base = Figure(name="desk / one statement, 64", unit="×", runs=tuple(ratios))
    against_one = Figure(name="desk / batches of one, 64", unit="×", runs=tuple(single))
    p99_bar = max(60.0, 10 * lone.p99_ms)
    return [
        Verdict(
            bar="P1",
            what="one hot event, 64 threads: ≥ 3 × the baseline, ≥ 4 × batches of one, p99 ≤ "
            f"{p99_bar:.0f} ms (at 256 threads: "
            f"{curves['the desk'][256].per_second / curves['one statement (pgbench)'][64].per_second:.1f} ×)",
            measured=f"{many.per_second:,.0f}/s, {against_base}, {against_one}, p99 {many.p99_ms:.0f} ms",
            holds=against_base.median >= 3 and against_one.median >= 4 and many.p99_ms <= p99_bar,
            figures=(against_base, against_one),
        )
    ], curves


def _desk(ground: Ground, clients: int, batch_max: int = 500) -> Load:
    with evently_on(ground, batch_max=batch_max) as (evently, _):
        event = published(evently)
        evently.bookings.book(event, request(0))
        return under_load(
            clients,
            ground.seconds,
            lambda thread, number: evently.bookings.book(event, request(thread * 31 + number)),
        )


def _middle(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.per_second)[len(loads) // 2]


def queue(ground: Ground) -> tuple[list[Verdict], dict[int, float]]:
    """P2: a queue of requests decided in order, in batches, against the same rows written without rules."""
    waiting = 20_000 if ground.quick else 100_000
    raw = Raw(ground)

    def drain(batch: int, count: int) -> float:
        with evently_on(ground) as (evently, _):
            event = published(evently)
            requests = [request(number) for number in range(count)]
            evently.decisions.decide_many(event, requests[:1])
            seconds = timed(
                lambda: [
                    evently.decisions.decide_many(event, requests[start : start + batch])
                    for start in range(0, count, batch)
                ]
            )
            return count / seconds

    pairs = [(drain(500, waiting), raw.per_second(500, ground.seconds)) for _ in range(ground.runs)]
    ratio = Figure(name="drained / raw batch", unit="×", runs=tuple(ours / base for ours, base in pairs))
    ours = Figure(name="drained", unit="/s", runs=tuple(pair[0] for pair in pairs))
    by_batch = {batch: drain(batch, min(waiting, batch * 200)) for batch in (1, 10, 100, 500, 2_000)}
    verdict = Verdict(
        bar="P2",
        what=f"a queue of {waiting:,} drained in order: ≥ 0.5 × raw batch",
        measured=f"{ours}, {ratio}",
        holds=ratio.median >= 0.5,
        figures=(ratio, ours),
    )
    return [verdict], by_batch


def lone(ground: Ground) -> list[Verdict]:
    """P3: one booking when nobody else is there, against the same rows written one at a time."""
    raw = Raw(ground)
    count = 300
    pairs = []
    for _ in range(ground.runs):
        with evently_on(ground) as (evently, _):
            event = published(evently)
            for number in range(30):
                evently.bookings.book(event, request(number))
            begin = time.perf_counter()
            for number in range(count):
                evently.bookings.book(event, request(number))
            ours = (time.perf_counter() - begin) / count
        with psycopg.connect(ground.url) as connection:
            head = raw.journal_head(connection)
            for number in range(30):
                raw.write(connection, 1, head + number)
            begin = time.perf_counter()
            for number in range(count):
                raw.write(connection, 1, head + 30 + number)
            base = (time.perf_counter() - begin) / count
        pairs.append((ours, base))
    ratio = Figure(name="lone booking / raw single", unit="×", runs=tuple(a / b for a, b in pairs))
    ours_ms = Figure(name="lone booking", unit="ms", runs=tuple(a * 1000 for a, _ in pairs))
    return [
        Verdict(
            bar="P3",
            what="a lone booking: ≤ 2 × raw single",
            measured=f"{ours_ms}, {ratio}",
            holds=ratio.median <= 2,
            figures=(ratio, ours_ms),
        )
    ]


def core(ground: Ground) -> list[Verdict]:
    """P4: the pure decision over a batch of a thousand requests, all rules on, in memory only."""
    with evently_on(ground) as (evently, _):
        event = published(evently)
        requests = [request(number) for number in range(1_000)]
        now = datetime.now(UTC)
        inventory = evently.records.snapshots([event], now, needs_of(requests))[event]

    def once() -> float:
        ids = UuidV7()
        fresh = iter(ids.new, None)
        start = time.perf_counter()
        decision = decide(inventory, requests, now, fresh)
        elapsed = time.perf_counter() - start
        assert isinstance(decision, Decision)
        assert len(decision.bookings) == len(requests)
        return elapsed * 1e6 / len(requests)

    figure = repeated("decide", "µs a request", 25, once)  # 20 ms each
    return [
        Verdict(
            bar="P4",
            what="decide, a batch of 1,000: ≤ 16 µs a request",
            measured=str(figure),
            holds=figure.median <= 16,
            figures=(figure,),
        )
    ]


def many_events(ground: Ground) -> list[Verdict]:
    """P9: a thousand events at once, 64 threads, against raw single writes side by side."""
    pairs = []
    raw = [Raw(ground) for _ in range(1_000)]
    with evently_on(ground, pool_size=64) as (evently, _):
        events = [published(evently) for _ in range(1_000)]
        for _ in range(ground.runs):
            base = side_by_side(ground, raw, threads=64)
            load = under_load(64, ground.seconds, partial(_book_around, evently, events))
            pairs.append((load.per_second, base))
    ratio = Figure(name="1,000 events / raw single", unit="×", runs=tuple(a / b for a, b in pairs))
    ours = Figure(name="1,000 events", unit="/s", runs=tuple(a for a, _ in pairs))
    return [
        Verdict(
            bar="P9",
            what="1,000 events at once, 64 threads: ≥ 0.5 × raw single with 64 threads",
            measured=f"{ours}, {ratio}",
            holds=ratio.median >= 0.5,
            figures=(ratio, ours),
        )
    ]


def _book_around(evently: Evently, events: list[EventId], thread: int, number: int) -> None:
    evently.bookings.book(events[(thread + 64 * number) % len(events)], request(thread))
