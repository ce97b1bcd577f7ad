"""What docs/webhooks.md says is so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError

from evently_core.deliveries import GIVE_UP_AFTER, RETRY_MAX
from evently_core.webhooks import TYPES
from tests.outside.receivers import HttpReceiver
from tests.outside.world import World

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def shape(document: Any) -> Any:
    """Return the names in a document, without its values."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    return type(document).__name__ if document is not None else "null"


def test_the_example_of_what_is_sent_looks_like_what_is_sent(receiver: HttpReceiver) -> None:
    world = World()
    world.hook(receiver.url, types=["granted"])
    world.house.booked(world.house.published(), 1, 2)
    world.work()
    [message] = receiver.messages
    [example] = blocks("json")
    assert shape(json.loads(example)) == shape(message.content)


def test_the_example_of_verifying_verifies(receiver: HttpReceiver) -> None:
    world = World()
    webhook = world.hook(receiver.url)
    world.house.published()
    world.work()
    namespace: dict[str, Any] = {}
    [example] = blocks("python")
    exec(example, namespace)
    verified: Callable[[str, bytes, dict[str, str]], Any] = namespace["verified"]
    first = receiver.messages[0]
    assert verified(webhook.secret, first.body, first.headers) == first.content
    with pytest.raises(WebhookVerificationError):
        verified(webhook.secret, first.body + b" ", first.headers)


def test_every_type_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert sorted(explained) == sorted(TYPES)


def test_the_figures_are_those_of_the_code() -> None:
    assert GIVE_UP_AFTER.days == 1
    assert RETRY_MAX.total_seconds() == 2 * 3_600
