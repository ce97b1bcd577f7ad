"""What the use cases need of the world outside. A Protocol each, with its promise in the docstring.

Whoever stands behind a port raises ``Unavailable`` when it cannot be reached and ``Conflict`` when a race
was lost; no error of a driver comes through. The suites in ``evently_core.testing`` say the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from evently_core.accounts import Act, ActId, Answered, AnswerKey, Credentials, Session, User
from evently_core.instances import Instance
from evently_core.values import EventId, Role, SessionId, UserId


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC."""


class Ids(Protocol):
    """Makes identifiers."""

    def new(self) -> UUID:
        """Return an id that nobody had before: UUIDv7, so that later ones sort behind earlier ones."""


class EventLock(Protocol):
    """Thins out the crowd in front of one event: who waits here does not wait in the store.

    A courtesy, never a guarantee: it may be lost while it is held, and who does not get it goes on without. What
    decides is the store's own lock.
    """

    def hold(self, event_id: EventId) -> AbstractContextManager[int | None]:
        """Hold the lock of an event for the block, and give its fencing token, or None.

        Waits for it a bounded time. None: it was not to be had, or this kind has no tokens. A token is above all
        that were given for the event before. Raises nothing of its own.
        """

    def rise_above(self, event_id: EventId, token: int) -> None:
        """Give tokens above this one from now on: the store knows it, and the lock has forgotten."""


class Instances(Protocol):
    """The processes that are at work."""

    def beat(self, instance: Instance) -> None:
        """Say that an instance lives, and how it is. It is forgotten some seconds after its last beat."""

    def leave(self, name: str) -> None:
        """Say that an instance ends; the second time changes nothing."""

    def live(self) -> Sequence[Instance]:
        """Return the instances that beat lately, each as of its last beat, by name."""


class PasswordHasher(Protocol):
    """Makes of a password what may be stored. Everything here is slow on purpose; nothing ever logs."""

    def hash(self, password: str) -> str:
        """Return a salted hash that says itself how it was made."""

    def verify(self, password: str, password_hash: str) -> bool:
        """Tell whether the hash was made of this password; False for a hash of an unknown kind."""

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether the hash was made in an older way than ``hash`` works now."""

    def fingerprint(self, content: bytes, salt: bytes) -> bytes:
        """Return 32 bytes, always the same for the same, from which a password in it cannot be guessed fast."""


class TicketSeal(Protocol):
    """Puts a seal on what a ticket says, that nobody else can make."""

    def seal(self, content: bytes) -> bytes:
        """Return a seal of 64 bytes, always the same for the same content."""

    def is_genuine(self, content: bytes, seal: bytes) -> bool:
        """Tell whether the seal was made here for exactly this content, with the key of now or one of before."""

    def public_keys(self) -> Sequence[bytes]:
        """Return the keys by which a door without a network can tell as much, the present one first.

        They are raw Ed25519 keys of 32 bytes. There are none if only who can seal can tell.
        """


class Accounts(Protocol):
    """The users, their password hashes, the journal of administrative acts, and answers kept under keys.

    Every method is one transaction: all of it happened, or nothing.
    """

    def add(
        self, user: User, password_hash: str, *, key: AnswerKey | None = None, act: Act | None = None
    ) -> Answered[User]:
        """Add a user, and with it the record of who did it and the answer under the key.

        A second call under the same key waits for the first and gets its answer, adding nothing: the user as
        it was then, or ``EmailTaken``.

        Raises:
            EmailTaken: somebody has the e-mail, in whatever case; kept under the key like any answer.
            KeyReused: the key came with another fingerprint before.
        """

    def user(self, user_id: UserId) -> User | None:
        """Return a user."""

    def credentials(self, user_id: UserId) -> Credentials | None:
        """Return a user and the hash of the password."""

    def credentials_of(self, email: str) -> Credentials | None:
        """Return the user who has this e-mail, in whatever case, and the hash of the password."""

    def users_named(self, user_ids: Collection[UserId]) -> Mapping[UserId, User]:
        """Return these users; unknown ids are left out."""

    def users(self, after: UserId | None, limit: int) -> Sequence[User]:
        """Return at most ``limit`` users in the order of their ids, from behind ``after``."""

    def count(self) -> int:
        """Return how many users there are."""

    def registrations(self, since: date, until: date) -> Mapping[date, int]:
        """Return how many users registered on each day of UTC, both ends included; days of none are left out."""

    def has_admin(self) -> bool:
        """Tell whether any user is an admin."""

    def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        password_hash: str | None = None,
        instead_of: str | None = None,
        act: Act | None = None,
    ) -> User | None:
        """Change what is given of a user, with the record of it if there is one, and return the user.

        Returns:
            None, changing nothing, if there is no such user or the password's hash is not ``instead_of``
            (None: any).
        """

    def set_role(self, user_id: UserId, role: Role, *, instead_of: Role, act: Act) -> bool:
        """Give a user another role, with its record; False, changing nothing, if the role was another."""

    def acts(self, before: ActId | None, limit: int) -> Sequence[Act]:
        """Return at most ``limit`` administrative acts, newest first, from those older than ``before``."""

    def forget_answers(self, before: datetime) -> int:
        """Forget answers given before then; return how many."""


class Sessions(Protocol):
    """Who is signed in where."""

    def open(self, session: Session) -> None:
        """Keep a new session."""

    def session(self, session_id: SessionId) -> Session | None:
        """Return a session, live or not."""

    def replace(self, before: Session, after: Session) -> bool:
        """Put ``after`` in the place of ``before`` if that still has its token and was not ended.

        Of several calls with the same ``before`` exactly one gets True.
        """

    def saw(self, session_id: SessionId, at: datetime) -> None:
        """Note that a session was in use, unless that was noted within the minute before (``SEEN_EVERY``)."""

    def end(self, session_id: SessionId, at: datetime) -> None:
        """End a session; the second time changes nothing (I7)."""

    def end_all(self, user_id: UserId, at: datetime, *, but: SessionId | None = None) -> None:
        """End every session of a user that has not ended, but for one."""

    def live(self, user_id: UserId, now: datetime) -> Sequence[Session]:
        """Return the sessions of a user that are live, newest first."""

    def forget(self, before: datetime) -> int:
        """Forget sessions that expired before then; return how many.

        Where they vanish by themselves there is nothing to do.
        """
