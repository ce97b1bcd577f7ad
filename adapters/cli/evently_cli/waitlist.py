"""``evently waitlist``: who waits, where, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from evently_cli.bookings import ticket_type_named
from evently_cli.completion import event_names, user_emails
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    emails,
    event_named,
    everything,
    json_option,
    show,
    told,
    user_id_of,
)
from evently_cli.failures import figures_of, refuse
from evently_core.commands import JoinWaitlist, Key
from evently_core.outcomes import Refused
from evently_core.presentation import entry_shape, standing_shape
from evently_core.services.waitlist import EntryView
from evently_core.values import EntryId

if TYPE_CHECKING:
    from evently_wiring.application import Application

_COLUMNS = ("entry", "place", "ahead", "user", "asked", "missing", "priority", "status")


class _EntryId(click.ParamType[EntryId]):
    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> EntryId:
        try:
            return EntryId(UUID(str(value)))
        except ValueError:
            self.fail(
                f"{value!r} is no id of an entry; `evently waitlist list EVENT` shows them.", param, context
            )


@click.group(epilog="Example: evently waitlist list Jazz")
def waitlist() -> None:
    """Who waits, where, and why."""


@waitlist.command(name="list", epilog="Example: evently waitlist list Jazz --json")
@click.argument("event", shell_complete=event_names)
@as_option
@json_option
def list_waitlist(event: str, as_email: str | None, as_json: bool) -> None:
    """List who waits for an event, in order."""
    with application() as app:
        actor = acting(app, as_email)
        event_id = event_named(app, actor, event).id
        views = list(everything(lambda page: app.evently.waitlist.of_event(actor, event_id, page)))
        shape = {"items": [entry_shape(view) for view in views], "next_cursor": None}
        _show(app, views, shape, as_json=as_json, empty="Nobody waits.")


@waitlist.command(epilog="Example: evently waitlist join Jazz --for ana@example.org --quantity 2")
@click.argument("event", shell_complete=event_names)
@click.option(
    "--for", "for_email", required=True, metavar="EMAIL", shell_complete=user_emails, help="Who waits."
)
@click.option("--ticket-type", metavar="NAME", help="Needed where the event sells several.")
@click.option("--quantity", type=int, default=1, show_default=True)
@click.option("--accept-partial", is_flag=True, help="Take fewer seats, if not all come free.")
@click.option("--key", help="Repeating the command under the same key has no second effect.")
@as_option
@dry_run_option
@json_option
def join(
    event: str,
    for_email: str,
    ticket_type: str | None,
    quantity: int,
    accept_partial: bool,
    key: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let somebody wait for seats that are not there now."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        user_id = user_id_of(app, for_email)
        request = JoinWaitlist(
            actor=actor,
            user_id=user_id,
            ticket_type_id=ticket_type_named(found.ticket_types, ticket_type),
            quantity=quantity,
            accept_partial=accept_partial,
            key=Key(f"cli {user_id}", key) if key and not dry_run else None,
        )
        answer = app.evently.waitlist.join(found.id, request, dry_run=dry_run)
        if isinstance(answer, Refused):
            refuse(answer)
        assert answer.entry is not None
        view = EntryView(answer.entry, answer.place)
        _show(app, [view], entry_shape(view), as_json=as_json)
        if dry_run and not as_json:
            told("as shown", dry_run=True)


@waitlist.command(epilog="Example: evently waitlist leave 0192… --reason 'Asked by phone'")
@click.argument("entry", type=_EntryId())
@click.option("--reason", help="Kept in the journal.")
@as_option
@dry_run_option
@json_option
def leave(entry: EntryId, reason: str | None, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Let an entry wait no longer; its open offers stay."""
    with application() as app:
        answer = app.evently.waitlist.leave(acting(app, as_email), entry, reason, dry_run=dry_run)
        _changed(app, answer, as_json=as_json, dry_run=dry_run)


@waitlist.command(epilog="Example: evently waitlist move 0192… --priority 10 --reason 'Guest of the band'")
@click.argument("entry", type=_EntryId())
@click.option("--priority", type=int, required=True, help="Higher is earlier; newcomers have 0.")
@click.option("--reason", required=True, help="Kept in the journal.")
@as_option
@dry_run_option
@json_option
def move(
    entry: EntryId, priority: int, reason: str, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Give a waiting entry another priority."""
    with application() as app:
        answer = app.evently.waitlist.move(acting(app, as_email), entry, priority, reason, dry_run=dry_run)
        _changed(app, answer, as_json=as_json, dry_run=dry_run)


@waitlist.command(epilog="Example: evently waitlist explain Jazz ana@example.org")
@click.argument("event", shell_complete=event_names)
@click.argument("email", shell_complete=user_emails)
@as_option
@json_option
def explain(event: str, email: str, as_email: str | None, as_json: bool) -> None:
    """Tell, line by line, why somebody was not offered a seat."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        standings = app.evently.events.explain(actor, found.id, user_id_of(app, email))
        names = {kind.id: kind.name for kind in found.ticket_types}
        rows = [
            (
                names[each.ticket_type_id],
                each.place.position if each.place else "",
                each.reason.code if each.reason else "nothing is in the way",
                figures_of(each.reason) if each.reason else "",
                each.reason.sentence if each.reason else "",
            )
            for each in standings
        ]
        shape = [standing_shape(each) for each in standings]
        show(
            shape, as_json=as_json, columns=("line", "position", "reason", "figures", "what to do"), rows=rows
        )


def _show(
    app: Application, views: Sequence[EntryView], shape: Any, *, as_json: bool, empty: str = ""
) -> None:
    known = {} if as_json else emails(app, (view.entry.user_id for view in views))
    rows = [
        (
            view.entry.id,
            view.place.position if view.place else "",
            view.place.seats_ahead if view.place else "",
            known.get(view.entry.user_id, view.entry.user_id),
            view.entry.quantity,
            view.entry.missing,
            view.entry.priority,
            view.entry.status,
        )
        for view in views
    ]
    show(shape, as_json=as_json, columns=_COLUMNS, rows=rows, empty=empty)


def _changed(app: Application, answer: EntryView | Refused, *, as_json: bool, dry_run: bool) -> None:
    if isinstance(answer, Refused):
        refuse(answer)
    _show(app, [answer], entry_shape(answer), as_json=as_json)
    if dry_run and not as_json:
        told("as shown", dry_run=True)
