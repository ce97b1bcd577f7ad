"""Values that cannot exist in a wrong state: ids, money, instants, who acts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType
from unicodedata import category
from uuid import UUID

import attrs

from evently_core.errors import InvalidValue

EventId = NewType("EventId", UUID)
TicketTypeId = NewType("TicketTypeId", UUID)
UserId = NewType("UserId", UUID)
BookingId = NewType("BookingId", UUID)
EntryId = NewType("EntryId", UUID)
SessionId = NewType("SessionId", UUID)
RequestId = NewType("RequestId", UUID)

PoolId = NewType("PoolId", UUID)
"""A pool is named by what it counts: the event's id for the total, a ticket type's id for its own."""

SEATS_MAX = 10_000_000
"""The largest capacity and the largest party anybody may name: far above any venue, far below overflow."""

_CURRENCY = re.compile(r"[A-Z]{3}")
AMOUNT_MAX = 10**12
"""The largest amount of money, in minor units: of a price, and of all that one party pays."""


class Role(StrEnum):
    """What a user may do: an organiser owns events, an attendee books, an admin may do everything."""

    ATTENDEE = "attendee"
    ORGANISER = "organiser"
    ADMIN = "admin"


@attrs.frozen
class Money:
    """An amount in minor units (cents) of an ISO 4217 currency (I12)."""

    amount: int = attrs.field()
    currency: str = attrs.field()

    @amount.validator
    def _amount_is_sane(self, _: object, value: int) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValue(
                "price", "invalid_amount", "An amount is a whole number of minor units (cents)."
            )
        if abs(value) > AMOUNT_MAX:
            raise InvalidValue("price", "amount_out_of_range", f"An amount is at most {AMOUNT_MAX}.")

    @currency.validator
    def _currency_is_a_code(self, _: object, value: str) -> None:
        if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
            raise InvalidValue("price", "invalid_currency", "A currency is an ISO 4217 code such as EUR.")

    def times(self, quantity: int) -> Money:
        """Return the price of ``quantity`` seats at this unit price."""
        return Money(self.amount * quantity, self.currency)


def require_paragraphs(field: str, value: str, length_max: int) -> None:
    """Refuse a text that is too long, or holds characters that do something instead of being read.

    Raises:
        InvalidValue: it names the field.
    """
    _require_readable(field, value, length_max, "\n\r\t")


def require_line(field: str, value: str, length_max: int) -> None:
    """Refuse what is not one line of text with something on it.

    Raises:
        InvalidValue: it names the field.
    """
    _require_readable(field, value, length_max, "")
    if not value.strip():
        raise InvalidValue(field, "blank", f"{field} is not blank.")


# Controls, lone surrogates, and what begins a new line or paragraph: a terminal or a mail's header obeys them.
_UNREADABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _require_readable(field: str, value: str, length_max: int, but: str) -> None:
    if not isinstance(value, str):
        raise InvalidValue(field, "not_text", f"{field} is text.")
    if len(value) > length_max:
        raise InvalidValue(field, "too_long", f"{field} has at most {length_max} characters.")
    found = next((ch for ch in value if category(ch) in _UNREADABLE and ch not in but), None)
    if found is not None:
        lines = "line breaks and tabs are the only ones it may have" if but else "it is one line of text"
        raise InvalidValue(
            field, "control_character", f"{field} has the control character U+{ord(found):04X}; {lines}."
        )


def instant(value: datetime, field: str = "time") -> datetime:
    """Return an aware datetime as UTC.

    Raises:
        InvalidValue: it is no time, it has no time zone, so that nobody can say when it is, or UTC has no
            such year.
    """
    if not isinstance(value, datetime):
        raise InvalidValue(field, "not_a_time", f"{field} is a time, such as 2026-12-01T18:00:00Z.")
    if value.tzinfo is None:
        raise InvalidValue(field, "naive_time", f"{field} needs a UTC offset, such as 2026-12-01T18:00:00Z.")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidValue(field, "out_of_range", f"{field} is in the years 1 to 9999 of UTC.") from error


@attrs.frozen
class Actor:
    """Who gives a command. ``user_id`` is None for the operator and for the system itself."""

    user_id: UserId | None
    role: Role
    name: str = "user"
    """How the journal names an actor without a user: ``operator`` or ``system``."""

    @property
    def is_admin(self) -> bool:
        """Tell whether this actor may do everything."""
        return self.role is Role.ADMIN

    def is_user(self, user_id: UserId) -> bool:
        """Tell whether this actor is that user."""
        return self.user_id == user_id

    def may_organise(self, organiser_id: UserId) -> bool:
        """Tell whether this actor may command an event that belongs to ``organiser_id``."""
        return self.is_admin or (self.role is Role.ORGANISER and self.user_id == organiser_id)


OPERATOR = Actor(None, Role.ADMIN, "operator")
"""Whoever sits at the machine and types: may do everything, named so in the journal."""

SYSTEM = Actor(None, Role.ADMIN, "system")
"""The clock: what lapses and closes by itself is done in its name."""
