"""What tells whether a process is well."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evently_flask_api.schemas.fields import AnswerModel, Instant


class Health(AnswerModel):
    """How a process is."""

    status: Annotated[
        Literal["ok", "degraded", "down"],
        Field(description="`degraded`: it works, without something that it can do without."),
    ]
    checks: Annotated[
        dict[str, str],
        Field(description="What is needed, by name: `ok` or a word for what is wrong."),
    ]
    instance: Annotated[str, Field(description="Which process answered.")]


class Instance(AnswerModel):
    """A process, as of its last beat."""

    name: Annotated[str, Field(description="What it says in `X-Instance-Id`.")]
    kind: Literal["api", "worker"]
    version: str
    host: str
    pid: int
    started_at: Instant
    last_beat_at: Instant
    requests: Annotated[int, Field(description="How many it has answered.")]


class Instances(AnswerModel):
    """The processes that are live."""

    items: list[Instance]
