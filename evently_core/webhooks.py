"""Webhooks: where an organiser is told of what happens to their events, what is said, and which addresses are sane."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NewType, Protocol, get_args
from urllib.parse import urlsplit
from uuid import UUID

import attrs

from evently_core.accounts import Answered, AnswerKey
from evently_core.documents import kind_of, to_json
from evently_core.errors import InvalidValue
from evently_core.facts import Fact
from evently_core.storage import JournalLine
from evently_core.values import UserId

WebhookId = NewType("WebhookId", UUID)

URL_MAX = 2_000
DESCRIPTION_MAX = 200
WEBHOOKS_MAX = 20
"""The most webhooks somebody may have."""
OLD_SECRET_KEPT = timedelta(hours=24)
"""How long what is sent is signed with the secret of before, too, after it was changed."""

TYPES = tuple(sorted([*(kind_of(fact) for fact in get_args(Fact)), "repaired"]))
"""What may be told: the kinds of the journal's lines; those of facts, and that counters were mended."""

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*\.?")


@attrs.frozen(kw_only=True)
class Webhook:
    """An address that is told of what happens to the events of its owner."""

    id: WebhookId
    owner_id: UserId
    url: str
    types: tuple[str, ...] = ()
    """The kinds of lines it is told of; none means all."""
    description: str = ""
    secret: str = attrs.field(repr=False)
    """Signs what is sent; shown once, when it is made."""
    old_secret: str | None = attrs.field(default=None, repr=False)
    old_secret_until: datetime | None = None
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_because: str | None = None

    @property
    def is_enabled(self) -> bool:
        """Tell whether anything is sent."""
        return self.disabled_at is None

    def wants(self, kind: str) -> bool:
        """Tell whether it is to be told of lines of this kind."""
        return self.is_enabled and (not self.types or kind in self.types)

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return what to sign with: the secret, and for a day after it was changed the one of before."""
        if self.old_secret is None or self.old_secret_until is None or now >= self.old_secret_until:
            return (self.secret,)
        return (self.secret, self.old_secret)

    def with_secret(self, secret: str, now: datetime) -> Webhook:
        """Return it with a new secret, beside which the present one is good for another day."""
        return attrs.evolve(
            self, secret=secret, old_secret=self.secret, old_secret_until=now + OLD_SECRET_KEPT
        )

    def disabled(self, at: datetime, because: str) -> Webhook:
        """Return it switched off."""
        return attrs.evolve(self, disabled_at=at, disabled_because=because) if self.is_enabled else self

    def enabled(self) -> Webhook:
        """Return it switched on."""
        return attrs.evolve(self, disabled_at=None, disabled_because=None)


def message_of(line: JournalLine) -> str:
    """Return what a webhook is told of a line of the journal: JSON text, always the same for the same line."""
    data = {
        "event_id": line.event_id,
        "number": line.number,
        "actor": line.actor,
        "actor_id": line.actor_id,
        "cause": line.cause,
        "reason": line.reason,
        "fact": dict(line.data),
    }
    return to_json({"type": line.kind, "timestamp": line.at, "data": data})


@attrs.frozen(kw_only=True)
class AddressRules:
    """Which addresses webhooks may have. Whoever runs Evently inside a private network may allow its own."""

    private: bool = False
    """Whether private, loopback and other addresses that are not of the public Internet are allowed."""
    plain_http: bool = False
    """Whether ``http://`` is allowed beside ``https://``."""

    def acceptable_url(self, url: str) -> str:
        """Return the address as it is, if webhooks may have it.

        A host that is a name is looked up, and judged again, at each delivery.

        Raises:
            InvalidValue: it is not an address, not allowed, or holds a password.
        """
        if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
            raise _invalid("invalid_url", f"A URL is at most {URL_MAX:,} ASCII characters without blanks.")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _invalid("invalid_url", "A URL looks like https://example.org/hooks.") from None
        schemes = ("https", "http") if self.plain_http else ("https",)
        if parts.scheme not in schemes:
            raise _invalid("scheme_not_allowed", f"The URL begins with {' or '.join(schemes)}://.")
        if parts.username is not None or parts.password is not None:
            raise _invalid("credentials_in_url", "Leave user and password out; what is sent is signed.")
        if not host or port == 0:
            raise _invalid("invalid_url", "A URL looks like https://example.org/hooks.")
        self._require_sane_host(host)
        return url

    def allows(self, address: str) -> bool:
        """Tell whether something may be sent to an IP address."""
        found = _undisguised(ipaddress.ip_address(address))
        return self.private or (found.is_global and not found.is_multicast)

    def _require_sane_host(self, host: str) -> None:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            # A name. One that ends in digits would be read as an IP address of some odd spelling.
            last = host.rstrip(".").rpartition(".")[2]
            if not _HOST.fullmatch(host.lower()) or last.isdecimal() or last.lower().startswith("0x"):
                raise _invalid("invalid_url", "The host of the URL is a name or an IP address.") from None
            if not self.private and last.lower() in ("localhost", "local", "internal"):
                raise _invalid("private_address", _PRIVATE) from None
            return
        if not self.allows(host):
            raise _invalid("private_address", _PRIVATE)


def _undisguised(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address that is reached in the end: an IPv4 address may be written in an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = [address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None]
    if address in _NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return next((each for each in inner if each is not None), address)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PRIVATE = "Addresses of private networks are not allowed here; use one of the public Internet."


def _invalid(code: str, message: str) -> InvalidValue:
    return InvalidValue("url", code, message)


def known_types(types: Sequence[str]) -> tuple[str, ...]:
    """Return types of lines, each once and in order.

    Raises:
        InvalidValue: there is no such type.
    """
    for each in types:
        if each not in TYPES:
            raise InvalidValue("types", "unknown_type", f"Types are {', '.join(TYPES)}.")
    return tuple(sorted(set(types)))


def short_description(text: str) -> str:
    """Return a description without blanks around it.

    Raises:
        InvalidValue: it is too long, or cannot be printed.
    """
    stripped = text.strip()
    if len(stripped) > DESCRIPTION_MAX or not stripped.isprintable():
        message = f"A description has at most {DESCRIPTION_MAX} printable characters."
        raise InvalidValue("description", "invalid_description", message)
    return stripped


class Webhooks(Protocol):
    """Where organisers want to be told."""

    def add(self, webhook: Webhook, most: int, key: AnswerKey | None = None) -> Answered[Webhook] | None:
        """Add a webhook, unless its owner has ``most`` already: then None, and nothing is added.

        A second call under the same key waits for the first and gets its answer, the webhook as it was then.

        Raises:
            KeyReused: the key came with another fingerprint before.
        """

    def webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return a webhook."""

    def of_owner(self, owner_id: UserId) -> Sequence[Webhook]:
        """Return the webhooks of somebody, oldest first."""

    def page(self, after: WebhookId | None, limit: int) -> Sequence[Webhook]:
        """Return at most ``limit`` webhooks of everybody in the order of their ids, from behind ``after``."""

    def of_owners(self, owner_ids: Sequence[UserId]) -> Sequence[Webhook]:
        """Return the webhooks of these people."""

    def any_enabled(self) -> bool:
        """Tell whether anything may have to be sent."""

    def replace(self, before: Webhook, after: Webhook) -> bool:
        """Put ``after`` in the place of ``before``; False, changing nothing, if that is not as it was."""

    def remove(self, webhook_id: WebhookId) -> None:
        """Remove a webhook and its deliveries; the second time changes nothing (I7)."""
