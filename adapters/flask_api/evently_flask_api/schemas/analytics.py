"""Figures, and what organisers ask of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from evently_core.analytics import Interval, Ranking
from evently_core.event import EventStatus
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Day,
    Id,
    Instant,
    ListQuery,
    Omissible,
    RequestModel,
)

_Share = Annotated[float | None, Field(ge=0, le=1, description="From 0 to 1; null of nothing.")]


class SpanQuery(RequestModel):
    """Which days to tell of; each is one of the zone of the event."""

    from_: Annotated[
        Omissible[Day],
        Field(alias="from", description="The first day; some time before the last, if left out."),
    ] = None
    to: Annotated[Omissible[Day], Field(description="The last day; today, if left out.")] = None


class RevenueQuery(SpanQuery):
    """Which days or months to tell of."""

    interval: Interval = Interval.DAY


class RankingQuery(ListQuery):
    """How to rank events."""

    sort: Annotated[Ranking, Field(description="The greatest come first.")] = Ranking.SEATS


class Sum(AnswerModel):
    """A sum in minor units (cents) of a currency; what was given back counts as negative."""

    amount: int
    currency: str


class EventsInStatus(AnswerModel):
    """How many events are in a status."""

    status: EventStatus
    events: int


class Overview(AnswerModel):
    """What all events come to."""

    events: int
    events_by_status: list[EventsInStatus]
    users: Annotated[int | None, Field(description="For admins.")]
    bookings: Annotated[int, Field(description="Those that are confirmed.")]
    seats_sold: int
    revenue: list[Sum]
    capacity: Annotated[int, Field(description="Of all events that are published or completed.")]
    utilisation: _Share
    held: Annotated[int, Field(description="Seats that are held or on offer.")]
    waiting: Annotated[int, Field(description="Seats that are waited for.")]
    waiting_entries: int


class RevenueOfPeriod(AnswerModel):
    """What a day or a month added; what is given back is negative on its own day."""

    begins: date
    revenue: list[Sum]
    seats_sold: int
    confirmed: Annotated[int, Field(description="Bookings.")]
    cancelled: Annotated[int, Field(description="Bookings.")]


class _Spanning(AnswerModel):
    model_config = ConfigDict(from_attributes=True, serialize_by_alias=True)

    from_: Annotated[date, Field(alias="from")]
    to: date


class Revenue(_Spanning):
    """What each day or month added, also those that added nothing."""

    interval: Interval
    items: list[RevenueOfPeriod]


class EventFigures(AnswerModel):
    """The figures of one event."""

    event_id: Id
    title: str
    status: EventStatus
    starts_at: Instant
    capacity: int
    seats_sold: int
    revenue: list[Sum]
    utilisation: _Share
    confirmed: Annotated[int, Field(description="Bookings that were confirmed.")]
    cancelled: Annotated[int, Field(description="Those of them that were cancelled.")]
    cancellation_rate: _Share
    joined: Annotated[int, Field(description="Entries that joined a line.")]
    served: Annotated[int, Field(description="Those of them that got all their seats.")]
    waitlist_conversion: _Share
    held: Annotated[int, Field(description="Seats that are held or on offer.")]
    waiting: Annotated[int, Field(description="Seats that are waited for.")]
    waiting_entries: int


class EndOfDay(AnswerModel):
    """How an event stood at the end of a day."""

    day: date
    sold: int
    held: int
    waiting: int
    revenue: Sum


class EventInDepth(EventFigures):
    """All there is to know of one event."""

    freed: Annotated[int, Field(description="Seats that were given back or lapsed.")]
    refilled: Annotated[int, Field(description="Seats that went to somebody who waited.")]
    refill_rate: _Share
    offers: int
    accepted: Annotated[int, Field(description="Offers.")]
    declined: Annotated[int, Field(description="Offers that were declined or lapsed.")]
    offer_acceptance: Annotated[float | None, Field(ge=0, le=1, description="Of the offers that are over.")]
    median_wait_seconds: Annotated[
        int | None, Field(description="From joining until served, at most a twentieth off.")
    ]
    days: Annotated[list[EndOfDay], Field(description="Days on which nothing happened are left out.")]


class UsersOfDay(AnswerModel):
    """Who came and did something on a day."""

    day: date
    registrations: Annotated[int | None, Field(description="For admins; of a day in UTC.")]
    active_users: Annotated[int, Field(description="They did something about one's events.")]


class Users(_Spanning):
    """Who registered and did something."""

    users: Annotated[int | None, Field(description="All there are, for admins.")]
    registrations: Annotated[int | None, Field(description="In these days, for admins.")]
    days: list[UsersOfDay]
