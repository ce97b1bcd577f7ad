"""The settings: read once from the environment, checked at start, all faults told together."""

from __future__ import annotations

import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import formataddr, parseaddr
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import attrs

from evently_core.accounts import PASSWORD_MAX, PASSWORD_MIN, acceptable_password, normal_email
from evently_core.counting import Rate
from evently_core.errors import InvalidValue
from evently_core.webhooks import AddressRules
from evently_redis.keys import PREFIX
from evently_wiring.embedded import default_data_dir
from evently_wiring.mail import SmtpServer

SECRET_BYTES_MIN = 32
LOOPBACK: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
RATE_LIMIT: Rate | None = Rate(100, 900)
RATE_LIMIT_READS: Rate | None = Rate(1_000, 900)
RATE_LIMIT_LOGIN: Rate | None = Rate(10, 900)
# Words that stand in examples and templates, and in no key that chance has made.
_NOT_BY_CHANCE = ("change", "secret", "default", "example", "password")

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")

T = TypeVar("T")


class InvalidSettings(Exception):
    """Some settings are wrong; the message names each with what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("These settings are wrong:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


@attrs.frozen
class Mail:
    """How people are written to: through which server, and in whose name."""

    server: SmtpServer
    sender: str


@attrs.frozen(kw_only=True)
class Settings:
    """How Evently is to run on this machine."""

    database_url: str | None = attrs.field(default=None, repr=False)
    """None: an embedded server on the data directory."""
    data_dir: Path
    redis_url: str | None = attrs.field(default=None, repr=False)
    """None: everything works without, and each process knows only itself."""
    redis_prefix: str = PREFIX
    """Sets this installation's keys apart from others on the same Redis."""
    event_lock: str = "none"
    """What thins out the crowd in front of an event: ``none``, ``postgres`` or ``redis``."""
    sessions: str = "postgres"
    """Where it is kept who is signed in: ``postgres``, or ``redis`` with PostgreSQL as its standby."""
    intake: str = "postgres"
    """Where requests wait that are decided later: ``postgres`` or ``redis``."""
    production: bool = False
    secret_key: bytes | None = attrs.field(default=None, repr=False)
    """None: generated into the data directory, which only development does."""
    previous_secret_keys: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    ticket_key: bytes | None = attrs.field(default=None, repr=False)
    """None: what seals tickets is derived of the key that signs tokens."""
    admin_email: str | None = None
    admin_password: str | None = attrs.field(default=None, repr=False)
    access_token_lifetime: timedelta = timedelta(minutes=15)
    refresh_token_lifetime: timedelta = timedelta(days=30)
    trusted_proxies: int = 0
    rate_limit: Rate | None = RATE_LIMIT
    """How often somebody may ask; None is as often as they like."""
    rate_limit_reads: Rate | None = RATE_LIMIT_READS
    """How often somebody who is signed in may only look."""
    rate_limit_login: Rate | None = RATE_LIMIT_LOGIN
    """How often a password may be tried, and an account be made."""
    cors_origins: tuple[str, ...] = ()
    """Whose pages may ask from a browser."""
    metrics_allowed: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    """From where the metrics may be read."""
    otel: bool = False
    """Whether traces are sent away; where to, OpenTelemetry's own variables say."""
    log_format: str = "console"
    """``console`` for people or ``json`` for programs."""
    private_webhooks: bool = False
    """Whether webhooks may have addresses in private networks."""
    mail: Mail | None = None
    """How people are written to; None: not at all."""
    public_url: str | None = None
    """Where people find the pages, without a slash at its end; None: letters do not lead there."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            InvalidSettings: some are wrong.
        """
        reader = _Reader(environment)
        production = reader.word("EVENTLY_ENV", ("development", "production"), "development") == "production"
        settings = cls(
            database_url=reader.value("EVENTLY_DATABASE_URL", _database_url, None),
            data_dir=default_data_dir(environment),
            redis_url=reader.value("EVENTLY_REDIS_URL", _redis_url, None),
            redis_prefix=reader.value("EVENTLY_REDIS_PREFIX", _redis_prefix, PREFIX),
            event_lock=reader.word("EVENTLY_EVENT_LOCK", ("none", "postgres", "redis"), "none"),
            sessions=reader.word("EVENTLY_SESSIONS", ("postgres", "redis"), "postgres"),
            intake=reader.word("EVENTLY_INTAKE", ("postgres", "redis"), "postgres"),
            production=production,
            secret_key=reader.value("EVENTLY_SECRET_KEY", _secret, None),
            previous_secret_keys=reader.value(
                "EVENTLY_SECRET_KEY_PREVIOUS", lambda text: (_secret(text),), ()
            ),
            ticket_key=reader.value("EVENTLY_TICKET_KEY", _secret, None),
            admin_email=reader.value("EVENTLY_ADMIN_EMAIL", _email, None),
            admin_password=reader.value(
                # As it is: blanks around a password are part of it.
                "EVENTLY_ADMIN_PASSWORD",
                lambda _: _password(environment["EVENTLY_ADMIN_PASSWORD"]),
                None,
            ),
            access_token_lifetime=timedelta(
                minutes=reader.value("EVENTLY_ACCESS_TOKEN_MINUTES", _between(1, 15), 15)
            ),
            refresh_token_lifetime=timedelta(
                days=reader.value("EVENTLY_REFRESH_TOKEN_DAYS", _between(1, 365), 30)
            ),
            trusted_proxies=reader.value("EVENTLY_TRUSTED_PROXIES", _between(0, 10), 0),
            rate_limit=reader.value("EVENTLY_RATE_LIMIT", _rate, RATE_LIMIT),
            rate_limit_reads=reader.value("EVENTLY_RATE_LIMIT_READS", _rate, RATE_LIMIT_READS),
            rate_limit_login=reader.value("EVENTLY_RATE_LIMIT_LOGIN", _rate, RATE_LIMIT_LOGIN),
            cors_origins=reader.value("EVENTLY_CORS_ORIGINS", _origins, ()),
            mail=_mail(reader),
            public_url=reader.value("EVENTLY_PUBLIC_URL", _public_url, None),
            private_webhooks=reader.word("EVENTLY_WEBHOOK_ADDRESSES", ("public", "any"), "public") == "any",
            metrics_allowed=reader.value("EVENTLY_METRICS_ALLOW", _networks, LOOPBACK),
            otel=reader.value("EVENTLY_OTEL", _otel, False),
            log_format=reader.word(
                "EVENTLY_LOG_FORMAT", ("console", "json"), "console" if sys.stderr.isatty() else "json"
            ),
        )
        if production and settings.secret_key is None and not reader.has_fault("EVENTLY_SECRET_KEY"):
            reader.fault(
                "EVENTLY_SECRET_KEY", f"is needed in production: at least {SECRET_BYTES_MIN} random bytes"
            )
        if settings.redis_url is None and not reader.has_fault("EVENTLY_REDIS_URL"):
            chosen = {
                "EVENT_LOCK": settings.event_lock,
                "SESSIONS": settings.sessions,
                "INTAKE": settings.intake,
            }
            for name, where in chosen.items():
                if where == "redis":
                    reader.fault(f"EVENTLY_{name}", "is redis, which needs EVENTLY_REDIS_URL")
        if bool(environment.get("EVENTLY_ADMIN_EMAIL")) != bool(environment.get("EVENTLY_ADMIN_PASSWORD")):
            reader.fault("EVENTLY_ADMIN_EMAIL", "and EVENTLY_ADMIN_PASSWORD go together: set both or none")
        if reader.faults:
            raise InvalidSettings(reader.faults)
        return settings

    @property
    def address_rules(self) -> AddressRules:
        """Which addresses webhooks may have."""
        return AddressRules(
            private=self.private_webhooks, plain_http=self.private_webhooks or not self.production
        )

    def signing_key(self) -> bytes:
        """Return the key that signs tokens; in development one is made and kept where none is set.

        Raises:
            InvalidSettings: the one that was kept has been cut short.
        """
        if self.secret_key is not None:
            return self.secret_key
        file = self.data_dir / "secret"
        if not file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            _write_once(file, secrets.token_hex(SECRET_BYTES_MIN))
        key = file.read_bytes()
        if len(key) < SECRET_BYTES_MIN:  # whoever signs with an empty key lets everybody in
            raise InvalidSettings([f"{file} holds no secret; remove it, and a new one is made."])
        return key

    def ticket_secrets(self) -> tuple[bytes, ...]:
        """Return the secrets of the keys that seal tickets, the present one first: all others are still believed.

        Raises:
            InvalidSettings: the signing key that was kept has been cut short.
        """
        own = () if self.ticket_key is None else (self.ticket_key,)
        return (*own, self.signing_key(), *self.previous_secret_keys)


def _write_once(file: Path, text: str) -> None:
    """Make the file, for its owner alone and never seen half-written, unless somebody was faster."""
    with tempfile.NamedTemporaryFile("w", dir=file.parent) as draft:  # has mode 0600
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):
            os.link(draft.name, file)


class _Reader:
    """Reads variables, and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def value(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.fault(name, str(error))
            return default

    def word(self, name: str, words: tuple[str, ...], default: str) -> str:
        def one_of(text: str) -> str:
            if text not in words:
                raise ValueError(f"is one of {', '.join(words)}")
            return text

        return self.value(name, one_of, default)

    def fault(self, name: str, what: str) -> None:
        self.faults.append(f"{name} {what}.")

    def has_value(self, name: str) -> bool:
        return bool(self._environment.get(name, "").strip())

    def has_fault(self, name: str) -> bool:
        return any(fault.startswith(f"{name} ") for fault in self.faults)


def _mail(reader: _Reader) -> Mail | None:
    server = reader.value("EVENTLY_SMTP_URL", SmtpServer.at, None)
    sender = reader.value("EVENTLY_MAIL_FROM", _sender, None)
    if reader.has_value("EVENTLY_SMTP_URL") != reader.has_value("EVENTLY_MAIL_FROM"):
        reader.fault("EVENTLY_SMTP_URL", "and EVENTLY_MAIL_FROM go together: set both or none")
    return Mail(server, sender) if server is not None and sender is not None else None


def _public_url(text: str) -> str:
    parts = urlsplit(text)  # ValueError of its own for an address that is none
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or not text.isascii()
        or not text.isprintable()
        or " " in text
    ):
        raise ValueError("is where people find the pages, such as https://tickets.example.org")
    return text.rstrip("/")


def _sender(text: str) -> str:
    """Return an e-mail address as it stands in a letter: alone, or behind a name."""
    name, address = parseaddr(text)
    if not address or "\n" in text or address != _email(address):
        raise ValueError("is an e-mail, such as tickets@example.org or Tickets <tickets@example.org>")
    return formataddr((name, address))


def _database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise ValueError("looks like postgresql://user:password@host:5432/database")
    return text


def _redis_url(text: str) -> str:
    try:
        from evently_redis.connection import is_redis_url
    except ImportError as error:
        raise ValueError("needs the extra: pip install 'evently-core[redis]'") from error
    if not is_redis_url(text):
        raise ValueError(
            "looks like redis://user:password@host:6379/0, redis+cluster://host:6379,host:6379 "
            "or redis+sentinel://host:26379,host:26379/name"
        )
    return text


def _redis_prefix(text: str) -> str:
    if len(text) > 100 or not text.isprintable() or set(text) & set("{} "):
        raise ValueError("is a word without braces, such as evently:")
    return text


def _secret(text: str) -> bytes:
    made_by_hand = len(set(text)) < 8 or any(word in text.lower() for word in _NOT_BY_CHANCE)
    if len(text.encode()) < SECRET_BYTES_MIN or made_by_hand:
        raise ValueError(
            f"needs at least {SECRET_BYTES_MIN} random bytes; "
            "python3 -c 'import secrets; print(secrets.token_hex(32))' makes some"
        )
    return text.encode()


def _rate(text: str) -> Rate | None:
    if text == "off":
        return None
    try:
        return Rate.parse(text)
    except ValueError as error:
        raise ValueError('is a rate such as "100 per 15 minutes", or "off"') from error


def _otel(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError("is on or off")
    if text == "on" and find_spec("opentelemetry") is None:
        raise ValueError("needs what comes with the extra otel: pip install 'evently-core[otel]'")
    return text == "on"


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise ValueError("names addresses or networks such as 10.0.0.0/8, with commas between") from error


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip().lower() for origin in text.split(","))
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError(
            "names origins such as https://example.org, with commas between, without a path or a star"
        )
    return origins


def _email(text: str) -> str:
    try:
        return normal_email(text)
    except InvalidValue as error:
        raise ValueError("is an e-mail, such as ada@example.org") from error


def _password(text: str) -> str:
    try:
        return acceptable_password(text)
    except InvalidValue as error:
        raise ValueError(f"is text of {PASSWORD_MIN} to {PASSWORD_MAX:,} characters") from error


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"is a whole number from {least} to {most}")
        return int(text)

    return parse
