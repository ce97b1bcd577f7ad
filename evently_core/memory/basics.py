"""Clocks, ids and password hashes of the standard library, and those that tests can foretell."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

from evently_core.ports import Clock, EventLock, Ids, PasswordHasher
from evently_core.values import EventId, instant


class SystemClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A time that stands still until it is told to go on."""

    def __init__(self, now: datetime) -> None:
        """Begin at this instant."""
        self._now = instant(now)

    def now(self) -> datetime:
        """Return the instant at which it stands."""
        return self._now

    def set(self, now: datetime) -> None:
        """Go to an instant."""
        self._now = instant(now)

    def advance(self, by: timedelta) -> datetime:
        """Go on by so much; return the new instant."""
        self._now += by
        return self._now


class AlwaysYes:
    """The lock that everybody gets at once. Whatever must hold holds with this one."""

    @contextmanager
    def hold(self, event_id: EventId) -> Iterator[int | None]:
        """Go on, without a token."""
        yield None

    def rise_above(self, event_id: EventId, token: int) -> None:
        """There are no tokens."""


class RandomIds:
    """UUIDv7: the time in milliseconds, then a counter that starts anywhere, then chance.

    Within one process each id sorts behind the one before, also when the machine's clock goes back.
    """

    def __init__(self) -> None:
        """Start with nothing given out."""
        self._lock = Lock()
        self._last = 0

    def new(self) -> UUID:
        """Return a new id."""
        with self._lock:
            # Milliseconds and the twelve bits behind the version number make one rising number.
            now = (time.time_ns() // 1_000_000 << 12) | secrets.randbits(11)
            self._last = stamp = max(now, self._last + 1)
        return _uuid7(stamp, secrets.randbits(62))


class SequentialIds:
    """Ids that count up from one: the same in every run, and readable in a failure."""

    def __init__(self) -> None:
        """Start with nothing given out."""
        self._lock = Lock()
        self._last = 0

    def new(self) -> UUID:
        """Return the next id."""
        with self._lock:
            self._last += 1
            return _uuid7(0, self._last)


def _uuid7(stamp: int, rest: int) -> UUID:
    """Lay out 48 bits of time and 12 behind the version, then 62 bits behind the variant."""
    return UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | rest)


def random_secret() -> str:
    """Return a new secret for a webhook: 32 bytes of chance, as the Standard Webhooks specification writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class ScryptPasswords:
    """Password hashes with nothing but the standard library: right for tests and first steps.

    Its parameters are small, so that tests are fast; what is open to the world uses Argon2.
    """

    def __init__(self, *, cost: int = 2**10) -> None:
        """Take scrypt's N, a power of two: memory and time of each hash grow with it."""
        self._cost = cost

    def hash(self, password: str) -> str:
        """Return ``scrypt$N$salt$digest``."""
        salt = secrets.token_bytes(16)
        return f"scrypt${self._cost}${salt.hex()}${_scrypt(password.encode(), salt, self._cost).hex()}"

    def verify(self, password: str, password_hash: str) -> bool:
        """Tell whether the hash was made of this password."""
        try:
            kind, cost, salt, digest = password_hash.split("$")
            if kind != "scrypt":
                return False
            found = _scrypt(password.encode(), bytes.fromhex(salt), int(cost))
            return hmac.compare_digest(found, bytes.fromhex(digest))
        except ValueError:
            return False  # not one of ours

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether it was made with another cost."""
        return not password_hash.startswith(f"scrypt${self._cost}$")

    def fingerprint(self, content: bytes, salt: bytes) -> bytes:
        """Return a slow digest, always the same for the same."""
        return _scrypt(content, salt, self._cost)


def _scrypt(content: bytes, salt: bytes, cost: int) -> bytes:
    # scrypt cannot tell "x" from "x" and a NUL; of two digests it can tell every difference.
    return hashlib.scrypt(hashlib.sha512(content).digest(), salt=salt, n=cost, r=8, p=1, dklen=32)


_fixed: type[Clock] = FixedClock
_system: type[Clock] = SystemClock
_always: type[EventLock] = AlwaysYes
_random: type[Ids] = RandomIds
_sequential: type[Ids] = SequentialIds
_scrypt_passwords: type[PasswordHasher] = ScryptPasswords
