"""Lists in pages that stay stable while things are added: a cursor names the last thing that was read."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import attrs

from evently_core.errors import InvalidValue

T = TypeVar("T")

LIMIT_DEFAULT = 20
LIMIT_MAX = 100
_CURSOR_LENGTH_MAX = 500

CursorKey = tuple[str | int, ...]


@attrs.frozen
class PageRequest:
    """How many things to read, and behind which one."""

    limit: int = LIMIT_DEFAULT
    cursor: str | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse a limit nobody should ask for."""
        if not 1 <= self.limit <= LIMIT_MAX:
            raise InvalidValue("limit", "out_of_range", f"limit is between 1 and {LIMIT_MAX}.")

    def after(self, parse: Callable[[Sequence[str | int]], T]) -> T | None:
        """Return the key behind which to read, as ``parse`` makes it of the cursor's parts; None from the start.

        Raises:
            InvalidValue: the cursor is not one that was given out by this list.
        """
        if self.cursor is None:
            return None
        try:
            return parse(_decoded(self.cursor))
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, binascii.Error) as error:
            raise InvalidValue(
                "cursor", "invalid_cursor", "Use next_cursor of the page before, or leave it out."
            ) from error


@attrs.frozen
class Page(Generic[T]):
    """Some things of a list, and the cursor for the next ones; None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(found: Sequence[T], limit: int, key: Callable[[T], CursorKey]) -> Page[T]:
    """Return the page of a list that was read one thing further than its limit."""
    items = tuple(found[:limit])
    more = len(found) > limit
    return Page(items, _encoded(key(items[-1])) if more else None)


def _encoded(key: CursorKey) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> list[str | int]:
    if len(cursor) > _CURSOR_LENGTH_MAX:
        raise ValueError("too long for a cursor")
    parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    if not isinstance(parts, list) or not all(type(part) in (str, int) for part in parts):
        raise ValueError("not a cursor")
    return parts
