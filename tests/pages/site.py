"""The site under test: what tests arrange behind the pages, and how somebody visits them."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import attrs
from playwright.sync_api import Browser, ConsoleMessage, Page

from evently_core.accounts import User
from evently_core.commands import Book
from evently_core.event import Event
from evently_core.outcomes import Admitted
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.values import OPERATOR, Actor, Role
from evently_wiring.application import Application

PASSWORD = "correct horse battery"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

_numbers = count(1)


@attrs.frozen
class Site:
    """A running server, and the use cases over its database."""

    address: str
    application: Application

    def is_ready(self) -> bool:
        with urllib.request.urlopen(f"{self.address}/health/ready", timeout=60) as answer:
            return bool(answer.status == 200)

    def user(self, name: str, role: Role = Role.ATTENDEE) -> User:
        """Make an account that nobody else has, whatever others are called."""
        email = f"{name.lower().replace(' ', '.')}.{next(_numbers)}@example.org"
        return self.application.accounts.create_user(OPERATOR, email, PASSWORD, name, role).value

    def event(self, organiser: User, *, publish: bool = True, **fields: Any) -> Event:
        starts_at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=30)
        usual: dict[str, Any] = {"title": "Jazz", "timezone": "Europe/Berlin", "capacity": 10}
        new = NewEvent(
            **{**usual, "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=3), **fields}
        )
        actor = Actor(organiser.id, organiser.role)
        answer = self.application.evently.events.create(actor, new)
        assert isinstance(answer, EventAnswer)
        if publish:
            self.application.evently.events.publish(actor, answer.view.event.id)
        return answer.view.event

    def book(self, event: Event, user: User, quantity: int, *, waiting: bool = False) -> Admitted:
        """Book seats; with ``waiting`` take the whole party or wait for it."""
        request = Book(
            actor=Actor(user.id, user.role), user_id=user.id, quantity=quantity, join_waitlist=waiting
        )
        answer = self.application.evently.bookings.book(event.id, request)
        assert isinstance(answer, Admitted), answer
        return answer


class Visitor:
    """Somebody at a browser. What a page complains of is kept: an error of a script, a request that was blocked."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.address = address
        self.complaints: list[str] = []
        usual = {"viewport": DESK, "locale": "en-GB", "timezone_id": "Europe/Berlin"}
        self._context = browser.new_context(**{**usual, **context})
        self._context.set_default_timeout(120_000)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        # An answer of the API that is no success is said here too; whether the page took it well is for the test.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def go(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def log_in(self, user: User, to: str = "/") -> Page:
        """Log in by the page for it, and arrive where the page was to lead."""
        self.go(f"/app/log-in?to={to}")
        self.say_who(user.email, PASSWORD)
        self.page.wait_for_url(self.address + to)
        return self.page

    def say_who(self, email: str, password: str) -> None:
        """Fill in the form that asks to log in."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("main").get_by_role("button", name="Log in").click()

    def leave(self) -> None:
        self._context.close()


Visit = Callable[..., Visitor]
"""Opens the site in a browser of its own; takes what Playwright's ``new_context`` takes."""
