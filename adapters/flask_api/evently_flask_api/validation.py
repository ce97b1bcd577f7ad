"""Bodies and queries against their shapes: everything that is wrong, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from evently_core.errors import InvalidValue
from evently_flask_api.problems import FieldError, Problem
from evently_flask_api.schemas.fields import RequestModel

FIELD_LENGTH_MAX = 200

_WITHOUT_QUERY: dict[type[RequestModel], RequestModel] = {}
"""What a missing query says, by model: the same each time, and nobody can change it."""


def valid_body(model: type[RequestModel], raw: bytes, errors: list[FieldError]) -> RequestModel | None:
    """Return what a body says; None after adding to ``errors`` all that is wrong with it.

    Raises:
        Problem: it is not even JSON.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Problem("malformed_json") from None
        errors += _field_errors(error, "body")
        return None


def valid_query(model: type[RequestModel], errors: list[FieldError]) -> RequestModel | None:
    """Return what the query of the request at hand says; None after adding to ``errors`` what is wrong with it."""
    if not request.environ.get("QUERY_STRING"):
        if model in _WITHOUT_QUERY:
            return _WITHOUT_QUERY[model]
        given: dict[str, str] = {}
    else:
        given = request.args.to_dict()
        repeated = [name for name in given if len(request.args.getlist(name)) > 1]
        errors += [FieldError(_clipped(name), "repeated", "Give this once.") for name in repeated]
    try:
        valid = model.model_validate_strings(given)
    except ValidationError as error:
        errors += _field_errors(error, "query")
        return None
    if not given:
        _WITHOUT_QUERY[model] = valid
    return valid


def _field_errors(error: ValidationError, whole: str) -> list[FieldError]:
    return [
        FieldError(
            _clipped(".".join(_place(found)) or whole),
            *_explained(found["type"], found["msg"], found.get("ctx", {})),
        )
        for found in error.errors(include_url=False, include_input=False)
    ]


def _place(found: ErrorDetails) -> list[str]:
    """Return where something is wrong: in a shape whose parts contradict each other, the part a rule names."""
    place = [str(part) for part in found["loc"]]
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, InvalidValue) and place[-1:] != [cause.field]:
        place.append(cause.field)
    return place


def _clipped(field: str) -> str:
    return field[:FIELD_LENGTH_MAX]  # an unknown field may be called anything


# Words of the validator that have one of ours. Whatever is missing here is "invalid".
_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "This is required."),
    "extra_forbidden": ("unknown_field", "There is no such field here."),
    "string_type": ("wrong_type", "Give a text."),
    "int_type": ("wrong_type", "Give a whole number."),
    "int_from_float": ("wrong_type", "Give a whole number."),
    "bool_type": ("wrong_type", "Give true or false."),
    "list_type": ("wrong_type", "Give a list."),
    "tuple_type": ("wrong_type", "Give a list."),
    "model_type": ("wrong_type", "Give an object."),
    "model_attributes_type": ("wrong_type", "Give an object."),
    "dict_type": ("wrong_type", "Give an object."),
    "string_too_long": ("too_long", "Give a length of at most {max_length}."),
    "string_too_short": ("too_short", "Give a length of at least {min_length}."),
    "too_long": ("too_many", "Give at most {max_length} of them."),
    "too_short": ("too_few", "Give at least {min_length} of them."),
    "greater_than_equal": ("out_of_range", "Give at least {ge}."),
    "less_than_equal": ("out_of_range", "Give at most {le}."),
    "enum": ("not_allowed", "Give {expected}."),
    "literal_error": ("not_allowed", "Give {expected}."),
    "string_pattern_mismatch": ("invalid_format", "Give it in the form {pattern}."),
}
_OWN = {"invalid_time", "invalid_id", "invalid_text", "not_a_number", "not_a_flag", "null"}


def _explained(kind: str, message: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return our code and sentence for an error of the validator: its own words never get out."""
    if kind in _OWN:
        return kind, message
    cause = context.get("error")
    if kind == "value_error" and isinstance(cause, InvalidValue):
        return cause.code, cause.message  # a rule of the core
    code, sentence = _WORDS.get(kind, ("invalid", "This is not acceptable here."))
    return code, sentence.format_map(context)
