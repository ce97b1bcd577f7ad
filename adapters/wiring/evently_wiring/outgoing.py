"""Sending to the addresses of webhooks: signed, bounded in time, and to no address that is not allowed.

A host is looked up at each delivery, what comes of that is judged, and exactly that is connected to: a name that points
into a private network now and to the public Internet a moment ago leads nowhere. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from standardwebhooks import Webhook as Signer

from evently_core.deliveries import DeliveryId
from evently_core.errors import InvalidValue
from evently_core.services.webhooks import NotSent, Posted, WebhookSender
from evently_core.webhooks import AddressRules, Webhook

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""How long the whole of an exchange may take, however slowly the other side speaks."""


class HttpWebhooks:
    """Posts signed messages. Threads may share it."""

    def __init__(
        self,
        rules: AddressRules,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Take which addresses are allowed; ``context`` says whose certificates are believed."""
        self._rules = rules
        self._answer_seconds = answer_seconds
        self._context = context or ssl.create_default_context()

    def post(self, webhook: Webhook, delivery_id: DeliveryId, body: str, now: datetime) -> Posted:
        """Send a message, signed after the Standard Webhooks specification."""
        try:
            url = urlsplit(self._rules.acceptable_url(webhook.url))  # the rules may have changed since
        except InvalidValue as error:
            raise NotSent(error.message) from error
        with _told_in_words(self._answer_seconds):
            return self._posted(url, body.encode(), _headers(webhook, str(delivery_id), body, now))

    def _posted(self, url: SplitResult, body: bytes, headers: Mapping[str, str]) -> Posted:
        assert url.hostname is not None, "an acceptable URL has a host"
        secure = url.scheme == "https"
        port = url.port or (443 if secure else 80)
        address = self._address_of(url.hostname, port)
        connection = _Connection(url.hostname, port, address, self._context if secure else None)
        path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
        clock = threading.Timer(self._answer_seconds, connection.abort)
        clock.daemon = True
        clock.start()
        try:
            connection.request("POST", path, body, dict(headers))
            status = connection.getresponse().status
            if connection.was_aborted:  # an answer that was cut short can look like a whole one
                raise TimeoutError
            return Posted(status)
        except (OSError, http.client.HTTPException) as error:
            if connection.was_aborted:
                raise TimeoutError from error
            raise
        finally:
            clock.cancel()
            connection.close()

    def _address_of(self, host: str, port: int) -> str:
        """Return the first address of a host that something may be sent to."""
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        allowed = [address for address in found if self._rules.allows(address.partition("%")[0])]
        if not allowed:
            raise NotSent("The host is in a private network, which is not allowed here.")
        return allowed[0]


def _headers(webhook: Webhook, message_id: str, body: str, now: datetime) -> dict[str, str]:
    signatures = (Signer(secret).sign(message_id, now, body) for secret in webhook.secrets(now))
    return {
        "Content-Type": "application/json",
        "User-Agent": "Evently",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class _Connection(http.client.HTTPConnection):
    """A connection to one address, which is called by the name of its host."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self.default_port = 443 if context else 80  # is left out of the Host header
        self._address = address
        self._context = context
        self._aborted = False

    def connect(self) -> None:
        """Connect to the address that was judged, not to what the name stands for now."""
        sock = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
        if self._context is not None:
            try:
                sock = self._context.wrap_socket(sock, server_hostname=self.host)
            except BaseException:
                sock.close()
                raise
        self.sock = sock
        sock.settimeout(ANSWER_SECONDS)
        if self._aborted:
            self.abort()

    def abort(self) -> None:
        """End what goes on in another thread: its time is over."""
        self._aborted = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    @property
    def was_aborted(self) -> bool:
        """Tell whether its time was over."""
        return self._aborted


@contextmanager
def _told_in_words(seconds: float) -> Iterator[None]:
    """Turn what goes wrong outside into words for an organiser, who can do something about it.

    Raises:
        NotSent: nothing was answered.
    """
    try:
        yield
    except socket.gaierror as error:
        raise NotSent("The host of the URL has no address.") from error
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"The certificate is not valid: {error.verify_message}.") from error
    except ssl.SSLError as error:
        raise NotSent("No secure connection came about.") from error
    except TimeoutError as error:
        raise NotSent(f"Nothing was answered within {seconds:g} seconds.") from error
    except ConnectionRefusedError as error:
        raise NotSent("The connection was refused.") from error
    except (OSError, http.client.HTTPException) as error:
        raise NotSent("The connection broke before anything was answered.") from error


_: type[WebhookSender] = HttpWebhooks
