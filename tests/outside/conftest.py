from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.outside.receivers import HttpReceiver, http_receiver


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    """Somebody who listens to webhooks."""
    with http_receiver() as listening:
        yield listening
