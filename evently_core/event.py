"""The event: what it is, what it sells, under which policy, and the one table of its life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import attrs

from evently_core.errors import InvalidValue
from evently_core.values import (
    AMOUNT_MAX,
    SEATS_MAX,
    EventId,
    Money,
    PoolId,
    TicketTypeId,
    UserId,
    instant,
    require_line,
    require_paragraphs,
)

TITLE_MAX = 200
TEXT_MAX = 10_000
NAME_MAX = 100
TICKET_TYPES_MAX = 50
WINDOW_MAX = timedelta(days=365)
"""The longest hold and the longest offer."""


class EventStatus(StrEnum):
    """Where an event is in its life."""

    DRAFT = "draft"
    PUBLISHED = "published"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """A step in the life of an event."""

    PUBLISH = "publish"
    COMPLETE = "complete"
    CANCEL = "cancel"


LIFECYCLE: dict[tuple[EventStatus, Step], EventStatus] = {
    (EventStatus.DRAFT, Step.PUBLISH): EventStatus.PUBLISHED,
    (EventStatus.DRAFT, Step.CANCEL): EventStatus.CANCELLED,
    (EventStatus.PUBLISHED, Step.COMPLETE): EventStatus.COMPLETED,
    (EventStatus.PUBLISHED, Step.CANCEL): EventStatus.CANCELLED,
}
"""Every allowed move; whatever is not here is refused."""


class OnSilence(StrEnum):
    """What an offer that nobody answered does to its entry: end it, or send it to the end of its tier once."""

    DROP = "drop"
    REQUEUE = "requeue"


@attrs.frozen(kw_only=True)
class Policy:
    """How an event lets people in. The defaults are those of a simple event: no holds, no limits, strict order."""

    max_per_booking: int = 10
    max_per_user: int | None = None
    hold_for: timedelta = timedelta(0)
    """How long a direct booking is held for its confirmation; zero confirms at once."""
    cancel_until: datetime | None = None
    """Until when attendees may cancel; None is the start of the event."""
    waitlist_enabled: bool = True
    max_entries: int | None = None
    """The most entries that may wait for the event at a time."""
    offer_window: timedelta = timedelta(0)
    """How long a grant to a waiting entry stays an offer; zero confirms at once (or takes ``hold_for``)."""
    bypass_limit: int = 0
    """How often the first of a line may be passed over before it stops its line; zero is strict."""
    on_silence: OnSilence = OnSilence.DROP

    def __attrs_post_init__(self) -> None:
        """Refuse figures that mean nothing."""
        _require_between("policy.max_per_booking", self.max_per_booking, 1, SEATS_MAX)
        _require_between("policy.bypass_limit", self.bypass_limit, 0, 1_000_000)
        if self.max_per_user is not None:
            _require_between("policy.max_per_user", self.max_per_user, 1, SEATS_MAX)
        if self.max_entries is not None:
            _require_between("policy.waitlist.max_entries", self.max_entries, 0, SEATS_MAX)
        if self.cancel_until is not None:
            object.__setattr__(self, "cancel_until", instant(self.cancel_until, "policy.cancel_until"))
        for field, window in (
            ("hold_for_seconds", self.hold_for),
            ("waitlist.offer_window_seconds", self.offer_window),
        ):
            if not isinstance(window, timedelta) or not timedelta(0) <= window <= WINDOW_MAX:
                raise InvalidValue(
                    f"policy.{field}", "out_of_range", "A window is between 0 seconds and 365 days."
                )

    @property
    def window_of_an_offer(self) -> timedelta:
        """How long a waiting entry has to answer: its own window, else the one every booking has."""
        return self.offer_window or self.hold_for


@attrs.frozen(kw_only=True)
class TicketType:
    """What is booked. ``capacity`` None means that only the event's total bounds it."""

    id: TicketTypeId
    name: str
    price: Money
    capacity: int | None = None
    min_per_booking: int = 1
    max_per_booking: int | None = None
    """None is the event's own limit; of both, the smaller wins."""
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a ticket type that nobody could book."""
        require_line("name", self.name, NAME_MAX)
        if self.price.amount < 0:
            raise InvalidValue("price", "negative_price", "A price is zero or more.")
        if self.capacity is not None:
            _require_between("capacity", self.capacity, 0, SEATS_MAX)
        _require_between("min_per_booking", self.min_per_booking, 1, SEATS_MAX)
        if self.max_per_booking is not None:
            _require_between("max_per_booking", self.max_per_booking, 1, SEATS_MAX)
            if self.max_per_booking < self.min_per_booking:
                raise InvalidValue(
                    "max_per_booking", "below_minimum", "max_per_booking is at least min_per_booking."
                )
        for field in ("sales_open_at", "sales_close_at"):
            moment = getattr(self, field)
            if moment is not None:
                object.__setattr__(self, field, instant(moment, field))
        _require_order("sales_close_at", self.sales_open_at, self.sales_close_at)


@attrs.frozen(kw_only=True)
class Event:
    """Something that happens at a time and place; every capacity decision about it is made under its lock."""

    id: EventId
    organiser_id: UserId
    title: str
    timezone: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    ticket_types: tuple[TicketType, ...]
    created_at: datetime
    updated_at: datetime
    description: str = ""
    venue: str = ""
    status: EventStatus = EventStatus.DRAFT
    booking_opens_at: datetime | None = None
    booking_closes_at: datetime | None = None
    """None is the start of the event."""
    policy: Policy = attrs.field(factory=Policy)
    version: int = 1
    """Counts the changes to what the organiser has set (not the bookings): the ETag of the API."""

    def __attrs_post_init__(self) -> None:
        """Refuse an event whose parts contradict each other."""
        require_line("title", self.title, TITLE_MAX)
        require_paragraphs("description", self.description, TEXT_MAX)
        require_paragraphs("venue", self.venue, TEXT_MAX)
        _require_zone(self.timezone)
        for field in ("starts_at", "ends_at", "booking_opens_at", "booking_closes_at"):
            moment = getattr(self, field)
            if moment is not None or field in ("starts_at", "ends_at"):
                object.__setattr__(self, field, instant(moment, field))
        _require_between("capacity", self.capacity, 0, SEATS_MAX)
        if self.ends_at <= self.starts_at:
            raise InvalidValue("ends_at", "ends_before_start", "ends_at is after starts_at.")
        _require_order("booking_closes_at", self.booking_opens_at, self.booking_closes_at)
        if self.booking_closes_at is not None and self.booking_closes_at > self.ends_at:
            raise InvalidValue(
                "booking_closes_at", "closes_after_end", "booking_closes_at is not after ends_at."
            )
        if self.closes_at > self.starts_at and self.policy.window_of_an_offer:
            # A hold ends with the start (I10), so a booking after it would lapse the moment it is made.
            raise InvalidValue(
                "booking_closes_at",
                "closes_after_start",
                "An event with hold_for or an offer window closes its booking by its start.",
            )
        self._require_sound_ticket_types()

    def _require_sound_ticket_types(self) -> None:
        if not 1 <= len(self.ticket_types) <= TICKET_TYPES_MAX:
            raise InvalidValue(
                "ticket_types", "out_of_range", f"An event has 1 to {TICKET_TYPES_MAX} ticket types."
            )
        names = [kind.name.casefold() for kind in self.ticket_types]
        if len(set(names)) < len(names):
            raise InvalidValue(
                "ticket_types", "name_taken", "Ticket types of one event have different names."
            )
        if len({kind.price.currency for kind in self.ticket_types}) > 1:
            raise InvalidValue(
                "ticket_types", "currency_mismatch", "All prices of one event have one currency."
            )
        for kind in self.ticket_types:
            # Else a booking could be made whose total nobody can read.
            if kind.price.amount * self.largest_party(kind) > AMOUNT_MAX:
                raise InvalidValue(
                    "price", "amount_out_of_range", f"The largest party pays at most {AMOUNT_MAX} in all."
                )

    def require_bookable(self, taken_of: Callable[[PoolId], int]) -> None:
        """Refuse a ticket type whose smallest party is larger than any that could ever be booked.

        Args:
            taken_of: how many seats of a pool are taken. One that is full, or has none, sells nothing on purpose.

        Raises:
            InvalidValue: there is such a ticket type.
        """
        capacities = self.capacities()
        for kind in self.ticket_types:
            bounds = {"max_per_booking": self.largest_party(kind), "max_per_user": self.policy.max_per_user}
            for pool in self.pools_of(kind):
                if taken_of(pool) < capacities[pool]:
                    bounds["capacity of the event" if pool == self.total_pool else "capacity"] = capacities[
                        pool
                    ]
            for what, most in bounds.items():
                if most is not None and most < kind.min_per_booking:
                    raise InvalidValue(
                        "min_per_booking",
                        "never_bookable",
                        f"Nobody could ever book {kind.name}: its min_per_booking is {kind.min_per_booking}, "
                        f"the {what} is {most}. Lower the one or raise the other.",
                    )

    @property
    def total_pool(self) -> PoolId:
        """The pool that counts every seat of the event."""
        return PoolId(self.id)

    @property
    def currency(self) -> str:
        """The currency of all its prices."""
        return self.ticket_types[0].price.currency

    @property
    def closes_at(self) -> datetime:
        """When booking ends for every ticket type, at the latest."""
        return self.booking_closes_at or self.starts_at

    def ticket_type(self, ticket_type_id: TicketTypeId) -> TicketType | None:
        """Return the ticket type of that id, or None."""
        return next((kind for kind in self.ticket_types if kind.id == ticket_type_id), None)

    def pools_of(self, ticket_type: TicketType) -> tuple[PoolId, ...]:
        """Return the pools a seat of this ticket type is taken from: the total, and its own if it has one."""
        if ticket_type.capacity is None:
            return (self.total_pool,)
        return (self.total_pool, PoolId(ticket_type.id))

    def capacities(self) -> dict[PoolId, int]:
        """Return the capacity of every pool."""
        own = {PoolId(kind.id): kind.capacity for kind in self.ticket_types if kind.capacity is not None}
        return {self.total_pool: self.capacity, **own}

    def largest_party(self, ticket_type: TicketType) -> int:
        """Return the most seats one booking may ask for."""
        own = ticket_type.max_per_booking
        return self.policy.max_per_booking if own is None else min(own, self.policy.max_per_booking)

    def sales_open_at(self, ticket_type: TicketType) -> datetime | None:
        """Return when this ticket type goes on sale: the later of both windows; None is since publishing."""
        opens = [
            moment for moment in (self.booking_opens_at, ticket_type.sales_open_at) if moment is not None
        ]
        return max(opens, default=None)

    def sales_close_at(self, ticket_type: TicketType) -> datetime:
        """Return when this ticket type stops being sold: the earlier of both windows."""
        own = ticket_type.sales_close_at
        return self.closes_at if own is None else min(own, self.closes_at)

    def is_on_sale(self, ticket_type: TicketType, now: datetime) -> bool:
        """Tell whether requests for this ticket type are taken now."""
        opens = self.sales_open_at(ticket_type)
        return (
            self.status is EventStatus.PUBLISHED
            and (opens is None or opens <= now)
            and now < self.sales_close_at(ticket_type)
        )

    def last_moment_of_a_hold(self, ticket_type: TicketType) -> datetime:
        """Return when every hold and offer of this ticket type has ended at the latest (I10)."""
        return min(self.sales_close_at(ticket_type), self.starts_at)

    @property
    def cancel_until(self) -> datetime:
        """Until when attendees may give their seats back."""
        return self.policy.cancel_until or self.starts_at


def _require_between(field: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(field, "not_an_integer", f"{field} is a whole number.")
    if not least <= value <= most:
        raise InvalidValue(field, "out_of_range", f"{field} is between {least} and {most}.")


def _require_order(field: str, opens: datetime | None, closes: datetime | None) -> None:
    if opens is not None and closes is not None and closes <= opens:
        raise InvalidValue(field, "closes_before_opening", f"{field} is after the opening.")


def _require_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidValue(
            "timezone", "unknown_timezone", "timezone is an IANA zone such as Europe/Berlin."
        ) from error
