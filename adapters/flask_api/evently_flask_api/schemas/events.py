"""Events, what they sell, and what organisers say of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from evently_core import event as core
from evently_core.event import EventStatus, OnSilence, Policy
from evently_core.paging import LIMIT_MAX
from evently_core.reasons import ReasonCode
from evently_core.services.events import NewEvent, NewTicketType
from evently_core.storage import EventQuery
from evently_core.values import SEATS_MAX, TicketTypeId, UserId
from evently_flask_api.schemas.bookings import Booking
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Flag,
    Id,
    Instant,
    Integer,
    ListQuery,
    Money,
    NoNul,
    Omissible,
    RequestModel,
    example,
    text,
)
from evently_flask_api.schemas.reasons import Reason

_Seats = Annotated[Integer, Field(ge=0, le=SEATS_MAX)]
_Party = Annotated[Integer, Field(ge=1, le=SEATS_MAX)]
_Seconds = Annotated[Integer, Field(ge=0, le=int(core.WINDOW_MAX.total_seconds()))]
_Bypass = Annotated[Integer, Field(ge=0, le=1_000_000)]
_Title = Annotated[str, text(core.TITLE_MAX, 1), NoNul]
_Text = Annotated[str, text(core.TEXT_MAX), NoNul]
_Zone = Annotated[str, text(100, 1), NoNul, Field(examples=["Europe/Berlin"])]
_Name = Annotated[str, text(core.NAME_MAX, 1), NoNul]
_Reason = Annotated[str, text(500, 1), NoNul]


class WaitlistPolicyChanges(RequestModel):
    """How an event lets people wait; what is left out stays."""

    enabled: Omissible[bool] = None
    max_entries: Annotated[_Seats | None, Field(description="null is no limit.")] = None
    offer_window_seconds: Omissible[_Seconds] = None
    bypass_limit: Omissible[_Bypass] = None
    on_silence: Omissible[OnSilence] = None


class PolicyChanges(RequestModel):
    """How an event lets people in; what is left out stays."""

    max_per_booking: Omissible[_Party] = None
    max_per_user: Annotated[_Party | None, Field(description="null is no limit.")] = None
    hold_for_seconds: Omissible[_Seconds] = None
    cancel_until: Annotated[Instant | None, Field(description="null is the start of the event.")] = None
    waitlist: Omissible[WaitlistPolicyChanges] = None

    def changes(self) -> dict[str, Any]:
        """Return the fields of the core's policy that were named."""
        given = self.given()
        waitlist: WaitlistPolicyChanges | None = given.pop("waitlist", None)
        named = {**given, **(waitlist.given() if waitlist else {})}
        return {_POLICY.get(name, name): _span(name, value) for name, value in named.items()}


_POLICY = {
    "hold_for_seconds": "hold_for",
    "offer_window_seconds": "offer_window",
    "enabled": "waitlist_enabled",
}


def _span(name: str, value: Any) -> Any:
    return timedelta(seconds=value) if name.endswith("_seconds") else value


_NO_ID = TicketTypeId(UUID(int=0))


class NewTicketTypeBody(
    RequestModel,
    json_schema_extra=example(name="Balcony", price={"amount": 2500, "currency": "EUR"}, capacity=40),
):
    """A ticket type to sell."""

    name: _Name
    price: Omissible[Money] = None
    capacity: Annotated[_Seats | None, Field(description="null: bounded by the event alone.")] = None
    min_per_booking: _Party = 1
    max_per_booking: _Party | None = None
    sales_open_at: Instant | None = None
    sales_close_at: Instant | None = None

    @model_validator(mode="after")
    def _can_be_sold(self) -> Self:
        # The core refuses what contradicts itself; here it is known which of several does.
        self.value().under(_NO_ID)
        return self

    def value(self) -> NewTicketType:
        """Return it as the core knows it."""
        return NewTicketType(**_with_price(self.given()))


class TicketTypeChanges(
    RequestModel, json_schema_extra=example(capacity=60, reason="The second balcony is open.")
):
    """What to set of a ticket type."""

    name: Omissible[_Name] = None
    price: Omissible[Money] = None
    capacity: Annotated[_Seats | None, Field(description="null: bounded by the event alone.")] = None
    min_per_booking: Omissible[_Party] = None
    max_per_booking: _Party | None = None
    sales_open_at: Instant | None = None
    sales_close_at: Instant | None = None
    reason: Annotated[Omissible[_Reason], Field(description="Kept in the journal.")] = None

    def changes(self) -> dict[str, Any]:
        """Return the fields of the core's ticket type that were named."""
        return _with_price({name: value for name, value in self.given().items() if name != "reason"})


class NewEventBody(
    RequestModel,
    json_schema_extra=example(
        title="Chamber concert",
        timezone="Europe/Berlin",
        starts_at="2030-12-01T18:00:00Z",
        ends_at="2030-12-01T20:00:00Z",
        capacity=100,
        venue="Town hall",
        policy={"max_per_user": 12, "hold_for_seconds": 900},
        ticket_types=[
            {"name": "Floor", "price": {"amount": 4000, "currency": "EUR"}},
            {"name": "Balcony", "price": {"amount": 2500, "currency": "EUR"}, "capacity": 40},
        ],
    ),
):
    """An event to draw up. Without ticket types it sells one for everybody, at ``price``."""

    title: _Title
    timezone: _Zone
    starts_at: Instant
    ends_at: Instant
    capacity: _Seats
    description: _Text = ""
    venue: _Text = ""
    booking_opens_at: Instant | None = None
    booking_closes_at: Instant | None = None
    policy: Omissible[PolicyChanges] = None
    price: Omissible[Money] = None
    ticket_types: Annotated[tuple[NewTicketTypeBody, ...], Field(max_length=core.TICKET_TYPES_MAX)] = ()

    def value(self) -> NewEvent:
        """Return it as the core knows it."""
        given = _with_price(self.given())
        policy: PolicyChanges | None = given.pop("policy", None)
        kinds = tuple(kind.value() for kind in given.pop("ticket_types", ()))
        return NewEvent(**given, policy=Policy(**(policy.changes() if policy else {})), ticket_types=kinds)


class EventChanges(RequestModel, json_schema_extra=example(capacity=120, reason="A larger hall.")):
    """What to set of an event."""

    title: Omissible[_Title] = None
    timezone: Omissible[_Zone] = None
    starts_at: Omissible[Instant] = None
    ends_at: Omissible[Instant] = None
    capacity: Omissible[_Seats] = None
    description: Omissible[_Text] = None
    venue: Omissible[_Text] = None
    booking_opens_at: Instant | None = None
    booking_closes_at: Annotated[Instant | None, Field(description="null is the start of the event.")] = None
    policy: Omissible[PolicyChanges] = None
    reason: Annotated[Omissible[_Reason], Field(description="Kept in the journal.")] = None

    def changes(self) -> dict[str, Any]:
        """Return the fields of the core's event that were named, without its policy."""
        return {name: value for name, value in self.given().items() if name not in ("policy", "reason")}

    def policy_changes(self) -> Mapping[str, Any]:
        """Return the fields of the core's policy that were named."""
        return self.policy.changes() if self.policy else {}


def _with_price(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value.value() if name == "price" else value for name, value in given.items()}


class Cancellation(RequestModel, json_schema_extra=example(reason="The hall is flooded.")):
    """Why an event is cancelled."""

    reason: _Reason


class EventsQuery(ListQuery):
    """Which events to list."""

    q: Annotated[
        Omissible[Annotated[str, text(200, 1), NoNul]], Field(description="In title, venue or description.")
    ] = None
    status: Annotated[
        Omissible[EventStatus], Field(description="Published ones, and one's own drafts, if left out.")
    ] = None
    from_: Annotated[
        Omissible[Instant], Field(alias="from", description="Those that start then or later.")
    ] = None
    to: Annotated[Omissible[Instant], Field(description="Those that start before.")] = None
    organiser_id: Omissible[Id] = None
    available: Annotated[Flag, Field(description="Only those with a free seat.")] = False

    def query(self) -> EventQuery:
        """Return it as the core knows it."""
        usual = {EventStatus.PUBLISHED, EventStatus.DRAFT}  # of drafts, those that the asker may read
        return EventQuery(
            text=self.q,
            statuses=frozenset({self.status} if self.status else usual),
            starts_from=self.from_,
            starts_before=self.to,
            organiser_id=None if self.organiser_id is None else UserId(self.organiser_id),
            only_available=self.available,
        )


class WaitlistPolicy(AnswerModel):
    """How an event lets people wait."""

    enabled: bool
    max_entries: int | None
    offer_window_seconds: int
    bypass_limit: int
    on_silence: OnSilence


class EventPolicy(AnswerModel):
    """How an event lets people in."""

    max_per_booking: int
    max_per_user: int | None
    hold_for_seconds: int
    cancel_until: Instant | None
    waitlist: WaitlistPolicy


class TicketType(AnswerModel):
    """What is booked."""

    id: Id
    name: str
    price: Money
    capacity: int | None
    seats_taken: int
    seats_free: int
    seats_available: Annotated[int, Field(description="Free, and not set aside for somebody who waits.")]
    waiting: int
    min_per_booking: int
    max_per_booking: int
    sales_open_at: Instant | None
    sales_close_at: Instant | None


class Event(AnswerModel):
    """Something that happens at a time and place."""

    id: Id
    title: str
    description: str
    venue: str
    timezone: str
    starts_at: Instant
    ends_at: Instant
    status: EventStatus
    organiser_id: Id
    booking_opens_at: Instant | None
    booking_closes_at: Instant | None
    capacity: int
    seats_taken: int
    seats_free: int
    seats_available: Annotated[int, Field(description="Free, and not set aside for somebody who waits.")]
    waiting: int
    policy: EventPolicy
    ticket_types: list[TicketType]
    created_at: Instant
    updated_at: Instant


class EventSettled(AnswerModel):
    """What a change of an event came to."""

    event: Event
    granted_count: Annotated[int, Field(description="How many waiting entries got seats because of it.")]
    granted: Annotated[list[Booking], Field(description="The first hundred of these bookings.")]
    still_waiting: int


class SeatsOfTicketType(AnswerModel):
    """The seats of a ticket type."""

    id: Id
    seats_free: int
    seats_available: int
    waiting: int


class Availability(AnswerModel):
    """The seats of an event, as they read at a moment."""

    event_id: Id
    seats_free: int
    seats_available: int
    waiting: int
    ticket_types: list[SeatsOfTicketType]
    as_of: Instant


class JournalLine(AnswerModel):
    """A line of the journal: what happened, by whom, and why."""

    number: int
    at: Instant
    kind: str
    actor: Annotated[str, Field(description="`user`, `operator` or `system`.")]
    actor_id: Id | None
    cause: str
    reason: str | None
    data: dict[str, Any]


class Standing(AnswerModel):
    """Where a user stands in one line, and why not further."""

    ticket_type_id: Id
    waitlist_entry_id: Id | None
    position: int | None
    seats_ahead: int | None
    reason: Reason | None


class Standings(AnswerModel):
    """Where a user stands in each line of an event."""

    event_id: Id
    user_id: Id
    lines: list[Standing]


class JournalQuery(ListQuery):
    """How to read the journal."""

    newest_first: Annotated[Flag, Field(description="From its end instead of its beginning.")] = False


def _ids(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


class PeopleQuery(RequestModel):
    """Whom to name."""

    ids: Annotated[
        tuple[Id, ...],
        BeforeValidator(_ids),
        Field(min_length=1, max_length=LIMIT_MAX, description="Ids of users, with commas between."),
        WithJsonSchema(
            {"type": "string", "format": "uuid", "description": "Ids of users, with commas between."}
        ),
    ]


class Person(AnswerModel):
    """Somebody who has seats at an event, or had, or waits for some."""

    id: Id
    name: str
    email: str


class ExplainQuery(RequestModel):
    """Whom to explain things of."""

    user_id: Annotated[Omissible[Id], Field(description="Oneself, if left out.")] = None


REQUEST_REASONS = tuple(
    code.value
    for code in ReasonCode
    if code != ReasonCode.IDEMPOTENCY_KEY_REUSED
    and list(ReasonCode).index(code) <= list(ReasonCode).index(ReasonCode.WAITLIST_FULL)
)
"""Why a request for seats may be refused."""
