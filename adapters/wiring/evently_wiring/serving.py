"""Serving the API: processes with threads that meet at the desk, the jobs of a worker, and the database underneath."""

from __future__ import annotations

import atexit
import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer
from sqlalchemy import text

from evently_core.counting import Counters
from evently_core.desk import BATCH_MAX
from evently_core.instances import InstanceKind
from evently_core.memory.counters import MemoryCounters
from evently_core.services.presence import Presence
from evently_flask_api import ApiSettings, Metrics, RateLimits, Services, SteadyCounters, create_app
from evently_postgres import migrations
from evently_postgres.engine import reading
from evently_redis.keys import Keys
from evently_wiring.application import (
    Application,
    database,
    instance_name,
    open_application,
    presence_of,
)
from evently_wiring.logs import configure_logs
from evently_wiring.measuring import count_connections, measures_of, measures_of_outside
from evently_wiring.settings import Settings
from evently_wiring.worker import POOL_SIZE, Job, at_work, beating, working

THREADS = 32
CONNECTIONS = 20
DRAIN_SECONDS = 30
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
QUEUE_BEHIND = timedelta(seconds=30)
"""How long a request waits to be decided before somebody should look why: nobody is at work, or too few are."""
_PORT_SECONDS = 3.0
"""How long a port may still belong to a server that is on its way out."""


class PortTaken(Exception):
    """Somebody listens on the port already."""


# -- the workers ------------------------------------------------------------------------------------------------


def worker_app(batch_max: int = BATCH_MAX) -> Callable[..., Any]:
    """Return the WSGI application of a worker process; the server calls this in each of them.

    ``batch_max`` bounds what travels in one transaction.
    """
    settings = Settings.from_environment()
    assert settings.database_url is not None, "the main process says where the database is"
    configure_logs(settings.log_format)
    _end_with_parent()
    stack = ExitStack()  # the worker's end is the end of its connections
    metrics = Metrics()
    application = stack.enter_context(
        open_application(
            settings,
            settings.database_url,
            pool_size=CONNECTIONS,
            batch_max=batch_max,
            waiters_max=THREADS // 4,
            observer=metrics,
        )
    )
    count_connections(application.engine, CONNECTIONS, metrics)
    presence = presence_of(application, InstanceKind.API)
    stack.enter_context(working([beating(presence)]))
    atexit.register(presence.leave)
    app = wsgi_app(settings, application, presence, metrics)
    _collect_seldom()
    return app


def _collect_seldom() -> None:
    """Look for garbage in what requests leave behind, and not again and again in what was loaded to stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 20)


def wsgi_app(
    settings: Settings,
    application: Application,
    presence: Presence | None = None,
    metrics: Metrics | None = None,
) -> Callable[..., Any]:
    """Return the WSGI application that answers with these use cases, and counts with these metrics."""
    app = create_app(
        Services(
            accounts=application.accounts,
            evently=application.evently,
            webhooks=application.webhooks,
            counters=_counters(application, settings),
            metrics=metrics or Metrics(),
            measures=[
                *measures_of(application.evently),
                *measures_of_outside(application.outside.outbox, application.outside.deliveries),
            ],
            checks=_checks(application),
            courtesies=_courtesies(application),
            presence=presence,
        ),
        ApiSettings(
            secret_key=settings.signing_key(),
            previous_secret_keys=settings.previous_secret_keys,
            instance=instance_name(),
            access_minutes=int(settings.access_token_lifetime.total_seconds() // 60),
            trusted_proxies=settings.trusted_proxies,
            rate_limits=RateLimits(
                general=settings.rate_limit,
                reads=settings.rate_limit_reads,
                login=settings.rate_limit_login,
            ),
            cors_origins=settings.cors_origins,
            metrics_allowed=settings.metrics_allowed,
        ),
    )
    if settings.otel:
        from evently_flask_api.tracing import Traced
        from evently_wiring.traces import exporting

        app.wsgi_app = Traced(app.wsgi_app, exporting(instance_name()))  # type: ignore[method-assign]  # as documented
    return app


def _end_with_parent() -> None:
    """End this process with the main one, also when that is killed: an orphan would keep the port.

    The kernel sends the signal when the thread that spawned us ends, which is the main thread.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    main = multiprocessing.parent_process()
    # It may have died while this process was loading: then we were handed on to another parent already.
    if main is not None and os.getppid() != main.pid:
        os._exit(1)


def _checks(application: Application) -> dict[str, Callable[[], str]]:
    def reachable() -> str:
        with reading(application.engine) as connection:
            connection.execute(text("SELECT 1"))
        return "ok"

    def migrated() -> str:
        return "ok" if migrations.status(application.url).is_current else "behind"

    return {"database": reachable, "migrations": migrated}


def _counters(application: Application, settings: Settings) -> Counters:
    if application.redis is None:
        return MemoryCounters()
    from evently_redis.counters import RedisCounters  # comes with an extra

    return SteadyCounters(RedisCounters(application.redis, Keys(settings.redis_prefix)))


def _courtesies(application: Application) -> dict[str, Callable[[], str]]:
    def queue() -> str:
        assert application.evently.queue is not None, "there is always an intake here"
        oldest = application.evently.queue.figures().oldest
        waits = timedelta(0) if oldest is None else datetime.now(UTC) - oldest
        return "behind" if waits > QUEUE_BEHIND else "ok"

    redis = {} if application.redis is None else {"redis": application.redis.check}
    return {**redis, "queue": queue}


# -- the main process -------------------------------------------------------------------------------------------


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    work: bool,
    prepare: Callable[[Application], None],
    ready: Callable[[str], None],
    more_jobs: Callable[[Application], Sequence[Job]] = lambda _: (),
) -> None:
    """Serve until SIGTERM or SIGINT: then what is under way is finished, and everything stops.

    Args:
        settings: where the database is, and how the API runs.
        host: the address to listen on.
        port: the port to listen on.
        workers: how many processes answer.
        work: whether this process also does what a worker does.
        prepare: is given the use cases before anybody is served.
        ready: is told the address once it answers.
        more_jobs: what else this process is to do while it serves.

    Raises:
        PortTaken: somebody listens there already.
        EmbeddedPostgresError: the embedded server does not start.
        Unavailable: the database cannot be reached.
    """
    # Until the server listens to signals itself, they unwind what was begun: the database must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _require_free(host, port)
        configure_logs(settings.log_format)
        with database(settings) as url, tempfile.TemporaryDirectory(prefix="evently-metrics-") as counts:
            migrations.upgrade(url)
            os.environ.update(_environment_of_workers(settings, url))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts  # where each worker counts, and any tells of all
            with open_application(settings, url, pool_size=POOL_SIZE if work else 2) as application:
                prepare(application)
                with (
                    at_work(application, settings) if work else nullcontext(),
                    working(more_jobs(application)),
                ):
                    _announce_when_it_answers(f"http://{_reachable(host)}:{port}", ready)
                    server(host, port, workers).serve()


def server(host: str, port: int, workers: int, app: str = "evently_wiring.serving:worker_app") -> MPServer:
    """Return the server, to be started; ``app`` names what makes the application in each worker."""
    multiprocessing.set_start_method("spawn", force=True)  # a fork would take our threads' locks along
    return MPServer(
        app,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=THREADS,
        backpressure=THREADS * 8,
        workers_kill_timeout=DRAIN_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.error,  # it warns of what was chosen on purpose
    )


def _environment_of_workers(settings: Settings, url: str) -> dict[str, str]:
    return {
        "EVENTLY_DATABASE_URL": url,
        "EVENTLY_REDIS_URL": settings.redis_url or "",
        "EVENTLY_SECRET_KEY": settings.signing_key().decode(),
        "EVENTLY_DATA_DIR": str(settings.data_dir),
        "EVENTLY_LOG_FORMAT": settings.log_format,
    }


def _require_free(host: str, port: int) -> None:
    deadline = time.monotonic() + _PORT_SECONDS
    while (error := _why_not_free(host, port)) is not None:
        if time.monotonic() > deadline:
            raise PortTaken(
                f"Cannot listen on {host}:{port} ({error.strerror}). Name another --port."
            ) from error
        time.sleep(0.1)


def _why_not_free(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _reachable(host: str) -> str:
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"[{named}]" if ":" in named and not named.startswith("[") else named


def _announce_when_it_answers(address: str, ready: Callable[[str], None]) -> None:
    def announce() -> None:
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{address}/health/live", timeout=2):  # noqa: S310  # an address of our own
                ready(address)
                return
            time.sleep(0.1)

    threading.Thread(target=announce, name="announcer", daemon=True).start()
