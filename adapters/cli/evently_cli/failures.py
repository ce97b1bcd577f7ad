"""What went wrong, in sentences that say what to do, and the exit code that goes with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

from evently_core.errors import EventlyError, InvalidValue, Unavailable
from evently_core.outcomes import Refused

REFUSED, WRONG_USAGE, UNREACHABLE, DRIFT = 1, 2, 3, 4

_OF_THE_WIRING = {
    "InvalidSettings": WRONG_USAGE,
    "EmbeddedPostgresError": UNREACHABLE,
    "PortTaken": UNREACHABLE,
    "NotFresh": REFUSED,
}


def refuse(refused: Refused) -> NoReturn:
    """Tell why a rule says no, with its figures, and exit."""
    figures = ", ".join(
        f"{name} {value}" for name, value in refused.reason.figures.items() if value is not None
    )
    click.echo(f"Refused ({refused.reason.code}): {refused.reason.sentence}", err=True)
    if figures:
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
    except InvalidValue as error:
        fail(f"{error.field}: {error.message}", WRONG_USAGE)
    except Unavailable as error:
        fail(f"{error} Is the database running, and EVENTLY_DATABASE_URL right?", UNREACHABLE)
    except EventlyError as error:
        fail(str(error) or type(error).__doc__ or type(error).__name__, REFUSED)
    except Exception as error:
        # The wiring is imported only by the commands that need it, so its errors are known by name here.
        code = {
            "InvalidSettings": WRONG_USAGE,
            "EmbeddedPostgresError": UNREACHABLE,
            "PortTaken": UNREACHABLE,
        }.get(type(error).__name__)
        if code is None:
            raise
        fail(str(error), code)
