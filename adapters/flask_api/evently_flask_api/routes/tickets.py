"""Tickets and check-ins: the codes of a booking, and who comes in with them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from uuid import UUID

from flask import Response

from evently_core import presentation as shapes
from evently_core.errors import NotFound
from evently_core.event import Event
from evently_core.outcomes import Refused
from evently_core.services.tickets import TicketView
from evently_core.tickets import Scanned
from evently_core.values import BookingId, EventId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import Repeat
from evently_flask_api.paper import ticket_pdf, ticket_svg
from evently_flask_api.problems import refusal
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.fields import Listing, ListQuery
from evently_flask_api.schemas.tickets import (
    CheckInAnswer,
    CheckInRequest,
    CheckIns,
    Ticket,
    TicketKey,
    TicketKeys,
    TicketsQuery,
    UndoQuery,
)
from evently_flask_api.services import Services

ABOUT = """\
The code of every confirmed seat, and who comes in with it.

A code is the Base32 of a hundred bytes: a 1, the ids of event and booking, the number of the seat in three bytes, and
the Ed25519 signature of all that, of 64 bytes. A door without a network checks it with the keys of `/ticket-keys`, and
hands in later what it noted."""

routes = Routes("Tickets", ABOUT)


@routes.get("/bookings/<uuid:booking_id>/tickets", who=Who.SIGNED_IN, problems=("forbidden",))
def list_tickets(
    services: Services, caller: Caller, booking_id: UUID, query: TicketsQuery
) -> Listing[Ticket]:
    """Read the tickets of one's own booking: one for each seat, once it is confirmed."""
    page = services.evently.tickets.of_booking(caller.actor, BookingId(booking_id), query.page())
    items = [Ticket.model_validate(shapes.ticket_shape(view)) for view in page.items]
    return Listing[Ticket](items=items, next_cursor=page.next_cursor)


@routes.get(
    "/bookings/<uuid:booking_id>/ticket.svg",
    who=Who.SIGNED_IN,
    problems=("forbidden",),
    produces="image/svg+xml",
)
def show_tickets(services: Services, caller: Caller, booking_id: UUID, query: TicketsQuery) -> Answer[object]:
    """Read the tickets of one's own booking with their QR codes, to show."""
    event, views = _to_show(services, caller, booking_id, query)
    return Answer(Response(ticket_svg(event, views), content_type="image/svg+xml"))


@routes.get(
    "/bookings/<uuid:booking_id>/ticket.pdf",
    who=Who.SIGNED_IN,
    problems=("forbidden",),
    headers=("Content-Disposition",),
    produces="application/pdf",
)
def print_tickets(
    services: Services, caller: Caller, booking_id: UUID, query: TicketsQuery
) -> Answer[object]:
    """Read the tickets of one's own booking with their QR codes, to print: a page for each seat."""
    event, views = _to_show(services, caller, booking_id, query)
    name = f"{views[0].booking.reference}.pdf"
    return Answer(
        Response(ticket_pdf(event, views), content_type="application/pdf"),
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


def _to_show(
    services: Services, caller: Caller, booking_id: UUID, query: TicketsQuery
) -> tuple[Event, Sequence[TicketView]]:
    views = services.evently.tickets.of_booking(caller.actor, BookingId(booking_id), query.page()).items
    event = services.evently.records.event(views[0].booking.event_id) if views else None
    if event is None:
        raise NotFound("ticket")
    return event, views


@routes.post(
    "/events/<uuid:event_id>/check-ins",
    status=201,
    who=Who.SIGNED_IN,
    problems=(
        "forbidden",
        "conflict",
        "unknown",
        "wrong_event",
        "cancelled",
        "already_in",
        "check_in_undone",
    ),
)
def check_in(
    services: Services, caller: Caller, event_id: UUID, body: CheckInRequest, repeat: Repeat | None
) -> Answer[CheckInAnswer]:
    """Let somebody in by a code, or hand in the codes that were noted at a door without a network.

    One code that lets nobody in is a problem; of several each is answered for itself. What was noted may be handed
    in any number of times.
    """
    key = repeat.key_of(caller.actor, on_route=True) if repeat else None
    answer = services.evently.tickets.check_in(caller.actor, EventId(event_id), body.noted(), key=key)
    if isinstance(answer, Refused):
        raise refusal(answer)
    if body.codes is not None:
        shape = shapes.check_in_results_shape(answer.scanned)
        return Answer(CheckInAnswer.model_validate(shape), replayed=answer.replayed)
    [scanned] = answer.scanned
    if scanned.reason is not None:
        raise refusal(Refused(scanned.reason, answer.replayed))
    return Answer(CheckInAnswer.model_validate(_check_in_shape(scanned)), replayed=answer.replayed)


def _check_in_shape(scanned: Scanned) -> dict[str, object]:
    assert scanned.arrival is not None, "who is not let in is told why"
    return shapes.check_in_shape(scanned.arrival, scanned.code)


@routes.delete(
    "/events/<uuid:event_id>/check-ins/<string:code>", who=Who.SIGNED_IN, problems=("forbidden", "conflict")
)
def undo_check_in(services: Services, caller: Caller, event_id: UUID, code: str, query: UndoQuery) -> None:
    """Take back that somebody came in; a second time changes nothing."""
    services.evently.tickets.undo(caller.actor, code, event_id=EventId(event_id), reason=query.reason)


@routes.get("/events/<uuid:event_id>/check-ins", who=Who.SIGNED_IN, problems=("forbidden",))
def list_check_ins(services: Services, caller: Caller, event_id: UUID, query: ListQuery) -> CheckIns:
    """Read how many are in at one's event, and who, the latest first."""
    tickets = services.evently.tickets
    page = tickets.arrivals(caller.actor, EventId(event_id), query.page())
    counts = tickets.attendance(caller.actor, EventId(event_id))
    return CheckIns.model_validate(shapes.check_ins_shape(counts, page))


@routes.get("/ticket-keys")
def read_ticket_keys(services: Services) -> TicketKeys:
    """Read the public keys of all tickets, as a JSON Web Key Set."""
    keys = [
        base64.urlsafe_b64encode(key).rstrip(b"=").decode() for key in services.evently.tickets.public_keys()
    ]
    return TicketKeys(keys=[TicketKey(x=key) for key in keys])
