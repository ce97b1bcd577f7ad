"""Evently: bookings, waiting lines and capacity of events with limited seats, decided right.

The names below are what most programs need. The rules are in `admission`, `steps` and `decide`, the use
cases in `services`, the ports in `ports` and `storage`; `memory` holds adapters to start with, and `testing`
the suites that an adapter of your own has to pass.

A name is loaded with its first use, so that importing one module does not load all the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "evently_core.commands": ("Book", "JoinWaitlist", "Key"),
    "evently_core.errors": (
        "Conflict",
        "EventlyError",
        "Forbidden",
        "InvalidValue",
        "NotFound",
        "Overloaded",
        "Unavailable",
    ),
    "evently_core.event": ("OnSilence", "Policy"),
    "evently_core.evently": ("Evently",),
    "evently_core.memory": ("in_memory",),
    "evently_core.outcomes": ("Admitted", "BookingChanged", "Refused"),
    "evently_core.paging": ("PageRequest",),
    "evently_core.reasons": ("Reason", "ReasonCode"),
    "evently_core.services.events": ("NewEvent", "NewTicketType"),
    "evently_core.values": ("Actor", "Money", "Role", "UserId"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load one of the names above; afterwards it is found without asking here."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
