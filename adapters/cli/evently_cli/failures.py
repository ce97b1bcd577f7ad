"""What went wrong, in sentences that say what to do, and the exit code that goes with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:  # the core is loaded when something is asked of it; help needs nothing of it
    from evently_core.outcomes import Refused
    from evently_core.reasons import Reason

REFUSED, WRONG_USAGE, UNREACHABLE, DRIFT = 1, 2, 3, 4

# The wiring is loaded only by commands that need it, so what it raises is known by name here.
_OF_THE_WIRING = {
    "InvalidSettings": WRONG_USAGE,
    "EmbeddedPostgresError": UNREACHABLE,
    "PortTaken": UNREACHABLE,
    "NotMigrated": REFUSED,
    "NotFresh": REFUSED,
}


_WHERE_TO_LOOK = {
    "booking": "evently bookings list --event EVENT",
    "check-in": "evently check-in status EVENT",
    "delivery": "evently webhooks deliveries ID",
    "event": "evently events list",
    "ticket type": "evently events show EVENT",
    "user": "evently users list",
    "waitlist entry": "evently waitlist list EVENT",
    "webhook": "evently webhooks list",
}
"""The command that lists what there is of a kind."""


def figures_of(reason: Reason) -> str:
    """Return the figures of a reason in one line; those that are not known are left out."""
    return ", ".join(f"{name} {value}" for name, value in reason.figures.items() if value is not None)


def refuse(refused: Refused) -> NoReturn:
    """Tell why a rule says no, with its figures, and exit."""
    click.echo(f"Refused ({refused.reason.code}): {refused.reason.sentence}", err=True)
    if figures := figures_of(refused.reason):
        click.echo(f"  {figures}", err=True)
    sys.exit(REFUSED)


def fail(message: str, code: int) -> NoReturn:
    """Tell what went wrong, and exit."""
    click.echo(message, err=True)
    sys.exit(code)


@contextmanager
def telling_why() -> Iterator[None]:
    """Turn what the use cases and the servers raise into a sentence and an exit code."""
    try:
        yield
    except Exception as error:
        told = _of_the_core(error) or _of_the_wiring(error)
        if told is None:
            raise
        fail(*told)


def _of_the_core(error: Exception) -> tuple[str, int] | None:
    from evently_core.errors import EventlyError, InvalidValue, NotFound, Unavailable

    if isinstance(error, InvalidValue):
        return f"{error.field}: {error.message}", WRONG_USAGE
    if isinstance(error, Unavailable):
        return f"{error} Is the database running, and EVENTLY_DATABASE_URL right?", UNREACHABLE
    if isinstance(error, NotFound) and error.what in _WHERE_TO_LOOK:
        return f"{error} `{_WHERE_TO_LOOK[error.what]}` shows what there is.", REFUSED
    if isinstance(error, EventlyError):
        return str(error) or type(error).__doc__ or type(error).__name__, REFUSED
    return None


def _of_the_wiring(error: Exception) -> tuple[str, int] | None:
    kind = type(error)
    if not kind.__module__.startswith("evently_wiring.") or kind.__name__ not in _OF_THE_WIRING:
        return None
    return str(error), _OF_THE_WIRING[kind.__name__]
