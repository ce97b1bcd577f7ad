"""``evently journal`` and ``evently doctor``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import click

from evently_cli.desk import (
    acting,
    application,
    as_option,
    emails,
    event_named,
    everything,
    json_option,
    local,
    show,
)
from evently_cli.failures import DRIFT
from evently_core.presentation import journal_shape
from evently_core.storage import JournalLine
from evently_core.values import UserId

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
    words = [known[UserId(UUID(str(subject["user_id"])))]] if "user_id" in subject else []
    words += [f"{name} {subject[name]}" for name in _FIGURES if subject.get(name)]
    words += [f"{name} {before} → {after}" for name, (before, after) in data.get("changes", {}).items()]
    if passed_over := data.get("passed_over"):
        words.append(f"went past {len(passed_over)}")
    return ", ".join(words)


def _subject(data: Mapping[str, Any]) -> Mapping[str, Any]:
    subject: Mapping[str, Any] = data.get("booking") or data.get("entry") or data
    return subject


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
