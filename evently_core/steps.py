"""The first step of each command: check it, change what it changes, say what happened. The pass does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs

from evently_core.admission import (
    close_line,
    end_entry,
    end_of_hold,
    grant,
    room_of_newcomer,
    those_ahead_of_newcomers,
    why_not_more,
)
from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.commands import (
    Accept,
    AddTicketType,
    Advance,
    Book,
    Cancel,
    ChangeEvent,
    ChangeTicketType,
    CheckIn,
    Command,
    Confirm,
    Decline,
    JoinWaitlist,
    Leave,
    Move,
    Reduce,
    Sweep,
    UndoCheckIn,
)
from evently_core.errors import Forbidden, InvalidValue, NotFound
from evently_core.event import LIFECYCLE, Event, EventStatus, Step, TicketType
from evently_core.facts import (
    Cancelled,
    CheckedIn,
    CheckInUndone,
    Confirmed,
    EventAdvanced,
    EventChanged,
    HoldShortened,
    Joined,
    Moved,
    Reduced,
)
from evently_core.inventory import LoadMore
from evently_core.lines import NotLoaded
from evently_core.outcomes import (
    Admitted,
    BookingChanged,
    DoorAnswer,
    EntryChanged,
    EventSettled,
    Outcome,
    Refused,
    Rejected,
)
from evently_core.reasons import Figure, Reason, ReasonCode
from evently_core.sheet import Sheet, shortened
from evently_core.tickets import Scan, Scanned, judged
from evently_core.values import BookingId, EntryId, TicketTypeId, UserId
from evently_core.waitlist import EntryStatus, Place, WaitlistEntry


class _No(Exception):
    """A rule says no: ends a step early, inside this module only."""

    def __init__(self, code: ReasonCode, **figures: Figure) -> None:
        super().__init__(code)
        self.reason = Reason(code, figures)


def first_step(sheet: Sheet, command: Command) -> Outcome:
    """Take the first step of a command. Nothing is changed when it is refused or rejected."""
    try:
        return _STEPS[type(command)](sheet, command)
    except _No as no:
        return Refused(no.reason)
    except (NotFound, Forbidden, InvalidValue) as error:
        return Rejected(error)


# -- asking for seats ---------------------------------------------------------------------------------------


def _book(sheet: Sheet, command: Book) -> Outcome:
    """Join the end of the line: take what there is room for, and let the rest wait or be refused."""
    kind = _requested_kind(sheet, command)
    if command.join_waitlist:
        _require_not_waiting(sheet, command.user_id, kind)
    room = room_of_newcomer(sheet, kind.id)
    quantity = min(room, command.quantity) if room >= _least(kind, command) else 0
    missing = command.quantity - quantity
    if not missing:
        return Admitted(_allocate(sheet, command, kind, quantity, None))
    if not quantity and not command.join_waitlist:
        raise _why_nothing(sheet, command, kind, room)
    if command.join_waitlist and not quantity:
        _require_open_waitlist(sheet, command, kind)
    return _allocate_and_wait(sheet, command, kind, quantity)


def _allocate_and_wait(sheet: Sheet, command: Book, kind: TicketType, quantity: int) -> Outcome:
    """Book what was granted, if anything; the rest waits if that was asked for and can be, else it is refused."""
    missing = command.quantity - quantity
    refusal = _why_no_waiting(sheet) if command.join_waitlist else None
    waits = command.join_waitlist and refusal is None
    entry_id = EntryId(sheet.new_id()) if waits else None
    booking = _allocate(sheet, command, kind, quantity, entry_id) if quantity else None
    code = refusal or why_not_more(sheet, kind.id, room_of_newcomer(sheet, kind.id))
    reason = _reason_with_figures(sheet, code, command, kind)
    if entry_id is None:
        return Admitted(booking, reason=reason)
    entry, place = _join(sheet, command, kind, missing, entry_id, code)
    return Admitted(booking, entry, place, reason)


def _join_waitlist(sheet: Sheet, command: JoinWaitlist) -> Outcome:
    """Join the line, unless there are seats to be had without waiting."""
    kind = _requested_kind(sheet, command)
    room = room_of_newcomer(sheet, kind.id)
    if room >= _least(kind, command):
        raise _No(ReasonCode.SEATS_AVAILABLE, available=room, requested=command.quantity)
    _require_not_waiting(sheet, command.user_id, kind)
    _require_open_waitlist(sheet, command, kind)
    code = why_not_more(sheet, kind.id, room)
    reason = _reason_with_figures(sheet, code, command, kind)
    entry, place = _join(sheet, command, kind, command.quantity, EntryId(sheet.new_id()), code)
    return Admitted(None, entry, place, reason)


def _requested_kind(sheet: Sheet, command: Book | JoinWaitlist) -> TicketType:
    """Return the ticket type of a request that breaks no rule of the event, its windows and its limits."""
    event = sheet.event
    if event.status is EventStatus.DRAFT and not command.actor.may_organise(event.organiser_id):
        raise NotFound("event")
    if not (command.actor.is_user(command.user_id) or command.actor.is_admin):
        raise Forbidden("Only admins may ask for seats in somebody else's name.")
    kind = _named_kind(event, command.ticket_type_id)
    no_sale = why_not_on_sale(event, kind, sheet.now)
    if no_sale is not None:
        raise _No(no_sale.code, **no_sale.figures)
    _require_within_limits(sheet, command, kind)
    return kind


def _named_kind(event: Event, ticket_type_id: TicketTypeId | None) -> TicketType:
    if ticket_type_id is None:
        if len(event.ticket_types) > 1:
            raise _No(ReasonCode.TICKET_TYPE_REQUIRED, ticket_types=len(event.ticket_types))
        return event.ticket_types[0]
    kind = event.ticket_type(ticket_type_id)
    if kind is None:
        raise NotFound("ticket type")
    return kind


_NOT_PUBLISHED = {
    EventStatus.DRAFT: ReasonCode.EVENT_NOT_PUBLISHED,
    EventStatus.CANCELLED: ReasonCode.EVENT_CANCELLED,
    EventStatus.COMPLETED: ReasonCode.EVENT_COMPLETED,
}


def why_not_on_sale(event: Event, kind: TicketType, now: datetime) -> Reason | None:
    """Return why no request for this ticket type is taken now: the event's state, then the windows."""
    if event.status is not EventStatus.PUBLISHED:
        return Reason(_NOT_PUBLISHED[event.status])
    opens, closes = event.sales_open_at(kind), event.sales_close_at(kind)
    if opens is not None and now < opens:
        return Reason(ReasonCode.SALES_NOT_OPEN, {"opens_at": _text(opens)})
    if closes <= now:
        return Reason(ReasonCode.SALES_CLOSED, {"closed_at": _text(closes)})
    return None


def _require_published(event: Event) -> None:
    if event.status is not EventStatus.PUBLISHED:
        raise _No(_NOT_PUBLISHED[event.status])


def _require_within_limits(sheet: Sheet, command: Book | JoinWaitlist, kind: TicketType) -> None:
    limit = sheet.event.largest_party(kind)
    if command.quantity > limit:
        raise _No(ReasonCode.OVER_BOOKING_LIMIT, requested=command.quantity, limit=limit)
    if command.quantity < kind.min_per_booking:
        raise _No(ReasonCode.BELOW_MINIMUM, requested=command.quantity, limit=kind.min_per_booking)
    most = sheet.event.policy.max_per_user
    if most is not None and (has := sheet.seats_of(command.user_id)) + command.quantity > most:
        raise _No(ReasonCode.OVER_USER_LIMIT, requested=command.quantity, has=has, limit=most)


def _require_not_waiting(sheet: Sheet, user_id: UserId, kind: TicketType) -> None:
    entry = sheet.waiting_entry_of(user_id, kind.id)
    if entry is not None:
        raise _No(ReasonCode.ALREADY_WAITING, waitlist_entry_id=str(entry.id), waiting_for=entry.missing)


def _require_open_waitlist(sheet: Sheet, command: Book | JoinWaitlist, kind: TicketType) -> None:
    code = _why_no_waiting(sheet)
    if code is not None:
        raise _No(code, **_reason_with_figures(sheet, code, command, kind).figures)


def _why_no_waiting(sheet: Sheet) -> ReasonCode | None:
    policy = sheet.event.policy
    if not policy.waitlist_enabled:
        return ReasonCode.WAITLIST_OFF
    if policy.max_entries is not None and sheet.lines.waiting >= policy.max_entries:
        return ReasonCode.WAITLIST_FULL
    return None


def _least(kind: TicketType, command: Book | JoinWaitlist) -> int:
    """Return the fewest seats the party takes at a time."""
    return min(kind.min_per_booking, command.quantity) if command.accept_partial else command.quantity


def _why_nothing(sheet: Sheet, command: Book, kind: TicketType, room: int) -> _No:
    code = why_not_more(sheet, kind.id, room)
    return _No(code, **_reason_with_figures(sheet, code, command, kind).figures)


def _reason_with_figures(
    sheet: Sheet, code: ReasonCode, command: Book | JoinWaitlist, kind: TicketType
) -> Reason:
    figures: dict[str, Figure] = {
        "free": min(sheet.free[pool] for pool in sheet.pools[kind.id]),
        "requested": command.quantity,
        "ahead": sheet.lines.place_of_newcomer(kind.id).position - 1,
    }
    if code is ReasonCode.WAITLIST_FULL:
        figures["limit"] = sheet.event.policy.max_entries
    return Reason(code, figures)


def _allocate(
    sheet: Sheet, command: Book, kind: TicketType, quantity: int, entry_id: EntryId | None
) -> Booking:
    """Book seats for a newcomer, held where the event asks for a later confirmation."""
    expires_at = end_of_hold(sheet, kind.id, sheet.event.policy.hold_for)
    booking = Booking(
        id=BookingId(sheet.new_id()),
        event_id=sheet.event.id,
        ticket_type_id=kind.id,
        user_id=command.user_id,
        quantity=quantity,
        unit_price=kind.price,
        status=BookingStatus.HELD if expires_at else BookingStatus.CONFIRMED,
        origin=Origin.DIRECT,
        created_at=sheet.now,
        cancel_until=sheet.event.cancel_until,
        expires_at=expires_at,
        entry_id=entry_id,
        confirmed_at=None if expires_at else sheet.now,
    )
    grant(sheet, booking, those_ahead_of_newcomers(sheet))
    return booking


def _join(
    sheet: Sheet,
    command: Book | JoinWaitlist,
    kind: TicketType,
    missing: int,
    entry_id: EntryId,
    code: ReasonCode,
) -> tuple[WaitlistEntry, Place]:
    """Let the party, or its rest, wait at the end of the line."""
    place = sheet.lines.place_of_newcomer(kind.id)
    if place.position == 1 and sheet.lines.waiting_for(kind.id):
        # It speaks from now on for a line that one of lower priority had spoken for, and perhaps stopped.
        sheet.disturbed = True
    entry = WaitlistEntry(
        id=entry_id,
        event_id=sheet.event.id,
        ticket_type_id=kind.id,
        user_id=command.user_id,
        asked=missing,
        missing=missing,
        least=min(_least(kind, command), missing),
        accept_partial=command.accept_partial,
        unit_price=kind.price,
        sequence=sheet.take_sequence(),
        joined_at=sheet.now,
    )
    sheet.put_entry(entry)
    sheet.happened(Joined(entry, code))
    return entry, place


# -- answering, giving back ---------------------------------------------------------------------------------


def _confirm(sheet: Sheet, command: Confirm) -> Outcome:
    """Make a held booking one's own; what is confirmed already stays so (I7)."""
    booking = _own_booking(sheet, command, command.booking_id, for_organiser=False)
    return _confirmed(sheet, booking, command.payment_reference)


def _confirmed(sheet: Sheet, booking: Booking, payment_reference: str | None) -> Outcome:
    entry = _entry_of(sheet, booking)
    if booking.status is BookingStatus.CONFIRMED:
        return BookingChanged(booking, entry)
    _require_live(booking)
    _require_published(sheet.event)
    was_offer = booking.is_offer
    booking = booking.confirmed(sheet.now, payment_reference)
    sheet.put_booking(booking)
    sheet.happened(Confirmed(booking.id, payment_reference))
    if was_offer and entry is not None:
        entry = entry.offer_accepted(sheet.now)
        sheet.put_entry(entry)
    return BookingChanged(booking, entry)


def _require_live(booking: Booking) -> None:
    if booking.status is BookingStatus.CANCELLED:
        raise _No(ReasonCode.BOOKING_CANCELLED, cancelled_at=_text(booking.cancelled_at))
    if booking.status is BookingStatus.EXPIRED:
        raise _No(ReasonCode.HOLD_EXPIRED, expired_at=_text(booking.expires_at))


def _cancel(sheet: Sheet, command: Cancel) -> Outcome:
    """Give all seats back; the rest of the same request waits no longer, so that it does not get them again."""
    booking = _own_booking(sheet, command, command.booking_id, for_organiser=True)
    if not booking.takes_seats:
        return BookingChanged(booking, _entry_of(sheet, booking))
    _require_may_give_back(sheet, command, booking, command.reason)
    return _cancelled(sheet, booking)


def _cancelled(sheet: Sheet, booking: Booking) -> Outcome:
    was_offer = booking.is_offer
    after = booking.cancelled(sheet.now)
    sheet.put_booking(after)
    sheet.happened(Cancelled(booking.id, booking.quantity))
    entry = _withdraw_rest(sheet, booking, was_offer=was_offer)
    return BookingChanged(after, entry)


def _reduce(sheet: Sheet, command: Reduce) -> Outcome:
    """Give some seats back, under the same deadline as all of them."""
    booking = _own_booking(sheet, command, command.booking_id, for_organiser=True)
    _require_live(booking)
    if command.quantity >= booking.quantity:
        raise _No(ReasonCode.NOT_FEWER, requested=command.quantity, quantity=booking.quantity)
    kind = sheet.kinds[booking.ticket_type_id]
    if command.quantity < kind.min_per_booking:
        raise _No(ReasonCode.BELOW_MINIMUM, requested=command.quantity, limit=kind.min_per_booking)
    _require_may_give_back(sheet, command, booking, command.reason)
    after = booking.reduced_to(command.quantity)
    sheet.put_booking(after)
    sheet.happened(Reduced(booking.id, command.quantity, booking.quantity - command.quantity))
    entry = _withdraw_rest(sheet, booking, was_offer=False)
    return BookingChanged(after, entry)


def _withdraw_rest(sheet: Sheet, booking: Booking, *, was_offer: bool) -> WaitlistEntry | None:
    """End the entry of the same request: who gives seats back does not get them again. Its other offers stay."""
    entry = _entry_of(sheet, booking)
    if entry is None:
        return None
    if was_offer:
        entry = entry.offer_ended()
        sheet.put_entry(entry)
    return entry if entry.is_over else end_entry(sheet, entry, EntryStatus.LEFT)


def _require_may_give_back(sheet: Sheet, command: Command, booking: Booking, reason: str | None) -> None:
    """Attendees give back until the deadline they booked under; organisers always, with a reason (I11)."""
    if command.actor.may_organise(sheet.event.organiser_id):
        if reason is None and not command.actor.is_user(booking.user_id):
            raise InvalidValue(
                "reason", "required", "Say why: the journal keeps the reason of an organiser's change."
            )
    elif booking.cancel_until <= sheet.now:
        raise _No(ReasonCode.CANCEL_DEADLINE_PASSED, cancel_until=_text(booking.cancel_until))


def _accept(sheet: Sheet, command: Accept) -> Outcome:
    """Take the seats on offer; a second time changes nothing (I7)."""
    entry = _own_entry(sheet, command, command.entry_id, for_organiser=False)
    return _confirmed(sheet, _offer(sheet, entry, command.booking_id, BookingStatus.CONFIRMED), None)


def _decline(sheet: Sheet, command: Decline) -> Outcome:
    """Turn an offer down; a second time changes nothing (I7)."""
    entry = _own_entry(sheet, command, command.entry_id, for_organiser=False)
    booking = _offer(sheet, entry, command.booking_id, BookingStatus.CANCELLED)
    if booking.status is BookingStatus.CANCELLED:
        return BookingChanged(booking, sheet.entry(entry.id))
    _require_live(booking)
    if booking.status is BookingStatus.CONFIRMED:
        raise _No(ReasonCode.NO_OPEN_OFFER, status=entry.status)
    return _cancelled(sheet, booking)


def _offer(
    sheet: Sheet, entry: WaitlistEntry, booking_id: BookingId | None, already: BookingStatus
) -> Booking:
    """Return the offer meant: the one named, the only one open, or else the last one answered like this."""
    offers = sheet.offers_of(entry.id)
    if booking_id is not None:
        named = next((booking for booking in offers if booking.id == booking_id), None)
        if named is None:
            raise NotFound("offer")
        return named
    open_offers = [booking for booking in offers if booking.is_offer]
    if len(open_offers) > 1:
        raise _No(ReasonCode.BOOKING_ID_REQUIRED, open_offers=len(open_offers))
    if open_offers:
        return open_offers[0]
    closed = [booking for booking in offers if booking.status in (already, BookingStatus.EXPIRED)]
    if not closed:
        raise _No(ReasonCode.NO_OPEN_OFFER, status=entry.status)
    return max(closed, key=lambda booking: (booking.status is already, booking.id))


def _leave(sheet: Sheet, command: Leave) -> Outcome:
    """Stop waiting; open offers stay until they are answered or lapse."""
    entry = _own_entry(sheet, command, command.entry_id, for_organiser=False)
    if not entry.is_over:
        entry = end_entry(sheet, entry, EntryStatus.LEFT)
    return EntryChanged(entry)


def _move(sheet: Sheet, command: Move) -> Outcome:
    """Give a waiting entry another priority."""
    entry = sheet.entry(command.entry_id)
    if entry is None or not (
        command.actor.may_organise(sheet.event.organiser_id) or command.actor.is_user(entry.user_id)
    ):
        raise NotFound("waitlist entry")
    _require_organiser(sheet, command)
    if not entry.is_waiting:
        raise _No(ReasonCode.NOT_WAITING, status=entry.status)
    if entry.priority != command.priority:
        sheet.happened(Moved(entry.id, command.priority, entry.priority))
        entry = entry.moved_to(command.priority)
        sheet.put_entry(entry)
        sheet.disturbed = True
    return EntryChanged(entry)


# -- at the door --------------------------------------------------------------------------------------------


def _check_in(sheet: Sheet, command: CheckIn) -> Outcome:
    """Let in who shows these codes; one that lets nobody in does not hold up the others."""
    _require_organiser(sheet, command)
    return DoorAnswer(tuple(_scanned(sheet, scan) for scan in command.scans))


def _scanned(sheet: Sheet, scan: Scan) -> Scanned:
    booking = sheet.booking(scan.ticket.booking_id) if scan.ticket else None
    before = sheet.arrival(scan.ticket.place) if scan.ticket else None
    arrival = judged(scan, sheet.event.id, booking, before, sheet.now)
    if isinstance(arrival, Reason):
        return Scanned(scan.code, None, arrival)
    if arrival != before:
        sheet.put_arrival(arrival)
        sheet.happened(CheckedIn(arrival))
    return Scanned(scan.code, arrival)


def _undo_check_in(sheet: Sheet, command: UndoCheckIn) -> Outcome:
    """Take back that somebody is in; a second time changes nothing (I7)."""
    _require_organiser(sheet, command)
    arrival = sheet.arrival(command.ticket.place)
    if arrival is None:
        raise NotFound("check-in")
    if arrival.is_in:
        arrival = attrs.evolve(arrival, undone_at=sheet.now)
        sheet.put_arrival(arrival)
        sheet.happened(CheckInUndone(arrival.booking_id, arrival.seat))
    return DoorAnswer((Scanned(command.code, arrival),))


def _own_booking(sheet: Sheet, command: Command, booking_id: BookingId, *, for_organiser: bool) -> Booking:
    booking = sheet.booking(booking_id)
    if booking is None:
        raise NotFound("booking")
    _require_own(sheet, command, booking.user_id, "booking", for_organiser=for_organiser)
    return booking


def _own_entry(sheet: Sheet, command: Command, entry_id: EntryId, *, for_organiser: bool) -> WaitlistEntry:
    entry = sheet.entry(entry_id)
    if entry is None:
        raise NotFound("waitlist entry")
    _require_own(sheet, command, entry.user_id, "waitlist entry", for_organiser=for_organiser)
    return entry


def _require_own(sheet: Sheet, command: Command, user_id: UserId, what: str, *, for_organiser: bool) -> None:
    """Let the owner and admins do it, and the event's organiser where the rules say so; hide it from others."""
    actor = command.actor
    if actor.is_user(user_id) or actor.is_admin:
        return
    if not actor.may_organise(sheet.event.organiser_id):
        raise NotFound(what)
    if not for_organiser:
        raise Forbidden(f"Only the one whose {what} it is may do that.")


def _entry_of(sheet: Sheet, booking: Booking) -> WaitlistEntry | None:
    return None if booking.entry_id is None else sheet.entry(booking.entry_id)


# -- organising ---------------------------------------------------------------------------------------------


def _change_event(sheet: Sheet, command: ChangeEvent) -> Outcome:
    """Set fields of the event; what is taken stays taken, and holds do not outlive an earlier end (I1, I10)."""
    _require_organiser(sheet, command)
    _require_version(sheet, command.expected_version)
    event = sheet.event
    policy = attrs.evolve(event.policy, **command.policy)
    return _set(sheet, attrs.evolve(event, **command.changes, policy=policy))


def _add_ticket_type(sheet: Sheet, command: AddTicketType) -> Outcome:
    """Sell one more kind of ticket."""
    _require_organiser(sheet, command)
    event = sheet.event
    return _set(sheet, attrs.evolve(event, ticket_types=(*event.ticket_types, command.ticket_type)))


def _change_ticket_type(sheet: Sheet, command: ChangeTicketType) -> Outcome:
    """Set fields of a ticket type."""
    _require_organiser(sheet, command)
    event = sheet.event
    kind = event.ticket_type(command.ticket_type_id)
    if kind is None:
        raise NotFound("ticket type")
    _require_version(sheet, command.expected_version)
    changed = attrs.evolve(kind, **command.changes)
    kinds = tuple(changed if other is kind else other for other in event.ticket_types)
    return _set(sheet, attrs.evolve(event, ticket_types=kinds))


def _set(sheet: Sheet, after: Event) -> Outcome:
    """Let the event go on as it is now set, if it may."""
    before = sheet.event
    changes = _differences(before, after)
    if not changes:
        return EventSettled(before)
    if before.status in (EventStatus.CANCELLED, EventStatus.COMPLETED):
        _require_published(before)
    after.require_bookable(sheet.taken_of)
    _require_capacities(sheet, after)
    _require_one_currency(sheet, after)
    _require_holds_if_shortened(sheet, before, after)
    after = attrs.evolve(after, version=before.version + 1, updated_at=sheet.now)
    sheet.set_event(after)
    sheet.happened(EventChanged(after, changes), _reason_of(before, after))
    _shorten_holds(sheet)
    return EventSettled(after)


def _differences(before: Event, after: Event) -> Mapping[str, tuple[Any, Any]]:
    names = (field.name for field in attrs.fields(Event))
    return {
        name: (getattr(before, name), getattr(after, name))
        for name in names
        if getattr(before, name) != getattr(after, name)
    }


def _reason_of(before: Event, after: Event) -> str | None:
    """Return the reason of a change nobody gave one for: a capacity says at least from what to what (I11)."""
    kinds = {kind.id: kind for kind in before.ticket_types}
    capacities = [("capacity", before.capacity, after.capacity)] + [
        (f"capacity of {kind.name}", kinds[kind.id].capacity, kind.capacity)
        for kind in after.ticket_types
        if kind.id in kinds
    ]
    set_anew = [
        f"{what} set from {'none' if was is None else was} to {'none' if now is None else now}"
        for what, was, now in capacities
        if was != now
    ]
    return "; ".join(set_anew) or None


def _require_capacities(sheet: Sheet, after: Event) -> None:
    """No pool is set below what is taken; holds count until they lapse (I1)."""
    for pool, capacity in after.capacities().items():
        taken = sheet.taken_of(pool)
        if capacity < taken:
            raise _No(ReasonCode.CAPACITY_BELOW_TAKEN, taken=taken, requested=capacity, pool=str(pool))


def _require_one_currency(sheet: Sheet, after: Event) -> None:
    """What people have or wait for has its price, and all prices of an event have one currency (I12)."""
    before = sheet.event.currency
    if after.currency != before:
        taken, waiting = sheet.taken_of(sheet.event.total_pool), sheet.lines.waiting
        if taken or waiting:
            raise _No(ReasonCode.CURRENCY_IN_USE, currency=before, taken=taken, waiting=waiting)


def _require_holds_if_shortened(sheet: Sheet, before: Event, after: Event) -> None:
    """Ask for all holds if one of them might outlive its new end."""
    if sheet.inventory.needs.holds or sheet.inventory.needs.live_bookings:
        return
    for kind in before.ticket_types:
        changed = after.ticket_type(kind.id)
        assert changed is not None, "a ticket type never goes away"
        if after.last_moment_of_a_hold(changed) < before.last_moment_of_a_hold(kind):
            raise NotLoaded(LoadMore(holds=True))


def _shorten_holds(sheet: Sheet) -> None:
    for booking in sheet.bookings():
        if booking.status is BookingStatus.HELD:
            moment = sheet.event.last_moment_of_a_hold(sheet.kinds[booking.ticket_type_id])
            after = shortened(booking, moment)
            if after is not booking:
                sheet.put_booking(after)
                sheet.happened(HoldShortened(booking.id, moment))


def _advance(sheet: Sheet, command: Advance) -> Outcome:
    """Publish, complete or cancel, with all that follows; a second time changes nothing (I7)."""
    _require_organiser(sheet, command)
    event = sheet.event
    if command.step is Step.CANCEL and command.reason is None:
        raise InvalidValue(
            "reason", "required", "Say why the event is cancelled: everybody who booked will read it."
        )
    status = LIFECYCLE.get((event.status, command.step))
    if status is None:
        if event.status in {to for (_, step), to in LIFECYCLE.items() if step is command.step}:
            return EventSettled(event)
        raise _No(_NOT_PUBLISHED[event.status])
    if status is EventStatus.PUBLISHED and event.ends_at <= sheet.now:
        raise _No(ReasonCode.EVENT_ENDED, ended_at=_text(event.ends_at))
    if status is EventStatus.CANCELLED and not sheet.inventory.needs.live_bookings:
        raise NotLoaded(LoadMore(live_bookings=True))
    sheet.happened(EventAdvanced(status))
    sheet.set_event(attrs.evolve(event, status=status, version=event.version + 1, updated_at=sheet.now))
    if status is EventStatus.CANCELLED:
        _cancel_everything(sheet)
    elif status is EventStatus.COMPLETED:
        _close_all_lines(sheet)
    return EventSettled(sheet.event)


def _cancel_everything(sheet: Sheet) -> None:
    """Cancel every booking and close every entry, each with a record of its own."""
    for booking in sheet.bookings():
        if booking.takes_seats:
            sheet.put_booking(booking.cancelled(sheet.now))
            sheet.happened(Cancelled(booking.id, booking.quantity))
            entry = _entry_of(sheet, booking)
            if booking.is_offer and entry is not None:
                sheet.put_entry(entry.offer_ended())
    for entry in sheet.entries():
        if not entry.is_over:
            end_entry(sheet, entry, EntryStatus.CLOSED)


def _close_all_lines(sheet: Sheet) -> None:
    for ticket_type in sheet.kinds:
        if sheet.lines.waiting_for(ticket_type):
            close_line(sheet, ticket_type)


def _require_organiser(sheet: Sheet, command: Command) -> None:
    """Let only the organiser change the event; who may not even read a draft does not hear of it."""
    if command.actor.may_organise(sheet.event.organiser_id):
        return
    if sheet.event.status is EventStatus.DRAFT:
        raise NotFound("event")
    raise Forbidden("Only the organiser of the event may do that.")


def _require_version(sheet: Sheet, expected: int | None) -> None:
    if expected is not None and expected != sheet.event.version:
        raise _No(ReasonCode.PRECONDITION_FAILED, expected=expected, version=sheet.event.version)


def _sweep(sheet: Sheet, command: Sweep) -> Outcome:
    """Do nothing; the pass does what the clock asks for."""
    sheet.disturbed = True
    return EventSettled(sheet.event)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


_STEPS: dict[type[Command], Callable[[Sheet, Any], Outcome]] = {
    Book: _book,
    JoinWaitlist: _join_waitlist,
    Confirm: _confirm,
    Cancel: _cancel,
    Reduce: _reduce,
    Accept: _accept,
    Decline: _decline,
    Leave: _leave,
    Move: _move,
    CheckIn: _check_in,
    UndoCheckIn: _undo_check_in,
    ChangeEvent: _change_event,
    AddTicketType: _add_ticket_type,
    ChangeTicketType: _change_ticket_type,
    Advance: _advance,
    Sweep: _sweep,
}
