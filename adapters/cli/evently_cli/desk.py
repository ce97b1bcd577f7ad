"""What all commands share: the use cases, who acts, how things are named and shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from evently_cli.failures import REFUSED, WRONG_USAGE, fail
from evently_core.booking import Booking
from evently_core.documents import to_json
from evently_core.event import Event
from evently_core.paging import Page, PageRequest
from evently_core.storage import EventQuery
from evently_core.values import OPERATOR, Actor, EventId, UserId
from evently_wiring.application import Application, opened
from evently_wiring.settings import Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

as_option = click.option("--as", "as_email", metavar="EMAIL", help="Who acts; the operator, if left out.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Tell what would happen, and change nothing.")


@contextmanager
def application() -> Iterator[Application]:
    """Give the use cases over the database that the environment names."""
    with opened(Settings.from_environment()) as app:
        yield app


def acting(app: Application, email: str | None) -> Actor:
    """Return who acts: the user of that e-mail, or the operator."""
    if email is None:
        return OPERATOR
    user = app.accounts.user_by_email(OPERATOR, email)
    return Actor(user.id, user.role)


def user_id_of(app: Application, email: str) -> UserId:
    """Return the id of the user of that e-mail."""
    return app.accounts.user_by_email(OPERATOR, email).id


def event_named(app: Application, actor: Actor, name: str) -> Event:
    """Return the event of that id, of an id that begins so, or of that title."""
    try:
        return app.evently.events.view(actor, EventId(UUID(name))).event
    except ValueError:
        pass
    looks_like_an_id = re.fullmatch(r"[0-9a-f-]{6,35}", name.lower()) is not None
    query = EventQuery() if looks_like_an_id else EventQuery(text=name)
    found = [
        view.event
        for view in everything(lambda page: app.evently.events.views(actor, query, page))
        if str(view.event.id).startswith(name.lower()) or view.event.title.casefold() == name.casefold()
    ]
    if not found:
        fail(f"There is no event {name!r}. `evently events list` shows them.", REFUSED)
    if len(found) > 1:
        fail(f"{len(found)} events are called {name!r}. Give the id.", WRONG_USAGE)
    return found[0]


def booking_named(app: Application, actor: Actor, reference: str) -> Booking:
    """Return the booking of that reference or id."""
    try:
        from evently_core.values import BookingId

        return app.evently.bookings.booking(actor, BookingId(UUID(reference)))
    except ValueError:
        return app.evently.bookings.by_reference(actor, reference.upper())


def everything(read: Callable[[PageRequest], Page[T]]) -> Iterator[T]:
    """Yield all things of a list, page by page."""
    cursor: str | None = None
    while True:
        page = read(PageRequest(100, cursor))
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def moment(text: str | None, zone: str) -> datetime | None:
    """Return a time of the command line; one without an offset is in the event's zone."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write 2030-05-01T20:00 or 2030-05-01T18:00:00Z.", WRONG_USAGE)
    if found.tzinfo is not None:
        return found
    try:
        return found.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError):
        fail(f"{zone!r} is no time zone; write Europe/Berlin.", WRONG_USAGE)


def local(when: datetime | None, zone: str) -> str:
    """Return a time as it reads in a zone."""
    return "" if when is None else when.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %Z")


def show(
    shapes: Any,
    *,
    as_json: bool,
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[Any]] = (),
    empty: str = "",
) -> None:
    """Write one JSON document, or a table for people."""
    if as_json:
        click.echo(to_json(shapes))
    elif not rows:
        click.echo(empty)
    else:
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        width = None if sys.stdout.isatty() else 200
        Console(width=width).print(table)


def told(what: str, *, dry_run: bool) -> None:
    """Say what was done, or would be."""
    click.echo(f"Would be so: {what} (nothing was changed)" if dry_run else what)
