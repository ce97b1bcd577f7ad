"""``evently check-in``: who comes in, with which ticket."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

import click

from evently_cli.completion import event_names
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    event_named,
    json_option,
    local,
    moment,
    progress,
    show,
    told,
)
from evently_cli.failures import REFUSED, figures_of, refuse
from evently_core.event import Event
from evently_core.outcomes import Refused
from evently_core.presentation import check_in_results_shape, check_in_shape, check_ins_shape
from evently_core.services.tickets import EVERY_TICKET
from evently_core.tickets import CODES_MAX, Scanned
from evently_core.values import Actor

if TYPE_CHECKING:
    from evently_wiring.application import Application

Noted = tuple[int, str, datetime | None]
"""A line of a file: its number, the code, and when it was shown."""


class _EventFirst(click.Group):
    """A group in which whatever is no command is an event: ``check-in Jazz CODE`` is ``check-in in Jazz CODE``."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args.insert(0, "in")
        return super().parse_args(context, args)


@click.group(
    name="check-in",
    cls=_EventFirst,
    subcommand_metavar="EVENT CODE | EVENT --import FILE | COMMAND …",
    epilog="Example: evently check-in Jazz AEA2EDM3I5JHPEEKSS655RFR36KA…",
)
def check_in() -> None:
    """Let people in by the codes of their tickets.

    EVENT CODE lets one in. EVENT --import FILE hands in what was noted at a door: CSV with the columns `code` and `at`
    (when it was shown; now, if left out). Handing the same in again changes nothing.
    """


@check_in.command(name="in", hidden=True, epilog="Example: evently check-in Jazz --import door-2.csv")
@click.argument("event", shell_complete=event_names)
@click.argument("code", required=False)
@click.option("--import", "file", type=click.File(encoding="utf-8-sig"), help="CSV of codes and times.")
@as_option
@dry_run_option
@json_option
def let_in(
    event: str, code: str | None, file: TextIO | None, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Let in by a code, or by the codes of a file."""
    if (code is None) == (file is None):
        raise click.UsageError("Give a CODE, or a file with --import.")
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        if file is not None:
            _hand_in(app, actor, found, list(_noted(file, found.timezone)), dry_run=dry_run, as_json=as_json)
            return
        assert code is not None
        answer = app.evently.tickets.check_in_one(actor, found.id, code, dry_run=dry_run)
        if isinstance(answer, Refused):
            refuse(answer)
        arrival = answer.arrival
        if as_json:
            show(check_in_shape(arrival, code), as_json=True)
        else:
            told(f"In: {arrival.reference}, seat {arrival.seat}", dry_run=dry_run)


def _noted(file: TextIO, zone: str) -> Iterator[Noted]:
    """Yield the codes of a file."""
    rows = csv.DictReader(file)
    if "code" not in (rows.fieldnames or ()):
        raise click.UsageError("The file's first line names its columns: code, and at if times were noted.")
    for row in rows:
        if row["code"]:
            yield rows.line_num, row["code"], moment(row.get("at") or None, zone)


def _hand_in(
    app: Application, actor: Actor, event: Event, noted: Sequence[Noted], *, dry_run: bool, as_json: bool
) -> None:
    """Hand in what was noted, and tell of each line that lets nobody in; exit with 1 if there is one."""
    scanned: list[Scanned] = []
    with progress(list(_chunks(noted)), "Checking in") as chunks:
        for chunk in chunks:
            codes = [(code, at) for _, code, at in chunk]
            answer = app.evently.tickets.check_in(actor, event.id, codes, dry_run=dry_run)
            if isinstance(answer, Refused):
                refuse(answer)
            scanned += answer.scanned
    refused = [
        (line, each.reason)
        for (line, _, _), each in zip(noted, scanned, strict=True)
        if each.reason is not None
    ]
    if as_json:
        show(check_in_results_shape(scanned), as_json=True)
    else:
        for line, reason in refused:
            click.echo(f"Line {line}: {reason.code}: {reason.sentence} ({figures_of(reason)})", err=True)
        told(f"{len(scanned) - len(refused)} of {len(scanned)} are in", dry_run=dry_run)
    if refused:
        sys.exit(REFUSED)


def _chunks(noted: Sequence[Noted]) -> Iterator[list[Noted]]:
    rest = iter(noted)
    while chunk := list(islice(rest, CODES_MAX)):
        yield chunk


@check_in.command(
    epilog="Example: evently check-in undo AEA2EDM3I5JHPEEKSS655RFR36KA… --reason 'Wrong person'"
)
@click.argument("code")
@click.option("--reason", help="Kept in the journal.")
@as_option
@dry_run_option
@json_option
def undo(code: str, reason: str | None, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Take back that somebody came in; a second time changes nothing."""
    with application() as app:
        actor = acting(app, as_email)
        arrival = app.evently.tickets.undo(actor, code, reason=reason, dry_run=dry_run)
        if as_json:
            show({**check_in_shape(arrival, code), "undone_at": arrival.undone_at}, as_json=True)
        else:
            told(f"Not in any more: {arrival.reference}, seat {arrival.seat}", dry_run=dry_run)


@check_in.command(epilog="Example: evently check-in status Jazz --json")
@click.argument("event", shell_complete=event_names)
@as_option
@json_option
def status(event: str, as_email: str | None, as_json: bool) -> None:
    """Show how many are expected and in, and who came last."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        counts = app.evently.tickets.attendance(actor, found.id)
        page = app.evently.tickets.arrivals(actor, found.id, EVERY_TICKET)
        if as_json:
            show(check_ins_shape(counts, page), as_json=True)
            return
        names = {kind.id: kind.name for kind in found.ticket_types}
        rows: list[tuple[Any, ...]] = [
            (names[kind], each.arrived, each.expected) for kind, each in counts.by_ticket_type.items()
        ]
        total = counts.total
        show(
            None,
            as_json=False,
            columns=("ticket type", "in", "of"),
            rows=[*rows, ("all", total.arrived, total.expected)],
        )
        if page.items:
            click.echo()
            latest = [
                (local(each.arrival.at, found.timezone), each.arrival.reference, each.arrival.seat)
                for each in page.items[:10]
            ]
            show(None, as_json=False, columns=("came last", "booking", "seat"), rows=latest)
