"""The waitlist: joining a line, one's place in it, offers."""

from __future__ import annotations

from uuid import UUID

from evently_core import presentation as shapes
from evently_core.commands import JoinWaitlist
from evently_core.intake import StillQueued
from evently_core.outcomes import BookingChanged, Refused
from evently_core.services.waitlist import EntryView
from evently_core.values import BookingId, EntryId, EventId, TicketTypeId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import Repeat
from evently_flask_api.problems import refusal
from evently_flask_api.routes.booking_requests import accepted
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.bookings import (
    EntriesQuery,
    OfferAnswer,
    OfferAnswered,
    PriorityChange,
    QueuedRequest,
    WaitlistEntry,
    WaitlistRequest,
)
from evently_flask_api.schemas.events import REQUEST_REASONS
from evently_flask_api.schemas.fields import Listing
from evently_flask_api.services import Services

routes = Routes("Waitlist", "Joining a line, one's place in it, and offers.", prefix="/waitlist")

_NEVER_OF_WAITING = {"sold_out", "line_ahead", "not_enough_for_party"}
_ANSWERED = (
    "forbidden",
    "no_open_offer",
    "booking_id_required",
    "hold_expired",
    "booking_cancelled",
    "event_cancelled",
    "event_completed",
    "conflict",
)


@routes.post(
    status=201,
    who=Who.SIGNED_IN,
    also={202: QueuedRequest},
    headers=("Location",),
    problems=(
        "not_found",
        "conflict",
        "seats_available",
        *(code for code in REQUEST_REASONS if code not in _NEVER_OF_WAITING),
    ),
)
def join_waitlist(
    services: Services, caller: Caller, body: WaitlistRequest, repeat: Repeat | None
) -> Answer[WaitlistEntry]:
    """Wait for seats that are not there now.

    While requests that were accepted before wait for the event, this one joins their end; it is answered 202 if it
    is not its turn within ten seconds.
    """
    request = JoinWaitlist(
        actor=caller.actor,
        user_id=caller.user.id,
        ticket_type_id=None if body.ticket_type_id is None else TicketTypeId(body.ticket_type_id),
        quantity=body.quantity,
        accept_partial=body.accept_partial,
        key=repeat.key_of(caller.actor) if repeat else None,
    )
    try:
        answer = services.evently.waitlist.join(EventId(body.event_id), request)
    except StillQueued as waiting:
        return accepted(waiting.receipt)
    if isinstance(answer, Refused):
        raise refusal(answer)
    assert answer.entry is not None, "who joined waits"
    shown = _shown(EntryView(answer.entry, answer.place))
    return Answer(shown, headers={"Location": f"/api/v1/waitlist/{shown.id}"}, replayed=answer.replayed)


@routes.get(who=Who.SIGNED_IN)
def list_waitlist(services: Services, caller: Caller, query: EntriesQuery) -> Listing[WaitlistEntry]:
    """List one's own entries with their live places."""
    event_id = None if query.event_id is None else EventId(query.event_id)
    page = services.evently.waitlist.own(caller.actor, query.page(), event_id=event_id)
    return Listing[WaitlistEntry](items=[_shown(view) for view in page.items], next_cursor=page.next_cursor)


@routes.get("/<uuid:entry_id>", who=Who.SIGNED_IN)
def read_waitlist_entry(services: Services, caller: Caller, entry_id: UUID) -> WaitlistEntry:
    """Read one's own entry with its live place."""
    return _shown(services.evently.waitlist.entry(caller.actor, EntryId(entry_id)))


@routes.delete("/<uuid:entry_id>", who=Who.SIGNED_IN, problems=("forbidden", "conflict"))
def leave_waitlist(services: Services, caller: Caller, entry_id: UUID) -> WaitlistEntry:
    """Stop waiting; open offers stay until they are answered. A second time changes nothing."""
    return _viewed(services.evently.waitlist.leave(caller.actor, EntryId(entry_id)))


@routes.patch("/<uuid:entry_id>", who=Who.SIGNED_IN, problems=("forbidden", "not_waiting", "conflict"))
def move_waitlist_entry(
    services: Services, caller: Caller, entry_id: UUID, body: PriorityChange
) -> WaitlistEntry:
    """Give a waiting entry of one's event another priority."""
    return _viewed(
        services.evently.waitlist.move(caller.actor, EntryId(entry_id), body.priority, body.reason)
    )


@routes.post("/<uuid:entry_id>/accept", who=Who.SIGNED_IN, problems=_ANSWERED)
def accept_offer(
    services: Services, caller: Caller, entry_id: UUID, body: OfferAnswer | None = None
) -> OfferAnswered:
    """Take the seats on offer; a second time changes nothing."""
    return _answered(
        services, services.evently.waitlist.accept(caller.actor, EntryId(entry_id), _offer(body))
    )


@routes.post("/<uuid:entry_id>/decline", who=Who.SIGNED_IN, problems=_ANSWERED)
def decline_offer(
    services: Services, caller: Caller, entry_id: UUID, body: OfferAnswer | None = None
) -> OfferAnswered:
    """Turn an offer down: the entry ends, its other offers stay. A second time changes nothing."""
    return _answered(
        services, services.evently.waitlist.decline(caller.actor, EntryId(entry_id), _offer(body))
    )


def _offer(body: OfferAnswer | None) -> BookingId | None:
    return BookingId(body.booking_id) if body is not None and body.booking_id is not None else None


def _shown(view: EntryView) -> WaitlistEntry:
    return WaitlistEntry.model_validate(shapes.entry_shape(view))


def _viewed(answer: EntryView | Refused) -> WaitlistEntry:
    if isinstance(answer, Refused):
        raise refusal(answer)
    return _shown(answer)


def _answered(services: Services, answer: BookingChanged | Refused) -> OfferAnswered:
    if isinstance(answer, Refused):
        raise refusal(answer)
    assert answer.entry is not None, "an offer has an entry"
    [view] = services.evently.waitlist.viewed([answer.entry])
    shape = {"booking": shapes.booking_shape(answer.booking), "waitlist_entry": shapes.entry_shape(view)}
    return OfferAnswered.model_validate(shape)
