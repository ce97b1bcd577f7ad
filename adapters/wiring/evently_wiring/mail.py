"""Sending letters through an SMTP server."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import attrs

from evently_core.deliveries import DeliveryId
from evently_core.event import Event
from evently_core.letters import Letter
from evently_core.services.mailing import MailSender, NotMailed

TIMEOUT_SECONDS = 10.0
"""How long the server may take for one step."""
TAKEN = 250


@attrs.frozen
class SmtpServer:
    """Where letters are handed in."""

    host: str
    port: int
    encrypted: bool
    """Whether the connection is encrypted from the start (``smtps``); else it is as soon as the server can."""
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def at(cls, url: str) -> SmtpServer:
        """Return the server of a URL.

        Raises:
            ValueError: it is not one of a mail server.
        """
        parts = urlsplit(url)
        if (
            parts.scheme not in ("smtp", "smtps")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.query
        ):
            raise ValueError(
                "looks like smtp://user:password@host:587, or smtps:// with encryption from the start"
            )
        encrypted = parts.scheme == "smtps"
        return cls(
            parts.hostname,
            parts.port or (465 if encrypted else 587 if parts.username else 25),
            encrypted,
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )

    @property
    def is_here(self) -> bool:
        """Tell whether it is this machine: nobody listens in between."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class SmtpMail:
    """Hands letters in. Threads may share it."""

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        calendar_of: Callable[[Event], bytes],
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Take where to, who writes, and what makes a calendar of an event."""
        self._server = server
        self._sender = sender
        self._calendar_of = calendar_of
        self._context = context or ssl.create_default_context()

    def send(self, letter: Letter, delivery_id: DeliveryId, now: datetime) -> int:
        """Hand a letter in."""
        message = self._message(letter, delivery_id, now)
        with _told_in_words(), self._connected() as connection:
            connection.send_message(message)
        return TAKEN

    def _message(self, letter: Letter, delivery_id: DeliveryId, now: datetime) -> EmailMessage:
        message = EmailMessage(policy=SMTP.clone(utf8=not letter.to.email.isascii()))
        local, _, domain = letter.to.email.rpartition("@")
        message["From"] = self._sender
        message["To"] = Address(letter.to.name, local, domain)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(now)
        # The same each time it is tried: a mailbox that got it twice can tell.
        message["Message-ID"] = f"<{delivery_id}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        if letter.event is not None:
            message.add_attachment(
                self._calendar_of(letter.event),
                maintype="text",
                subtype="calendar",
                filename="event.ics",
                params={"method": "PUBLISH", "charset": "utf-8"},
            )
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        connection = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._context)
            if server.encrypted
            else smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        )
        with connection:
            connection.ehlo()
            encrypted = server.encrypted
            if not encrypted and connection.has_extn("starttls"):
                connection.starttls(context=self._context)
                connection.ehlo()
                encrypted = True
            if server.user is not None:
                if not encrypted and not server.is_here:
                    raise NotMailed("The mail server offers no encryption; the password is not sent to it.")
                connection.login(server.user, server.password or "")
            yield connection


@contextmanager
def _told_in_words() -> Iterator[None]:
    """Turn what goes wrong with the server into words.

    Raises:
        NotMailed: the letter was not taken; for good if the server says so of the letter or of its addressee.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        [(status, _), *_] = error.recipients.values()
        raise NotMailed(
            f"The mail server does not take letters for this address ({status}).",
            status=status,
            for_good=status >= 500,
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotMailed("The mail server cannot write to such an address.", for_good=True) from error
    except smtplib.SMTPDataError as error:
        raise NotMailed(
            f"The mail server did not take the letter ({error.smtp_code}).",
            status=error.smtp_code,
            for_good=error.smtp_code >= 500,
        ) from error
    except (
        smtplib.SMTPResponseException
    ) as error:  # the log-in, the sender: somebody has to mend the settings
        raise NotMailed(f"The mail server answered {error.smtp_code}.", status=error.smtp_code) from error
    except (OSError, smtplib.SMTPException) as error:
        raise NotMailed("The mail server cannot be reached.") from error


_: type[MailSender] = SmtpMail
