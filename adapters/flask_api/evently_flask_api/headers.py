"""Request headers with a meaning: idempotency keys and preconditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256

import attrs
from flask import request

from evently_core.accounts import AnswerKey
from evently_core.commands import Key
from evently_core.values import Actor
from evently_flask_api.problems import Problem

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_VERSION = re.compile(r'"(\d{1,18})"', re.ASCII)

RESPOND_ASYNC = "respond-async"
MATCHES_NOTHING = 0
"""A version that no event has: versions begin at one."""


@attrs.frozen
class Repeat:
    """What an ``Idempotency-Key`` stands for: this request, should it come again."""

    key: str
    route: str
    """Method and path."""
    fingerprint: bytes
    """Differs where the method, the path or the content of the body differs."""

    def answer_key(self, who: str) -> AnswerKey:
        """Return the key under which an account's answer is kept, for this asker on this route."""
        return AnswerKey(f"{who} {self.route}", self.key, self.fingerprint)

    def key_of(self, actor: Actor, *, on_route: bool = False) -> Key:
        """Return the key under which the answer to a command is kept, for this actor.

        On booking and waitlist routes a key stands for one request whatever the route; elsewhere ``on_route``.
        """
        return Key(f"{actor.user_id} {self.route}" if on_route else str(actor.user_id), self.key)


def repeat_of_request(content: Callable[[], bytes]) -> Repeat | None:
    """Return what the key of the request at hand stands for, if it has one; ``content`` gives the canonical body.

    Raises:
        Problem: the key is not one.
    """
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise Problem("invalid_idempotency_key")
    route = f"{request.method} {request.path}"
    return Repeat(key, route, sha256(route.encode() + b"\n" + content()).digest())


def prefers_async() -> bool:
    """Tell whether the request at hand would rather be accepted now and decided later (RFC 7240)."""
    header = request.environ.get("HTTP_PREFER")
    if header is None:
        return False
    preferences = (preference.partition(";")[0] for preference in header.split(","))
    return any(preference.strip().lower() == RESPOND_ASYNC for preference in preferences)


def etag(version: int) -> str:
    """Return the ``ETag`` of a version."""
    return f'"{version}"'


def expected_version() -> int | None:
    """Return the version that ``If-Match`` asks for; None if any will do.

    Of several it is the newest: versions only rise, so none of the others can be the present one if the
    asker has seen a later one. A weak tag or one of somebody else matches nothing.

    Raises:
        Problem: the header holds no entity tags.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if not all(_ETAG.fullmatch(tag) for tag in tags):
        raise Problem("invalid_if_match")
    versions = [int(found[1]) for tag in tags if (found := _VERSION.fullmatch(tag))]
    return max(versions, default=MATCHES_NOTHING)
