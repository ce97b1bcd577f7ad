"""What the metrics tell of: the connections, the queue and the lines. The desk tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine, event

from evently_core.deliveries import Deliveries, Outbox
from evently_core.evently import Evently
from evently_flask_api import Measure, Metrics

LINES_SHOWN = 10
"""The longest lines have their events named; a name for each event would be more than Prometheus can bear."""

BACKLOG_MAX = 100_000
"""Up to here decisions are counted that nobody was told of: counting more would take a while."""

_Values = Iterable[tuple[Sequence[str], float]]


def count_connections(engine: Engine, size: int, metrics: Metrics) -> None:
    """Let the metrics know how many connections of a pool of this size are in use."""
    metrics.pool_of(size)
    event.listen(engine, "checkout", lambda *_: metrics.taken())
    event.listen(engine, "checkin", lambda *_: metrics.returned())


def measures_of(evently: Evently) -> list[Measure]:
    """Return what is read when somebody looks: the queue, if there is one, and the lines."""
    queue = evently.queue
    if queue is None:
        return _lines(evently)
    figures = queue.figures

    def age() -> float:
        oldest = figures().oldest
        return 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())

    return [
        _single("evently_queue_requests", "Requests that wait to be decided.", lambda: figures().depth),
        _single("evently_queue_events", "Events that have such requests.", lambda: figures().events),
        _single("evently_queue_age_seconds", "How long the first of them has waited.", age),
        _single(
            "evently_queue_accepted_total",
            "Requests ever accepted.",
            lambda: figures().accepted,
            only_rises=True,
        ),
        _single(
            "evently_queue_decided_total",
            "Requests ever decided.",
            lambda: figures().decided,
            only_rises=True,
        ),
        *_lines(evently),
    ]


def measures_of_outside(outbox: Outbox, deliveries: Deliveries) -> list[Measure]:
    """Return what is read of what the outside is still to be told."""

    def late() -> float:
        due = deliveries.next_due()
        return 0.0 if due is None else max(0.0, (datetime.now(UTC) - due).total_seconds())

    return [
        _single(
            "evently_outbox_decisions",
            f"Decisions that nobody was told of yet, up to {BACKLOG_MAX}.",
            lambda: outbox.backlog(BACKLOG_MAX),
        ),
        _single("evently_delivery_late_seconds", "How long the first delivery that is due has waited.", late),
    ]


def _lines(evently: Evently) -> list[Measure]:
    def longest() -> _Values:
        return [
            ([str(line.event_id)], line.entries) for line in evently.records.line_figures(LINES_SHOWN).longest
        ]

    def total() -> int:
        return evently.records.line_figures(0).entries

    return [
        _single("evently_line_entries", "Parties that wait, for whatever event.", total),
        Measure("evently_line_entries_longest", "Parties in the longest lines.", longest, ["event_id"]),
    ]


def _single(name: str, about: str, read: Callable[[], float], *, only_rises: bool = False) -> Measure:
    return Measure(name, about, lambda: [((), read())], only_rises=only_rises)
