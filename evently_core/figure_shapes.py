"""The shapes in which both doors show figures: names and nesting are those of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from evently_core.analytics import (
    ON_SALE_OR_OVER,
    EventTotals,
    Interval,
    Span,
    Totals,
    cancellation_rate,
    offer_acceptance,
    refill_rate,
    takings,
    utilisation,
    waitlist_conversion,
)
from evently_core.event import EventStatus
from evently_core.figures import Figures
from evently_core.paging import Page
from evently_core.services.analytics import EventInDepth, Period


def overview_shape(totals: Totals, users: int | None) -> dict[str, Any]:
    """Return what all events come to; ``users`` is for who may know of all."""
    total = totals.total
    counts = totals.by_status
    capacity = sum(counts[status].capacity for status in ON_SALE_OR_OVER if status in counts)
    return {
        "events": sum(count.events for count in counts.values()),
        "events_by_status": [
            {"status": status, "events": counts[status].events} for status in EventStatus if status in counts
        ],
        "users": users,
        "bookings": total.confirmed - total.cancelled,
        "seats_sold": total.sold,
        "revenue": _revenue_shape(totals.figures),
        "capacity": capacity,
        "utilisation": utilisation(total, capacity),
        "held": total.held,
        "waiting": total.waiting,
        "waiting_entries": sum(count.waiting for count in counts.values()),
    }


def revenue_shape(span: Span, periods: Sequence[Period], interval: Interval) -> dict[str, Any]:
    """Return what each day or month added."""
    return {
        "interval": interval,
        "from": span.since,
        "to": span.until,
        "items": [
            {
                "begins": period.begins,
                "revenue": _revenue_shape(period.figures),
                "seats_sold": period.total.sold,
                "confirmed": period.total.confirmed,
                "cancelled": period.total.cancelled,
            }
            for period in periods
        ],
    }


def ranked_shape(page: Page[EventTotals]) -> dict[str, Any]:
    """Return a page of ranked events."""
    return {"items": [_event_shape(each) for each in page.items], "next_cursor": page.next_cursor}


def _event_shape(totals: EventTotals) -> dict[str, Any]:
    event, total = totals.event, totals.total
    return {
        "event_id": event.id,
        "title": event.title,
        "status": event.status,
        "starts_at": event.starts_at,
        "capacity": event.capacity,
        "seats_sold": total.sold,
        "revenue": _revenue_shape(totals.figures),
        "utilisation": utilisation(total, event.capacity),
        "confirmed": total.confirmed,
        "cancelled": total.cancelled,
        "cancellation_rate": cancellation_rate(total),
        "joined": total.joined,
        "served": total.served,
        "waitlist_conversion": waitlist_conversion(total),
        "held": total.held,
        "waiting": total.waiting,
        "waiting_entries": totals.waiting,
    }


def event_in_depth_shape(found: EventInDepth) -> dict[str, Any]:
    """Return all there is to know of one event; its days are how it stood at their ends."""
    total, wait = found.totals.total, found.median_wait
    currency = found.totals.event.currency
    return {
        **_event_shape(found.totals),
        "freed": total.freed,
        "refilled": total.refilled,
        "refill_rate": refill_rate(total),
        "offers": total.offers,
        "accepted": total.accepted,
        "declined": total.declined,
        "offer_acceptance": offer_acceptance(total),
        "median_wait_seconds": None if wait is None else int(wait.total_seconds()),
        "days": [
            {
                "day": each.day,
                "sold": each.sold,
                "held": each.held,
                "waiting": each.waiting,
                "revenue": {"amount": each.revenue, "currency": currency},
            }
            for each in found.course
        ],
    }


def users_shape(
    span: Span, users: int | None, registrations: Mapping[date, int] | None, active: Mapping[date, int]
) -> dict[str, Any]:
    """Return who registered and did something; who may not know of all users learns of one's own events only."""
    return {
        "from": span.since,
        "to": span.until,
        "users": users,
        "registrations": None if registrations is None else sum(registrations.values()),
        "days": [
            {
                "day": day,
                "registrations": None if registrations is None else registrations[day],
                "active_users": active[day],
            }
            for day in span.days()
        ],
    }


def _revenue_shape(figures: Mapping[str, Figures]) -> list[dict[str, Any]]:
    return [{"amount": each.amount, "currency": each.currency} for each in takings(figures)]
