"""What all commands share: the use cases, who acts, how things are named and shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from evently_cli.completion import user_emails
from evently_cli.failures import REFUSED, WRONG_USAGE, fail
from evently_core.booking import Booking
from evently_core.documents import to_json
from evently_core.errors import InvalidValue, NotFound
from evently_core.event import Event
from evently_core.paging import Page, PageRequest
from evently_core.storage import EventQuery
from evently_core.values import OPERATOR, Actor, BookingId, EventId, UserId

if TYPE_CHECKING:  # loading the adapters takes a while: help and completion do without
    from evently_wiring.application import Application

T = TypeVar("T")

_UNBROKEN = 10_000

as_option = click.option(
    "--as",
    "as_email",
    metavar="EMAIL",
    shell_complete=user_emails,
    help="Who acts; the operator, if left out.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Tell what would happen, and change nothing.")


@contextmanager
def application() -> Iterator[Application]:
    """Give the use cases over the database that the environment names."""
    from evently_wiring.application import opened
    from evently_wiring.settings import Settings

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


def emails(app: Application, user_ids: Iterable[UserId]) -> dict[UserId, str]:
    """Return the e-mails of users: on the command line that is what they are called."""
    return {user.id: user.email for user in app.accounts.people(set(user_ids))}


def event_named(app: Application, actor: Actor, name: str) -> Event:
    """Return the event of that id, of an id that begins so, or of that title."""
    try:
        return app.evently.events.view(actor, EventId(UUID(name))).event
    except ValueError:
        pass
    looks_like_an_id = re.fullmatch(r"[0-9a-f-]{6,35}", name.lower()) is not None
    query = EventQuery(text=None if looks_like_an_id else name, all_drafts=True)
    found = [
        event
        for event in everything(lambda page: app.evently.records.events(query, page))
        if (str(event.id).startswith(name.lower()) or event.title.casefold() == name.casefold())
        and _may_read(app, actor, event.id)
    ]
    if not found:
        fail(f"There is no event {name!r}. `evently events list` shows them.", REFUSED)
    if len(found) > 1:
        ids = ", ".join(str(event.id) for event in found[:5])
        fail(f"{len(found)} events are called {name!r}. Give the id: {ids}.", WRONG_USAGE)
    return found[0]


def _may_read(app: Application, actor: Actor, event_id: EventId) -> bool:
    try:
        app.evently.events.view(actor, event_id)
    except NotFound:
        return False
    return True


def booking_named(app: Application, actor: Actor, reference: str) -> Booking:
    """Return the booking of that reference or id."""
    try:
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
    try:
        return None if text is None else time_of(text, zone)
    except InvalidValue as wrong:
        fail(wrong.message, WRONG_USAGE)


def time_of(text: str, zone: str, field: str = "time") -> datetime:
    """Return a time as somebody wrote it; one without an offset is in a zone.

    Raises:
        InvalidValue: it is no time, or there is no such zone.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        wanted = f"{text!r} is no time; write 2030-05-01T20:00 or 2030-05-01T18:00:00Z."
        raise InvalidValue(field, "not_a_time", wanted) from error
    if found.tzinfo is not None:
        return found
    try:
        return found.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError) as error:
        wanted = f"{zone!r} is no time zone; write Europe/Berlin."
        raise InvalidValue("timezone", "unknown_timezone", wanted) from error


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
    elif rows:
        _table(columns, rows)
    else:
        click.echo(empty)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(str(cell)) for cell in row] for row in rows]  # what people wrote is no markup
    # In a pipe no line is broken: other programs cut and search them.
    console = Console(width=None if sys.stdout.isatty() else _UNBROKEN)
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for row in cells:
        table.add_row(*row)
    if Measurement.get(console, console.options.update(width=_UNBROKEN), table).maximum <= console.width:
        console.print(table)
        return
    # Nothing is cut: an id may be what the next command needs.
    for row in cells:
        block = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        for column, cell in zip(columns, row, strict=True):
            if cell.plain:
                block.add_row(Text(column, style="bold"), cell)
        console.print(block, "")


@contextmanager
def progress(things: Iterable[T], what: str) -> Iterator[Iterable[T]]:
    """Give the things one by one, with a bar on standard error that shows how far they are: on a terminal only."""
    if not sys.stderr.isatty():
        yield things
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield bar.track(things, description=what)


def told(what: str, *, dry_run: bool) -> None:
    """Say what was done, or would be."""
    click.echo(f"Would be so: {what} (nothing was changed)" if dry_run else what)
