"""Serving the API: processes with threads that meet at the desk, the jobs of a worker, and the database underneath.

This is the main process. It answers nobody itself, and loads nothing of what does.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from evently_postgres import migrations
from evently_wiring.application import Application, database, open_application
from evently_wiring.logs import configure_logs
from evently_wiring.settings import Settings
from evently_wiring.worker import POOL_SIZE, Job, at_work, working

THREADS = 32
"""How many requests a process answers at the same time."""
DRAIN_SECONDS = 30
_PORT_SECONDS = 3.0
"""How long a port may still belong to a server that is on its way out."""


class PortTaken(Exception):
    """Somebody listens on the port already."""


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


def server(host: str, port: int, workers: int, app: str = "evently_wiring.answering:worker_app") -> MPServer:
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
