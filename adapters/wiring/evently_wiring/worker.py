"""What is done though nobody asks: jobs, each in a thread of its own, until everything is told to stop.

`evently worker` runs them in a process of its own, `evently serve` beside the API. Any number of processes may run
the same jobs: each job shares its work through the database, and what a dead process left is taken over.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import structlog

from evently_core.errors import EventlyError
from evently_core.instances import BEAT_EVERY, InstanceKind
from evently_core.outcomes import Failed
from evently_core.services.draining import DrainService
from evently_core.services.presence import Presence
from evently_core.services.sweeping import SweepService
from evently_wiring.application import Application, instance_name, opened, presence_of
from evently_wiring.delivering import DELIVERERS, Delivering
from evently_wiring.logs import configure_logs
from evently_wiring.settings import Settings

log = structlog.get_logger("evently.worker")

SWEEP_SECONDS = 1.0
"""How often the sweeper looks for what is due, at least."""
DRAIN_PAUSE_SECONDS = 0.05
"""How often an empty queue is looked at."""
FORGET_SECONDS = 3_600.0
FAILED_SECONDS = 1.0
"""After how long a job that failed is tried again."""
DRAIN_SECONDS = 30.0
"""How long what is under way may take once the worker is told to stop."""
ANSWERS_KEPT = timedelta(hours=48)
"""How long the answer to a request can be asked for again under its key: twice what clients are promised."""
POOL_SIZE = 14
"""Connections enough for every job to work at the same time."""


@attrs.frozen
class Job:
    """Something to do again and again: ``work`` does a piece of it, and returns after how many seconds there is more.

    A piece is short, or ends early when the process is told to stop: nobody interrupts it.
    """

    name: str
    work: Callable[[], float]
    end: Callable[[], object] = int
    """Done once, when the process is told to stop."""


@contextmanager
def at_work(application: Application, settings: Settings) -> Iterator[None]:
    """Do every job there is over these use cases during the block. A new one is added here."""
    stopped = threading.Event()
    delivering = Delivering(application, settings, stopped)
    jobs = [
        Job("sweep", partial(sweep, application.evently.sweeping)),
        *drains_of(application),
        Job("plan", delivering.plan),
        *(Job(f"deliver-{number}", delivering.deliver) for number in range(1, DELIVERERS + 1)),
        Job("forget", partial(forget, application, delivering)),
        beating(presence_of(application, InstanceKind.WORKER)),
    ]
    with delivering.alive(), working(jobs, stopped):
        yield


def beating(presence: Presence) -> Job:
    """Return the job to tell, once a second, that this process lives."""

    def beat() -> float:
        presence.beat()
        return BEAT_EVERY.total_seconds()

    return Job("beat", beat, presence.leave)


@contextmanager
def working(jobs: Sequence[Job], stopped: threading.Event | None = None) -> Iterator[None]:
    """Do these jobs during the block. At its end what is under way is finished, and nothing more is begun.

    ``stopped`` is set at the end, for those who want to know.
    """
    stopped = stopped or threading.Event()
    threads = [
        threading.Thread(target=_work, args=(job, stopped), name=f"job-{job.name}", daemon=True)
        for job in jobs
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        deadline = time.monotonic() + DRAIN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.error("job_cut_off", job=thread.name, instance=instance_name())


def _work(job: Job, stopped: threading.Event) -> None:
    pause = 0.0
    while not stopped.wait(pause):
        pause = _safely(job)
    job.end()


def _safely(job: Job) -> float:
    """Do a piece of a job, return after how many seconds there is more; what fails is tried again."""
    try:
        return job.work()
    except EventlyError as error:
        # The database is away; what there is to do stays to be done.
        log.warning("job_failed", job=job.name, instance=instance_name(), error=str(error))
    except Exception as error:  # one thing that cannot be done must not stop the others for good
        log.error("job_failed", job=job.name, instance=instance_name(), exc_info=error)
    return FAILED_SECONDS


def run_worker(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Work until SIGTERM or SIGINT: then what is under way is finished.

    Args:
        settings: where the database is.
        ready: is told the name of this process once it works.

    Raises:
        NotMigrated: the database is too old.
        EmbeddedPostgresError: the embedded server does not start.
        Unavailable: the database cannot be reached.
    """
    told = threading.Event()
    # Until it works, signals unwind what was begun: an embedded database must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        configure_logs(settings.log_format)
        with opened(settings, pool_size=POOL_SIZE) as application:
            with at_work(application, settings):
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: told.set())
                log.info("worker_started", instance=instance_name())
                ready(instance_name())
                told.wait()
            log.info("worker_stopped", instance=instance_name())


def drains_of(application: Application) -> list[Job]:
    """Return what decides queued requests."""
    drain = application.evently.drain
    return [] if drain is None else [Job("drain", partial(drain_once, drain))]


# -- the jobs -----------------------------------------------------------------------------------------------------


def sweep(sweeping: SweepService) -> float:
    """Sweep what is due; return after how many seconds to look again."""
    if sweeping.sweep():
        return 0.0
    due = sweeping.next_due()
    if due is None:
        return SWEEP_SECONDS
    return min(SWEEP_SECONDS, max(0.05, (due - datetime.now(UTC)).total_seconds()))


def drain_once(drain: DrainService) -> float:
    """Decide the next of the queued requests; return after how many seconds to look again."""
    drained = drain.drain()
    for failed in drained.failed:
        assert isinstance(failed.outcome, Failed), failed
        log.error(
            "request_set_aside",
            request=str(failed.id),
            event=str(failed.event_id),
            fault=failed.outcome.fault,
            instance=instance_name(),
        )
    return 0.0 if drained.requests else DRAIN_PAUSE_SECONDS


def forget(application: Application, delivering: Delivering) -> float:
    """Forget what was kept for a while only: answers, sessions, deliveries; return when to do so again."""
    delivering.forget()
    before = datetime.now(UTC) - ANSWERS_KEPT
    application.storage.forget_answers(before)
    application.accounts.forget_answers(before)
    application.accounts.forget_sessions(before)
    return FORGET_SECONDS
