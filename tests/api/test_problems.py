"""Whatever goes wrong is told as a problem document, and nothing of the inside gets out."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

import evently_core.accounts
from evently_core.errors import (
    AlreadySettled,
    Conflict,
    EventlyError,
    Forbidden,
    InvalidValue,
    NotFound,
    Overloaded,
    StaleLock,
    Unavailable,
)
from evently_core.intake import SetAside, StillQueued
from evently_core.outcomes import Refused
from evently_core.reasons import SENTENCES, Reason, ReasonCode
from evently_flask_api.problems import KINDS, Problem, problem_of, refusal
from evently_flask_api.routing import Routes
from evently_flask_api.schemas.health import Health
from tests.api.harness import Api, problem

SECRET_WORDS = "connection to 10.0.0.1:5432 refused, SELECT * FROM users"


def failing_with(error: Exception) -> Api:
    """An API with a route that fails so."""
    routes = Routes("Failing", "Fails.")

    @routes.get("/fail")
    def fail() -> Health:
        raise error

    return Api.fresh([routes])


def all_errors(kind: type[EventlyError] = EventlyError) -> list[type[EventlyError]]:
    """Every exception that the core may raise."""
    # The accounts' own are among them only once their module is there.
    assert evently_core.accounts.AccountError in EventlyError.__subclasses__()
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in all_errors(child))]


EXAMPLES: dict[type[EventlyError], tuple[EventlyError, int, str]] = {
    InvalidValue: (InvalidValue("title", "too_long", "Shorter."), 422, "validation_failed"),
    NotFound: (NotFound("event"), 404, "not_found"),
    Forbidden: (Forbidden("Only its organiser may."), 403, "forbidden"),
    Conflict: (Conflict(SECRET_WORDS), 503, "conflict"),
    AlreadySettled: (AlreadySettled(), 503, "conflict"),
    SetAside: (SetAside(SECRET_WORDS), 500, "internal_error"),
    evently_core.accounts.SessionsAway: (evently_core.accounts.SessionsAway(), 503, "unavailable"),
    StaleLock: (StaleLock(7), 503, "conflict"),
    Unavailable: (Unavailable(SECRET_WORDS, retry_after=7), 503, "unavailable"),
    Overloaded: (Overloaded(SECRET_WORDS, retry_after=7), 503, "overloaded"),
    evently_core.accounts.EmailTaken: (evently_core.accounts.EmailTaken(), 409, "email_taken"),
    evently_core.accounts.BadCredentials: (evently_core.accounts.BadCredentials(), 401, "bad_credentials"),
    evently_core.accounts.SessionEnded: (evently_core.accounts.SessionEnded(), 401, "session_ended"),
    evently_core.accounts.KeyReused: (evently_core.accounts.KeyReused(), 422, "idempotency_key_reused"),
}
ABSTRACT = {EventlyError, evently_core.accounts.AccountError}
ANSWERED_BY_ROUTES = {StillQueued}
"""No problem at all: the routes answer that it is under way."""


def test_every_exception_of_the_core_has_an_answer() -> None:
    assert {
        kind for kind in all_errors() if kind.__module__.startswith("evently_core")
    } - ABSTRACT - ANSWERED_BY_ROUTES <= set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_an_exception_of_the_core_is_answered_as_its_problem(kind: type[EventlyError]) -> None:
    error, status, code = EXAMPLES[kind]
    answer = failing_with(error).anyone.get("/fail")
    problem(answer, status, code)
    assert "10.0.0.1" not in answer.text
    if status == 503:
        seconds = error.retry_after if isinstance(error, Unavailable) else 1
        assert answer.headers["Retry-After"] == str(seconds)


def test_a_value_that_the_core_refuses_is_named() -> None:
    answer = failing_with(InvalidValue("title", "too_long", "Shorter.")).anyone.get("/fail")
    errors = problem(answer, 422, "validation_failed")["errors"]
    assert errors == [{"field": "title", "code": "too_long", "message": "Shorter."}]


@pytest.mark.parametrize("code", list(ReasonCode))
def test_every_reason_has_a_status_and_its_sentence(code: ReasonCode) -> None:
    found = refusal(Refused(Reason(code, {"free": 2}), replayed=True))
    assert found.kind.status in {409, 412, 422}
    assert found.detail == SENTENCES[code]
    assert found.figures == {"free": 2}
    assert found.headers == {"Idempotency-Replayed": "true"}


def test_a_refusal_by_a_rule_carries_its_figures() -> None:
    answer = failing_with(refusal(Refused(Reason(ReasonCode.SOLD_OUT, {"free": 0, "ahead": 3})))).anyone.get(
        "/fail"
    )
    members = problem(answer, 409, "sold_out")
    assert (members["free"], members["ahead"]) == (0, 3)
    assert "Idempotency-Replayed" not in answer.headers


def test_no_figure_takes_the_place_of_a_member() -> None:
    document = Problem("sold_out", figures={"status": 200, "code": "fine"}).document("/x", "1")
    assert (document["status"], document["code"]) == (409, "sold_out")


def test_a_surprise_is_logged_with_its_request_and_told_nobody() -> None:
    with capture_logs() as logs:
        answer = failing_with(RuntimeError(SECRET_WORDS)).anyone.get(
            "/fail", headers={"X-Request-Id": "mine"}
        )
    problem(answer, 500, "internal_error")
    assert "RuntimeError" not in answer.text
    assert "SELECT" not in answer.text
    [logged] = [line for line in logs if line["log_level"] == "error"]
    assert (logged["event"], logged["request_id"]) == ("internal_error", "mine")
    assert isinstance(logged["exc_info"], RuntimeError)


def test_a_server_that_is_gone_is_logged() -> None:
    with capture_logs() as logs:
        failing_with(Unavailable(SECRET_WORDS)).anyone.get("/fail")
    assert [line["event"] for line in logs] == ["unavailable", "request"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "//nothing", 404, "not_found"),
        ("GET", "//api//v1/auth/me", 404, "not_found"),
        ("GET", "/auth/me/", 404, "not_found"),
        ("GET", "/auth/%00", 404, "not_found"),
        ("GET", "/auth/login", 405, "method_not_allowed"),
        ("PUT", "/auth/me", 405, "method_not_allowed"),
    ],
)
def test_an_address_that_is_none_is_a_problem_too(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    answer = api.anyone.call(method, path)
    problem(answer, status, code)


def test_a_wrong_method_is_told_the_right_ones(api: Api) -> None:
    answer = api.anyone.get("/auth/login")
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_the_table_is_complete_in_itself() -> None:
    for code, kind in KINDS.items():
        assert code == kind.code
        assert kind.sentence.endswith(".")
        assert 400 <= kind.status < 600


def test_an_unknown_exception_of_the_core_is_our_fault() -> None:
    class Unheard(EventlyError):
        pass

    assert problem_of(Unheard("?")).kind.code == "internal_error"
