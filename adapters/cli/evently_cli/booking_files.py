"""``evently bookings import`` and ``export``: bookings in files."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

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
from evently_core.booking import Booking, BookingStatus
from evently_core.commands import LASTING, Book, Key
from evently_core.errors import InvalidValue, NotFound
from evently_core.event import Event
from evently_core.inventory import Answered
from evently_core.outcomes import Admitted, Outcome, Refused, Rejected
from evently_core.paging import Page, PageRequest
from evently_core.values import Actor, BookingId, Role, TicketTypeId, UserId

if TYPE_CHECKING:
    from evently_core.accounts import User
    from evently_wiring.application import Application

COLUMNS = (
    "key", "email", "name", "ticket_type", "quantity", "accept_partial", "join_waitlist", "status", "reference",
    "origin", "total", "currency", "created_at", "expires_at",
)  # fmt: skip
"""From ``reference`` on they tell of the booking that was exported; an import does not look at them."""
_OVER = (BookingStatus.CANCELLED, BookingStatus.EXPIRED)
_REFUSALS_MAX = 100
"""How often a line may be refused before it needs another key."""


@click.command(name="export", epilog="Example: evently bookings export Jazz jazz.csv --status confirmed")
@click.argument("event", shell_complete=event_names)
@export_argument
@click.option("--status", type=click.Choice([status.value for status in BookingStatus]))
@as_option
def export_bookings(event: str, file: Path | None, status: str | None, as_email: str | None) -> None:
    """Write the bookings of EVENT into FILE as CSV, or to standard output."""
    wanted = BookingStatus(status) if status else None
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        app.evently.events.organised(actor, found.id)
        write_lines(file, COLUMNS, _rows(app, actor, found, wanted))


def _rows(
    app: Application, actor: Actor, event: Event, status: BookingStatus | None
) -> Iterator[dict[str, Any]]:
    kinds, zone = {kind.id: kind.name for kind in event.ticket_types}, ZoneInfo(event.timezone)
    people: dict[UserId, User] = {}

    def read(request: PageRequest) -> Page[Booking]:
        page = app.evently.bookings.of_event(actor, event.id, request, status=status)
        people.update((user.id, user) for user in app.accounts.people({each.user_id for each in page.items}))
        return page

    for booking in everything(read):
        user = people[booking.user_id]
        yield {
            "key": str(booking.id),
            "email": user.email,
            "name": user.name,
            "ticket_type": kinds[booking.ticket_type_id],
            "quantity": booking.quantity,
            "status": booking.status.value,
            "reference": booking.reference,
            "origin": booking.origin.value,
            "total": booking.total.amount,
            "currency": booking.total.currency,
            "created_at": booking.created_at.astimezone(zone),
            "expires_at": booking.expires_at and booking.expires_at.astimezone(zone),
        }


@click.command(
    name="import", epilog="Example: evently bookings import Jazz guests.csv --create-users --dry-run"
)
@click.argument("event", shell_complete=event_names)
@import_argument
@click.option("--create-users", is_flag=True, help="Give an account to whoever has none.")
@as_option
@dry_run_option
@json_option
def import_bookings(
    event: str, file: TextIO, create_users: bool, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Book the lines of FILE (- is standard input), in order, as if each had been asked for.

    The file may be imported again: a line books once, by its key or, without one, by what it says and how many equal
    lines are before it. What was refused is asked for again. Columns: email, quantity, and as you like key, name,
    ticket_type, accept_partial, join_waitlist, status. A booking that the file calls confirmed is confirmed.

    An account that is made has a password that nobody knows: `evently users set-password` gives it another.
    """
    lines = read_lines(file, COLUMNS, ("email", "quantity"))
    with application() as app:
        actor = acting(app, as_email)
        found = event_named(app, actor, event)
        importer = _Importer(app, actor, found, create_users=create_users, dry_run=dry_run)
        came = carry_out(lines, importer.take, "Importing")
        if dry_run:
            came = importer.foreseen(came)
    tell(came, dry_run=dry_run, as_json=as_json)


class _Importer:
    """Takes bookings out of lines, one by one."""

    def __init__(
        self, app: Application, actor: Actor, event: Event, *, create_users: bool, dry_run: bool
    ) -> None:
        self._app = app
        self._bookings = app.evently.bookings
        self._records = app.evently.records
        self._actor = actor
        self._event = event
        self._create_users = create_users
        self._dry_run = dry_run
        self._users: dict[str, UserId] = {}
        self._equal: Counter[str] = Counter()
        self._asked: dict[int, Book] = {}
        """By line, what a dry run would ask for."""

    def take(self, line: Line) -> Came:
        """Ask for what one line says, unless that was done before."""
        status = line.text("status")
        if status is not None and status not in list(BookingStatus):
            raise InvalidValue("status", "unknown_word", f"{status!r} is none of {', '.join(BookingStatus)}.")
        if status in _OVER:
            reason = {"code": f"booking_{status}", "detail": f"The booking is {status}: it has no seats."}
            return Came(line=line.number, outcome="left_out", reason=reason)
        if (exported := self._exported_here(line.text("key"))) is not None:
            return Came(line=line.number, outcome="already_there", id=exported)
        request, kept = self._not_refused_before(self._request(line), self._words(line))
        if kept is not None and kept.fingerprint != request.fingerprint():
            told = "The line was imported before with other content, and that stays as it is."
            return refused(line.number, "idempotency_key_reused", told)
        if self._dry_run and kept is None:
            self._asked[line.number] = attrs.evolve(request, key=None)
            return Came(line=line.number, outcome="booked")
        outcome = kept.outcome if kept is not None else self._bookings.book(self._event.id, request)
        if isinstance(outcome, Admitted) and status == BookingStatus.CONFIRMED and not self._dry_run:
            unconfirmed = self._confirm(outcome.booking)
            if unconfirmed is not None:
                return refused_by(line.number, unconfirmed)
        return self._came(line.number, outcome, already_there=kept is not None or outcome.replayed)

    def foreseen(self, came: Sequence[Came]) -> list[Came]:
        """Return what would come of the lines that a dry run has asked for, one after another."""
        if not self._asked:
            return list(came)
        outcomes = self._bookings.foresee(self._event.id, list(self._asked.values()))
        told = {
            number: self._came(number, outcome, already_there=False)
            for number, outcome in zip(self._asked, outcomes, strict=True)
        }
        return [told.get(each.line, each) for each in came]

    def _request(self, line: Line) -> Book:
        quantity = line.whole("quantity")
        return Book(
            actor=self._actor,
            user_id=self._user(line),
            ticket_type_id=self._ticket_type(line),
            quantity=1 if quantity is None else quantity,
            accept_partial=line.flag("accept_partial") or False,
            join_waitlist=line.flag("join_waitlist") or False,
        )

    def _words(self, line: Line) -> str:
        """Return what names the line: its key, or what it says and how many equal lines came before."""
        key = line.text("key")
        if key is not None:
            return key
        said = " ".join(line.text(column) or "" for column in COLUMNS[1:7])
        self._equal[said] += 1
        return f"{said} {self._equal[said]}"

    def _not_refused_before(self, request: Book, words: str) -> tuple[Book, Answered | None]:
        """Return the request under the first of the line's keys that was not refused, and what it was answered.

        A refusal stays with its key, and somebody who repeats an import has mended something.
        """
        scope = f"{LASTING}{request.user_id}"
        for number in range(_REFUSALS_MAX):
            key = Key(scope, f"{words} again {number}" if number else words)
            kept = self._records.answered(self._event.id, [key]).get(key)
            if kept is None or not isinstance(kept.outcome, Refused):
                return attrs.evolve(request, key=key), kept
        raise InvalidValue("key", "refused_too_often", f"Refused {_REFUSALS_MAX} times; give it another key.")

    def _exported_here(self, key: str | None) -> BookingId | None:
        """Return the id of the booking of this event that was exported with this key."""
        try:
            booking = self._records.booking(BookingId(UUID(key or "")))
        except ValueError:
            return None
        return booking.id if booking is not None and booking.event_id == self._event.id else None

    def _user(self, line: Line) -> UserId:
        email = line.required("email").casefold()
        if email not in self._users:
            self._users[email] = self._found_or_made(email, line.text("name"))
        return self._users[email]

    def _found_or_made(self, email: str, name: str | None) -> UserId:
        try:
            return user_id_of(self._app, email)
        except NotFound as error:
            if not self._create_users:
                wanted = f"There is no user {email}; --create-users makes one."
                raise InvalidValue("email", "unknown_user", wanted) from error
        if self._dry_run:
            return UserId(uuid4())
        password, called = secrets.token_urlsafe(32), name or email.partition("@")[0]
        return self._app.accounts.create_user(self._actor, email, password, called, Role.ATTENDEE).value.id

    def _ticket_type(self, line: Line) -> TicketTypeId | None:
        name = line.text("ticket_type")
        if name is None:
            return None
        for kind in self._event.ticket_types:
            if kind.name.casefold() == name.casefold():
                return kind.id
        known = ", ".join(kind.name for kind in self._event.ticket_types)
        raise InvalidValue("ticket_type", "unknown_ticket_type", f"There is no {name!r}; there are {known}.")

    def _confirm(self, booking: Booking | None) -> Refused | None:
        """Confirm a booking that is held as it reads now."""
        if (
            booking is None
            or self._bookings.booking(self._actor, booking.id).status is not BookingStatus.HELD
        ):
            return None
        answer = self._bookings.confirm(self._actor, booking.id)
        return answer if isinstance(answer, Refused) else None

    @staticmethod
    def _came(number: int, outcome: Outcome, *, already_there: bool) -> Came:
        if isinstance(outcome, Rejected):
            return refused(number, type(outcome.error).__name__.lower(), str(outcome.error))
        if isinstance(outcome, Refused):
            return refused_by(number, outcome)
        assert isinstance(outcome, Admitted), outcome
        made = outcome.booking or outcome.entry
        assert made is not None, "who is admitted has seats or waits"
        return Came(line=number, outcome="already_there" if already_there else outcome.outcome, id=made.id)
