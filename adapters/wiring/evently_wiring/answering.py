"""What answers: the WSGI application of each of the server's processes, over the use cases and the settings."""

from __future__ import annotations

import atexit
import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

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
from evently_wiring.application import Application, instance_name, open_application, presence_of
from evently_wiring.logs import configure_logs
from evently_wiring.measuring import count_connections, measures_of, measures_of_outside
from evently_wiring.serving import THREADS
from evently_wiring.settings import Settings
from evently_wiring.worker import beating, working

CONNECTIONS = 20
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
QUEUE_BEHIND = timedelta(seconds=30)
"""How long a request waits to be decided before somebody should look why: nobody is at work, or too few are."""


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
