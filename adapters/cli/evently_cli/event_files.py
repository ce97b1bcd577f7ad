"""``evently events import`` and ``export``: events in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import click

from evently_cli.completion import user_emails
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    emails,
    everything,
    json_option,
    time_of,
    user_id_of,
)
from evently_cli.exchange import (
    Came,
    Line,
    carry_out,
    export_argument,
    import_argument,
    read_lines,
    refused,
    refused_by,
    tell,
    write_lines,
)
from evently_core.commands import LASTING, Key
from evently_core.errors import InvalidValue, NotFound
from evently_core.event import Event, EventStatus, OnSilence, Policy, TicketType
from evently_core.outcomes import Refused
from evently_core.reasons import ReasonCode
from evently_core.services.events import GENERAL_ADMISSION, NO_CURRENCY_NAMED, NewEvent, NewTicketType
from evently_core.storage import EventQuery
from evently_core.values import Actor, EventId, Money, UserId

if TYPE_CHECKING:
    from evently_wiring.application import Application

_POLICY = (
    "max_per_booking", "max_per_user", "hold_for_seconds", "cancel_until", "waitlist", "max_entries",
    "offer_window_seconds", "bypass_limit", "on_silence",
)  # fmt: skip
COLUMNS = (
    "key", "title", "description", "venue", "timezone", "starts_at", "ends_at", "capacity", "status", "organiser",
    "booking_opens_at", "booking_closes_at", *_POLICY, "currency", "price", "ticket_types",
)  # fmt: skip
"""``price`` is that of the one ticket type of an event that names none; ``ticket_types`` is a JSON list of others."""
_NEEDED = ("title", "timezone", "starts_at", "ends_at", "capacity")
_KIND = tuple(field.name for field in attrs.fields(TicketType) if field.name != "id")


@click.command(name="export", epilog="Example: evently events export season.csv --status published")
@export_argument
@click.option("--status", type=click.Choice([status.value for status in EventStatus]))
@as_option
def export_events(file: Path | None, status: str | None, as_email: str | None) -> None:
    """Write events into FILE as CSV, or to standard output.

    An organiser gets their own events, the operator all.
    """
    with application() as app:
        actor = acting(app, as_email)
        query = EventQuery(
            statuses=frozenset({EventStatus(status)}) if status else None,
            organiser_id=None if actor.is_admin else actor.user_id,
        )
        views = everything(lambda page: app.evently.events.views(actor, query, page))
        known: dict[UserId, str] = {}
        write_lines(file, COLUMNS, (_row(app, view.event, known) for view in views))


def _row(app: Application, event: Event, known: dict[UserId, str]) -> dict[str, Any]:
    if event.organiser_id not in known:
        known.update(emails(app, [event.organiser_id]))
    zone, policy = ZoneInfo(event.timezone), event.policy
    plain = {name: getattr(event, name) for name in COLUMNS if hasattr(event, name)}
    times = ("starts_at", "ends_at", "booking_opens_at", "booking_closes_at")
    local = {name: plain[name] and plain[name].astimezone(zone) for name in times}
    rules = {name: getattr(policy, name) for name in _POLICY if hasattr(policy, name)} | {
        "hold_for_seconds": int(policy.hold_for.total_seconds()),
        "offer_window_seconds": int(policy.offer_window.total_seconds()),
        "cancel_until": policy.cancel_until and policy.cancel_until.astimezone(zone),
        "waitlist": policy.waitlist_enabled,
    }
    own = {"key": str(event.id), "organiser": known.get(event.organiser_id), "currency": event.currency}
    return plain | local | rules | own | _sold(event.ticket_types)


def _sold(kinds: tuple[TicketType, ...]) -> dict[str, Any]:
    first = kinds[0]
    if len(kinds) == 1 and attrs.evolve(first, price=Money(0, NO_CURRENCY_NAMED)) == TicketType(
        id=first.id, name=GENERAL_ADMISSION, price=Money(0, NO_CURRENCY_NAMED)
    ):
        return {"price": first.price.amount, "ticket_types": None}
    shapes = [
        {
            name: value.amount if isinstance(value, Money) else value
            for name in _KIND
            if (value := getattr(kind, name)) is not None
        }
        for kind in kinds
    ]
    return {"price": None, "ticket_types": json.dumps(shapes, default=lambda time: time.isoformat())}


@click.command(
    name="import", epilog="Example: evently events import season.csv --as olga@example.org --dry-run"
)
@import_argument
@click.option(
    "--organiser",
    metavar="EMAIL",
    shell_complete=user_emails,
    help="Whose events they are, whatever the file says.",
)
@as_option
@dry_run_option
@json_option
def import_events(
    file: TextIO, organiser: str | None, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Draw up the events of FILE (- is standard input), and publish those that the file calls published.

    The file may be imported again: a line has its effect once, by its key or, without one, by title, start and
    venue. What is there already stays as it is. `evently events export` shows the columns; needed are title,
    timezone, starts_at, ends_at and capacity.
    """
    lines = read_lines(file, COLUMNS, _NEEDED)
    with application() as app:
        importer = _Importer(app, acting(app, as_email), organiser, dry_run)
        came = carry_out(lines, importer.take, "Importing")
    tell(came, dry_run=dry_run, as_json=as_json)


class _Importer:
    """Takes events out of lines, one by one."""

    def __init__(self, app: Application, actor: Actor, organiser: str | None, dry_run: bool) -> None:
        self._events = app.evently.events
        self._records = app.evently.records
        self._app = app
        self._actor = actor
        self._owner = user_id_of(app, organiser) if organiser else None
        self._dry_run = dry_run

    def take(self, line: Line) -> Came:
        """Draw up one event, and publish it if it is to be."""
        status = EventStatus(_one_of(line, "status", EventStatus) or EventStatus.DRAFT)
        if status not in (EventStatus.DRAFT, EventStatus.PUBLISHED):
            reason = {
                "code": f"event_{status}",
                "detail": f"The event is {status}: it takes no bookings any more.",
            }
            return Came(line=line.number, outcome="left_out", reason=reason)
        if (exported := self._of_that_id(line.text("key"))) is not None:
            return Came(line=line.number, outcome="already_there", id=exported)
        new, owner = _new_event(line), self._owner_of(line)
        words = line.text("key") or f"{new.title} {new.starts_at.isoformat()} {new.venue}"
        answer = self._events.create(
            self._actor, new, organiser_id=owner, key=Key(f"{LASTING}{owner}", words), dry_run=self._dry_run
        )
        if isinstance(answer, Refused):
            return self._refused(line, answer)
        event_id = answer.view.event.id
        if answer.replayed and self._records.event(event_id) is None:
            told = "It was imported before and deleted since; give the line another key."
            return refused(line.number, "deleted", told)
        if status is EventStatus.PUBLISHED and not self._dry_run:
            published = self._publish(event_id)
            if published is not None:
                return refused_by(line.number, published)
        outcome = "already_there" if answer.replayed else "created"
        return Came(line=line.number, outcome=outcome, id=event_id)

    def _of_that_id(self, key: str | None) -> EventId | None:
        """Return the id of the event that was exported here with this key."""
        try:
            event_id = EventId(UUID(key or ""))
        except ValueError:
            return None
        return None if self._records.event(event_id) is None else event_id

    def _publish(self, event_id: EventId) -> Refused | None:
        event = self._records.event(event_id)
        if event is None or event.status is not EventStatus.DRAFT:
            return None
        answer = self._events.publish(self._actor, event_id)
        return answer if isinstance(answer, Refused) else None

    def _owner_of(self, line: Line) -> UserId:
        if self._owner is not None:
            return self._owner
        if not self._actor.is_admin and self._actor.user_id is not None:
            return self._actor.user_id
        email = line.text("organiser")
        if email is not None:
            try:
                return user_id_of(self._app, email)
            except NotFound as error:
                wanted = f"There is no user {email}; make one, or say --organiser."
                raise InvalidValue("organiser", "unknown_user", wanted) from error
        if self._actor.user_id is None:
            raise InvalidValue(
                "organiser", "required", "Say whose event it is, here or with --organiser or --as."
            )
        return self._actor.user_id

    @staticmethod
    def _refused(line: Line, answer: Refused) -> Came:
        if answer.reason.code is not ReasonCode.IDEMPOTENCY_KEY_REUSED:
            return refused_by(line.number, answer)
        told = "The line was imported before with other content; change the event with `evently events edit`."
        return refused(line.number, answer.reason.code, told)


def _new_event(line: Line) -> NewEvent:
    zone, currency = line.required("timezone"), line.text("currency") or NO_CURRENCY_NAMED
    capacity = line.whole("capacity")
    if capacity is None:
        raise InvalidValue("capacity", "required", "The cell is empty.")
    return NewEvent(
        title=line.required("title"),
        timezone=zone,
        starts_at=time_of(line.required("starts_at"), zone, "starts_at"),
        ends_at=time_of(line.required("ends_at"), zone, "ends_at"),
        capacity=capacity,
        description=line.text("description") or "",
        venue=line.text("venue") or "",
        booking_opens_at=line.time("booking_opens_at", zone),
        booking_closes_at=line.time("booking_closes_at", zone),
        policy=_policy(line, zone),
        ticket_types=_kinds(line, zone, currency),
        price=Money(line.whole("price") or 0, currency),
    )


def _policy(line: Line, zone: str) -> Policy:
    hold, offer = line.whole("hold_for_seconds"), line.whole("offer_window_seconds")
    silence = _one_of(line, "on_silence", OnSilence)
    named: dict[str, Any] = {
        "max_per_booking": line.whole("max_per_booking"),
        "max_per_user": line.whole("max_per_user"),
        "hold_for": None if hold is None else _seconds("hold_for_seconds", hold),
        "cancel_until": line.time("cancel_until", zone),
        "waitlist_enabled": line.flag("waitlist"),
        "max_entries": line.whole("max_entries"),
        "offer_window": None if offer is None else _seconds("offer_window_seconds", offer),
        "bypass_limit": line.whole("bypass_limit"),
        "on_silence": None if silence is None else OnSilence(silence),
    }
    return Policy(**{name: value for name, value in named.items() if value is not None})


def _seconds(column: str, seconds: int) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidValue(column, "out_of_range", "A window is between 0 seconds and 365 days.") from error


def _one_of(line: Line, column: str, words: type[EventStatus] | type[OnSilence]) -> str | None:
    text = line.text(column)
    known = [word.value for word in words]
    if text is not None and text.casefold() not in known:
        raise InvalidValue(column, "unknown_word", f"{text!r} is none of {', '.join(known)}.")
    return None if text is None else text.casefold()


def _kinds(line: Line, zone: str, currency: str) -> tuple[NewTicketType, ...]:
    text = line.text("ticket_types")
    if text is None:
        return ()
    try:
        shapes = json.loads(text)
        return tuple(_kind(shape, zone, currency) for shape in shapes)
    except (ValueError, TypeError, RecursionError) as error:
        if isinstance(error, InvalidValue):
            raise
        wanted = 'Write a JSON list such as [{"name": "Floor", "price": 4000, "capacity": 80}].'
        raise InvalidValue("ticket_types", "not_a_list", wanted) from error


def _kind(shape: Mapping[str, Any], zone: str, currency: str) -> NewTicketType:
    if not isinstance(shape, dict):
        raise TypeError(shape)
    if unknown := set(shape) - set(_KIND):
        raise InvalidValue("ticket_types", "unknown_field", f"A ticket type has no {min(unknown)!r}.")
    named = dict(shape, price=Money(shape.get("price", 0), currency))
    for name in ("sales_open_at", "sales_close_at"):
        if named.get(name) is not None:
            named[name] = time_of(str(named[name]), zone, f"ticket_types.{name}")
    return NewTicketType(**named)
