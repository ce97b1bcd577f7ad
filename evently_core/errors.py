"""Exceptions: callers' mistakes and lost races. A refusal by a rule is not one of them: it is a value."""

from __future__ import annotations


class EventlyError(Exception):
    """Whatever Evently raises on purpose."""


class InvalidValue(EventlyError, ValueError):
    """A value is wrong in itself; ``field`` says which, ``code`` why, and the message what to do."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.message = message


class NotFound(EventlyError):
    """There is no such thing, or the asker may not know of it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")
        self.what = what


class Forbidden(EventlyError):
    """The asker may see it but not do this."""


class Unavailable(EventlyError):
    """A server that is needed cannot be reached now; nothing was changed, or the answer is not known.

    ``retry_after`` says in how many seconds another try makes sense. With an idempotency key a retry is safe.
    """

    def __init__(self, message: str, *, retry_after: int = 2) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """More is being asked than can be answered in time; nothing was changed."""


class Conflict(EventlyError):
    """A race was lost: what was read is no longer so. Reading and deciding again is safe."""


class AlreadySettled(Conflict):
    """Somebody else has settled one of these queued requests; nothing was written."""

    def __init__(self) -> None:
        super().__init__("Others have settled some of these requests; those that are left come again.")


class StaleLock(Conflict):
    """The event's lock is somebody else's since: its token is older than ``newest``, which has written already."""

    def __init__(self, newest: int) -> None:
        super().__init__("The lock on the event was lost before anything was written; decide again.")
        self.newest = newest
