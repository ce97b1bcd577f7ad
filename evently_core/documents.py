"""Facts and outcomes as JSON documents, and outcomes back again.

The journal keeps what facts say for people and programs to read. Answers under idempotency keys are kept to
be given again, so that an outcome comes back from its document as it was.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs

from evently_core.booking import Booking
from evently_core.commands import Book, JoinWaitlist
from evently_core.errors import EventlyError, Forbidden, InvalidValue, NotFound
from evently_core.facts import EventChanged, Fact
from evently_core.outcomes import (
    Admitted,
    BookingChanged,
    DoorAnswer,
    EntryChanged,
    EventSettled,
    Failed,
    Outcome,
    Refused,
    Rejected,
)

T = TypeVar("T")

_OUTCOMES = {
    kind.__name__: kind
    for kind in (Admitted, BookingChanged, EntryChanged, EventSettled, DoorAnswer, Refused)
}
_SETTLED = {kind.__name__: kind for kind in (Admitted, Refused, Failed)}
_SEAT_REQUESTS = {kind.name: kind for kind in (Book, JoinWaitlist)}
_ERRORS = {kind.__name__: kind for kind in (NotFound, Forbidden, InvalidValue)}


def fact_kind(fact: Fact) -> str:
    """Return the word for a fact: its name in snake_case."""
    return kind_of(type(fact))


def kind_of(fact: type[Fact]) -> str:
    """Return the word for facts of a class."""
    return _snake_case(fact.__name__)


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
    return _named("outcome", type(outcome).__name__, outcome)


def outcome_from(stored: Mapping[str, Any]) -> Outcome:
    """Return the outcome a document was made of."""
    kind = _OUTCOMES[stored["outcome"]]
    outcome: Outcome = _restored(kind, {name: value for name, value in stored.items() if name != "outcome"})
    return outcome


def settled_json(outcome: Admitted | Refused | Rejected | Failed) -> str:
    """Return what came of a queued request as JSON text, so that `settled_from` gives it back."""
    if isinstance(outcome, Rejected):
        return to_json({"outcome": "Rejected", **_error_document(outcome.error)})
    return _named("outcome", type(outcome).__name__, outcome)


def settled_from(stored: Mapping[str, Any]) -> Admitted | Refused | Rejected | Failed:
    """Return what came of a queued request."""
    if stored["outcome"] == "Rejected":
        return Rejected(_ERRORS[stored["error"]](*stored["arguments"]))
    kind = _SETTLED[stored["outcome"]]
    outcome: Admitted | Refused | Failed = _restored(kind, stored)
    return outcome


def _error_document(error: EventlyError) -> dict[str, Any]:
    """Return an error that a rejection may hold, by its name and what it is made of."""
    match error:
        case NotFound():
            arguments = [error.what]
        case InvalidValue():
            arguments = [error.field, error.code, error.message]
        case _:
            arguments = [str(error)]
    return {"error": type(error).__name__, "arguments": arguments}


def seat_request_json(command: Book | JoinWaitlist) -> str:
    """Return a request for seats as JSON text, so that `seat_request_from` gives it back."""
    return _named("command", command.name, command)


def seat_request_document(command: Book | JoinWaitlist) -> dict[str, Any]:
    """Return a request for seats as it is read back."""
    result: dict[str, Any] = json.loads(seat_request_json(command))
    return result


def seat_request_from(stored: Mapping[str, Any]) -> Book | JoinWaitlist:
    """Return the request for seats a document was made of."""
    command: Book | JoinWaitlist = _restored(_SEAT_REQUESTS[stored["command"]], stored)
    return command


def document_of(value: Any) -> Any:
    """Return a value as it is read back from a JSON document."""
    return json.loads(to_json(value))


def restored(kind: type[T], document: Any) -> T:
    """Return the value of a class that a document was made of."""
    value: T = _restored(kind, document)
    return value


def to_json(value: Any) -> str:
    """Return a value as JSON text: ids and times as text, spans as seconds, values as objects."""
    return _WRITERS[type(value)](value)


def _named(what: str, name: str, value: Any) -> str:
    """Return a value as an object that begins with the name of its kind."""
    return f'{{"{what}":"{name}",{to_json(value).removeprefix("{")}'


# Every booking becomes JSON in its own transaction, so it is written here and not by the library, which asks back
# for each id, time and value and takes twice as long: a sixth of the time of a large batch. Strings and
# fractions are the library's.


class _Writers(dict[type, Callable[[Any], str]]):
    """What writes values of exactly one type; made when the first of them comes."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        self[kind] = write = _writer_of(kind)
        return write


def _writer_of(kind: Any) -> Callable[[Any], str]:
    if issubclass(kind, Enum):
        texts = {member: to_json(member.value) for member in kind}
        return texts.__getitem__
    if issubclass(kind, Mapping):
        return lambda value: _object([f"{json.dumps(str(key))}:" for key in value], value.values())
    if issubclass(kind, (tuple, list)):
        return lambda value: "[" + ",".join([_WRITERS[type(one)](one) for one in value]) + "]"
    names = [field.name for field in attrs.fields(kind)]
    keys = [f'"{name}":' for name in names]
    if len(names) == 1:
        return lambda value: _object(keys, [getattr(value, names[0])])
    values_of = attrgetter(*names)
    return lambda value: _object(keys, values_of(value))


def _object(keys: Iterable[str], values: Iterable[Any]) -> str:
    members = [
        key + ("null" if value is None else _WRITERS[type(value)](value))
        for key, value in zip(keys, values, strict=True)
    ]
    return "{" + ",".join(members) + "}"


def _id_text(value: UUID) -> str:
    digits = f"{value.int:032x}"
    return f'"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"'


@lru_cache(maxsize=1024)  # what happens in one decision happens at one time
def _moment_text(moment: datetime) -> str:
    return '"' + moment.astimezone(UTC).isoformat().replace("+00:00", "Z") + '"'


_WRITERS = _Writers(
    {
        type(None): lambda _: "null",
        bool: lambda value: "true" if value else "false",
        int: str,
        float: json.dumps,
        str: json.encoder.encode_basestring_ascii,
        UUID: _id_text,
        datetime: _moment_text,
        date: lambda value: f'"{value.isoformat()}"',
        timedelta: lambda value: json.dumps(value.total_seconds()),
    }
)


def _written_once(write: Callable[[Any], str], kept_max: int = 1024) -> Callable[[Any], str]:
    """Return what writes the same thing the second time without work, if that is soon."""
    kept: dict[int, tuple[Any, str]] = {}

    def written(value: Any) -> str:
        found = kept.get(id(value))
        if found is not None and found[0] is value:
            return found[1]
        text = write(value)
        if len(kept) >= kept_max:
            kept.clear()
        kept[id(value)] = value, text
        return text

    return written


# A booking that was asked for under a key, or queued, is written in the journal and in the answer.
_WRITERS[Booking] = _written_once(_writer_of(Booking))


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
