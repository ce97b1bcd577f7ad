"""Tickets under Ed25519: whoever has the public key can tell a genuine code, also without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from evently_core.ports import TicketSeal

_PURPOSE = b"evently tickets"


class Ed25519Seal:
    """Signs with the first of its keys, and believes what any of them has signed."""

    def __init__(self, secrets: Callable[[], Sequence[bytes]]) -> None:
        """Take what gives at least one secret, the present one first; it is asked when the first ticket is at hand.

        Tokens may be signed with the same secrets: what is derived for tickets tells nobody anything about them.
        """
        self._secrets = secrets

    @cached_property
    def _keys(self) -> list[Ed25519PrivateKey]:
        return [Ed25519PrivateKey.from_private_bytes(_derived(secret)) for secret in self._secrets()]

    @cached_property
    def _public(self) -> list[Ed25519PublicKey]:
        return [key.public_key() for key in self._keys]

    def seal(self, content: bytes) -> bytes:
        """Return the signature of the content, which is always the same (RFC 8032)."""
        return self._keys[0].sign(content)

    def is_genuine(self, content: bytes, seal: bytes) -> bool:
        """Tell whether one of the keys has signed the content."""
        for key in self._public:
            try:
                key.verify(seal, content)
            except InvalidSignature:
                continue
            return True
        return False

    def public_keys(self) -> Sequence[bytes]:
        """Return the public keys, the present one first."""
        return [key.public_bytes_raw() for key in self._public]


def _derived(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret)


_: type[TicketSeal] = Ed25519Seal
