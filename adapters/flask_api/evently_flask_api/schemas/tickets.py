"""Tickets, and who comes in with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from evently_core.errors import InvalidValue
from evently_core.paging import LIMIT_MAX
from evently_core.tickets import CODES_MAX
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Id,
    Instant,
    Listing,
    ListQuery,
    NoNul,
    Number,
    Omissible,
    RequestModel,
    text,
)
from evently_flask_api.schemas.reasons import Reason

_CODE = "AEA2EDM3I5JHPEEKSS655RFR36KADIQNTNDVI42JQKNA7FPR…"

_Code = Annotated[str, text(1_000, 1), NoNul, Field(examples=[_CODE])]


class TicketsQuery(ListQuery):
    """Which tickets of a booking."""

    limit: Annotated[Number, Field(ge=1, le=LIMIT_MAX)] = LIMIT_MAX


class NotedCode(RequestModel):
    """A code that was shown at a door without a network."""

    code: _Code
    at: Annotated[Instant, Field(description="When it was shown.")]


class CheckInRequest(RequestModel):
    """One code, or those that were noted at a door without a network."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": _CODE}]})

    code: Omissible[_Code] = None
    at: Annotated[Omissible[Instant], Field(description="When the one code was shown, if not now.")] = None
    codes: Omissible[Annotated[list[NotedCode], Field(min_length=1, max_length=CODES_MAX)]] = None

    @model_validator(mode="after")
    def _one_or_many(self) -> CheckInRequest:
        if (self.code is None) == (self.codes is None):
            raise InvalidValue("code", "required", "Give one code, or codes with their times.")
        if self.codes is not None and self.at is not None:
            raise InvalidValue("at", "not_allowed", "Each of several codes has a time of its own.")
        return self

    def noted(self) -> list[tuple[str, datetime | None]]:
        """Return the codes as the core takes them."""
        if self.code is not None:
            return [(self.code, self.at)]
        return [(noted.code, noted.at) for noted in self.codes or ()]


class UndoQuery(RequestModel):
    """Why a check-in is taken back."""

    reason: Annotated[
        Omissible[Annotated[str, text(500, 1), NoNul]], Field(description="Kept in the journal.")
    ] = None


class Ticket(AnswerModel):
    """The ticket of one seat."""

    booking_id: Id
    event_id: Id
    ticket_type_id: Id
    reference: str
    seat: Annotated[int, Field(description="From 1; a reduction gives the highest back.")]
    code: Annotated[str, Field(description="What its QR code says.")]
    checked_in_at: Instant | None


class CheckIn(AnswerModel):
    """Somebody is in."""

    code: str
    booking_id: Id
    ticket_type_id: Id
    reference: str
    seat: int
    at: Instant


class CheckInResult(AnswerModel):
    """What came of one code."""

    code: str
    check_in: Annotated[CheckIn | None, Field(description="Who is in by it.")]
    reason: Annotated[Reason | None, Field(description="Why nobody is.")]


class CheckInResults(AnswerModel):
    """What came of each code, in order."""

    checked_in: int
    refused: int
    results: list[CheckInResult]


class CheckInAnswer(RootModel[CheckIn | CheckInResults]):
    """Who is in by the one code, or what came of each of several."""


class AttendanceOfTicketType(AnswerModel):
    """How many seats of a ticket type are confirmed, and on how many somebody is in."""

    id: Id
    expected: int
    checked_in: int


class CheckIns(Listing[CheckIn]):
    """How many are in, and who, the latest first."""

    event_id: Id
    expected: int
    checked_in: int
    ticket_types: list[AttendanceOfTicketType]


class TicketKey(AnswerModel):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    x: Annotated[str, Field(description="The key in base64url.")]


class TicketKeys(AnswerModel):
    """A set of public keys (RFC 7517): a ticket is genuine if one of them fits."""

    keys: list[TicketKey]
