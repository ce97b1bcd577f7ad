"""Evently: bookings, waiting lines and capacity of events with limited seats, decided right.

The names below are what most programs need. The rules are in `admission`, `steps` and `decide`, the use
cases in `services`, the ports in `ports` and `storage`; `memory` holds adapters to start with, and `testing`
the suites that an adapter of your own has to pass.
"""

from evently_core.commands import Book, JoinWaitlist, Key
from evently_core.errors import (
    Conflict,
    EventlyError,
    Forbidden,
    InvalidValue,
    NotFound,
    Overloaded,
    Unavailable,
)
from evently_core.event import OnSilence, Policy
from evently_core.evently import Evently
from evently_core.memory import in_memory
from evently_core.outcomes import Admitted, BookingChanged, Refused
from evently_core.paging import PageRequest
from evently_core.reasons import Reason, ReasonCode
from evently_core.services.events import NewEvent, NewTicketType
from evently_core.values import Actor, Money, Role, UserId

__all__ = [
    "Actor",
    "Admitted",
    "Book",
    "BookingChanged",
    "Conflict",
    "Evently",
    "EventlyError",
    "Forbidden",
    "InvalidValue",
    "JoinWaitlist",
    "Key",
    "Money",
    "NewEvent",
    "NewTicketType",
    "NotFound",
    "OnSilence",
    "Overloaded",
    "PageRequest",
    "Policy",
    "Reason",
    "ReasonCode",
    "Refused",
    "Role",
    "Unavailable",
    "UserId",
    "in_memory",
]
