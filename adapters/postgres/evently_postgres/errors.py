"""The one place where a driver's error becomes one of Evently's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import exc

from evently_core.errors import AlreadySettled, Conflict, EventlyError, Overloaded, Unavailable

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST_RACES = {
    "23505",  # unique_violation
    "23P01",  # exclusion_violation
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
}
_SETTLED_ONCE = "settlements_pkey"
"""What a queued request that was settled already runs into."""
_TOO_SLOW = {
    "55P03",  # lock_not_available: lock_timeout, NOWAIT
    "57014",  # query_canceled: statement_timeout
}
_GONE = {
    "25006",  # read_only_sql_transaction: the primary has become a standby
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now: it starts up or shuts down
    "57P05",  # idle_session_timeout
}
_GONE_CLASSES = {
    "08",  # connection exception
    "53",  # insufficient resources: connections, disk, memory
    "58",  # system error
}


@contextmanager
def translated() -> Iterator[None]:
    """Let only Evently's errors out of the block, or out of a function that is decorated with ``@translated()``.

    The driver's error stays attached as the cause, for the log. What is our own mistake, such as a broken
    CHECK or an unknown column, passes as it is.

    Raises:
        AlreadySettled: somebody else has settled one of these queued requests.
        AssertionError: a constraint refused what was written past SQLAlchemy: our own mistake, without the row.
        Conflict: a serialization failure, a deadlock, or somebody else took the unique value.
        Overloaded: a statement or a lock took too long, or no connection of the pool came free.
        Unavailable: the server cannot be reached, went away, or is at its limits.
    """
    try:
        yield
    except exc.TimeoutError as error:
        raise Overloaded("All connections to the database are busy; try again in a moment.") from error
    except exc.DBAPIError as error:
        translation = _translation(error.orig, lost=error.connection_invalidated)
        if translation is None:
            raise
        raise translation from error
    except psycopg.Error as error:
        translation = _translation(error, lost=False)
        if translation is None and isinstance(error, psycopg.IntegrityError):
            # As loud as it is, but without the row, which the driver's message repeats.
            raise AssertionError(f"the database refused it: {error.diag.message_primary}") from None
        if translation is None:
            raise
        raise translation from error


def _translation(error: BaseException | None, *, lost: bool) -> EventlyError | None:
    """Return what a driver's error means to the caller; None if it is our own mistake."""
    code = getattr(error, "sqlstate", None)
    if code == "23505" and isinstance(error, psycopg.Error) and error.diag.constraint_name == _SETTLED_ONCE:
        return AlreadySettled()
    if code in _LOST_RACES:
        return Conflict("Somebody else was faster; read again and decide again.")
    if code in _TOO_SLOW:
        return Overloaded("The database took too long; try again in a moment.")
    # Without a code an OperationalError comes from the client's side: refused, unreachable, cut off.
    never_answered = code is None and isinstance(error, psycopg.OperationalError)
    if lost or never_answered or (code is not None and (code in _GONE or code[:2] in _GONE_CLASSES)):
        return Unavailable("The database cannot be reached; try again in a moment.")
    return None
