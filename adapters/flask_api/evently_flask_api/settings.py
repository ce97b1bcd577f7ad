"""How the API is to run. Whoever starts it says so; nothing here reads the environment."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

import attrs

from evently_core.counting import Rate

SECRET_BYTES_MIN = 32
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
ACCESS_MINUTES_MAX = 15
BODY_BYTES_MAX = 64 * 1024


def _long_enough(_: object, attribute: attrs.Attribute[bytes], key: bytes) -> None:
    if len(key) < SECRET_BYTES_MIN:
        raise ValueError(f"{attribute.name} needs at least {SECRET_BYTES_MIN} bytes.")


@attrs.frozen(kw_only=True)
class RateLimits:
    """How often somebody may ask, by class of route; None is as often as they like."""

    general: Rate | None = None
    """By user, or by address where nobody is signed in."""
    reads: Rate | None = None
    """What somebody who is signed in only looks at."""
    login: Rate | None = None
    """Routes that take a password: by address, and by the account that is named."""


@attrs.frozen(kw_only=True)
class ApiSettings:
    """What the API needs to know about where it runs.

    Raises:
        ValueError: a key is too short to be safe, or a number makes no sense.
    """

    secret_key: bytes = attrs.field(repr=False, validator=_long_enough)
    """Signs tokens. Processes that share a store share it."""
    previous_secret_keys: tuple[bytes, ...] = attrs.field(
        default=(), repr=False, validator=attrs.validators.deep_iterable(_long_enough)
    )
    """Keys of before: what they signed is still believed, until it expires."""
    instance: str = attrs.field(validator=attrs.validators.matches_re(r"[\x21-\x7e]{1,100}"))
    """Names this process in ``X-Instance-Id``, in sessions and in the log."""
    access_minutes: int = attrs.field(
        default=ACCESS_MINUTES_MAX,
        validator=[attrs.validators.ge(1), attrs.validators.le(ACCESS_MINUTES_MAX)],
    )
    """How long an access token is good. How long a session lives is the account service's to say."""
    trusted_proxies: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    """How many proxies in front are believed in what they say of the caller (``X-Forwarded-*``)."""
    rate_limits: RateLimits = attrs.field(factory=RateLimits)
    cors_origins: tuple[str, ...] = ()
    """Whose pages may ask from a browser, such as ``https://example.org``."""
    metrics_allowed: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    """From where the metrics may be read."""
    body_bytes_max: int = attrs.field(default=BODY_BYTES_MAX, validator=attrs.validators.gt(0))

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token is good."""
        return timedelta(minutes=self.access_minutes)
