"""The routes. Each calls one use case; no rule is here."""

from evently_flask_api.routes import accounts, bookings, events, health, waitlist

GROUPS = (accounts.routes, events.routes, bookings.routes, waitlist.routes, health.routes)
"""All of them, in the order in which the documentation shows them."""
