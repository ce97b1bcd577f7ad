"""What goes wrong, as the caller is told: RFC 9457 problem documents, all from one table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import attrs
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from evently_core.accounts import AccountError, EmailTaken
from evently_core.errors import (
    Conflict,
    EventlyError,
    Forbidden,
    InvalidValue,
    NotFound,
    Overloaded,
    Unavailable,
)
from evently_core.outcomes import Refused
from evently_core.reasons import SENTENCES, Figure, ReasonCode
from evently_flask_api.requests import REQUEST_ID
from evently_flask_api.responses import JsonResponse

log = structlog.get_logger("evently.api")

MEDIA_TYPE = "application/problem+json"
DOCS_PATH = "/api/v1/docs"
REPLAYED = "Idempotency-Replayed"
LOST_RACE_RETRY_SECONDS = 1
FIELD_ERRORS_MAX = 100
"""A body may be wrong in more places than anybody wants to read."""


@attrs.frozen
class Kind:
    """A kind of problem: a stable word for programs, a status, and a sentence for people."""

    code: str
    status: int
    sentence: str

    @property
    def title(self) -> str:
        """The kind in a few words."""
        return self.code.replace("_", " ").capitalize()

    @property
    def url(self) -> str:
        """Where it is explained."""
        return f"{DOCS_PATH}#problem-{self.code}"


_OF_REQUESTS = [
    Kind("bad_request", 400, "The request cannot be understood."),
    Kind("malformed_json", 400, "The body is not JSON in UTF-8, or is nested too deep."),
    Kind("invalid_idempotency_key", 400, "An Idempotency-Key has 1 to 255 visible ASCII characters."),
    Kind("invalid_if_match", 400, 'If-Match names an ETag as it was given out, in its quotes, or is "*".'),
    Kind("not_signed_in", 401, "Log in, and send the access token as bearer."),
    Kind("invalid_token", 401, "The token is none of ours, or is of the wrong kind; log in again."),
    Kind("token_expired", 401, "The token has expired; refresh it, or log in again."),
    Kind("session_ended", 401, "The session has ended; log in again."),
    Kind("bad_credentials", 401, "E-mail and password do not belong together."),
    Kind("forbidden", 403, "You may see this but not do it."),
    Kind("not_found", 404, "There is nothing here, or nothing that you may know of."),
    Kind("method_not_allowed", 405, "This address does not know that method; Allow names those it knows."),
    Kind("email_taken", 409, "Somebody has registered with this e-mail already; log in, or use another one."),
    Kind("body_too_large", 413, "The body is larger than this address takes."),
    Kind("unsupported_media_type", 415, "Send the body as application/json."),
    Kind("validation_failed", 422, "The request is well-formed, but not everything in it is acceptable."),
    Kind("rate_limited", 429, "Too many requests; Retry-After says when to come again."),
    Kind("internal_error", 500, "That was our fault. The log knows more under the request id."),
    Kind("conflict", 503, "Somebody else was faster, and nothing was changed; try again."),
    Kind("unavailable", 503, "Something we need cannot be reached; try again soon."),
    Kind("overloaded", 503, "More is being asked than can be answered in time; try again soon."),
]

# A reason of the core is a conflict with the present state unless it is named here.
_STATUS_OF_REASONS = {
    ReasonCode.IDEMPOTENCY_KEY_REUSED: 422,
    ReasonCode.TICKET_TYPE_REQUIRED: 422,
    ReasonCode.BOOKING_ID_REQUIRED: 422,
    ReasonCode.PRECONDITION_FAILED: 412,
}
_OF_REASONS = [Kind(code, _STATUS_OF_REASONS.get(code, 409), SENTENCES[code]) for code in ReasonCode]

KINDS: Mapping[str, Kind] = {kind.code: kind for kind in (*_OF_REQUESTS, *_OF_REASONS)}
"""Every problem that the API may answer, by its code."""

_CODE_OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


@attrs.frozen
class FieldError:
    """One thing that is not acceptable: where, a stable word, and what to do."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """The answer to a request is a problem. ``figures`` are the numbers behind it, such as ``free``."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        figures: Mapping[str, Figure] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take a code of ``KINDS``; ``detail`` says more than its sentence where there is more to say."""
        self.kind = KINDS[code]
        super().__init__(detail or self.kind.sentence)
        self.detail = detail or self.kind.sentence
        self.errors = tuple(errors)[:FIELD_ERRORS_MAX]
        self.figures = dict(figures or {})
        self.headers = dict(headers or {})

    def document(self, path: str, request_id: str, root: str = "") -> dict[str, Any]:
        """Return the members of the problem document, for an application that is reached under ``root``."""
        members: dict[str, Any] = {
            "type": root + self.kind.url,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.kind.code,
            "instance": root + path,
            "request_id": request_id,
        }
        if self.errors:
            members["errors"] = [attrs.asdict(error) for error in self.errors]
        return {**self.figures, **members}

    def response(self) -> Response:
        """Return the answer to the request at hand."""
        document = self.document(quote(request.path), request_id(), request.root_path)
        answer = JsonResponse(json.dumps(document).encode(), self.kind.status, self.headers, MEDIA_TYPE)
        if self.kind.status == 401:
            answer.headers.setdefault("WWW-Authenticate", "Bearer")
        return answer


# A figure that is called like a member of every problem would be lost behind it.
_FIGURES_RENAMED = {"status": "current_status"}


def refusal(refused: Refused) -> Problem:
    """Return the problem that a refusal by a rule is.

    Where something is in its life is its ``current_status``: the ``status`` of a problem is that of the answer.
    """
    figures = {_FIGURES_RENAMED.get(name, name): figure for name, figure in refused.reason.figures.items()}
    return Problem(refused.reason.code, figures=figures, headers=_replayed(refused.replayed))


def problem_of(error: EventlyError) -> Problem:
    """Return what the caller is told about an exception of the core."""
    match error:
        case InvalidValue():
            return Problem("validation_failed", errors=[FieldError(error.field, error.code, error.message)])
        case AccountError():
            replayed = isinstance(error, EmailTaken) and error.replayed
            return Problem(error.code, headers=_replayed(replayed))
        case NotFound():
            return Problem("not_found", str(error))
        case Forbidden():
            return Problem("forbidden", str(error))
        case Conflict():
            # Not 409: that is an answer for good, kept under its key; the same request may succeed now.
            return Problem("conflict", headers={"Retry-After": str(LOST_RACE_RETRY_SECONDS)})
        case Unavailable():
            # Its own words are for the log: they may name a server.
            code = "overloaded" if isinstance(error, Overloaded) else "unavailable"
            return Problem(code, headers={"Retry-After": str(error.retry_after)})
    return Problem("internal_error")


def _replayed(replayed: bool) -> dict[str, str]:
    return {REPLAYED: "true"} if replayed else {}


def request_id() -> str:
    """Return the id of the request at hand."""
    found: str = request.environ.get(REQUEST_ID, "")
    return found


def install_problems(app: Flask) -> None:
    """Let every error of the application be answered as a problem."""
    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(EventlyError, _on_core_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_surprise)


def _on_core_error(error: EventlyError) -> Response:
    problem = problem_of(error)
    if problem.kind.status >= 500:
        # The caller is told less.
        log.warning(problem.kind.code, request_id=request_id(), exc_info=error)
    return problem.response()


def _on_http_error(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error  # a redirect is no problem
    if error.code >= 500:
        return _on_surprise(error)
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
    return Problem(_CODE_OF_STATUS.get(error.code, "bad_request"), headers=headers).response()


def _on_surprise(error: Exception) -> Response:
    log.error("internal_error", request_id=request_id(), exc_info=error)
    return Problem("internal_error").response()
