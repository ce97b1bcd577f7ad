"""Figures: what organisers want to know of their events, and admins of all."""

from __future__ import annotations

from uuid import UUID

from evently_core import figure_shapes as shapes
from evently_core.values import EventId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.routing import Routes
from evently_flask_api.schemas.analytics import (
    EventFigures,
    EventInDepth,
    Overview,
    RankingQuery,
    Revenue,
    RevenueQuery,
    SpanQuery,
    Users,
)
from evently_flask_api.schemas.fields import Listing
from evently_flask_api.services import Services

ABOUT = """\
Figures of one's own events, and of all for admins. They are added up as things happen, so that asking for them costs the
same however much was booked. A day is one of the event's own zone; revenue counts at confirmation, what is given back is
negative on its own day."""

routes = Routes("Figures", ABOUT, prefix="/analytics")


@routes.get("/overview", who=Who.ORGANISER)
def read_overview(services: Services, caller: Caller) -> Overview:
    """Read what all events come to."""
    totals = services.evently.analytics.overview(caller.actor)
    users = services.accounts.count(caller.actor) if caller.actor.is_admin else None
    return Overview.model_validate(shapes.overview_shape(totals, users))


@routes.get("/revenue", who=Who.ORGANISER)
def read_revenue(services: Services, caller: Caller, query: RevenueQuery) -> Revenue:
    """Read what each day or month added: by default the last thirty days, or twelve months."""
    span, periods = services.evently.analytics.revenue(caller.actor, query.from_, query.to, query.interval)
    return Revenue.model_validate(shapes.revenue_shape(span, periods, query.interval))


@routes.get("/events", who=Who.ORGANISER)
def rank_events(services: Services, caller: Caller, query: RankingQuery) -> Listing[EventFigures]:
    """List events that are or were on sale by a figure, the greatest first."""
    page = services.evently.analytics.ranked(caller.actor, query.sort, query.page())
    return Listing[EventFigures].model_validate(shapes.ranked_shape(page))


@routes.get("/events/<uuid:event_id>", who=Who.ORGANISER)
def read_event_figures(services: Services, caller: Caller, event_id: UUID) -> EventInDepth:
    """Read all there is to know of one event."""
    found = services.evently.analytics.event(caller.actor, EventId(event_id))
    return EventInDepth.model_validate(shapes.event_in_depth_shape(found))


@routes.get("/users", who=Who.ORGANISER)
def read_user_figures(services: Services, caller: Caller, query: SpanQuery) -> Users:
    """Read who did something about one's events, by day; and, for admins, who registered."""
    analytics, actor = services.evently.analytics, caller.actor
    span = analytics.span(query.from_, query.to)
    registrations = services.accounts.registrations(actor, span) if actor.is_admin else None
    users = services.accounts.count(actor) if actor.is_admin else None
    shape = shapes.users_shape(span, users, registrations, analytics.active_users(actor, span))
    return Users.model_validate(shape)
