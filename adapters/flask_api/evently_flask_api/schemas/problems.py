"""The shape of problems."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from evently_flask_api.schemas.fields import AnswerModel, Omissible


class FieldError(AnswerModel):
    """One thing that is not acceptable."""

    field: Annotated[str, Field(description="Where: names and indexes, with dots between.")]
    code: Annotated[str, Field(description="A stable word for programs.")]
    message: Annotated[str, Field(description="What to do, for people.")]


class Problem(AnswerModel):
    """A problem (RFC 9457). The figures behind it stand beside these members: `free`, `limit` and the like."""

    model_config = ConfigDict(from_attributes=True, extra="allow")

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: Annotated[str, Field(description="A stable word for programs.")]
    instance: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    request_id: str
    errors: Annotated[
        Omissible[list[FieldError]],
        Field(description="Everything that is not acceptable.", exclude_if=lambda errors: errors is None),
    ] = None
