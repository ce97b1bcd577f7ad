"""What is recorded reaches the outside, whatever process dies: with real workers, PostgreSQL and sockets."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from evently_core.commands import Book
from evently_core.errors import Unavailable
from evently_core.services.delivering import LEASE
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.values import OPERATOR, Actor, EventId, Role, UserId
from evently_wiring.application import Application, open_application
from evently_wiring.ids import UuidV7
from evently_wiring.settings import Settings
from tests.outside.receivers import HttpReceiver, MailReceiver, Message
from tests.servers import MakeDatabase
from tests.serving.test_serve import until
from tests.serving.test_worker import WorkerProcess, start_worker  # noqa: F401  # a fixture that tests name

pytestmark = [pytest.mark.crash]

SOON = datetime(2040, 5, 1, 18, tzinfo=UTC)
SETTINGS = Settings(data_dir=Path("unused"), private_webhooks=True)
ANY = {"EVENTLY_WEBHOOK_ADDRESSES": "any"}
StartWorker = Callable[..., WorkerProcess]


@contextmanager
def house(url: str) -> Iterator[tuple[Application, Actor]]:
    """Open the use cases, with an organiser."""
    with open_application(SETTINGS, url, pool_size=4) as app:
        user = app.accounts.create_user(
            OPERATOR, "olga@example.org", "a long secret", "Olga", Role.ORGANISER
        ).value
        yield app, Actor(user.id, user.role)


def published(app: Application, organiser: Actor, capacity: int = 1_000) -> EventId:
    new = NewEvent(
        title="Jazz", timezone="UTC", starts_at=SOON, ends_at=SOON + timedelta(hours=2), capacity=capacity
    )
    made = app.evently.events.create(organiser, new)
    assert isinstance(made, EventAnswer)
    app.evently.events.publish(organiser, made.view.event.id)
    return made.view.event.id


def book(app: Application, event_id: EventId, times: int) -> None:
    for _ in range(times):
        user_id = UserId(UuidV7().new())
        app.evently.bookings.book(event_id, Book(actor=OPERATOR, user_id=user_id))


def numbers(messages: list[Message], event_id: EventId) -> list[int]:
    """Return the numbers of the lines of an event as they came, each once."""
    found: list[int] = []
    for message in messages:
        told, number = message.line
        if told == str(event_id) and number not in found:
            found.append(number)
    return found


def test_what_was_committed_before_a_kill_is_told_after_it(
    make_database: MakeDatabase,
    receiver: HttpReceiver,
    start_worker: StartWorker,  # noqa: F811  # the fixture
) -> None:
    """Killed while an address thinks, again and again, the workers lose no line and tell them in order."""
    url = make_database()
    with house(url) as (app, organiser):
        webhook = app.webhooks.add(organiser, receiver.url)
        event = published(app, organiser)
        book(app, event, 10)
        for _ in range(3):
            worker = start_worker(url, **ANY)
            seen = len(receiver.messages)
            receiver.answer = lambda _: time.sleep(0.05) or 204  # type: ignore[func-returns-value]  # it thinks first
            until(lambda seen=seen: len(receiver.messages) >= seen + 2)  # type: ignore[misc]  # bound as it is now
            assert worker.signal(signal.SIGKILL) == -signal.SIGKILL
            book(app, event, 2)
        receiver.answer = lambda _: 204
        worker = start_worker(url, **ANY)
        until(lambda: len(numbers(receiver.messages, event)) == 18)
        assert numbers(receiver.messages, event) == list(range(1, 19))
        assert worker.signal(signal.SIGTERM) == 0
        for message in receiver.messages:
            message.verified(webhook.value.secret)  # type: ignore[union-attr]  # the first one is never refused
        by_line: dict[int, set[str]] = {}
        for message in receiver.messages:
            by_line.setdefault(message.line[1], set()).add(message.id)
        assert all(len(ids) == 1 for ids in by_line.values()), "what comes twice comes under one id"


def test_two_workers_share_and_a_dead_ones_share_is_taken_over_within_five_seconds(
    make_database: MakeDatabase,
    receiver: HttpReceiver,
    start_worker: StartWorker,  # noqa: F811  # the fixture
) -> None:
    url = make_database()
    with house(url) as (app, organiser):
        app.webhooks.add(organiser, receiver.url, types=["granted"])
        event = published(app, organiser)
        first, second = start_worker(url, **ANY), start_worker(url, **ANY)
        assert second.process is not None
        second.process.send_signal(signal.SIGSTOP)  # the first one is to hold the lane
        held: list[str] = []

        def thinks_once(message: Message) -> int:
            if not held:
                held.append(message.id)
                time.sleep(60)
            return 204

        receiver.answer = thinks_once
        book(app, event, 3)
        until(lambda: held)
        second.process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        assert len(receiver.messages) == 1, "what one is making nobody else makes"
        assert first.signal(signal.SIGKILL) == -signal.SIGKILL
        until(lambda: len(receiver.messages) >= 4)
        assert receiver.messages[1].id == held[0], "the one that was under way comes first, again"
        assert LEASE.total_seconds() < 5, "so soon it is taken over"
        assert numbers(receiver.messages, event) == [3, 4, 5]
        assert second.signal(signal.SIGTERM) == 0


def test_a_worker_that_is_told_to_stop_finishes_what_is_under_way(
    make_database: MakeDatabase,
    receiver: HttpReceiver,
    start_worker: StartWorker,  # noqa: F811  # the fixture
) -> None:
    url = make_database()
    with house(url) as (app, organiser):
        app.webhooks.add(organiser, receiver.url, types=["granted"])
        event = published(app, organiser)
        receiver.answer = lambda _: time.sleep(0.5) or 204  # type: ignore[func-returns-value]  # it thinks first
        book(app, event, 60)
        worker = start_worker(url, **ANY)
        until(lambda: receiver.messages)
        assert worker.signal(signal.SIGTERM) == 0
        with psycopg.connect(url) as connection:
            states = connection.execute("SELECT number, state FROM deliveries ORDER BY number").fetchall()
            held = connection.execute("SELECT held_by FROM delivery_lanes").fetchall()
        told = numbers(receiver.messages, event)
        assert len(told) < len(states) == 60, "it went on as if nobody had told it to stop"
        assert states == [(number, "delivered" if number in told else "pending") for number in range(3, 63)]
        assert held == [(None,)]


def test_a_worker_goes_on_when_its_connections_were_cut(
    make_database: MakeDatabase,
    receiver: HttpReceiver,
    start_worker: StartWorker,  # noqa: F811  # the fixture
) -> None:
    """The database goes away under a worker, and comes back."""
    url = make_database()
    with house(url) as (app, organiser):
        app.webhooks.add(organiser, receiver.url, types=["granted"])
        event = published(app, organiser)
        worker = start_worker(url, **ANY)
        book(app, event, 1)
        until(lambda: len(receiver.messages) == 1)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        until(lambda: _booked(app, event))
        until(lambda: len(numbers(receiver.messages, event)) >= 2)
        assert worker.signal(signal.SIGTERM) == 0


def test_people_are_written_to_by_a_real_worker(
    make_database: MakeDatabase,
    mailbox: MailReceiver,
    start_worker: StartWorker,  # noqa: F811  # the fixture
) -> None:
    """Killed in the middle, it is followed by one that writes the rest."""
    url = make_database()
    mail = {"EVENTLY_SMTP_URL": mailbox.url, "EVENTLY_MAIL_FROM": "tickets@example.org"}
    with house(url) as (app, organiser):
        event = published(app, organiser)
        people = [
            app.accounts.register(f"user{number}@example.org", "a long secret", f"User {number}").value
            for number in range(5)
        ]
        worker = start_worker(url, **mail)
        for user in people:
            app.evently.bookings.book(event, Book(actor=Actor(user.id, user.role), user_id=user.id))
        until(lambda: mailbox.mailed)
        assert worker.signal(signal.SIGKILL) == -signal.SIGKILL
        worker = start_worker(url, **mail)
        until(lambda: {mailed.to for mailed in mailbox.mailed} == {user.email for user in people})
        assert {mailed.subject for mailed in mailbox.mailed} == {"Booked: Jazz"}
        assert worker.signal(signal.SIGTERM) == 0


def _booked(app: Application, event_id: EventId) -> bool:
    """Book; whose connection was cut is told to try again."""
    try:
        book(app, event_id, 1)
    except Unavailable:
        return False
    return True
