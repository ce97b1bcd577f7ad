"""The routes. Each calls one use case; no rule is here."""

from evently_flask_api.routes import (
    accounts,
    analytics,
    booking_requests,
    bookings,
    events,
    health,
    tickets,
    waitlist,
    webhooks,
)

GROUPS = (
    accounts.routes,
    events.routes,
    bookings.routes,
    booking_requests.routes,
    waitlist.routes,
    tickets.routes,
    analytics.routes,
    webhooks.routes,
    health.routes,
)
"""All of them, in the order in which the documentation shows them."""
