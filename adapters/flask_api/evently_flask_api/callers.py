"""Who calls: from the bearer token to a user who is signed in at this moment."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from enum import Enum
from threading import Lock

import attrs
from flask import request
from jwt.exceptions import InvalidTokenError

from evently_core.accounts import Device, LogIn, SessionEnded, SessionsAway, TokenId, User
from evently_core.services.accounts import AccountService
from evently_core.values import Actor, Role, SessionId, UserId
from evently_flask_api.problems import Problem
from evently_flask_api.requests import USER_ID
from evently_flask_api.tokens import ACCESS, REFRESH, Claims, TokenPair, Tokens

LIVE_SECONDS = 2.0
"""How long a session is believed to be live without asking again; other instances end it within this time."""
WATCHED_MAX = 10_000

_PRESENTED = "evently.presented"
"""Where the verified token is kept for as long as its request lasts, or what was wrong with it."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Who(Enum):
    """Who may call a route at all. Whose thing it is, the use cases judge."""

    ANYONE = "anyone"
    REFRESHING = "whoever has the refresh token of a session"
    SIGNED_IN = "any role"
    ORGANISER = "organisers"
    ADMIN = "admins"

    def admits(self, role: Role) -> bool:
        """Tell whether a signed-in user of this role may call."""
        if self is Who.ADMIN:
            return role is Role.ADMIN
        if self is Who.ORGANISER:
            return role is not Role.ATTENDEE
        return True


@attrs.frozen
class Caller:
    """A signed-in user, in the role of this moment."""

    user: User
    session_id: SessionId

    @property
    def actor(self) -> Actor:
        """The user as the use cases know one who acts."""
        return Actor(self.user.id, self.user.role)


@attrs.frozen
class Refreshing:
    """Somebody who presents the refresh token of a session."""

    session_id: SessionId
    token_id: TokenId


class SessionWatch:
    """Who is signed in, as the store says, or said at most two seconds ago."""

    def __init__(self, accounts: AccountService, seconds: Callable[[], float] = time.monotonic) -> None:
        """Ask this service; ``seconds`` counts them from anywhere."""
        self._accounts = accounts
        self._seconds = seconds
        self._lock = Lock()
        self._seen: dict[SessionId, tuple[User, float]] = {}
        self._ended: dict[SessionId, None] = {}
        self._ends = 0

    def user(self, session_id: SessionId) -> User:
        """Return who is signed in.

        Raises:
            SessionEnded: nobody is.
            SessionsAway: it cannot be told now.
        """
        user, seen_at = self._seen.get(session_id, (None, 0.0))
        now = self._seconds()
        if user is not None and now - seen_at < LIVE_SECONDS:
            return user
        ends = self._ends
        try:
            user = self._accounts.whoami(session_id)
        except SessionEnded:
            self.forget(session_id)
            raise
        self._remember(session_id, user, now, ends)
        return user

    def presumed(self, session_id: SessionId, user_id: UserId) -> User:
        """Return whom a good token names, while it cannot be told whether its session is live.

        Access tokens are good for some minutes, and are given to live sessions alone: who has one may go on with
        it, unless it is known here that the session has ended.

        Raises:
            SessionEnded: that is known, or there is no such user.
        """
        if session_id in self._ended:
            raise SessionEnded
        return self._accounts.presumed(user_id)

    def forget(self, session_id: SessionId) -> None:
        """Ask anew about a session: it has just been ended here, or was found to have ended."""
        with self._lock:
            self._ends += 1
            self._seen.pop(session_id, None)
            self._ended[session_id] = None
            if len(self._ended) > WATCHED_MAX:
                del self._ended[next(iter(self._ended))]

    def forget_all(self) -> None:
        """Ask anew about every session: it is not known which ones were ended."""
        with self._lock:
            self._ends += 1
            self._seen.clear()

    def _remember(self, session_id: SessionId, user: User, now: float, ends: int) -> None:
        with self._lock:
            if self._ends != ends:
                return  # a session was ended meanwhile; perhaps this one, after it was read
            self._seen.pop(session_id, None)
            self._seen[session_id] = (user, now)
            if len(self._seen) > WATCHED_MAX:
                del self._seen[next(iter(self._seen))]


class Doorkeeper:
    """Tells who sends the request at hand, and gives tokens to who comes in."""

    def __init__(self, tokens: Tokens, watch: SessionWatch, instance: str) -> None:
        """Take what knows tokens, what knows sessions, and how this process is called."""
        self._tokens = tokens
        self._watch = watch
        self._instance = instance

    def caller(self, who: Who) -> Caller | None:
        """Return who calls; None is nobody known, where anyone may call.

        Raises:
            Problem: nobody is signed in but somebody has to be, or the role is another.
            InvalidTokenError: the token is no good.
            SessionEnded: its session is over.
        """
        claims = self._claims(ACCESS)
        if claims is None:
            if who is Who.ANYONE:
                return None
            raise Problem("not_signed_in")
        try:
            user = self._watch.user(claims.session_id)
        except SessionsAway:
            user = self._watch.presumed(claims.session_id, claims.user_id)
        if user.id != claims.user_id:
            raise Problem("invalid_token")
        request.environ[USER_ID] = user.id
        if not who.admits(user.role):
            raise Problem("forbidden", f"Only {who.value} may do that.")
        return Caller(user, claims.session_id)

    def refreshing(self) -> Refreshing:
        """Return which session's refresh token was presented.

        Raises:
            Problem: none was.
            InvalidTokenError: the token is no good.
        """
        claims = self._claims(REFRESH)
        if claims is None:
            raise Problem("not_signed_in", "Send the refresh token as bearer.")
        return Refreshing(claims.session_id, claims.token_id)

    def whose(self) -> UserId | None:
        """Return whom the token names that came along, if it is a good one; whether its session is live is not asked."""
        presented = self._presented()
        return presented.user_id if isinstance(presented, Claims) else None

    def _claims(self, kind: str) -> Claims | None:
        presented = self._presented()
        if isinstance(presented, Exception):
            raise presented
        if presented is not None and presented.kind != kind:
            raise InvalidTokenError("of the wrong kind")
        return presented

    def _presented(self) -> Claims | Exception | None:
        """Verify the token of the request at hand, once however many ask for it."""
        environ = request.environ
        if _PRESENTED not in environ:
            try:
                token = _bearer()
                environ[_PRESENTED] = None if token is None else self._tokens.verified(token)
            except (Problem, InvalidTokenError) as error:
                environ[_PRESENTED] = error
        presented: Claims | Exception | None = environ[_PRESENTED]
        return presented

    def tokens_for(self, login: LogIn) -> TokenPair:
        """Return the tokens of a log-in."""
        return self._tokens.issue(login)

    def device(self) -> Device:
        """Return from where the request at hand comes."""
        return Device(self._instance, request.remote_addr or "", request.headers.get("User-Agent", ""))

    def ended(self, session_id: SessionId) -> None:
        """Take note that a session was ended: its access tokens are dead at once."""
        self._watch.forget(session_id)

    def others_ended(self) -> None:
        """Take note that sessions were ended, whichever they were."""
        self._watch.forget_all()


def _bearer() -> str | None:
    header: str = request.environ.get("HTTP_AUTHORIZATION", "").strip()
    if not header:
        return None
    bearer = _BEARER.fullmatch(header)
    if bearer is None:
        raise Problem("invalid_token", "Send the token as `Authorization: Bearer` and the token.")
    return bearer[1]
