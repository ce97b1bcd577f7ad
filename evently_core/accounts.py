"""Users and their sessions: what they are, which e-mails, names and passwords are sane, how tokens rotate."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Generic, NewType, TypeVar
from uuid import UUID

import attrs

from evently_core.errors import EventlyError, InvalidValue, Unavailable
from evently_core.values import Role, SessionId, UserId, instant

T = TypeVar("T")

TokenId = NewType("TokenId", UUID)
"""Names one refresh token of a session."""

ActId = NewType("ActId", UUID)

EMAIL_MAX = 254
NAME_MAX = 200
PASSWORD_MIN = 8
PASSWORD_MAX = 1024
TOLD_MAX = 400
KEY_MAX = 255
SCOPE_MAX = 400
"""Wide enough for an e-mail and a route."""
SEEN_EVERY = timedelta(minutes=1)
"""How exact ``Session.last_seen_at`` is: a request within a minute of the last one leaves it as it is."""

# One @ and a dot in the domain: whether an address exists only a message sent there can tell.
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")
# Control characters, lone surrogates, line and paragraph separators. Joiners stay: some scripts spell with them.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


class AccountError(EventlyError):
    """An account's rules say no; ``code`` is a stable word for programs."""

    code: ClassVar[str]


class EmailTaken(AccountError):
    """Somebody has this e-mail already. ``replayed`` tells whether the key got this answer before."""

    code = "email_taken"

    def __init__(self, *, replayed: bool = False) -> None:
        super().__init__("Somebody has registered with this e-mail already; log in, or use another one.")
        self.replayed = replayed


class BadCredentials(AccountError):
    """No user has this e-mail with this password; which of the two is wrong is not said."""

    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("E-mail and password do not belong together.")


class SessionEnded(AccountError):
    """The session is over: logged out, ended elsewhere, expired, or one of its old tokens came again."""

    code = "session_ended"

    def __init__(self) -> None:
        super().__init__("The session has ended; log in again.")


class SessionsAway(Unavailable):
    """Whether a session is live cannot be told now; the accounts themselves may be there."""

    def __init__(self) -> None:
        super().__init__("Who is signed in cannot be looked up now; try again in a moment, or log in anew.")


class KeyReused(AccountError):
    """The idempotency key came with other content before (I6)."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This idempotency key came with another request before; use a new key.")


def _is_printable(text: str) -> bool:
    return not any(unicodedata.category(character) in _UNPRINTABLE for character in text)


def normal_email(email: str) -> str:
    """Return the one spelling under which an e-mail is kept: stripped, composed, in lower case.

    Raises:
        InvalidValue: it is not an e-mail, or longer than 254 characters.
    """
    normal = unicodedata.normalize("NFC", email.strip()).lower() if len(email) <= 2 * EMAIL_MAX else email
    if len(normal) > EMAIL_MAX:
        raise InvalidValue("email", "email_too_long", f"An e-mail has at most {EMAIL_MAX} characters.")
    if not normal.isprintable() or not _EMAIL.fullmatch(normal):
        raise InvalidValue("email", "invalid_email", "An e-mail looks like ada@example.org.")
    return normal


def proper_name(name: str) -> str:
    """Return a user's name without blanks around it.

    Raises:
        InvalidValue: it is blank, longer than 200 characters, or cannot be printed.
    """
    stripped = name.strip()
    if not 1 <= len(stripped) <= NAME_MAX or not _is_printable(stripped):
        raise InvalidValue("name", "invalid_name", f"A name has 1 to {NAME_MAX} printable characters.")
    return stripped


def acceptable_password(password: str, field: str = "password") -> str:
    """Return a new password as it is. Length is all that is asked of it.

    Raises:
        InvalidValue: it is shorter than 8 or longer than 1,024 characters, blank, or no text.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        message = f"A password has {PASSWORD_MIN} to {PASSWORD_MAX:,} characters."
        raise InvalidValue(field, "invalid_password", message)
    if not password.strip() or not can_be_password(password):
        message = "A password is text, and more than blanks."
        raise InvalidValue(field, "invalid_password", message)
    return password


def can_be_password(password: str) -> bool:
    """Tell whether it is worth comparing with anybody's password: not oversized, no NUL, no lone surrogate."""
    return (
        len(password) <= PASSWORD_MAX
        and "\0" not in password
        and not any("\ud800" <= character <= "\udfff" for character in password)
    )


@attrs.frozen(kw_only=True)
class User:
    """Somebody with an account. The hash of the password is not part of it."""

    id: UserId
    email: str = attrs.field(converter=normal_email)
    name: str = attrs.field(converter=proper_name)
    role: Role
    created_at: datetime = attrs.field(converter=instant)


@attrs.frozen
class Credentials:
    """A user together with what the password is checked against."""

    user: User
    password_hash: str = attrs.field(repr=False)


def _told(text: str | None) -> str:
    """What a client says of itself is not checked, so it is clipped rather than refused."""
    return "".join(filter(_is_printable, text or ""))[:TOLD_MAX]


@attrs.frozen
class Device:
    """From where somebody is signed in."""

    instance: str = attrs.field(default="", converter=_told)
    """The process that answered."""
    address: str = attrs.field(default="", converter=_told)
    user_agent: str = attrs.field(default="", converter=_told)


class Rotation(StrEnum):
    """What a presented refresh token is to its session."""

    ROTATED = "rotated"
    """It is the newest one: a new one takes its place."""
    REUSED = "reused"
    """It was replaced before, so two parties have it: the session must end."""
    ENDED = "ended"
    EXPIRED = "expired"


@attrs.frozen(kw_only=True)
class Session:
    """A log-in on one device. Of its refresh tokens only the newest is good."""

    id: SessionId
    user_id: UserId
    token_id: TokenId
    """The newest refresh token."""
    rotations: int = 0
    device: Device
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether it still signs anybody in."""
        return self.ended_at is None and now < self.expires_at

    def judge(self, token_id: TokenId, now: datetime) -> Rotation:
        """Tell what a presented token is to this session; changes nothing."""
        if self.ended_at is not None:
            return Rotation.ENDED
        if now >= self.expires_at:
            return Rotation.EXPIRED
        return Rotation.ROTATED if token_id == self.token_id else Rotation.REUSED

    def rotated(self, token_id: TokenId, device: Device, now: datetime, lifetime: timedelta) -> Session:
        """Return the session with a new token, which is good for ``lifetime`` from now."""
        return attrs.evolve(
            self,
            token_id=token_id,
            rotations=self.rotations + 1,
            device=device,
            last_seen_at=now,
            expires_at=now + lifetime,
        )

    def was_not_seen_lately(self, now: datetime) -> bool:
        """Tell whether it is time to note that it is in use."""
        return now - self.last_seen_at >= SEEN_EVERY


@attrs.frozen
class LogIn:
    """Who is signed in now, and in which session."""

    user: User
    session: Session


class ActKind(StrEnum):
    """What was done to somebody's account by another."""

    USER_CREATED = "user_created"
    ROLE_SET = "role_set"
    PASSWORD_SET = "password_set"  # noqa: S105  # the name of a deed, no password


@attrs.frozen(kw_only=True)
class Act:
    """An administrative deed, as the accounts' journal keeps it (I11)."""

    id: ActId
    kind: ActKind
    actor_id: UserId | None
    """None for the operator and the system, which ``actor_name`` then tells apart."""
    actor_name: str
    user_id: UserId
    """Whose account it is."""
    at: datetime
    details: Mapping[str, str] = attrs.field(factory=dict)


def _within(length: int) -> Callable[[object, attrs.Attribute[str], str], None]:
    def check(_: object, attribute: attrs.Attribute[str], value: str) -> None:
        if not 1 <= len(value) <= length or not value.isprintable():
            message = f"The {attribute.name} has 1 to {length} printable characters."
            raise InvalidValue(attribute.name, "invalid_key", message)

    return check


@attrs.frozen
class AnswerKey:
    """An idempotency key: within ``scope`` it stands for one request, told by its ``fingerprint`` (I6)."""

    scope: str = attrs.field(validator=_within(SCOPE_MAX))
    key: str = attrs.field(validator=_within(KEY_MAX))
    fingerprint: bytes = attrs.field(repr=False)
    """A digest of the request's content; the password itself need not be in it, the service adds it."""

    @property
    def salt(self) -> bytes:
        """Bytes that are this key's own."""
        return sha256(f"{self.scope}\n{self.key}".encode()).digest()[:16]


@attrs.frozen
class Answered(Generic[T]):
    """An answer, and whether it had been given under the same key before."""

    value: T
    replayed: bool = False
