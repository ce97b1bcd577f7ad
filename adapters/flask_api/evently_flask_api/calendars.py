"""An event for somebody's calendar (RFC 5545)."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import icalendar

from evently_core.event import Event, EventStatus

_STATUS = {
    EventStatus.DRAFT: "TENTATIVE",
    EventStatus.PUBLISHED: "CONFIRMED",
    EventStatus.COMPLETED: "CONFIRMED",
    EventStatus.CANCELLED: "CANCELLED",
}


def event_calendar(event: Event) -> bytes:
    """Return a calendar with one event in its own zone; a later version of it replaces an earlier one."""
    zone = ZoneInfo(event.timezone)
    entry = icalendar.Event()
    entry.add("uid", f"{event.id}@evently")
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("sequence", event.version)
    entry.add("status", _STATUS[event.status])
    entry.add("summary", event.title)
    entry.add("dtstart", event.starts_at.astimezone(zone))
    entry.add("dtend", event.ends_at.astimezone(zone))
    if event.venue:
        entry.add("location", event.venue)
    if event.description:
        entry.add("description", event.description)
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Evently//Evently//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    calendar.add_missing_timezones(event.starts_at.date(), event.ends_at.date() + timedelta(days=1))
    return bytes(calendar.to_ical())
