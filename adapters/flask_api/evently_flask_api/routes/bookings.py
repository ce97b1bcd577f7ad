"""Bookings: asking for seats, confirming them, giving them back."""

from __future__ import annotations

from uuid import UUID

from evently_core import outcomes
from evently_core import presentation as shapes
from evently_core.commands import Book
from evently_core.intake import Receipt, StillQueued
from evently_core.outcomes import BookingChanged, Refused
from evently_core.values import BookingId, EventId, TicketTypeId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import Repeat
from evently_flask_api.problems import refusal
from evently_flask_api.routes.booking_requests import accepted
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.bookings import (
    Admitted,
    Booking,
    BookingRequest,
    BookingsQuery,
    CancelQuery,
    Confirmation,
    QueuedRequest,
    Reduction,
)
from evently_flask_api.schemas.events import REQUEST_REASONS
from evently_flask_api.schemas.fields import Listing
from evently_flask_api.services import Services

routes = Routes("Bookings", "Asking for seats, confirming them, giving them back.", prefix="/bookings")


@routes.post(
    status=201,
    who=Who.SIGNED_IN,
    also={202: QueuedRequest},
    headers=("Location", "Preference-Applied"),
    problems=("not_found", "conflict", *REQUEST_REASONS),
)
def book(
    services: Services, caller: Caller, body: BookingRequest, repeat: Repeat | None, prefers_async: bool
) -> Answer[Admitted]:
    """Ask for seats.

    With `accept_partial` a part is taken if there is not enough; with `join_waitlist` the rest waits.

    With `Prefer: respond-async` the answer is 202 as soon as the request is durable, and `Location` says where to
    ask for what comes of it. Requests are decided in the order accepted: while others wait for the event, whoever
    wants to be answered at once joins their end, and is answered 202 if it is not their turn within ten seconds.
    """
    request = Book(
        actor=caller.actor,
        user_id=caller.user.id,
        ticket_type_id=None if body.ticket_type_id is None else TicketTypeId(body.ticket_type_id),
        quantity=body.quantity,
        accept_partial=body.accept_partial,
        join_waitlist=body.join_waitlist,
        key=repeat.key_of(caller.actor) if repeat else None,
    )
    event_id, queue = EventId(body.event_id), services.evently.queue
    answer: Receipt | outcomes.Admitted | Refused
    try:
        if prefers_async and queue is not None:
            answer = queue.ask(event_id, request)
        else:
            answer = services.evently.bookings.book(event_id, request)
    except StillQueued as waiting:
        return accepted(waiting.receipt)
    if isinstance(answer, Receipt):
        return accepted(answer, as_preferred=True)
    if isinstance(answer, Refused):
        raise refusal(answer)
    if answer.booking is not None:
        location = f"/api/v1/bookings/{answer.booking.id}"
    else:
        assert answer.entry is not None, "who got no seats waits"
        location = f"/api/v1/waitlist/{answer.entry.id}"
    return Answer.showing(
        shapes.admitted_shape(answer), headers={"Location": location}, replayed=answer.replayed
    )


@routes.get(who=Who.SIGNED_IN)
def list_bookings(services: Services, caller: Caller, query: BookingsQuery) -> Listing[Booking]:
    """List one's own bookings."""
    event_id = None if query.event_id is None else EventId(query.event_id)
    page = services.evently.bookings.own(caller.actor, query.page(), event_id=event_id, status=query.status)
    items = [Booking.model_validate(shapes.booking_shape(booking)) for booking in page.items]
    return Listing[Booking](items=items, next_cursor=page.next_cursor)


@routes.get("/<uuid:booking_id>", who=Who.SIGNED_IN)
def read_booking(services: Services, caller: Caller, booking_id: UUID) -> Booking:
    """Read a booking of one's own, or of one's event."""
    booking = services.evently.bookings.booking(caller.actor, BookingId(booking_id))
    return Booking.model_validate(shapes.booking_shape(booking))


@routes.post(
    "/<uuid:booking_id>/confirm",
    who=Who.SIGNED_IN,
    problems=(
        "forbidden",
        "hold_expired",
        "booking_cancelled",
        "event_cancelled",
        "event_completed",
        "conflict",
    ),
)
def confirm_booking(
    services: Services, caller: Caller, booking_id: UUID, body: Confirmation | None = None
) -> Booking:
    """Make a held booking one's own; a second time changes nothing."""
    reference = body.payment_reference if body else None
    return _changed(services.evently.bookings.confirm(caller.actor, BookingId(booking_id), reference))


@routes.patch(
    "/<uuid:booking_id>",
    who=Who.SIGNED_IN,
    problems=(
        "not_fewer",
        "below_minimum",
        "cancel_deadline_passed",
        "hold_expired",
        "booking_cancelled",
        "conflict",
    ),
)
def reduce_booking(services: Services, caller: Caller, booking_id: UUID, body: Reduction) -> Booking:
    """Give some seats back; who waits for them is served at once."""
    return _changed(
        services.evently.bookings.reduce(caller.actor, BookingId(booking_id), body.quantity, body.reason)
    )


@routes.delete("/<uuid:booking_id>", who=Who.SIGNED_IN, problems=("cancel_deadline_passed", "conflict"))
def cancel_booking(services: Services, caller: Caller, booking_id: UUID, query: CancelQuery) -> Booking:
    """Give all seats back; a second time changes nothing."""
    return _changed(services.evently.bookings.cancel(caller.actor, BookingId(booking_id), query.reason))


def _changed(answer: BookingChanged | Refused) -> Booking:
    if isinstance(answer, Refused):
        raise refusal(answer)
    return Booking.model_validate(shapes.booking_shape(answer.booking))
