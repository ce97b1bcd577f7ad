from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.receivers import HttpReceiver, MailReceiver, http_receiver, mail_receiver


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    """Somebody who listens to webhooks."""
    with http_receiver() as listening:
        yield listening


@pytest.fixture
def mailbox() -> Iterator[MailReceiver]:
    """Somebody who takes letters."""
    with mail_receiver() as taking:
        yield taking
