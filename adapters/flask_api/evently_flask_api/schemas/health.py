"""What tells whether a process is well."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evently_flask_api.schemas.fields import AnswerModel


class Health(AnswerModel):
    """How a process is."""

    status: Literal["ok", "down"]
    checks: Annotated[
        dict[str, str],
        Field(description="What is needed, by name: `ok` or a word for what is wrong."),
    ]
    instance: Annotated[str, Field(description="Which process answered.")]
