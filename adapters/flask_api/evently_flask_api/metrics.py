"""What can be counted and timed, for Prometheus.

Each process counts what it does itself; where ``PROMETHEUS_MULTIPROC_DIR`` names a folder, the processes that share it
tell of all of them together, whichever is asked. What is so for everybody, such as the depth of the queue, is read when
somebody looks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

import attrs
from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from evently_core.errors import Unavailable
from evently_flask_api.problems import Problem

Network = IPv4Network | IPv6Network

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 500)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@attrs.frozen
class Measure:
    """Something that is read when somebody looks."""

    name: str
    about: str
    read: Callable[[], Iterable[tuple[Sequence[str], float]]]
    """Gives the values with their labels; raises ``Unavailable`` when they cannot be had."""
    labels: Sequence[str] = ()
    only_rises: bool = False
    """Whether it counts what has ever happened."""


class Metrics:
    """Counts and times what this process does. Threads may share it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._own = own = CollectorRegistry()
        self._requests = Histogram(
            "evently_request_seconds",
            "Answers, by how long they took.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=own,
        )
        self._batches = Histogram(
            "evently_desk_batch_size", "Commands decided in one go.", buckets=_SIZES, registry=own
        )
        self._deciding = Histogram(
            "evently_desk_batch_seconds",
            "How long it took to decide and record a batch.",
            buckets=_SECONDS,
            registry=own,
        )
        self._waiting = Histogram(
            "evently_desk_wait_seconds",
            "How long commands waited that met others of their event.",
            buckets=_SECONDS,
            registry=own,
        )
        self._locking = Histogram(
            "evently_lock_wait_seconds",
            "How long was waited for the lock of an event.",
            buckets=_SECONDS,
            registry=own,
        )
        self._connections = Gauge(
            "evently_pool_connections",
            "Connections to the database, by state.",
            ["state"],
            multiprocess_mode="livesum",
            registry=own,
        )
        self._in_use = self._connections.labels("in_use")
        self._requests_of: dict[tuple[str, str | None, int], Histogram] = {}

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Take note of an answer."""
        key = (method if method in _METHODS else "other", route, status)
        found = self._requests_of.get(key)
        if found is None:
            found = self._requests.labels(key[0], route or "none", str(status))
            self._requests_of[key] = found
        found.observe(seconds)

    def batch(self, size: int, seconds: float) -> None:
        """Take note of a batch that was decided."""
        self._batches.observe(size)
        self._deciding.observe(seconds)

    def waited(self, seconds: float) -> None:
        """Take note of a command that waited at the desk."""
        self._waiting.observe(seconds)

    def locked(self, seconds: float) -> None:
        """Take note of a wait for the lock of an event."""
        self._locking.observe(seconds)

    def pool_of(self, size: int) -> None:
        """Take note of how many connections there may be."""
        self._connections.labels("allowed").set(size)

    def taken(self) -> None:
        """Take note of a connection that is in use."""
        self._in_use.inc()

    def returned(self) -> None:
        """Take note of a connection that is not in use any more."""
        self._in_use.dec()

    def text(self, measures: Iterable[Measure] = ()) -> bytes:
        """Return everything as Prometheus reads it; what cannot be had at the moment is left out."""
        registry = CollectorRegistry()
        registry.register(_Measured(measures))
        return _of_processes(self._own) + generate_latest(registry)


@attrs.frozen(eq=False)
class _Measured:
    """A collector of measures."""

    measures: Iterable[Measure]

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for measure in self.measures:
            kind = CounterMetricFamily if measure.only_rises else GaugeMetricFamily
            family = kind(measure.name, measure.about, labels=measure.labels)
            with suppress(Unavailable):
                for labels, value in measure.read():
                    family.add_metric(labels, value)
                yield family


def _of_processes(own: CollectorRegistry) -> bytes:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None:
        return generate_latest(own)
    _forget_dead_processes(Path(folder))
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # the library's is untyped
    return generate_latest(registry)


def _forget_dead_processes(folder: Path) -> None:
    """Keep what processes did that are gone, and forget what they had."""
    for pid in {file.stem.rpartition("_")[2] for file in folder.glob("gauge_live*.db")}:
        if not Path(f"/proc/{pid}").exists():
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]  # the library's is untyped


def install_metrics(
    app: Flask, metrics: Metrics, measures: Sequence[Measure], allowed: Sequence[Network], *, proxied: bool
) -> None:
    """Let some addresses read ``/metrics``; for all others there is nothing there.

    Without trusted proxies (``proxied`` is False) a request that came through one is refused whatever its address:
    it is the proxy's, which is often this machine, and would let everybody in.
    """

    def show() -> Response:
        forwarded = "HTTP_X_FORWARDED_FOR" in request.environ or "HTTP_FORWARDED" in request.environ
        if (forwarded and not proxied) or not _is_one_of(request.remote_addr or "", allowed):
            raise Problem("not_found")
        return Response(metrics.text(measures), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", "metrics", show)


def _is_one_of(said: str, allowed: Iterable[Network]) -> bool:
    try:
        address = ip_address(said)
    except ValueError:
        return False
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed)
