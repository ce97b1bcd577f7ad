"""Facts and outcomes as JSON documents, and outcomes back again.

The journal keeps what facts say for people and programs to read. Answers under idempotency keys are kept to
be given again, so that an outcome comes back from its document as it was.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from evently_core.facts import EventChanged, Fact
from evently_core.outcomes import Admitted, BookingChanged, EntryChanged, EventSettled, Outcome, Refused

_OUTCOMES = {kind.__name__: kind for kind in (Admitted, BookingChanged, EntryChanged, EventSettled, Refused)}


def fact_kind(fact: Fact) -> str:
    """Return the word for a fact: its name in snake_case."""
    return _snake_case(type(fact).__name__)


def fact_document(fact: Fact) -> dict[str, Any]:
    """Return what a fact says, JSON-ready. Of a changed event only what changed."""
    if isinstance(fact, EventChanged):
        return {"version": fact.event.version, "changes": document(fact.changes)}
    result: dict[str, Any] = document(fact)
    return result


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome, JSON-ready, so that `outcome_from` gives it back."""
    return {"outcome": type(outcome).__name__, **document(outcome)}


def outcome_from(stored: Mapping[str, Any]) -> Outcome:
    """Return the outcome a document was made of."""
    kind = _OUTCOMES[stored["outcome"]]
    outcome: Outcome = _restored(kind, {name: value for name, value in stored.items() if name != "outcome"})
    return outcome


def document(value: Any) -> Any:
    """Return a value as JSON holds it: ids and times as text, spans as seconds, values as objects."""
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    if kind is datetime:
        return _moment_text
    if kind is UUID:
        return str
    if kind is timedelta:
        return timedelta.total_seconds
    if issubclass(kind, Enum):
        return lambda value: value.value
    if kind in (str, int, bool, float, type(None)):
        return lambda value: value
    if attrs.has(kind):
        names = tuple(field.name for field in attrs.fields(kind))
        return lambda value: {name: document(getattr(value, name)) for name in names}
    if issubclass(kind, Mapping):
        return lambda value: {str(name): document(item) for name, item in value.items()}
    if issubclass(kind, (tuple, list, frozenset)):
        return lambda value: [document(item) for item in value]
    raise TypeError(f"{kind.__name__} has no document")


def _moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _restored(kind: Any, value: Any) -> Any:
    return _reader(kind)(value)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:  # one return a kind of type
    """Return what reads a value of a type hint back from its document."""
    kind = getattr(kind, "__supertype__", kind)  # a NewType is what it renames
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (inner,) = (
            (argument for argument in arguments if argument is not type(None))
            if _is_optional(kind)
            else (Any,)
        )
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        read_item = _reader(arguments[0])
        return lambda value: tuple(read_item(item) for item in value)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is timedelta:
        return lambda value: timedelta(seconds=value)
    if isinstance(kind, type) and attrs.has(kind):
        hints = get_type_hints(kind)
        readers = {field.name: _reader(hints[field.name]) for field in attrs.fields(kind)}
        return lambda value: kind(**{name: readers[name](value[name]) for name in readers if name in value})
    if isinstance(kind, type) and (kind is UUID or issubclass(kind, Enum)):
        return kind
    return lambda value: value


def _is_optional(kind: Any) -> bool:
    return len([argument for argument in get_args(kind) if argument is not type(None)]) == 1


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
