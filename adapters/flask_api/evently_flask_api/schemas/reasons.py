"""Why not."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from evently_core.reasons import ReasonCode
from evently_flask_api.schemas.fields import AnswerModel


class Reason(AnswerModel):
    """A reason; its figures stand beside these members: `free`, `requested`, `ahead`, `limit` and the like."""

    model_config = ConfigDict(from_attributes=True, extra="allow")

    code: ReasonCode
    detail: Annotated[str, Field(description="For people: what is so, and what to do.")]
