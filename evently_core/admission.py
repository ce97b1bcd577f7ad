"""The pass: who gets free seats.

Lines are walked together in order: higher priority first, then sequence. For each entry:

1. Its *room* is the minimum over its pools of what is free and not set aside by those ahead of it. If the
   room is at least its *least*, it gets as much of what it misses as there is room for.
2. Otherwise it waits. The first entry of a line that still waits *speaks* for the line. Once it was passed
   over as often as the event's ``bypass_limit`` allows, it *stops* the line: what it could take now is set
   aside for it in each of its pools, and since one of them is then used up, nobody behind it gets anything.
3. A grant *passes over* a speaking entry ahead of it that has not stopped its line, if it leaves that entry
   less room. That is counted on the entry and named in the fact of the grant.

Nothing is walked for a newcomer: after a pass only the first of each line can stand in its way. When seats
come free, only the head of each class of a line (same ticket type, same least) is looked at: where it does
not fit, nobody of its class behind it does. So the cost depends on the batch and on what is granted, and
never on how long a line is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

import attrs

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.event import EventStatus, OnSilence
from evently_core.facts import EntryEnded, Granted, Lapsed, Requeued
from evently_core.inventory import ClassKey, LoadMore
from evently_core.lines import NotLoaded
from evently_core.reasons import ReasonCode
from evently_core.sheet import Sheet
from evently_core.values import BookingId, EntryId, PoolId, TicketTypeId
from evently_core.waitlist import EntryStatus, Order, WaitlistEntry

GRANTS_MAX = 1000
"""The most waiting entries that are granted seats in one transaction."""


@attrs.define
class Allowance:
    """How many waiting entries may still be granted seats in this transaction; None is no bound."""

    left: int | None

    def spend(self) -> None:
        """Count one grant."""
        if self.left is not None:
            self.left -= 1

    @property
    def is_spent(self) -> bool:
        """Tell whether nobody more may be granted anything in this transaction."""
        return self.left == 0


def run_pass(sheet: Sheet, allowance: Allowance) -> bool:
    """Free what has lapsed, close what is over, then serve the lines.

    Returns:
        Whether it came to its end; False if the allowance was spent before.
    """
    if not sheet.disturbed:
        return True
    _free_what_has_lapsed(sheet)
    _close_what_is_over(sheet)
    if not _serve_the_lines(sheet, allowance):
        return False
    sheet.disturbed = False
    return True


def settle(sheet: Sheet) -> None:
    """Bring a sheet that only a view reads to where a pass would: free what lapsed, serve who can be served.

    Lines whose sales are over take no part, so that a view need not close them.
    """
    _free_what_has_lapsed(sheet)
    _serve_the_lines(sheet, Allowance(None))


def _serve_the_lines(sheet: Sheet, allowance: Allowance) -> bool:
    """Walk the lines together, in order, looking only at the heads of their classes."""
    limit = sheet.event.policy.bypass_limit
    heads: list[tuple[Order, TicketTypeId, int]] = [
        (entry.order, *key) for key, entry in sheet.lines.heads(sheet.on_sale)
    ]
    heapify(heads)
    speaking: dict[TicketTypeId, WaitlistEntry] = {}
    while heads:
        order, ticket_type, least = heappop(heads)
        first = speaking.get(ticket_type)
        if first is not None and first.passed_over >= limit:
            continue  # its line is stopped
        key: ClassKey = (ticket_type, least)
        entry = sheet.lines.next_of(key, (order[0], order[1] - 1))
        assert entry is not None, "the walk lost its place"
        if allowance.is_spent:
            # One more may or may not fit; the next transaction finds out.
            return False
        room = room_behind(sheet, ticket_type, speaking.values())
        if room >= least:
            _grant_to_waiting(sheet, entry, min(room, entry.missing), speaking)
            allowance.spend()
            entry = _current(sheet, entry)
        if entry.is_waiting:
            speaking.setdefault(ticket_type, entry)
            if entry.least == least:
                continue  # nobody of its class behind it fits either
        behind = sheet.lines.next_of(key, order)
        if behind is not None:
            heappush(heads, (behind.order, *key))
    return True


def _current(sheet: Sheet, entry: WaitlistEntry) -> WaitlistEntry:
    current = sheet.entry(entry.id)
    assert current is not None
    return current


def set_aside(sheet: Sheet, speaking: Iterable[WaitlistEntry]) -> dict[PoolId, int]:
    """Return the seats of each pool that are set aside for those of ``speaking`` that have stopped their lines.

    ``speaking`` is in order: each takes of what those before it have left.
    """
    aside: dict[PoolId, int] = {}
    for entry in speaking:
        if entry.passed_over >= sheet.event.policy.bypass_limit:
            pools = sheet.pools[entry.ticket_type_id]
            room = min(sheet.free[pool] - aside.get(pool, 0) for pool in pools)
            for pool in pools:
                aside[pool] = aside.get(pool, 0) + room
    return aside


def room_behind(sheet: Sheet, ticket_type: TicketTypeId, speaking: Iterable[WaitlistEntry]) -> int:
    """Return what somebody of this ticket type could take now behind those who speak, given in order."""
    aside = set_aside(sheet, speaking)
    return min(sheet.free[pool] - aside.get(pool, 0) for pool in sheet.pools[ticket_type])


def room_of_newcomer(sheet: Sheet, ticket_type: TicketTypeId) -> int:
    """Return what a newcomer could take now: only the first of each line ahead of it can stand in its way."""
    return room_behind(sheet, ticket_type, those_ahead_of_newcomers(sheet))


def those_ahead_of_newcomers(sheet: Sheet) -> list[WaitlistEntry]:
    """Return the first of each line, as far as they come before somebody who joins now with priority 0."""
    return [entry for entry in sheet.lines.firsts(sheet.on_sale) if entry.priority >= 0]


def why_not_more(sheet: Sheet, ticket_type: TicketTypeId, room: int) -> ReasonCode:
    """Return why somebody with so much room gets no more: nothing free, set aside, or too few for the party."""
    free = min(sheet.free[pool] for pool in sheet.pools[ticket_type])
    if free == 0:
        return ReasonCode.SOLD_OUT
    return ReasonCode.LINE_AHEAD if free > room else ReasonCode.NOT_ENOUGH_FOR_PARTY


def grant(sheet: Sheet, booking: Booking, ahead: Iterable[WaitlistEntry]) -> tuple[EntryId, ...]:
    """Let a booking take its seats, and count whom that passes over; ``ahead`` are those who speak before it."""
    passable = list(ahead) if sheet.event.policy.bypass_limit else []
    if not passable:
        sheet.put_booking(booking)
        sheet.happened(Granted(booking))
        return ()
    before = _rooms(sheet, passable)
    sheet.put_booking(booking)
    after = _rooms(sheet, passable)
    passed = [
        entry
        for entry in passable
        if entry.passed_over < sheet.event.policy.bypass_limit and after[entry.id] < before[entry.id]
    ]
    for entry in passed:
        sheet.put_entry(entry.passed_over_once_more())
    names = tuple(entry.id for entry in passed)
    sheet.happened(Granted(booking, names))
    return names


def _rooms(sheet: Sheet, speaking: list[WaitlistEntry]) -> dict[EntryId, int]:
    """Return what each of these could take now behind those before it that have stopped their lines."""
    return {
        entry.id: room_behind(sheet, entry.ticket_type_id, speaking[:place])
        for place, entry in enumerate(speaking)
    }


def _grant_to_waiting(
    sheet: Sheet, entry: WaitlistEntry, quantity: int, speaking: dict[TicketTypeId, WaitlistEntry]
) -> None:
    """Grant seats to a waiting entry: as an offer with a full window, or at once."""
    booking = _booking_for(sheet, entry, quantity)
    for name in grant(sheet, booking, speaking.values()):
        passed = sheet.entry(name)
        assert passed is not None
        speaking[passed.ticket_type_id] = passed
    sheet.put_entry(entry.granted(quantity, as_offer=booking.is_offer, at=sheet.now))
    sheet.granted.append(booking)


def _booking_for(sheet: Sheet, entry: WaitlistEntry, quantity: int) -> Booking:
    window = sheet.event.policy.window_of_an_offer
    expires_at = end_of_hold(sheet, entry.ticket_type_id, window)
    return Booking(
        id=BookingId(sheet.new_id()),
        event_id=sheet.event.id,
        ticket_type_id=entry.ticket_type_id,
        user_id=entry.user_id,
        quantity=quantity,
        unit_price=entry.unit_price,
        status=BookingStatus.HELD if expires_at else BookingStatus.CONFIRMED,
        origin=Origin.WAITLIST,
        created_at=sheet.now,
        cancel_until=sheet.event.cancel_until,
        expires_at=expires_at,
        entry_id=entry.id,
        confirmed_at=None if expires_at else sheet.now,
    )


def end_of_hold(sheet: Sheet, ticket_type: TicketTypeId, window: timedelta) -> datetime | None:
    """Return when a hold made now ends: after its window, and not after sales or the start (I10). None: no hold."""
    if not window:
        return None
    return min(sheet.now + window, sheet.event.last_moment_of_a_hold(sheet.kinds[ticket_type]))


# -- what the clock does ------------------------------------------------------------------------------------


def _free_what_has_lapsed(sheet: Sheet) -> None:
    """Free the seats of every hold that was not confirmed in time, and let its entry go on or end."""
    for booking in sheet.take_due():
        with sheet.caused_by_time():
            sheet.put_booking(booking.expired())
            sheet.happened(Lapsed(booking.id, booking.quantity))
            if booking.entry_id is not None:
                _answer_silence(sheet, booking)


def _answer_silence(sheet: Sheet, booking: Booking) -> None:
    """Decide what becomes of the entry of a booking that lapsed."""
    assert booking.entry_id is not None
    entry = sheet.entry(booking.entry_id)
    assert entry is not None, "the entry of a lapsed booking is part of the inventory"
    if booking.origin is Origin.WAITLIST:
        entry = entry.offer_ended()
        sheet.put_entry(entry)
    if entry.is_over:
        return
    if booking.origin is Origin.WAITLIST and _may_wait_again(sheet, entry):
        sequence = sheet.take_sequence()
        least = sheet.kinds[entry.ticket_type_id].min_per_booking
        sheet.put_entry(
            entry.sent_to_the_end(sequence=sequence, returned=booking.quantity, min_per_booking=least)
        )
        sheet.happened(Requeued(entry.id, sequence, booking.quantity))
    else:
        end_entry(sheet, entry, EntryStatus.LAPSED)


def _may_wait_again(sheet: Sheet, entry: WaitlistEntry) -> bool:
    """Tell whether silence sends this entry to the end of its tier: once, while its line is open."""
    if sheet.event.policy.on_silence is not OnSilence.REQUEUE or entry.requeued:
        return False
    if is_closed(sheet, entry.ticket_type_id):
        return False
    other = sheet.waiting_entry_of(entry.user_id, entry.ticket_type_id)
    return other is None or other.id == entry.id  # one waiting entry per user and line


def _close_what_is_over(sheet: Sheet) -> None:
    """Close the lines whose sales have ended: nobody there will be served any more."""
    for ticket_type in sheet.kinds:
        if sheet.lines.waiting_for(ticket_type) and is_closed(sheet, ticket_type):
            with sheet.caused_by_time():
                close_line(sheet, ticket_type)


def is_closed(sheet: Sheet, ticket_type: TicketTypeId) -> bool:
    """Tell whether nobody in this line will be served any more."""
    over = sheet.event.status in (EventStatus.CANCELLED, EventStatus.COMPLETED)
    return over or sheet.event.sales_close_at(sheet.kinds[ticket_type]) <= sheet.now


def close_line(sheet: Sheet, ticket_type: TicketTypeId) -> None:
    """End every waiting entry of a line; offers that are open stay."""
    needs = sheet.inventory.needs
    if ticket_type not in needs.whole_lines and not needs.live_bookings:
        raise NotLoaded(LoadMore(whole_lines=frozenset({ticket_type})))
    line = [entry for entry in sheet.entries() if entry.ticket_type_id == ticket_type and entry.is_waiting]
    for entry in sorted(line, key=lambda entry: entry.order):
        end_entry(sheet, entry, EntryStatus.CLOSED)


def end_entry(sheet: Sheet, entry: WaitlistEntry, status: EntryStatus) -> WaitlistEntry:
    """Let an entry end without being served; whoever stood behind it may be served now."""
    ended = entry.ended(status, sheet.now)
    sheet.put_entry(ended)
    sheet.happened(EntryEnded(entry.id, status))
    sheet.disturbed = True
    return ended
