"""``evently events``: what organisers do with events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

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
    local,
    moment,
    show,
    told,
    user_id_of,
)
from evently_cli.event_files import export_events, import_events
from evently_cli.failures import refuse
from evently_core.event import EventStatus, OnSilence, Policy
from evently_core.explain import SeatCount
from evently_core.outcomes import Refused
from evently_core.presentation import event_answer_shape, event_shape, money_text
from evently_core.services.events import EventAnswer, EventView, NewEvent, NewTicketType
from evently_core.storage import EventQuery
from evently_core.values import Money

if TYPE_CHECKING:
    from evently_wiring.application import Application

_COLUMNS = ("id", "title", "starts", "status", "seats", "free", "waiting")


@click.group(epilog="Example: evently events list")
def events() -> None:
    """Draw up, publish, change and cancel events. EVENT is an id, its beginning, or the title."""


events.add_command(import_events)
events.add_command(export_events)

_POLICY = (
    click.option("--max-per-booking", type=int),
    click.option("--max-per-user", type=int),
    click.option("--hold-for", type=int, metavar="SECONDS", help="Hold bookings for a confirmation."),
    click.option("--cancel-until", metavar="TIME"),
    click.option("--waitlist/--no-waitlist", default=None),
    click.option("--max-entries", type=int),
    click.option("--offer-window", type=int, metavar="SECONDS", help="Offer seats to those who wait."),
    click.option("--bypass-limit", type=int, help="How often the first of a line may be passed over."),
    click.option("--on-silence", type=click.Choice([each.value for each in OnSilence])),
)


def _policy_options(command: Any) -> Any:
    for option in reversed(_POLICY):
        command = option(command)
    return command


def _policy_of(zone: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the policy that were named."""
    renamed = {"waitlist": "waitlist_enabled"}
    named = {renamed.get(name, name): value for name, value in options.items() if value is not None}
    for name in ("hold_for", "offer_window"):
        if name in named:
            named[name] = timedelta(seconds=named[name])
    if "cancel_until" in named:
        named["cancel_until"] = moment(named["cancel_until"], zone)
    if "on_silence" in named:
        named["on_silence"] = OnSilence(named["on_silence"])
    return named


@events.command(
    epilog="Example: evently events create --title Jazz --starts 2030-05-01T20:00 "
    "--ends 2030-05-01T23:00 --timezone Europe/Berlin --capacity 80 --price 2500 --as olga@example.org"
)
@click.option("--title", required=True)
@click.option("--starts", required=True, metavar="TIME", help="In the event's zone, unless it has an offset.")
@click.option("--ends", required=True, metavar="TIME")
@click.option("--timezone", required=True)
@click.option("--capacity", type=int, required=True)
@click.option("--description", default="")
@click.option("--venue", default="")
@click.option("--opens", metavar="TIME", help="When booking opens.")
@click.option("--closes", metavar="TIME", help="When booking closes.")
@click.option("--price", type=int, default=0, show_default=True, help="In minor units, such as cents.")
@click.option("--currency", default="EUR", show_default=True)
@click.option(
    "--organiser",
    metavar="EMAIL",
    shell_complete=user_emails,
    help="Whose event it is; whoever acts, if left out.",
)
@_policy_options
@as_option
@dry_run_option
@json_option
def create(
    title: str,
    starts: str,
    ends: str,
    timezone: str,
    capacity: int,
    description: str,
    venue: str,
    opens: str | None,
    closes: str | None,
    price: int,
    currency: str,
    organiser: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
    **policy: Any,
) -> None:
    """Draw up an event, as a draft."""
    starts_at, ends_at = moment(starts, timezone), moment(ends, timezone)
    assert starts_at is not None
    assert ends_at is not None
    new = NewEvent(
        title=title,
        timezone=timezone,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        description=description,
        venue=venue,
        booking_opens_at=moment(opens, timezone),
        booking_closes_at=moment(closes, timezone),
        policy=Policy(**_policy_of(timezone, policy)),
        price=Money(price, currency),
    )
    with application() as app:
        actor = acting(app, as_email)
        if organiser is None and actor.user_id is None:
            raise click.UsageError("Say whose event it is: --organiser EMAIL, or --as EMAIL.")
        owner = user_id_of(app, organiser) if organiser else None
        answer = app.evently.events.create(actor, new, organiser_id=owner, dry_run=dry_run)
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(name="list", epilog="Example: evently events list --status published --json")
@click.option("--status", type=click.Choice([status.value for status in EventStatus]))
@click.option("--query", "-q", help="Words in title, venue or description.")
@click.option("--available", is_flag=True, help="Only those with a free seat.")
@as_option
@json_option
def list_events(
    status: str | None, query: str | None, available: bool, as_email: str | None, as_json: bool
) -> None:
    """List events by their start."""
    statuses = frozenset({EventStatus(status)}) if status else None
    asked = EventQuery(text=query, statuses=statuses, only_available=available)
    with application() as app:
        actor = acting(app, as_email)
        views = list(everything(lambda page: app.evently.events.views(actor, asked, page)))
        show(
            {"items": [event_shape(view) for view in views], "next_cursor": None},
            as_json=as_json,
            columns=_COLUMNS,
            rows=[_row(view) for view in views],
            empty="There are no events. `evently events create` draws one up.",
        )


@events.command(name="show", epilog="Example: evently events show Jazz")
@click.argument("event", shell_complete=event_names)
@as_option
@json_option
def show_event(event: str, as_email: str | None, as_json: bool) -> None:
    """Show one event with what it sells."""
    with application() as app:
        actor = acting(app, as_email)
        view = app.evently.events.view(actor, event_named(app, actor, event).id)
        _show(view, as_json=as_json)


@events.command(epilog="Example: evently events edit Jazz --venue 'Kleine Halle' --bypass-limit 3")
@click.argument("event", shell_complete=event_names)
@click.option("--title")
@click.option("--starts", metavar="TIME")
@click.option("--ends", metavar="TIME")
@click.option("--timezone")
@click.option("--capacity", type=int)
@click.option("--description")
@click.option("--venue")
@click.option("--opens", metavar="TIME")
@click.option("--closes", metavar="TIME")
@click.option("--reason", help="Kept in the journal.")
@_policy_options
@as_option
@dry_run_option
@json_option
def edit(
    event: str,
    title: str | None,
    starts: str | None,
    ends: str | None,
    timezone: str | None,
    capacity: int | None,
    description: str | None,
    venue: str | None,
    opens: str | None,
    closes: str | None,
    reason: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
    **policy: Any,
) -> None:
    """Set fields of an event, and read who gets in because of it."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        zone = timezone or found.timezone
        changes = {
            "title": title,
            "timezone": timezone,
            "starts_at": moment(starts, zone),
            "ends_at": moment(ends, zone),
            "capacity": capacity,
            "description": description,
            "venue": venue,
            "booking_opens_at": moment(opens, zone),
            "booking_closes_at": moment(closes, zone),
        }
        answer = app.evently.events.change(
            actor,
            found.id,
            {name: value for name, value in changes.items() if value is not None},
            policy=_policy_of(zone, policy),
            reason=reason,
            dry_run=dry_run,
        )
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(epilog="Example: evently events set-capacity Jazz 100 --dry-run")
@click.argument("event", shell_complete=event_names)
@click.argument("capacity", type=int)
@click.option("--ticket-type", metavar="NAME", help="Of this ticket type instead of the whole event.")
@click.option("--reason", help="Kept in the journal.")
@as_option
@dry_run_option
@json_option
def set_capacity(
    event: str,
    capacity: int,
    ticket_type: str | None,
    reason: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Set the capacity; with --dry-run: who would get in?"""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        if ticket_type is None:
            answer = app.evently.events.change(
                actor, found.id, {"capacity": capacity}, reason=reason, dry_run=dry_run
            )
        else:
            named = [kind.id for kind in found.ticket_types if kind.name.casefold() == ticket_type.casefold()]
            if not named:
                raise click.UsageError(f"{found.title} sells no {ticket_type!r}.")
            answer = app.evently.events.change_ticket_type(
                actor, found.id, named[0], {"capacity": capacity}, reason=reason, dry_run=dry_run
            )
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(
    epilog="Example: evently events add-ticket-type Jazz --name Balcony --price 3500 --capacity 20"
)
@click.argument("event", shell_complete=event_names)
@click.option("--name", required=True)
@click.option("--price", type=int, default=0, show_default=True, help="In minor units, such as cents.")
@click.option("--currency", help="The event's, if left out.")
@click.option("--capacity", type=int, help="None: bounded by the event alone.")
@click.option("--min-per-booking", type=int, default=1, show_default=True)
@click.option("--max-per-booking", type=int)
@click.option("--sales-open", metavar="TIME")
@click.option("--sales-close", metavar="TIME")
@as_option
@dry_run_option
@json_option
def add_ticket_type(
    event: str,
    name: str,
    price: int,
    currency: str | None,
    capacity: int | None,
    min_per_booking: int,
    max_per_booking: int | None,
    sales_open: str | None,
    sales_close: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Sell one more kind of ticket."""
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        new = NewTicketType(
            name=name,
            price=Money(price, currency or found.currency),
            capacity=capacity,
            min_per_booking=min_per_booking,
            max_per_booking=max_per_booking,
            sales_open_at=moment(sales_open, found.timezone),
            sales_close_at=moment(sales_close, found.timezone),
        )
        answer = app.evently.events.add_ticket_type(actor, found.id, new, dry_run=dry_run)
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(epilog="Example: evently events publish Jazz")
@click.argument("event", shell_complete=event_names)
@as_option
@dry_run_option
@json_option
def publish(event: str, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Open the event to the public."""
    with application() as app:
        actor = acting(app, as_email)
        answer = app.evently.events.publish(actor, event_named(app, actor, event).id, dry_run=dry_run)
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(epilog="Example: evently events cancel Jazz --reason 'The hall is flooded'")
@click.argument("event", shell_complete=event_names)
@click.option("--reason", required=True, help="Everybody who booked will read it.")
@as_option
@dry_run_option
@json_option
def cancel(event: str, reason: str, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Cancel the event with every booking and every line of it."""
    with application() as app:
        actor = acting(app, as_email)
        answer = app.evently.events.cancel(actor, event_named(app, actor, event).id, reason, dry_run=dry_run)
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


@events.command(epilog="Example: evently events complete Jazz")
@click.argument("event", shell_complete=event_names)
@as_option
@dry_run_option
@json_option
def complete(event: str, as_email: str | None, dry_run: bool, as_json: bool) -> None:
    """Say that the event is over: its lines close."""
    with application() as app:
        actor = acting(app, as_email)
        answer = app.evently.events.complete(actor, event_named(app, actor, event).id, dry_run=dry_run)
        _tell(app, answer, as_json=as_json, dry_run=dry_run)


def _row(view: EventView) -> tuple[Any, ...]:
    event, total = view.event, view.seats.total
    starts = local(event.starts_at, event.timezone)
    return (event.id, event.title, starts, event.status, event.capacity, _free(total), total.waiting)


def _free(count: SeatCount) -> str:
    """Return how many seats are free, and how many of them are set aside for those who wait."""
    set_aside = count.free - count.available
    return f"{count.free} ({set_aside} set aside)" if set_aside else str(count.free)


def _show(view: EventView, *, as_json: bool) -> None:
    show(event_shape(view), as_json=as_json, columns=_COLUMNS, rows=[_row(view)])
    if as_json:
        return
    click.echo()
    rows = [
        (kind.id, kind.name, money_text(kind.price), count.taken, _free(count), count.waiting)
        for kind in view.event.ticket_types
        for count in [view.seats.by_ticket_type[kind.id]]
    ]
    show(None, as_json=False, columns=("id", "ticket type", "price", "taken", "free", "waiting"), rows=rows)


def _tell(app: Application, answer: EventAnswer | Refused, *, as_json: bool, dry_run: bool) -> None:
    if isinstance(answer, Refused):
        refuse(answer)
    if as_json:
        show(event_answer_shape(answer), as_json=True)
        return
    _show(answer.view, as_json=False)
    click.echo()
    settled = answer.settled
    if settled.granted_count:
        shown = settled.granted[:10]
        known = emails(app, (booking.user_id for booking in shown))
        seats = ", ".join(f"{known[booking.user_id]} ({booking.quantity})" for booking in shown)
        more = "" if settled.granted_count <= len(shown) else ", and others"
        told(f"{settled.granted_count} of those who wait get seats: {seats}{more}", dry_run=dry_run)
    told(f"{settled.still_waiting} still wait", dry_run=dry_run)
