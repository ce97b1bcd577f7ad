"""``evently journal`` and ``evently doctor``."""

from __future__ import annotations

import sys

import click

from evently_cli.desk import acting, application, as_option, event_named, everything, json_option, local, show
from evently_cli.failures import DRIFT
from evently_core.documents import to_json
from evently_core.presentation import journal_shape


@click.command(epilog="Example: evently journal Jazz --json")
@click.argument("event")
@as_option
@json_option
def journal(event: str, as_email: str | None, as_json: bool) -> None:
    """Show what happened, by whom, and why."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        lines = list(everything(lambda page: app.evently.events.journal(actor, found.id, page)))
        rows = [
            (
                line.number,
                local(line.at, found.timezone),
                line.kind,
                line.actor_id or line.actor,
                line.cause,
                line.reason or "",
                to_json(line.data)[:80],
            )
            for line in lines
        ]
        columns = ("no", "at", "what", "by", "cause", "reason", "data")
        items = [journal_shape(line) for line in lines]
        show({"items": items, "next_cursor": None}, as_json=as_json, columns=columns, rows=rows)


@click.command(epilog="Example: evently doctor --json")
@json_option
def doctor(as_json: bool) -> None:
    """Hold every counter against the truth; exit with 4 if something has drifted."""
    with application() as app:
        found = app.evently.records.drifts()
        rows = [(drift.event_id, drift.what, drift.recorded, drift.true) for drift in found]
        shape = [
            {"event_id": drift.event_id, "what": drift.what, "recorded": drift.recorded, "true": drift.true}
            for drift in found
        ]
        columns = ("event", "what", "recorded", "true")
        show(shape, as_json=as_json, columns=columns, rows=rows, empty="Everything adds up.")
    if found:
        sys.exit(DRIFT)
