"""``evently watch``: an event as it is, second by second."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import click

from evently_cli.completion import event_names
from evently_cli.desk import acting, application, as_option, event_named, json_option, local
from evently_cli.following import Diary, Follower, bar, each, sparkline
from evently_core.documents import to_json
from evently_core.presentation import seats_shape
from evently_core.services.events import EventView
from evently_core.storage import JournalLine

if TYPE_CHECKING:
    from rich.console import RenderableType

SECONDS = 1.0
"""How often it looks."""
_SAMPLE = 1_000
"""How many of the newest lines of the journal are looked through; in a greater rush the rest is taken to be alike."""
_REMEMBERED = 600
_NEWS = 8
"""How many lines of the journal are shown."""


@attrs.frozen
class Glance:
    """An event as it is now, and what happened since the glance before."""

    view: EventView
    bookings_per_second: float
    news: tuple[JournalLine, ...]


@click.command(epilog="Example: evently watch Jazz --json | head -60")
@click.argument("event", shell_complete=event_names)
@as_option
@json_option
def watch(event: str, as_email: str | None, as_json: bool) -> None:
    """Show seats, line and bookings per second, live, until Ctrl-C.

    In a pipe, or with --json, it writes one line of JSON a second.
    """
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        follower = Follower(app, actor, found.id)

        def glance(seconds: float) -> Glance:
            before = follower.number
            news = follower.new(_SAMPLE)
            share = (follower.number - before) / len(news) if news else 0.0
            granted = sum(line.kind == "granted" for line in news)
            view = app.evently.events.view(actor, found.id)
            return Glance(view, granted * share / seconds if seconds else 0.0, tuple(news))

        try:
            if as_json or not sys.stdout.isatty():
                _write(glance)
            else:
                _draw(glance, Diary(app, found.timezone))
        except KeyboardInterrupt:
            return


def _write(glance: Callable[[float], Glance]) -> None:
    click.echo(to_json(_shape(glance(0.0))))
    for seconds in each(SECONDS):
        click.echo(to_json(_shape(glance(seconds))))


def _shape(glance: Glance) -> dict[str, Any]:
    event = glance.view.event
    return {
        "at": glance.view.as_of,
        "event_id": event.id,
        "status": event.status,
        "capacity": event.capacity,
        **seats_shape(glance.view.seats.total),
        "bookings_per_second": round(glance.bookings_per_second, 1),
        "ticket_types": [
            {"id": kind.id, "name": kind.name, **seats_shape(glance.view.seats.by_ticket_type[kind.id])}
            for kind in event.ticket_types
        ],
    }


def _draw(glance: Callable[[float], Glance], diary: Diary) -> None:
    """Draw the event on the terminal, each time over the picture before."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    rates: deque[float] = deque(maxlen=_REMEMBERED)
    news: deque[JournalLine] = deque(maxlen=_NEWS)
    with Live(console=console, auto_refresh=False) as live:
        live.update(_picture(glance(0.0), (), (), console.width), refresh=True)
        for seconds in each(SECONDS):
            seen = glance(seconds)
            rates.append(seen.bookings_per_second)
            news.extend(seen.news)
            told = [diary.sentence(line) for line in news]
            live.update(_picture(seen, rates, told, console.width), refresh=True)


def _picture(glance: Glance, rates: Sequence[float], told: Sequence[str], width: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    event, counts = glance.view.event, glance.view.seats
    head = Text(event.title, style="bold", no_wrap=True, overflow="ellipsis")
    head.append(f"  {event.status} · {local(event.starts_at, event.timezone)}", style="dim")
    seats = Table(
        "", "taken", "", "free", "set aside", "waiting", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    rows = [("all", event.capacity, counts.total)]
    if len(event.ticket_types) > 1:
        rows += [
            (kind.name, kind.capacity or event.capacity, counts.by_ticket_type[kind.id])
            for kind in event.ticket_types
        ]
    for name, capacity, count in rows:
        seats.add_row(
            Text(name, no_wrap=True, overflow="ellipsis"),
            f"{count.taken} of {capacity}",
            Text(bar(count.taken, capacity, max(8, width - 64)), style="cyan"),
            str(count.free),
            str(count.free - count.available),
            str(count.waiting),
        )
    rate = Text(f"{glance.bookings_per_second:.1f} bookings per second  ", style="bold")
    rate.append(sparkline(rates, max(8, width - 34)), style="cyan")
    news = [Text(sentence, style="dim", no_wrap=True, overflow="ellipsis") for sentence in told]
    return Group(head, "", seats, "", rate, "", *news)
