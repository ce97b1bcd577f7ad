"""Sessions in two places: where they belong, and where they are opened while that place is away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from evently_core.accounts import Session, SessionsAway
from evently_core.errors import Unavailable
from evently_core.ports import Sessions
from evently_core.values import SessionId, UserId


class StandbySessions:
    """Sessions that live in one store, and in another one if they were opened while the first was away.

    Each is in one place for its whole life. So whoever was signed in before the first store was there stays so, and
    while it is away anybody can log in anew. What cannot be told or done without it raises ``SessionsAway``.
    """

    def __init__(self, first: Sessions, standby: Sessions) -> None:
        """Take the two stores."""
        self._first = first
        self._standby = standby

    def open(self, session: Session) -> None:
        """Keep a new session."""
        try:
            self._first.open(session)
        except Unavailable:
            self._standby.open(session)

    def session(self, session_id: SessionId) -> Session | None:
        """Return a session, live or not."""
        try:
            found, away = self._first.session(session_id), False
        except Unavailable:
            found, away = None, True
        found = found or self._standby.session(session_id)
        if found is None and away:
            raise SessionsAway
        return found

    def replace(self, before: Session, after: Session) -> bool:
        """Put one state of a session in the place of another, if that is still its state."""
        try:
            replaced, away = self._first.replace(before, after), False
        except Unavailable:
            replaced, away = False, True
        replaced = replaced or self._standby.replace(before, after)
        if not replaced and away:
            raise SessionsAway
        return replaced

    def saw(self, session_id: SessionId, at: datetime) -> None:
        """Note that a session was in use."""
        with suppress(Unavailable):
            self._first.saw(session_id, at)
        self._standby.saw(session_id, at)

    def end(self, session_id: SessionId, at: datetime) -> None:
        """End a session."""
        self._standby.end(session_id, at)
        try:
            self._first.end(session_id, at)
        except Unavailable as error:
            if self._standby.session(session_id) is None:
                raise SessionsAway from error

    def end_all(self, user_id: UserId, at: datetime, *, but: SessionId | None = None) -> None:
        """End every session of a user, but for one."""
        self._standby.end_all(user_id, at, but=but)
        try:
            self._first.end_all(user_id, at, but=but)
        except Unavailable as error:
            raise SessionsAway from error

    def live(self, user_id: UserId, now: datetime) -> Sequence[Session]:
        """Return the live sessions of a user, newest first."""
        try:
            found = [*self._first.live(user_id, now), *self._standby.live(user_id, now)]
        except Unavailable as error:
            raise SessionsAway from error
        return sorted(found, key=lambda session: session.id, reverse=True)

    def forget(self, before: datetime) -> int:
        """Forget sessions that expired before then; those of a store that is away are forgotten another time."""
        forgotten = self._standby.forget(before)
        with suppress(Unavailable):
            forgotten += self._first.forget(before)
        return forgotten


_: type[Sessions] = StandbySessions
