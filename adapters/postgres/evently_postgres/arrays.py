"""Columns as array literals.

A batch is written as one array for each column. psycopg's own dumper looks at every element with a regular
expression, which took more than half of the time of a large batch; what is written here is of few types.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID


def array(values: Iterable[Any]) -> str:
    """Return values as an array literal, for a parameter that is cast to its type.

    The values are None, or of one type: UUID, int, bool, text, bytes, datetime or timedelta.
    """
    return _literal(tuple(values))


def arrays_of(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Turn rows into an array literal for each column."""
    return [_literal(column) for column in zip(*rows, strict=True)]


def _literal(column: tuple[Any, ...]) -> str:
    if not column:
        return "{}"
    first = column[0]
    if all(value is first for value in column):  # the event, the ticket type, the time: written once
        elements = [_element(first)] * len(column)
    elif type(first) is UUID and None not in column:
        elements = [f"{value.int:032x}" for value in column]
    else:
        elements = [_element(value) for value in column]
    return "{" + ",".join(elements) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    kind = type(value)
    if kind is UUID:
        return f"{value.int:032x}"
    if kind is int:
        return str(value)
    if kind is bool:
        return "t" if value else "f"
    if kind is datetime:
        return f'"{value.isoformat()}"'
    if kind is timedelta:
        return f'"{value.total_seconds()} seconds"'
    if kind is bytes:
        return f'"\\\\x{value.hex()}"'
    text: str = value
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
