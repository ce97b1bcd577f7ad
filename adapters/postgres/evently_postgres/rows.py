"""Rows and the domain's values, both ways, and the columns they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Table

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.event import Event, EventStatus, OnSilence, Policy, TicketType
from evently_core.tickets import Arrival
from evently_core.values import BookingId, EntryId, EventId, Money, TicketTypeId, UserId
from evently_core.waitlist import EntryStatus, WaitlistEntry
from evently_postgres.event_tables import bookings, check_ins, events, ticket_types, waitlist_entries

Row = Sequence[Any]


def _names(columns: Iterable[Column[Any]]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def columns_of(table: Table, *, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of a table's columns in their order, but for some."""
    left_out = set(without)
    return tuple(name for name in _names(table.columns) if name not in left_out)


COUNTERS = ("taken", "waiting", "next_sequence", "journal_head", "wake_at", "fence")
"""The columns of an event that bookings move; all others are what the organiser has set."""

EVENT = columns_of(events, without=COUNTERS)
TICKET_TYPE = columns_of(ticket_types, without=("taken",))
BOOKING = columns_of(bookings)
ENTRY = columns_of(waitlist_entries)
ARRIVAL = columns_of(check_ins)


def event_from(row: Row, kinds: Iterable[Row]) -> Event:
    """Return an event of its row (`EVENT`) and those of its ticket types (`TICKET_TYPE`), in order."""
    value = dict(zip(EVENT, row, strict=True))
    return Event(
        id=EventId(value["id"]),
        organiser_id=UserId(value["organiser_id"]),
        title=value["title"],
        description=value["description"],
        venue=value["venue"],
        timezone=value["timezone"],
        starts_at=_utc(value["starts_at"]),
        ends_at=_utc(value["ends_at"]),
        status=EventStatus(value["status"]),
        capacity=value["capacity"],
        booking_opens_at=utc(value["booking_opens_at"]),
        booking_closes_at=utc(value["booking_closes_at"]),
        policy=Policy(
            max_per_booking=value["max_per_booking"],
            max_per_user=value["max_per_user"],
            hold_for=value["hold_for"],
            cancel_until=utc(value["cancel_until"]),
            waitlist_enabled=value["waitlist_enabled"],
            max_entries=value["max_entries"],
            offer_window=value["offer_window"],
            bypass_limit=value["bypass_limit"],
            on_silence=OnSilence(value["on_silence"]),
        ),
        ticket_types=tuple(ticket_type_from(kind) for kind in kinds),
        created_at=_utc(value["created_at"]),
        updated_at=_utc(value["updated_at"]),
        version=value["version"],
    )


def ticket_type_from(row: Row) -> TicketType:
    """Return a ticket type of its row (`TICKET_TYPE`)."""
    value = dict(zip(TICKET_TYPE, row, strict=True))
    return TicketType(
        id=TicketTypeId(value["id"]),
        name=value["name"],
        price=Money(value["amount"], value["currency"]),
        capacity=value["capacity"],
        min_per_booking=value["min_per_booking"],
        max_per_booking=value["max_per_booking"],
        sales_open_at=utc(value["sales_open_at"]),
        sales_close_at=utc(value["sales_close_at"]),
    )


def booking_from(row: Row) -> Booking:
    """Return a booking of its row (`BOOKING`)."""
    (
        event_id,
        booking_id,
        _,
        ticket_type_id,
        user_id,
        quantity,
        amount,
        currency,
        status,
        origin,
        entry_id,
        expires_at,
        cancel_until,
        created_at,
        confirmed_at,
        cancelled_at,
        payment_reference,
    ) = row
    return Booking(
        id=BookingId(booking_id),
        event_id=EventId(event_id),
        ticket_type_id=TicketTypeId(ticket_type_id),
        user_id=UserId(user_id),
        quantity=quantity,
        unit_price=Money(amount, currency),
        status=BookingStatus(status),
        origin=Origin(origin),
        entry_id=None if entry_id is None else EntryId(entry_id),
        expires_at=utc(expires_at),
        cancel_until=_utc(cancel_until),
        created_at=_utc(created_at),
        confirmed_at=utc(confirmed_at),
        cancelled_at=utc(cancelled_at),
        payment_reference=payment_reference,
    )


def entry_from(row: Row) -> WaitlistEntry:
    """Return a waitlist entry of its row (`ENTRY`)."""
    value = dict(zip(ENTRY, row, strict=True))
    return WaitlistEntry(
        id=EntryId(value["id"]),
        event_id=EventId(value["event_id"]),
        ticket_type_id=TicketTypeId(value["ticket_type_id"]),
        user_id=UserId(value["user_id"]),
        asked=value["asked"],
        missing=value["missing"],
        least=value["least"],
        accept_partial=value["accept_partial"],
        unit_price=Money(value["amount"], value["currency"]),
        status=EntryStatus(value["status"]),
        priority=value["priority"],
        sequence=value["sequence"],
        passed_over=value["passed_over"],
        open_offers=value["open_offers"],
        requeued=value["requeued"],
        joined_at=_utc(value["joined_at"]),
        ended_at=utc(value["ended_at"]),
    )


def arrival_from(row: Row) -> Arrival:
    """Return who came in, of its row (`ARRIVAL`)."""
    _, booking_id, seat, ticket_type_id, at, undone_at = row
    return Arrival(
        booking_id=BookingId(booking_id),
        seat=seat,
        ticket_type_id=TicketTypeId(ticket_type_id),
        at=_utc(at),
        undone_at=utc(undone_at),
    )


def event_row(event: Event) -> tuple[Any, ...]:
    """Return the row (`EVENT`) of an event."""
    policy = event.policy
    values = {
        **{name: getattr(event, name) for name in EVENT if hasattr(event, name)},
        **{name: getattr(policy, name) for name in EVENT if hasattr(policy, name)},
        # The event's own deadline falls back to its start; what is set is the policy's.
        "cancel_until": policy.cancel_until,
    }
    return tuple(values[name] for name in EVENT)


def ticket_type_rows(event: Event) -> list[tuple[Any, ...]]:
    """Return the rows (`TICKET_TYPE`) of what an event sells."""
    return [
        (
            event.id,
            kind.id,
            ordinal,
            kind.name,
            kind.price.amount,
            kind.price.currency,
            kind.capacity,
            kind.min_per_booking,
            kind.max_per_booking,
            kind.sales_open_at,
            kind.sales_close_at,
        )
        for ordinal, kind in enumerate(event.ticket_types)
    ]


def booking_row(booking: Booking) -> tuple[Any, ...]:
    """Return the row (`BOOKING`) of a booking."""
    return (
        booking.event_id,
        booking.id,
        booking.reference,
        booking.ticket_type_id,
        booking.user_id,
        booking.quantity,
        booking.unit_price.amount,
        booking.unit_price.currency,
        booking.status.value,
        booking.origin.value,
        booking.entry_id,
        booking.expires_at,
        booking.cancel_until,
        booking.created_at,
        booking.confirmed_at,
        booking.cancelled_at,
        booking.payment_reference,
    )


def entry_row(entry: WaitlistEntry) -> tuple[Any, ...]:
    """Return the row (`ENTRY`) of a waitlist entry."""
    return (
        entry.event_id,
        entry.id,
        entry.ticket_type_id,
        entry.user_id,
        entry.asked,
        entry.missing,
        entry.least,
        entry.accept_partial,
        entry.unit_price.amount,
        entry.unit_price.currency,
        entry.status.value,
        entry.priority,
        entry.sequence,
        entry.passed_over,
        entry.open_offers,
        entry.requeued,
        entry.joined_at,
        entry.ended_at,
    )


def arrival_row(event_id: EventId, arrival: Arrival) -> tuple[Any, ...]:
    """Return the row (`ARRIVAL`) of who came in."""
    return (
        event_id,
        arrival.booking_id,
        arrival.seat,
        arrival.ticket_type_id,
        arrival.at,
        arrival.undone_at,
    )


def utc(moment: datetime | None) -> datetime | None:
    """Return an instant of the database in UTC, whatever zone the connection speaks."""
    return None if moment is None else _utc(moment)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
