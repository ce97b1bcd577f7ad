"""``evently journal`` and ``evently doctor``."""

from __future__ import annotations

import sys
from contextlib import suppress
from itertools import chain

import attrs
import click

from evently_cli.completion import event_names
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    event_named,
    everything,
    json_option,
    show,
)
from evently_cli.failures import DRIFT
from evently_cli.following import LOOK_SECONDS, Diary, Follower, each
from evently_core.documents import to_json
from evently_core.presentation import journal_shape
from evently_core.services.doctor import Treated
from evently_core.values import OPERATOR

_LAST = 10
"""How many lines are shown before those that follow."""


@click.command(epilog="Example: evently journal Jazz --follow")
@click.argument("event", shell_complete=event_names)
@click.option("--follow", "-f", is_flag=True, help="Show the last lines, then each new one, until Ctrl-C.")
@as_option
@json_option
def journal(event: str, follow: bool, as_email: str | None, as_json: bool) -> None:
    """Show what happened, by whom, and why.

    With --follow and --json each line is a JSON document of its own.
    """
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        diary = Diary(app, found.timezone)
        if follow:
            _follow(Follower(app, actor, found.id), None if as_json else diary)
            return
        lines = list(everything(lambda page: app.evently.events.journal(actor, found.id, page)))
        items = [journal_shape(line) for line in lines]
        rows = [] if as_json else diary.rows(lines)
        show({"items": items, "next_cursor": None}, as_json=as_json, columns=Diary.COLUMNS, rows=rows)


def _follow(follower: Follower, diary: Diary | None) -> None:
    """Write the last lines and every new one as it comes: for people, or without a diary as JSON."""
    with suppress(KeyboardInterrupt):
        for line in chain(
            follower.last(_LAST), (line for _ in each(LOOK_SECONDS) for line in follower.new())
        ):
            click.echo(to_json(journal_shape(line)) if diary is None else diary.sentence(line))


@click.command(epilog="Example: evently doctor --repair")
@click.option("--event", shell_complete=event_names, help="Of this event alone.")
@click.option("--repair", is_flag=True, help="Mend what can be mended, and write it into the journal.")
@dry_run_option
@json_option
def doctor(event: str | None, repair: bool, dry_run: bool, as_json: bool) -> None:
    """Hold every counter against the truth; exit with 4 if something does not add up.

    With --repair every counter is set to what the bookings and entries add up to; what only a person can decide, such
    as whose seats are given back where more were sold than there are, is told of and left (exit code 4).
    """
    with application() as app:
        event_id = event_named(app, OPERATOR, event).id if event else None
        if repair and not dry_run:
            treated = app.evently.doctor.repair(event_id)
        else:
            treated = Treated(left=tuple(app.evently.doctor.examine(event_id)))
    found = [(drift, True) for drift in treated.mended] + [(drift, False) for drift in treated.left]
    shape = [attrs.asdict(drift) | {"mended": mended} for drift, mended in found]
    rows = [
        (drift.event_id, drift.what, drift.recorded, drift.true, "mended" if mended else "")
        for drift, mended in found
    ]
    columns = ("event", "what", "recorded", "true", "")
    show(shape, as_json=as_json, columns=columns, rows=rows, empty="Everything adds up.")
    if treated.left:
        sys.exit(DRIFT)
