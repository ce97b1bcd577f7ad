"""Password hashes for the open world: Argon2id."""

from __future__ import annotations

import os
from threading import BoundedSemaphore

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw

from evently_core.ports import PasswordHasher

# OWASP's second choice: some 30 ms. The library's own default takes 135 ms and 64 MiB, which a rush of log-ins
# would turn into gigabytes.
_PASSES = 2
_KIB = 19 * 1024
_LANES = 1


class Argon2Passwords:
    """Argon2id with 19 MiB, two passes and one lane; at most as many at once as there are cores.

    More at once would take longer each and more memory, and leave the rest of the process no core.
    """

    def __init__(self, at_once: int | None = None) -> None:
        """Take how many hashes may be computed at a time; None means one for each core this process may use."""
        self._argon2 = Argon2(time_cost=_PASSES, memory_cost=_KIB, parallelism=_LANES)
        self._cores = BoundedSemaphore(at_once or len(os.sched_getaffinity(0)))

    def hash(self, password: str) -> str:
        """Return a salted hash that says itself how it was made."""
        with self._cores:
            return self._argon2.hash(password)

    def verify(self, password: str, password_hash: str) -> bool:
        """Tell whether the hash was made of this password."""
        with self._cores:
            try:
                return self._argon2.verify(password_hash, password)
            except (VerificationError, InvalidHashError):
                return False

    def needs_rehash(self, password_hash: str) -> bool:
        """Tell whether it was made with other parameters."""
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True  # of another kind altogether

    def fingerprint(self, content: bytes, salt: bytes) -> bytes:
        """Return a slow digest, always the same for the same."""
        with self._cores:
            return hash_secret_raw(
                content,
                salt,
                time_cost=_PASSES,
                memory_cost=_KIB,
                parallelism=_LANES,
                hash_len=32,
                type=Type.ID,
            )


_: type[PasswordHasher] = Argon2Passwords
