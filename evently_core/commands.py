"""What somebody wants. A command says who asks; its ids and its time come with the decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, ClassVar

import attrs

from evently_core.errors import InvalidValue
from evently_core.event import Event, Policy, Step, TicketType
from evently_core.tickets import Scan, Ticket, require_few
from evently_core.values import (
    SEATS_MAX,
    Actor,
    BookingId,
    EntryId,
    TicketTypeId,
    UserId,
    require_line,
    require_paragraphs,
)
from evently_core.waitlist import PRIORITY_MAX

REASON_MAX = 500
PAYMENT_REFERENCE_MAX = 200
LASTING = "import "
"""How scopes begin whose keys are never forgotten: a file may be imported again after any time."""


@attrs.frozen
class Key:
    """An idempotency key: within its scope it stands for one request and its one effect (I6)."""

    scope: str
    """Who may repeat what: the user, and the route where that matters."""
    value: str

    @property
    def is_lasting(self) -> bool:
        """Tell whether what was answered under it is never forgotten."""
        return self.scope.startswith(LASTING)


def fingerprint_of(name: str, content: Mapping[str, Any]) -> bytes:
    """Return a digest of a request's name and content that does not depend on the order of the fields."""
    return sha256(f"{name} {_ordered(content)!r}".encode()).digest()


def _ordered(value: Any) -> Any:
    return [(name, _ordered(value[name])) for name in sorted(value)] if isinstance(value, Mapping) else value


def _party(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= SEATS_MAX:
        raise InvalidValue(attribute.name, "out_of_range", f"{attribute.name} is between 1 and {SEATS_MAX}.")


def _reason(_: object, attribute: attrs.Attribute[str], value: str | None) -> None:
    if value is not None and not 0 < len(value.strip()) <= len(value) <= REASON_MAX:
        raise InvalidValue(attribute.name, "invalid_reason", f"A reason has 1 to {REASON_MAX} characters.")
    if value is not None:
        require_paragraphs(attribute.name, value, REASON_MAX)


def _line(_: object, attribute: attrs.Attribute[str], value: str | None) -> None:
    if value is not None:
        require_line(attribute.name, value, PAYMENT_REFERENCE_MAX)


def _required_reason(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value is None:
        raise InvalidValue(attribute.name, "required", "Say why: the journal keeps the reason.")
    _reason(_, attribute, value)


def _names_of(kind: type, *, but: frozenset[str] = frozenset()) -> Callable[..., None]:
    """Return a validator that lets only fields through that may be set: the others follow from commands."""
    settable = {field.name for field in attrs.fields(kind)} - but

    def require_settable(_: object, __: object, changes: Mapping[str, Any]) -> None:
        for name in changes:
            if name not in settable:
                raise InvalidValue(name, "unknown_field", f"{name} is nothing that can be set.")

    return require_settable


_FOLLOWS = frozenset(
    {"id", "organiser_id", "ticket_types", "created_at", "updated_at", "status", "policy", "version"}
)
"""What nobody sets of an event: the steps of its life, its ticket types and its policy have ways of their own."""


@attrs.frozen(kw_only=True)
class Command:
    """What every command has: who gives it, and the key under which it may be repeated."""

    name: ClassVar[str] = ""
    """How the journal names the cause of what happened."""

    actor: Actor
    key: Key | None = None

    def fingerprint(self) -> bytes:
        """Return what tells this content from any other under the same key."""
        return fingerprint_of(self.name, self.content())

    def content(self) -> dict[str, Any]:
        """Return what is asked for, without who asks and under which key."""
        return attrs.asdict(self, recurse=False, filter=lambda field, _: field.name not in ("actor", "key"))


@attrs.frozen(kw_only=True)
class Book(Command):
    """Ask for seats: at once, and for the rest in line if ``join_waitlist``."""

    name: ClassVar[str] = "book"

    user_id: UserId
    ticket_type_id: TicketTypeId | None = None
    """May be left out where the event has one ticket type."""
    quantity: int = attrs.field(default=1, validator=_party)
    accept_partial: bool = False
    join_waitlist: bool = False


@attrs.frozen(kw_only=True)
class JoinWaitlist(Command):
    """Ask to wait for seats that are not there now."""

    name: ClassVar[str] = "join_waitlist"

    user_id: UserId
    ticket_type_id: TicketTypeId | None = None
    quantity: int = attrs.field(default=1, validator=_party)
    accept_partial: bool = False


@attrs.frozen(kw_only=True)
class Confirm(Command):
    """Make a held booking one's own, or accept an offer."""

    name: ClassVar[str] = "confirm"

    booking_id: BookingId
    payment_reference: str | None = attrs.field(default=None, validator=_line)


@attrs.frozen(kw_only=True)
class Cancel(Command):
    """Give all seats of a booking back."""

    name: ClassVar[str] = "cancel"

    booking_id: BookingId
    reason: str | None = attrs.field(default=None, validator=_reason)
    """Needed when somebody else's booking is cancelled."""


@attrs.frozen(kw_only=True)
class Reduce(Command):
    """Give some seats of a booking back; ``quantity`` is what remains."""

    name: ClassVar[str] = "reduce"

    booking_id: BookingId
    quantity: int = attrs.field(validator=_party)
    reason: str | None = attrs.field(default=None, validator=_reason)


@attrs.frozen(kw_only=True)
class Accept(Command):
    """Take the seats on offer; ``booking_id`` says which offer where there are several."""

    name: ClassVar[str] = "accept"

    entry_id: EntryId
    booking_id: BookingId | None = None


@attrs.frozen(kw_only=True)
class Decline(Command):
    """Turn an offer down: the entry ends, its other offers stay."""

    name: ClassVar[str] = "decline"

    entry_id: EntryId
    booking_id: BookingId | None = None


@attrs.frozen(kw_only=True)
class Leave(Command):
    """Stop waiting; open offers stay until they are answered or lapse."""

    name: ClassVar[str] = "leave"

    entry_id: EntryId
    reason: str | None = attrs.field(default=None, validator=_reason)


@attrs.frozen(kw_only=True)
class Move(Command):
    """Give a waiting entry another priority; the journal keeps the reason (I11)."""

    name: ClassVar[str] = "move"

    entry_id: EntryId
    priority: int = attrs.field()
    reason: str = attrs.field(validator=_required_reason)

    @priority.validator
    def _in_range(self, _: object, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > PRIORITY_MAX:
            raise InvalidValue(
                "priority", "out_of_range", f"priority is between -{PRIORITY_MAX} and {PRIORITY_MAX}."
            )


def _few(_: object, __: object, value: tuple[Scan, ...]) -> None:
    require_few(len(value))


@attrs.frozen(kw_only=True)
class CheckIn(Command):
    """Let in who shows these codes, each judged for itself."""

    name: ClassVar[str] = "check_in"

    scans: tuple[Scan, ...] = attrs.field(validator=_few)


@attrs.frozen(kw_only=True)
class UndoCheckIn(Command):
    """Take back that somebody is in."""

    name: ClassVar[str] = "undo_check_in"

    ticket: Ticket
    code: str
    reason: str | None = attrs.field(default=None, validator=_reason)


@attrs.frozen(kw_only=True)
class ChangeEvent(Command):
    """Set fields of the event: names of `Event` to values, and ``policy`` to names of `Policy` to values.

    What follows from other commands cannot be set: a status above all.
    """

    name: ClassVar[str] = "change_event"

    changes: Mapping[str, Any] = attrs.field(validator=_names_of(Event, but=_FOLLOWS))
    policy: Mapping[str, Any] = attrs.field(factory=dict, validator=_names_of(Policy))
    expected_version: int | None = None
    reason: str | None = attrs.field(default=None, validator=_reason)


@attrs.frozen(kw_only=True)
class AddTicketType(Command):
    """Sell one more kind of ticket."""

    name: ClassVar[str] = "add_ticket_type"

    ticket_type: TicketType

    def content(self) -> dict[str, Any]:
        """Return what is asked for; the id was made for this call and does not tell two requests apart."""
        return attrs.asdict(self.ticket_type, recurse=False, filter=lambda field, _: field.name != "id")


@attrs.frozen(kw_only=True)
class ChangeTicketType(Command):
    """Set fields of a ticket type: names of `TicketType` to values."""

    name: ClassVar[str] = "change_ticket_type"

    ticket_type_id: TicketTypeId
    changes: Mapping[str, Any] = attrs.field(validator=_names_of(TicketType, but=frozenset({"id"})))
    expected_version: int | None = None
    reason: str | None = attrs.field(default=None, validator=_reason)


@attrs.frozen(kw_only=True)
class Advance(Command):
    """Publish, complete or cancel the event, with all that follows from it."""

    name: ClassVar[str] = "advance"

    step: Step
    reason: str | None = attrs.field(default=None, validator=_reason)

    @property
    def cause(self) -> str:
        """How the journal names this step."""
        return f"{self.step}_event"


@attrs.frozen(kw_only=True)
class Sweep(Command):
    """Nothing but the clock: free what has lapsed, close what is over, serve who can be served."""

    name: ClassVar[str] = "sweep"
