"""What the shell offers when somebody presses Tab: names of events, references of bookings, e-mails of users.

A shell waits for it and shows no message, so what cannot be looked up at once is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from click import Context, Parameter
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from evently_core.paging import Page, PageRequest
    from evently_wiring.application import Application

Complete = Callable[[Context, Parameter, str], list[CompletionItem]]
T = TypeVar("T")
PAGES_MAX = 10
"""How many hundreds of things are looked through for those that begin so."""


def completing(offered: Callable[[Application, str], Iterator[CompletionItem]]) -> Complete:
    """Return what click asks for completions; whatever goes wrong, nothing is offered."""

    def complete(context: Context, parameter: Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            with _at_once() as application:
                return [] if application is None else list(offered(application, incomplete.casefold()))
        except Exception:  # noqa: BLE001  # a message would end up in the command line
            return []

    return complete


@contextmanager
def _at_once() -> Iterator[Application | None]:
    """Give the use cases, unless a server would have to be started first."""
    from evently_wiring.application import opened
    from evently_wiring.embedded import EmbeddedPostgres
    from evently_wiring.settings import Settings

    settings = Settings.from_environment()
    if settings.database_url is None and not EmbeddedPostgres(settings.data_dir).is_running:
        yield None
        return
    with opened(settings) as application:
        yield application


def _first(read: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """Yield the first things of a list."""
    from evently_core.paging import PageRequest

    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = read(PageRequest(100, cursor))
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@completing
def event_names(application: Application, begun: str) -> Iterator[CompletionItem]:
    """Offer titles of one word, and the ids of other events: a shell would take a title apart."""
    from evently_core.storage import EventQuery

    query = EventQuery(all_drafts=True)
    for event in _first(lambda page: application.evently.records.events(query, page)):
        if event.title.casefold().startswith(begun) or str(event.id).startswith(begun):
            name = event.title if event.title.isalnum() else str(event.id)
            yield CompletionItem(name, help=event.title)


@completing
def booking_references(application: Application, begun: str) -> Iterator[CompletionItem]:
    """Offer the references of bookings."""
    from evently_core.storage import BookingQuery

    query = BookingQuery(now=datetime.now(UTC))
    for booking in _first(lambda page: application.evently.records.bookings(query, page)):
        if booking.reference.casefold().startswith(begun):
            yield CompletionItem(booking.reference, help=f"{booking.quantity} {booking.status}")


@completing
def user_emails(application: Application, begun: str) -> Iterator[CompletionItem]:
    """Offer the e-mails of users."""
    from evently_core.values import OPERATOR

    for user in _first(lambda page: application.accounts.users(OPERATOR, page)):
        if user.email.startswith(begun):
            yield CompletionItem(user.email, help=user.name)
