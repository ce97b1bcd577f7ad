"""Facts and outcomes as JSON documents, and outcomes back again.

The journal keeps what facts say for people and programs to read. Answers under idempotency keys are kept to
be given again, so that an outcome comes back from its document as it was.
"""

from __future__ import annotations

import json
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


def fact_json(fact: Fact) -> str:
    """Return what a fact says as JSON text. Of a changed event only what changed."""
    if isinstance(fact, EventChanged):
        return to_json({"version": fact.event.version, "changes": fact.changes})
    return to_json(fact)


def fact_document(fact: Fact) -> dict[str, Any]:
    """Return what a fact says as it is read back from the journal."""
    result: dict[str, Any] = json.loads(fact_json(fact))
    return result


def outcome_json(outcome: Outcome) -> str:
    """Return an outcome as JSON text, so that `outcome_from` gives it back."""
    return to_json({"outcome": type(outcome).__name__, **_plain(outcome)})


def outcome_from(stored: Mapping[str, Any]) -> Outcome:
    """Return the outcome a document was made of."""
    kind = _OUTCOMES[stored["outcome"]]
    outcome: Outcome = _restored(kind, {name: value for name, value in stored.items() if name != "outcome"})
    return outcome


def to_json(value: Any) -> str:
    """Return a value as JSON text: ids and times as text, spans as seconds, values as objects."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> Any:
    """Return one thing JSON does not know by things it knows, or that are asked for next."""
    kind: Any = type(value)
    if kind is UUID:
        return str(value)
    if kind is datetime:
        return _moment_text(value)
    if kind is timedelta:
        return value.total_seconds()
    names = _fields_of(kind)
    return {name: getattr(value, name) for name in names}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain)


@cache
def _fields_of(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))


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
