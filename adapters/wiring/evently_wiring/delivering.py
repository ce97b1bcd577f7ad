"""The jobs that tell the outside what happened."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog

from evently_core import letters
from evently_core.deliveries import Channel, WorkerId
from evently_core.errors import EventlyError
from evently_core.memory.basics import SystemClock
from evently_core.services.delivering import Courier, Messenger, Planner
from evently_core.services.mailing import MailMessenger
from evently_core.services.webhooks import WebhookMessenger
from evently_wiring.application import Application
from evently_wiring.ids import UuidV7
from evently_wiring.mail import SmtpMail
from evently_wiring.outgoing import HttpWebhooks
from evently_wiring.settings import Settings

log = structlog.get_logger("evently.worker")

PLAN_SECONDS = 0.3
"""How often is looked for what was recorded, at least."""
LOOK_SECONDS = 0.5
"""How often is looked for what is due, at least."""
BEAT_SECONDS = 1.0
OWN_PAGE = "/app/bookings"
"""Where the pages show somebody the own seats, offers and places in line."""
DELIVERERS = 4
"""So many targets are told something at the same time, by each process."""


class Delivering:
    """What one process does to tell the outside; its methods are pieces of jobs."""

    def __init__(self, application: Application, settings: Settings, stopped: threading.Event) -> None:
        """Take the stores, and what tells that it is time to end."""
        clock, ids, outside = SystemClock(), UuidV7(), application.outside
        messengers: dict[Channel, Messenger] = {
            Channel.WEBHOOK: WebhookMessenger(
                outside.webhooks,
                application.evently.records,
                outside.accounts,
                HttpWebhooks(settings.address_rules),
            )
        }
        mailed: frozenset[str] = frozenset()
        if settings.mail is not None:
            from evently_flask_api.calendars import event_calendar  # slow to load, and many send no mail

            sender = SmtpMail(settings.mail.server, settings.mail.sender, event_calendar)
            pages = None if settings.public_url is None else letters.Pages(settings.public_url + OWN_PAGE)
            messengers[Channel.MAIL] = MailMessenger(
                application.evently.records, outside.accounts, sender, pages
            )
            mailed = letters.KINDS
        self._planner = Planner(outside.outbox, outside.webhooks, clock, ids, mailed=mailed)
        self._courier = Courier(
            outside.deliveries, messengers, clock, WorkerId(ids.new()), chance=random.SystemRandom().random
        )
        self._stopped = stopped
        self._look_at = 0.0

    def plan(self) -> float:
        """Make deliveries of what was recorded; return after how many seconds to look again."""
        if not self._planner.plan():
            return PLAN_SECONDS
        self._look_at = 0.0
        return 0.0

    def deliver(self) -> float:
        """Make the deliveries of one lane; return after how many seconds to look again.

        Of several threads with nothing to do one looks; the others wait for what it finds.
        """
        wait = self._look_at - time.monotonic()
        if wait > 0:
            return wait
        self._look_at = time.monotonic() + LOOK_SECONDS
        if self._courier.deliver(self._stopped.is_set):
            self._look_at = 0.0
            return 0.0
        due = self._courier.next_due()
        if due is not None:
            soon = max(0.05, (due - datetime.now(UTC)).total_seconds())
            self._look_at = time.monotonic() + min(LOOK_SECONDS, soon)
        return max(0.01, self._look_at - time.monotonic())

    def forget(self) -> None:
        """Forget what was delivered long ago."""
        self._courier.forget()

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Say every second that this process is alive; at the end say that it is gone."""
        self._courier.beat()
        ended = threading.Event()
        thread = threading.Thread(target=self._beat_until, args=(ended.wait,), name="beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            _safely(self._courier.leave)

    def _beat_until(self, ended: Callable[[float], bool]) -> None:
        while not ended(BEAT_SECONDS):
            _safely(self._courier.beat)


def _safely(say: Callable[[], None]) -> None:
    try:
        say()
    except EventlyError as error:
        log.warning("beat_failed", error=str(error))  # others may take over; this one is heard again later
