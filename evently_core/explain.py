"""Pure views of a snapshot: how many seats there are for whom, and why somebody was not offered one.

A view looks at an event as it is after a pass: a hold whose time is over holds nothing, swept or not (I9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

import attrs

from evently_core.admission import (
    is_closed,
    room_behind,
    room_of_newcomer,
    settle,
    why_not_more,
)
from evently_core.inventory import Inventory, LoadMore
from evently_core.lines import NotLoaded
from evently_core.reasons import Figure, Reason
from evently_core.sheet import Sheet
from evently_core.steps import why_not_on_sale
from evently_core.values import EntryId, TicketTypeId
from evently_core.waitlist import EntryStatus, Place, WaitlistEntry


@attrs.frozen
class SeatCount:
    """The seats of an event or of one ticket type."""

    taken: int
    free: int
    available: int
    """Free and not set aside for somebody who waits: what a newcomer could have now."""
    waiting: int
    """How many entries wait."""


@attrs.frozen
class Seats:
    """The seats of an event, in all and by ticket type."""

    total: SeatCount
    by_ticket_type: Mapping[TicketTypeId, SeatCount]


@attrs.frozen
class Standing:
    """Where a user stands in one line of an event, and why not further: None if nothing is in the way."""

    ticket_type_id: TicketTypeId
    reason: Reason | None
    entry: WaitlistEntry | None = None
    place: Place | None = None


def seats(inventory: Inventory, now: datetime) -> Seats | LoadMore:
    """Return the seats of an event as they read now."""
    try:
        sheet = _settled(inventory, now)
        by_kind = {kind: _count(sheet, kind) for kind in sheet.kinds}
    except NotLoaded as missing:
        return missing.load_more
    event = sheet.event
    taken = sheet.taken_of(event.total_pool)
    free = sheet.free[event.total_pool]
    available = min(free, max((count.available for count in by_kind.values()), default=0))
    return Seats(SeatCount(taken, free, available, sum(count.waiting for count in by_kind.values())), by_kind)


def _count(sheet: Sheet, kind: TicketTypeId) -> SeatCount:
    free = min(sheet.free[pool] for pool in sheet.pools[kind])
    return SeatCount(
        taken=sheet.taken_by(kind),
        free=free,
        available=room_of_newcomer(sheet, kind),
        waiting=0 if is_closed(sheet, kind) else sheet.lines.waiting_for(kind),
    )


def standings(
    inventory: Inventory,
    now: datetime,
    waiting: Mapping[TicketTypeId, WaitlistEntry],
    places: Mapping[EntryId, Place],
) -> tuple[Standing, ...] | LoadMore:
    """Return why a user who waits with these entries has not been offered a seat, line by line.

    For a line the user does not wait in, the reason is what a request for the smallest party would be told.
    """
    try:
        sheet = _settled(inventory, now)
        return tuple(_standing(sheet, kind, waiting.get(kind), places) for kind in sheet.kinds)
    except NotLoaded as missing:
        return missing.load_more


def _standing(
    sheet: Sheet, kind: TicketTypeId, entry: WaitlistEntry | None, places: Mapping[EntryId, Place]
) -> Standing:
    event = sheet.event
    no_sale = why_not_on_sale(event, sheet.kinds[kind], sheet.now)
    if entry is not None:
        entry = sheet.entry(entry.id) or entry
        if entry.status in (EntryStatus.SERVED, EntryStatus.OFFERED):
            # Seats came free by the clock alone; they are on their way with the next command or sweep.
            return Standing(kind, None, entry, places.get(entry.id))
        if entry.is_over:
            entry = None  # an offer met silence, and nobody has swept yet
    if entry is None:
        asked = least = sheet.kinds[kind].min_per_booking
        room, ahead = room_of_newcomer(sheet, kind), sheet.lines.place_of_newcomer(kind).position - 1
        place = None
    else:
        asked, least, place = entry.missing, entry.least, places.get(entry.id)
        speaking = [first for first in sheet.lines.firsts(sheet.on_sale) if first.order < entry.order]
        room, ahead = room_behind(sheet, kind, speaking), place.position - 1 if place else 0
    if no_sale is not None:
        return Standing(kind, no_sale, entry, place)
    if room >= least:
        return Standing(kind, None, entry, place)
    figures: dict[str, Figure] = {
        "free": min(sheet.free[pool] for pool in sheet.pools[kind]),
        "available": room,
        "requested": asked,
        "least": least,
        "ahead": ahead,
    }
    return Standing(kind, Reason(why_not_more(sheet, kind, room), figures), entry, place)


def _settled(inventory: Inventory, now: datetime) -> Sheet:
    """Return the event as it is after a pass that nobody records."""
    sheet = Sheet(inventory, now, _nameless())
    settle(sheet)
    return sheet


def _nameless() -> Iterator[UUID]:
    """Yield ids for bookings that only a view sees."""
    number = 0
    while True:
        number += 1
        yield UUID(int=number)
