"""Lists in pages: every thing once, in order, whatever is added meanwhile; a cursor is not to be made up."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evently_core.errors import InvalidValue
from evently_core.paging import LIMIT_MAX, Page, PageRequest, page_of


def listed(numbers: Sequence[int], page: PageRequest) -> Page[int]:
    """List numbers in order, as a store does: one further than asked for."""
    after = page.after(lambda parts: int(parts[0]))
    behind = sorted(number for number in numbers if after is None or number > after)
    return page_of(behind[: page.limit + 1], page.limit, lambda number: (number,))


@given(st.sets(st.integers()), st.integers(1, 10))
def test_pages_together_are_the_list(numbers: set[int], limit: int) -> None:
    read: list[int] = []
    cursor: str | None = None
    for _ in range(len(numbers) + 1):
        page = listed(list(numbers), PageRequest(limit, cursor))
        assert len(page.items) <= limit
        read += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert read == sorted(numbers)


@given(st.sets(st.integers(0, 50), min_size=3), st.sets(st.integers(0, 50)), st.integers(1, 2))
def test_what_is_added_meanwhile_moves_nothing(numbers: set[int], added: set[int], limit: int) -> None:
    first = listed(list(numbers), PageRequest(limit))
    rest = listed(list(numbers | added), PageRequest(LIMIT_MAX, first.next_cursor))
    last = first.items[-1]
    assert list(rest.items) == sorted(number for number in numbers | added if number > last)


def test_the_last_page_has_no_cursor_even_if_it_is_full() -> None:
    assert listed([1, 2], PageRequest(2)).next_cursor is None
    assert listed([1, 2, 3], PageRequest(2)).next_cursor is not None


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_nobody_reads_too_much_at_once(limit: int) -> None:
    with pytest.raises(InvalidValue) as raised:
        PageRequest(limit)
    assert raised.value.field == "limit"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "é",
        "\x00",
        "AAAA",
        "[1]",
        encoded(1),
        encoded({"0": 1}),
        encoded([]),
        encoded([None]),
        encoded([True]),
        encoded([1.5]),
        encoded([[1]]),
        encoded(["one"]),
        encoded("x" * 600),
        encoded([1]) + "\n",
    ],
)
def test_a_cursor_that_was_not_given_out_is_a_wrong_value(cursor: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        listed([1, 2, 3], PageRequest(2, cursor))
    assert (raised.value.field, raised.value.code) == ("cursor", "invalid_cursor")


@given(st.text(max_size=80))
def test_no_text_makes_a_list_crash(cursor: str) -> None:
    with suppress(InvalidValue):
        listed([1, 2, 3], PageRequest(2, cursor))
