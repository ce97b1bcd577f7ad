"""Webhooks and what they were told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evently_core.deliveries import DeliveryState
from evently_core.webhooks import DESCRIPTION_MAX, TYPES, URL_MAX
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Id,
    Instant,
    NoNul,
    Omissible,
    RequestModel,
    example,
    text,
)

_Url = Annotated[str, text(URL_MAX, 1), NoNul, Field(examples=["https://example.org/hooks"])]
_Types = Annotated[
    list[Annotated[str, text(50)]],
    Field(max_length=len(TYPES), description=f"Of what to be told; none is all: {', '.join(TYPES)}."),
]
# A bit wider than what is kept: blanks around it are taken off.
_Description = Annotated[str, text(2 * DESCRIPTION_MAX), NoNul]


class NewWebhook(
    RequestModel,
    json_schema_extra=example(url="https://example.org/hooks", types=["granted", "cancelled"]),
):
    """An address that wants to be told of what happens to one's events."""

    url: _Url
    types: _Types = Field(default_factory=list)
    description: _Description = ""


class WebhookChanges(RequestModel, json_schema_extra=example(enabled=True)):
    """What to change of a webhook."""

    url: Omissible[_Url] = None
    types: Omissible[_Types] = None
    description: Omissible[_Description] = None
    enabled: Omissible[bool] = None
    rotate_secret: Annotated[
        bool, Field(description="Make a new secret. For another day the old one signs beside it.")
    ] = False


class Webhook(AnswerModel):
    """An address that is told of what happens to the events of its owner."""

    id: Id
    owner_id: Id
    url: str
    types: list[str]
    description: str
    enabled: bool
    disabled_at: Instant | None
    disabled_because: str | None
    created_at: Instant
    secret: Annotated[
        str | None,
        Field(description="Verifies what is sent. Shown when it is made or changed; null after.", repr=False),
    ]


class DeliveryAttempt(AnswerModel):
    """One try to tell a webhook something."""

    number: int
    at: Instant
    ms: Annotated[int, Field(description="How long it took, in milliseconds.")]
    status: Annotated[int | None, Field(description="What the address answered; null if nothing.")]
    error: Annotated[str | None, Field(description="What went wrong; null if nothing did.")]


class Delivery(AnswerModel):
    """One line of an event's journal for one webhook."""

    id: Annotated[Id, Field(description="The `webhook-id` under which it is sent, each time.")]
    event_id: Id
    number: Annotated[int, Field(description="Of the line in the event's journal.")]
    type: Literal[TYPES]  # type: ignore[valid-type]  # pydantic reads the words at run time
    status: DeliveryState
    planned_at: Instant
    next_attempt_at: Instant | None
    done_at: Instant | None
    attempts: list[DeliveryAttempt]
