"""One message to one address, over real sockets."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from uuid import UUID

import attrs
import pytest
from standardwebhooks import WebhookVerificationError

from evently_core.deliveries import DeliveryId
from evently_core.errors import InvalidValue
from evently_core.memory.basics import random_secret
from evently_core.services.webhooks import NotSent
from evently_core.values import UserId
from evently_core.webhooks import AddressRules, Webhook, WebhookId
from evently_wiring.outgoing import HttpWebhooks
from tests.outside.receivers import HttpReceiver

ANY = AddressRules(private=True, plain_http=True)
BODY = '{"type":"granted"}'
ID = DeliveryId(UUID(int=7))
NOW = datetime.now(UTC)


def hook(url: str) -> Webhook:
    return Webhook(
        id=WebhookId(UUID(int=1)),
        owner_id=UserId(UUID(int=2)),
        url=url,
        secret=random_secret(),
        created_at=NOW,
    )


def test_a_message_is_signed_so_that_the_library_believes_it(receiver: HttpReceiver) -> None:
    webhook = hook(receiver.url)
    assert HttpWebhooks(ANY).post(webhook, ID, BODY, datetime.now(UTC)).status == 204
    [message] = receiver.messages
    assert message.verified(webhook.secret) == {"type": "granted"}
    assert message.id == str(ID)
    assert message.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        message.verified(random_secret())
    with pytest.raises(WebhookVerificationError):
        attrs.evolve(message, body=BODY.encode() + b" ").verified(webhook.secret)


def test_while_a_secret_is_changed_both_fit(receiver: HttpReceiver) -> None:
    before = hook(receiver.url)
    after = before.with_secret(random_secret(), NOW)
    HttpWebhooks(ANY).post(after, ID, BODY, datetime.now(UTC))
    [message] = receiver.messages
    assert message.verified(before.secret) == message.verified(after.secret)


def test_path_and_query_are_part_of_the_address(receiver: HttpReceiver) -> None:
    HttpWebhooks(ANY).post(hook(f"{receiver.url}?till=1"), ID, BODY, datetime.now(UTC))
    assert receiver.messages[0].path == "/hooks?till=1"


def test_a_redirect_is_not_followed(receiver: HttpReceiver) -> None:
    receiver.answer = lambda _: 302
    receiver.headers["Location"] = receiver.url
    assert HttpWebhooks(ANY).post(hook(receiver.url), ID, BODY, datetime.now(UTC)).status == 302
    assert len(receiver.messages) == 1


def test_an_answer_that_drips_is_cut_off(receiver: HttpReceiver) -> None:
    receiver.drip = True
    begin = time.monotonic()
    with pytest.raises(NotSent, match=r"within 0\.5 seconds"):
        HttpWebhooks(ANY, answer_seconds=0.5).post(hook(receiver.url), ID, BODY, datetime.now(UTC))
    assert time.monotonic() - begin < 60


def test_who_does_not_listen_is_not_reached() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        with pytest.raises(NotSent, match="refused"):
            HttpWebhooks(ANY).post(hook(closed), ID, BODY, datetime.now(UTC))
    with pytest.raises(NotSent, match="no address"):
        HttpWebhooks(ANY).post(hook("http://nowhere.invalid/"), ID, BODY, datetime.now(UTC))


def test_plain_http_is_no_answer_to_a_secure_connection(receiver: HttpReceiver) -> None:
    with pytest.raises(NotSent, match="secure connection"):
        HttpWebhooks(ANY).post(hook(receiver.url.replace("http:", "https:")), ID, BODY, datetime.now(UTC))


def test_a_name_that_leads_into_a_private_network_leads_nowhere(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is judged by what it stands for at the moment of sending, and nothing else is connected to."""
    port = receiver.server.server_address[1]
    real = socket.getaddrinfo
    answers = iter(["127.0.0.1", "127.0.0.1", "93.184.216.34"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real(next(answers), *a, **k))
    with pytest.raises(NotSent, match="private network"):
        HttpWebhooks(AddressRules(plain_http=True)).post(
            hook(f"http://hooks.example.org:{port}/"), ID, BODY, NOW
        )
    assert receiver.messages == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0.0.0.0/",
        "http://10.0.0.8/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
        "http://db.internal/",
        "http://LOCALHOST:80/",
    ],
)
def test_addresses_of_private_networks_are_refused(url: str) -> None:
    with pytest.raises(InvalidValue):
        AddressRules(plain_http=True).acceptable_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://example.org/",
        "https://user:secret@example.org/",
        "https:///hooks",
        "https://",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://exa mple.org/",
        "https://example.org/\r\nX-Injected: 1",
        "https://example.org/\x00",
        "https://exämple.org/",
        "https://-/",
        "https://[::1/",
        "https://example.org/" + "x" * 2_000,
        "",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue):
        AddressRules().acceptable_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "https://example.org:8443/a?b=c",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
    ],
)
def test_addresses_of_the_public_internet_are_taken_as_they_are(url: str) -> None:
    assert AddressRules().acceptable_url(url) == url
