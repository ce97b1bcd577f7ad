"""``evently journal`` and ``evently doctor``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import attrs
import click

from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    emails,
    event_named,
    everything,
    json_option,
    local,
    show,
)
from evently_cli.failures import DRIFT
from evently_core.presentation import journal_shape
from evently_core.services.doctor import Treated
from evently_core.storage import JournalLine
from evently_core.values import OPERATOR, UserId

_FIGURES = ("quantity", "asked", "freed", "returned", "priority", "status")


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
        known = {} if as_json else emails(app, _people_in(lines))
        rows = [
            (
                line.number,
                local(line.at, found.timezone),
                line.kind,
                known.get(line.actor_id, line.actor) if line.actor_id else line.actor,
                line.cause,
                line.reason or "",
                _gist(line.data, known),
            )
            for line in lines
        ]
        columns = ("no", "at", "what", "by", "cause", "reason", "in short")
        items = [journal_shape(line) for line in lines]
        show({"items": items, "next_cursor": None}, as_json=as_json, columns=columns, rows=rows)


def _people_in(lines: Iterable[JournalLine]) -> Iterator[UserId]:
    for line in lines:
        if line.actor_id is not None:
            yield line.actor_id
        if (user_id := _subject(line.data).get("user_id")) is not None:
            yield UserId(UUID(str(user_id)))


def _gist(data: Mapping[str, Any], known: Mapping[UserId, str]) -> str:
    """Return what a fact says, short enough for a table: whose it is, its figures, what was changed."""
    subject = _subject(data)
    user_id = subject.get("user_id")
    words = [] if user_id is None else [known.get(UserId(UUID(str(user_id))), str(user_id))]
    words += [f"{name} {subject[name]}" for name in _FIGURES if subject.get(name)]
    words += [f"{name} {before} → {after}" for name, (before, after) in data.get("changes", {}).items()]
    if passed_over := data.get("passed_over"):
        words.append(f"went past {len(passed_over)}")
    words += [f"{each['what']} {each['recorded']} → {each['true']}" for each in data.get("mended", ())]
    return ", ".join(words)


def _subject(data: Mapping[str, Any]) -> Mapping[str, Any]:
    subject: Mapping[str, Any] = data.get("booking") or data.get("entry") or data
    return subject


@click.command(epilog="Example: evently doctor --repair")
@click.option("--event", help="Of this event alone.")
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
