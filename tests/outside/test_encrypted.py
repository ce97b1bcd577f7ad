"""Webhooks and letters over TLS, with servers that have certificates of an authority made for the occasion."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509

from evently_core.accounts import User
from evently_core.deliveries import DeliveryId
from evently_core.letters import Letter
from evently_core.memory.basics import random_secret
from evently_core.services.mailing import NotMailed
from evently_core.services.webhooks import NotSent
from evently_core.values import Role, UserId
from evently_core.webhooks import AddressRules, Webhook, WebhookId
from evently_wiring.mail import SmtpMail, SmtpServer
from evently_wiring.outgoing import HttpWebhooks
from tests.outside.certificates import Authority
from tests.outside.receivers import MailReceiver, http_receiver, mail_receiver

ID = DeliveryId(UUID(int=7))
NOW = datetime.now(UTC)
SECURE = AddressRules(private=True, plain_http=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("authority")))


@pytest.fixture
def mailbox(authority: Authority) -> Iterator[MailReceiver]:
    """A mail server that can encrypt, and wants to know who writes."""
    with mail_receiver(starttls=authority.server()) as taking:
        taking.extensions += ["STARTTLS", "AUTH PLAIN"]
        yield taking


def posted(url: str, context: ssl.SSLContext | None) -> int:
    webhook = Webhook(
        id=WebhookId(UUID(int=1)),
        owner_id=UserId(UUID(int=2)),
        url=url,
        secret=random_secret(),
        created_at=NOW,
    )
    return HttpWebhooks(SECURE, context=context).post(webhook, ID, "{}", datetime.now(UTC)).status


def test_a_webhook_is_told_over_tls(authority: Authority) -> None:
    with http_receiver(authority.server()) as receiver:
        assert receiver.url.startswith("https:")
        assert posted(receiver.url, authority.believers()) == 204
        assert len(receiver.messages) == 1


def test_a_webhook_whose_certificate_nobody_believes_is_told_nothing(authority: Authority) -> None:
    with http_receiver(authority.server()) as receiver:
        with pytest.raises(NotSent, match=r"The certificate is not valid: .*issuer"):
            posted(receiver.url, None)
        assert receiver.messages == []


def test_a_webhook_with_the_certificate_of_somebody_else_is_told_nothing(authority: Authority) -> None:
    with http_receiver(authority.server(names=[x509.DNSName("example.org")])) as receiver:
        with pytest.raises(NotSent, match="The certificate is not valid"):
            posted(receiver.url, authority.believers())
        assert receiver.messages == []


LETTER = Letter(
    to=User(
        id=UserId(UUID(int=3)),
        email="ana@example.org",
        name="Ana",
        role=Role.ATTENDEE,
        created_at=NOW,
    ),
    subject="Booked: Jazz",
    text="1 seat is yours.\n",
    html="<p>1 seat is yours.</p>",
)


def send(url: str, context: ssl.SSLContext | None) -> None:
    SmtpMail(SmtpServer.at(url), "tickets@example.org", lambda event: b"", context=context).send(
        LETTER, ID, NOW
    )


def test_a_letter_and_its_password_go_encrypted_as_soon_as_the_server_can(
    authority: Authority, mailbox: MailReceiver
) -> None:
    send(f"smtp://ada:a%20secret@127.0.0.1:{mailbox.port}", authority.believers())
    [mailed] = mailbox.mailed
    assert (mailed.to, mailed.subject) == ("ana@example.org", "Booked: Jazz")
    [log_in] = mailbox.log_ins
    assert base64.b64decode(log_in.split()[-1]) == b"\0ada\0a secret"
    assert mailbox.in_the_clear == ["EHLO", "STARTTLS"], "nothing else can be read on the way"


def test_a_letter_goes_encrypted_from_the_start(authority: Authority) -> None:
    with mail_receiver(encrypted=authority.server()) as mailbox:
        mailbox.extensions.append("AUTH PLAIN")
        send(f"smtps://ada:secret@127.0.0.1:{mailbox.port}", authority.believers())
        assert [mailed.subject for mailed in mailbox.mailed] == ["Booked: Jazz"]
        assert (len(mailbox.log_ins), mailbox.in_the_clear) == (1, [])


def test_a_mail_server_that_nobody_believes_gets_neither_letter_nor_password(mailbox: MailReceiver) -> None:
    with pytest.raises(NotMailed) as raised:
        send(f"smtp://ada:secret@127.0.0.1:{mailbox.port}", None)
    assert not raised.value.for_good
    assert (mailbox.mailed, mailbox.log_ins) == ([], [])
    assert mailbox.in_the_clear == ["EHLO", "STARTTLS"]


def test_a_wrong_password_is_told_of_and_the_letter_is_tried_again(
    authority: Authority, mailbox: MailReceiver
) -> None:
    mailbox.answers["AUTH"] = "535 who are you"
    with pytest.raises(NotMailed, match="535") as raised:
        send(f"smtp://ada:wrong@127.0.0.1:{mailbox.port}", authority.believers())
    assert not raised.value.for_good
    assert mailbox.mailed == []
