"""Seals with nothing but the standard library: right for tests and first steps.

Only who has the secret can tell a genuine one, so a door needs a network. What is open to the world uses Ed25519.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from evently_core.ports import TicketSeal


class HmacSeal:
    """HMAC with SHA-512 under a secret, which is made up if none is given."""

    def __init__(self, secret: bytes | None = None) -> None:
        """Take the secret."""
        self._secret = secret or secrets.token_bytes(32)

    def seal(self, content: bytes) -> bytes:
        """Return the digest of the content under the secret."""
        return hmac.digest(self._secret, content, hashlib.sha512)

    def is_genuine(self, content: bytes, seal: bytes) -> bool:
        """Tell whether it is the digest of the content under the secret."""
        return hmac.compare_digest(self.seal(content), seal)

    def public_keys(self) -> Sequence[bytes]:
        """Return nothing: there is only the secret."""
        return ()


_: type[TicketSeal] = HmacSeal
