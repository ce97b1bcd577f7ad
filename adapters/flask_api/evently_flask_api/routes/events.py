"""Events: reading them, and organising them."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from evently_core import presentation as shapes
from evently_core.outcomes import Refused
from evently_core.services.events import EventAnswer, EventView
from evently_core.values import Actor, EventId, TicketTypeId, UserId
from evently_flask_api.calendars import event_calendar
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import Repeat, etag
from evently_flask_api.problems import refusal
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.bookings import Booking, EventBookingsQuery, EventEntriesQuery, WaitlistEntry
from evently_flask_api.schemas.events import (
    Availability,
    Cancellation,
    Event,
    EventChanges,
    EventSettled,
    EventsQuery,
    ExplainQuery,
    JournalLine,
    JournalQuery,
    NewEventBody,
    NewTicketTypeBody,
    PeopleQuery,
    Person,
    SeatsOfTicketType,
    Standings,
    TicketType,
    TicketTypeChanges,
)
from evently_flask_api.schemas.fields import DryRunQuery, Listing
from evently_flask_api.services import Services

routes = Routes("Events", "What there is to book, and how organisers run it.", prefix="/events")

_CHANGED = (
    "forbidden",
    "event_cancelled",
    "event_completed",
    "capacity_below_taken",
    "currency_in_use",
    "conflict",
)
_STEPPED = (
    "forbidden",
    "event_not_published",
    "event_cancelled",
    "event_completed",
    "event_ended",
    "conflict",
)


def _actor(caller: Caller | None) -> Actor | None:
    return caller.actor if caller else None


def _shown(view: EventView) -> Event:
    return Event.model_validate(shapes.event_shape(view))


def _done(answer: EventAnswer | Refused) -> EventAnswer:
    if isinstance(answer, Refused):
        raise refusal(answer)
    return answer


def _settled(answer: EventAnswer | Refused) -> Answer[EventSettled]:
    done = _done(answer)
    shown = EventSettled.model_validate(shapes.event_answer_shape(done))
    return Answer(shown, headers={"ETag": etag(done.view.event.version)}, replayed=done.replayed)


def _tagged(answer: EventAnswer | Refused) -> Answer[Event]:
    done = _done(answer)
    return Answer(_shown(done.view), headers={"ETag": etag(done.view.event.version)}, replayed=done.replayed)


@routes.get()
def list_events(services: Services, caller: Caller | None, query: EventsQuery) -> Listing[Event]:
    """List events by their start: published ones, and one's own drafts."""
    page = services.evently.events.views(_actor(caller), query.query(), query.page())
    return Listing[Event](items=[_shown(view) for view in page.items], next_cursor=page.next_cursor)


@routes.post(status=201, who=Who.ORGANISER, headers=("Location", "ETag"), problems=("conflict",))
def create_event(
    services: Services, caller: Caller, body: NewEventBody, repeat: Repeat | None
) -> Answer[Event]:
    """Draw up an event, as a draft."""
    key = repeat.key_of(caller.actor, on_route=True) if repeat else None
    answer = _tagged(services.evently.events.create(caller.actor, body.value(), key=key))
    location = {"Location": f"/api/v1/events/{answer.content.id}"}
    return Answer(answer.content, headers={**answer.headers, **location}, replayed=answer.replayed)


@routes.get("/<uuid:event_id>", headers=("ETag",))
def read_event(services: Services, caller: Caller | None, event_id: UUID) -> Answer[Event]:
    """Read an event with its seats."""
    view = services.evently.events.view(_actor(caller), EventId(event_id))
    return Answer(_shown(view), headers={"ETag": etag(view.event.version)})


@routes.get("/<uuid:event_id>.ics", produces="text/calendar")
def read_event_calendar(services: Services, caller: Caller | None, event_id: UUID) -> Answer[object]:
    """Read an event as an entry for one's calendar."""
    view = services.evently.events.view(_actor(caller), EventId(event_id))
    return Answer(Response(event_calendar(view.event), content_type="text/calendar; charset=utf-8"))


@routes.patch("/<uuid:event_id>", who=Who.SIGNED_IN, headers=("ETag",), problems=_CHANGED)
def change_event(
    services: Services,
    caller: Caller,
    event_id: UUID,
    body: EventChanges,
    query: DryRunQuery,
    if_match: int | None,
) -> Answer[EventSettled]:
    """Set fields of an event, and read who got in because of it.

    With `dry_run` it answers what would happen, and changes nothing.
    """
    return _settled(
        services.evently.events.change(
            caller.actor,
            EventId(event_id),
            body.changes(),
            policy=body.policy_changes(),
            expected_version=if_match,
            reason=body.reason,
            dry_run=query.dry_run,
        )
    )


@routes.delete("/<uuid:event_id>", who=Who.SIGNED_IN, problems=("forbidden", "event_not_draft", "conflict"))
def delete_event(services: Services, caller: Caller, event_id: UUID) -> None:
    """Throw a draft away."""
    refused = services.evently.events.delete(caller.actor, EventId(event_id))
    if refused is not None:
        raise refusal(refused)


@routes.post("/<uuid:event_id>/publish", who=Who.SIGNED_IN, headers=("ETag",), problems=_STEPPED)
def publish_event(services: Services, caller: Caller, event_id: UUID, query: DryRunQuery) -> Answer[Event]:
    """Open the event to the public; a second time changes nothing."""
    return _tagged(services.evently.events.publish(caller.actor, EventId(event_id), dry_run=query.dry_run))


@routes.post("/<uuid:event_id>/cancel", who=Who.SIGNED_IN, headers=("ETag",), problems=_STEPPED)
def cancel_event(
    services: Services, caller: Caller, event_id: UUID, body: Cancellation, query: DryRunQuery
) -> Answer[Event]:
    """Cancel the event with every booking and every line of it; a second time changes nothing."""
    return _tagged(
        services.evently.events.cancel(caller.actor, EventId(event_id), body.reason, dry_run=query.dry_run)
    )


@routes.post("/<uuid:event_id>/complete", who=Who.SIGNED_IN, headers=("ETag",), problems=_STEPPED)
def complete_event(services: Services, caller: Caller, event_id: UUID, query: DryRunQuery) -> Answer[Event]:
    """Say that the event is over: its lines close; a second time changes nothing."""
    return _tagged(services.evently.events.complete(caller.actor, EventId(event_id), dry_run=query.dry_run))


@routes.post(
    "/<uuid:event_id>/ticket-types", status=201, who=Who.SIGNED_IN, headers=("ETag",), problems=_CHANGED
)
def add_ticket_type(
    services: Services,
    caller: Caller,
    event_id: UUID,
    body: NewTicketTypeBody,
    query: DryRunQuery,
    repeat: Repeat | None,
) -> Answer[TicketType]:
    """Sell one more kind of ticket."""
    key = repeat.key_of(caller.actor, on_route=True) if repeat else None
    done = _done(
        services.evently.events.add_ticket_type(
            caller.actor, EventId(event_id), body.value(), key=key, dry_run=query.dry_run
        )
    )
    event = done.settled.event
    kind = event.ticket_types[-1]
    shape = shapes.ticket_type_shape(event, kind, done.view.seats.by_ticket_type[kind.id])
    headers = {"ETag": etag(event.version)}
    return Answer(TicketType.model_validate(shape), headers=headers, replayed=done.replayed)


@routes.patch(
    "/<uuid:event_id>/ticket-types/<uuid:ticket_type_id>",
    who=Who.SIGNED_IN,
    headers=("ETag",),
    problems=_CHANGED,
)
def change_ticket_type(
    services: Services,
    caller: Caller,
    event_id: UUID,
    ticket_type_id: UUID,
    body: TicketTypeChanges,
    query: DryRunQuery,
    if_match: int | None,
) -> Answer[EventSettled]:
    """Set fields of a ticket type, and read who got in because of it."""
    return _settled(
        services.evently.events.change_ticket_type(
            caller.actor,
            EventId(event_id),
            TicketTypeId(ticket_type_id),
            body.changes(),
            expected_version=if_match,
            reason=body.reason,
            dry_run=query.dry_run,
        )
    )


@routes.get("/<uuid:event_id>/availability")
def read_availability(services: Services, caller: Caller | None, event_id: UUID) -> Availability:
    """Read how many seats there are, and for whom."""
    view = services.evently.events.view(_actor(caller), EventId(event_id))
    total = view.seats.total
    return Availability(
        event_id=event_id,
        seats_free=total.free,
        seats_available=total.available,
        waiting=total.waiting,
        ticket_types=[
            SeatsOfTicketType(
                id=kind, seats_free=count.free, seats_available=count.available, waiting=count.waiting
            )
            for kind, count in view.seats.by_ticket_type.items()
        ],
        as_of=view.as_of,
    )


@routes.get("/<uuid:event_id>/bookings", who=Who.SIGNED_IN, problems=("forbidden",))
def list_event_bookings(
    services: Services, caller: Caller, event_id: UUID, query: EventBookingsQuery
) -> Listing[Booking]:
    """List the bookings of one's event."""
    page = services.evently.bookings.of_event(
        caller.actor, EventId(event_id), query.page(), status=query.status
    )
    items = [Booking.model_validate(shapes.booking_shape(booking)) for booking in page.items]
    return Listing[Booking](items=items, next_cursor=page.next_cursor)


@routes.get("/<uuid:event_id>/waitlist", who=Who.SIGNED_IN, problems=("forbidden",))
def list_event_waitlist(
    services: Services, caller: Caller, event_id: UUID, query: EventEntriesQuery
) -> Listing[WaitlistEntry]:
    """List who waits for one's event, in order."""
    page = services.evently.waitlist.of_event(
        caller.actor,
        EventId(event_id),
        query.page(),
        ticket_type_id=None if query.ticket_type_id is None else TicketTypeId(query.ticket_type_id),
        status=query.status,
    )
    items = [WaitlistEntry.model_validate(shapes.entry_shape(view)) for view in page.items]
    return Listing[WaitlistEntry](items=items, next_cursor=page.next_cursor)


@routes.get("/<uuid:event_id>/journal", who=Who.SIGNED_IN, problems=("forbidden",))
def read_journal(
    services: Services, caller: Caller, event_id: UUID, query: JournalQuery
) -> Listing[JournalLine]:
    """Read what happened, by whom and why."""
    page = services.evently.events.journal(
        caller.actor, EventId(event_id), query.page(), newest_first=query.newest_first
    )
    items = [JournalLine.model_validate(shapes.journal_shape(line)) for line in page.items]
    return Listing[JournalLine](items=items, next_cursor=page.next_cursor)


@routes.get("/<uuid:event_id>/people", who=Who.SIGNED_IN, problems=("forbidden",))
def list_people(services: Services, caller: Caller, event_id: UUID, query: PeopleQuery) -> Listing[Person]:
    """Read the names of people who have seats at one's event, had some, or wait for some.

    Bookings and entries name them by their ids; ids of others are left out.
    """
    known = services.evently.events.people(
        caller.actor, EventId(event_id), [UserId(user_id) for user_id in query.ids]
    )
    people = [Person.of(user) for user in services.accounts.people(known)]
    return Listing[Person](items=people, next_cursor=None)


@routes.get("/<uuid:event_id>/explain", who=Who.SIGNED_IN, problems=("forbidden",))
def explain(services: Services, caller: Caller, event_id: UUID, query: ExplainQuery) -> Standings:
    """Read why one was not offered a seat; the organiser, why somebody was not."""
    user_id = UserId(query.user_id or caller.user.id)
    standings = services.evently.events.explain(caller.actor, EventId(event_id), user_id)
    lines = [shapes.standing_shape(standing) for standing in standings]
    return Standings.model_validate({"event_id": event_id, "user_id": user_id, "lines": lines})
