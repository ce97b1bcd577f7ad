"""``evently bookings``: seats, booked and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evently_cli.booking_files import export_bookings, import_bookings
from evently_cli.completion import booking_references, event_names, user_emails
from evently_cli.desk import (
    acting,
    application,
    as_option,
    booking_named,
    dry_run_option,
    emails,
    event_named,
    everything,
    json_option,
    local,
    show,
    told,
    user_id_of,
)
from evently_cli.failures import figures_of, refuse
from evently_core.booking import Booking, BookingStatus
from evently_core.commands import Book, Key
from evently_core.outcomes import BookingChanged, Refused
from evently_core.presentation import admitted_shape, booking_shape, money_text
from evently_core.values import TicketTypeId

if TYPE_CHECKING:
    from evently_wiring.application import Application

_COLUMNS = ("reference", "event", "user", "seats", "total", "status", "origin", "expires")


@click.group(epilog="Example: evently bookings list --event Jazz")
def bookings() -> None:
    """Book seats, confirm them, give them back. REF is a reference or an id."""


bookings.add_command(import_bookings)
bookings.add_command(export_bookings)


@bookings.command(name="list", epilog="Example: evently bookings list --event Jazz --status confirmed --json")
@click.option("--event", shell_complete=event_names, help="Of this event; else of whoever acts.")
@click.option("--status", type=click.Choice([status.value for status in BookingStatus]))
@as_option
@json_option
def list_bookings(event: str | None, status: str | None, as_email: str | None, as_json: bool) -> None:
    """List bookings."""
    wanted = BookingStatus(status) if status else None
    with application() as app:
        actor = acting(app, as_email)
        if event is not None:
            event_id = event_named(app, actor, event).id
            found = list(
                everything(lambda page: app.evently.bookings.of_event(actor, event_id, page, status=wanted))
            )
        elif actor.user_id is not None:
            found = list(everything(lambda page: app.evently.bookings.own(actor, page, status=wanted)))
        else:
            raise click.UsageError("Name an --event, or somebody with --as.")
        _show(
            app,
            found,
            {"items": [booking_shape(each) for each in found], "next_cursor": None},
            as_json=as_json,
        )


@bookings.command(name="show", epilog="Example: evently bookings show EVT-7ZK3M9Q2XA")
@click.argument("ref", shell_complete=booking_references)
@as_option
@json_option
def show_booking(ref: str, as_email: str | None, as_json: bool) -> None:
    """Show one booking."""
    with application() as app:
        booking = booking_named(app, acting(app, as_email), ref)
        _show(app, [booking], booking_shape(booking), as_json=as_json)


@bookings.command(
    epilog="Example: evently bookings book Jazz --for ana@example.org --quantity 10 "
    "--accept-partial --join-waitlist"
)
@click.argument("event", shell_complete=event_names)
@click.option(
    "--for",
    "for_email",
    required=True,
    metavar="EMAIL",
    shell_complete=user_emails,
    help="Whose seats they are.",
)
@click.option("--ticket-type", metavar="NAME", help="Needed where the event sells several.")
@click.option("--quantity", type=int, default=1, show_default=True)
@click.option("--accept-partial", is_flag=True, help="Take fewer seats, if there are not enough.")
@click.option("--join-waitlist", is_flag=True, help="Wait for what cannot be booked now.")
@click.option("--key", help="Repeating the command under the same key has no second effect.")
@as_option
@dry_run_option
@json_option
def book(
    event: str,
    for_email: str,
    ticket_type: str | None,
    quantity: int,
    accept_partial: bool,
    join_waitlist: bool,
    key: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask for seats for somebody."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        user_id = user_id_of(app, for_email)
        request = Book(
            actor=actor,
            user_id=user_id,
            ticket_type_id=ticket_type_named(found.ticket_types, ticket_type),
            quantity=quantity,
            accept_partial=accept_partial,
            join_waitlist=join_waitlist,
            key=Key(f"cli {user_id}", key) if key and not dry_run else None,
        )
        answer = app.evently.bookings.book(found.id, request, dry_run=dry_run)
        if isinstance(answer, Refused):
            refuse(answer)
        if as_json:
            show(admitted_shape(answer), as_json=True)
            return
        if answer.booking is not None:
            told(f"{answer.booking.quantity} booked: {answer.booking.reference}", dry_run=dry_run)
        if answer.entry is not None and answer.place is not None:
            told(
                f"{answer.entry.missing} wait at place {answer.place.position} ({answer.entry.id})",
                dry_run=dry_run,
            )
        if answer.reason is not None:
            click.echo(f"Because: {answer.reason.code} ({figures_of(answer.reason)})")


@bookings.command(epilog="Example: evently bookings reduce EVT-7ZK3M9Q2XA 2 --reason 'Ana asked by phone'")
@click.argument("ref", shell_complete=booking_references)
@click.argument("quantity", type=int)
@click.option("--reason", help="Needed for somebody else's booking.")
@as_option
@dry_run_option
@json_option
def reduce(
    ref: str, quantity: int, reason: str | None, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Give seats back, so that QUANTITY remain."""
    with application() as app:
        actor = acting(app, as_email)
        booking = booking_named(app, actor, ref)
        answer = app.evently.bookings.reduce(actor, booking.id, quantity, reason, dry_run=dry_run)
        _changed(app, answer, as_json=as_json, dry_run=dry_run)


@bookings.command(epilog="Example: evently bookings cancel EVT-7ZK3M9Q2XA --reason 'Double booking'")
@click.argument("ref", shell_complete=booking_references)
@click.option("--reason", help="Needed for somebody else's booking.")
@as_option
@dry_run_option
@json_option
def cancel(ref: str, reason: str | None, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Give all seats back; who waits for them is served at once."""
    with application() as app:
        actor = acting(app, as_email)
        booking = booking_named(app, actor, ref)
        answer = app.evently.bookings.cancel(actor, booking.id, reason, dry_run=dry_run)
        _changed(app, answer, as_json=as_json, dry_run=dry_run)


@bookings.command(epilog="Example: evently bookings confirm EVT-7ZK3M9Q2XA --payment-reference R-17")
@click.argument("ref", shell_complete=booking_references)
@click.option("--payment-reference")
@as_option
@dry_run_option
@json_option
def confirm(
    ref: str, payment_reference: str | None, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Confirm a held booking or an offer."""
    with application() as app:
        actor = acting(app, as_email)
        booking = booking_named(app, actor, ref)
        answer = app.evently.bookings.confirm(actor, booking.id, payment_reference, dry_run=dry_run)
        _changed(app, answer, as_json=as_json, dry_run=dry_run)


def ticket_type_named(kinds: Any, name: str | None) -> TicketTypeId | None:
    """Return the id of the ticket type of that name or id; None if none is named."""
    if name is None:
        return None
    for kind in kinds:
        if name.casefold() in (kind.name.casefold(), str(kind.id)):
            found: TicketTypeId = kind.id
            return found
    raise click.UsageError(f"There is no ticket type {name!r}; there are {', '.join(k.name for k in kinds)}.")


def _changed(app: Application, answer: BookingChanged | Refused, *, as_json: bool, dry_run: bool) -> None:
    if isinstance(answer, Refused):
        refuse(answer)
    _show(app, [answer.booking], booking_shape(answer.booking), as_json=as_json)
    if dry_run and not as_json:
        told("as shown", dry_run=True)


def _show(app: Application, found: list[Booking], shape: Any, *, as_json: bool) -> None:
    events = app.evently.records.events_named({booking.event_id for booking in found})
    known = {} if as_json else emails(app, (booking.user_id for booking in found))
    rows = [
        (
            booking.reference,
            events[booking.event_id].title,
            known.get(booking.user_id, booking.user_id),
            booking.quantity,
            money_text(booking.total),
            booking.status,
            booking.origin,
            local(booking.expires_at, events[booking.event_id].timezone),
        )
        for booking in found
    ]
    show(shape, as_json=as_json, columns=_COLUMNS, rows=rows, empty="There are no bookings.")
