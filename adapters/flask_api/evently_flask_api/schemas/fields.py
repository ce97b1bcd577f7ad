"""What fields of requests and answers are made of."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from evently_core import paging, values

T = TypeVar("T")

CURSOR_LENGTH_MAX = 500

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)


class RequestModel(BaseModel):
    """What a request may say: these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that the request named, as it named them; for changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def example(**fields: Any) -> dict[str, JsonValue]:
    """Return what shows in the documentation how such a body may look."""
    return {"examples": [fields]}


class NoFields(RequestModel):
    """The body, or the query, of a request that has nothing to say."""


class AnswerModel(BaseModel):
    """What an answer says."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, thing: object) -> Self:
        """Return the shape of something that has these attributes."""
        return cls.model_validate(thing)


def _whole(value: object) -> object:
    # JSON Schema calls 1.0 an integer, and so do we.
    return int(value) if type(value) is float and value.is_integer() else value


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC)  # an answer's
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise PydanticCustomError(
            "invalid_time", "Give a time with its UTC offset, such as 2026-12-01T18:00:00Z."
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("invalid_time", "There is no such time.") from None


def _day(value: object) -> object:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("invalid_time", "Give a day, such as 2026-12-01.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("invalid_time", "There is no such day.") from None


def _id(value: object) -> object:
    if isinstance(value, UUID):
        return value  # an answer's
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise PydanticCustomError("invalid_id", "Give an id as it was given out.")
    return UUID(value)


def _text(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("invalid_text", "A text has no NUL characters.")
    return value


def _number(value: object) -> object:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise PydanticCustomError("not_a_number", "Give a whole number.")
    return int(value)


def _flag(value: object) -> object:
    if value not in ("true", "false"):
        raise PydanticCustomError("not_a_flag", "Give true or false.")
    return value == "true"


Integer = Annotated[int, BeforeValidator(_whole)]
"""A whole number of a body; 1.0 is one as well."""

Number = Annotated[int, BeforeValidator(_number)]
"""A whole number of a query."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""Yes or no in a query."""

Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An RFC 3339 time; any offset is taken, UTC is answered."""

Day = Annotated[date, BeforeValidator(_day)]
"""A day of the calendar in a query."""

Id = Annotated[
    UUID,
    BeforeValidator(_id),
    WithJsonSchema({"type": "string", "format": "uuid", "pattern": f"^{_ID.pattern}$"}),
]


def text(length_max: int, length_min: int = 0) -> Any:
    """Return what makes an annotated ``str`` a text of bounded length, in characters."""
    return StringConstraints(min_length=length_min or None, max_length=length_max)


NoNul = AfterValidator(_text)
"""PostgreSQL keeps no NUL, and nobody means one."""


class _NotNull:
    """May be left out, but not be null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._refuse_null, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        kinds: list[JsonSchemaValue] = handler(schema)["anyOf"]
        [kind] = [kind for kind in kinds if kind != {"type": "null"}]
        return kind

    @staticmethod
    def _refuse_null(value: T | None) -> T:
        if value is None:
            raise PydanticCustomError("null", "Leave the field out instead of sending null.")
        return value


Omissible = Annotated[T | None, _NotNull()]
"""A field that may be left out, and then is None; null is refused."""


class Money(RequestModel):
    """An amount in minor units (cents) of an ISO 4217 currency."""

    model_config = ConfigDict(from_attributes=True)

    amount: Annotated[Integer, Field(ge=0, le=10**12, description="In minor units, such as cents.")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(examples=["EUR"])]

    def value(self) -> values.Money:
        """Return it as the core knows it."""
        return values.Money(self.amount, self.currency)


class ListQuery(RequestModel):
    """How much of a list to answer, and from where."""

    limit: Annotated[Number, Field(ge=1, le=paging.LIMIT_MAX)] = paging.LIMIT_DEFAULT
    cursor: Annotated[
        Omissible[Annotated[str, text(CURSOR_LENGTH_MAX, 1)]],
        Field(description="`next_cursor` of the page before."),
    ] = None

    def page(self) -> paging.PageRequest:
        """Return it as the core knows it."""
        return paging.PageRequest(self.limit, self.cursor)


class DryRunQuery(RequestModel):
    """Whether to change anything."""

    dry_run: Annotated[Flag, Field(description="Answer what would happen, and change nothing.")] = False


class Listing(AnswerModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null at the end.")]
