"""Which pages may ask from a browser."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from evently_core.counting import Rate
from evently_flask_api import RateLimits
from tests.api.harness import Api

OURS, OTHERS = "https://app.example.org", "https://evil.example.org"


@pytest.fixture
def api() -> Api:
    return Api.fresh(cors_origins=(OURS, "http://localhost:5173"))


def preflight(api: Api, origin: str, method: str = "POST", headers: str = "authorization") -> TestResponse:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return api.anyone.call("OPTIONS", "/bookings", headers=asked)


def allowed(answer: TestResponse) -> dict[str, str]:
    """What a browser is told that it may do."""
    return {name: value for name, value in answer.headers if name.startswith("Access-Control-")}


def test_a_page_of_ours_may_ask_with_a_token_and_without_cookies(api: Api) -> None:
    answer = preflight(api, OURS, headers="authorization, content-type, idempotency-key")
    assert answer.status_code == 200
    may = allowed(answer)
    assert may["Access-Control-Allow-Origin"] == OURS
    assert set(may["Access-Control-Allow-Methods"].split(", ")) == {"GET", "POST", "PATCH", "DELETE"}
    assert may["Access-Control-Allow-Headers"].lower() == "authorization, content-type, idempotency-key"
    assert int(may["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in may


@pytest.mark.parametrize(
    "origin",
    [OTHERS, "null", "http://app.example.org", "https://app.example.org:8443", OURS + ".evil.example"],
)
def test_a_page_of_others_is_told_nothing(api: Api, origin: str) -> None:
    assert allowed(preflight(api, origin)) == {}
    assert allowed(api.anyone.get("/events", headers={"Origin": origin})) == {}


def test_a_dot_in_an_origin_stands_for_a_dot() -> None:
    assert allowed(preflight(Api.fresh(cors_origins=(OURS,)), "https://appXexample.org")) == {}


def test_a_header_that_no_route_takes_is_not_allowed(api: Api) -> None:
    assert "x-other" not in allowed(preflight(api, OURS, headers="x-other")).get(
        "Access-Control-Allow-Headers", ""
    )


@pytest.mark.parametrize(("path", "status"), [("/events", 200), ("/auth/me", 401), ("/nothing", 404)])
def test_every_answer_may_be_read_by_a_page_of_ours(api: Api, path: str, status: int) -> None:
    answer = api.anyone.get(path, headers={"Origin": OURS})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Location", "RateLimit-Remaining", "Retry-After", "X-Request-Id"} <= exposed


def test_a_refusal_by_the_limits_may_be_read_as_well() -> None:
    api = Api.fresh(cors_origins=(OURS,), rate_limits=RateLimits(general=Rate(1, 60)))
    answers = [api.anyone.get("/events", headers={"Origin": OURS}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["Access-Control-Allow-Origin"] == OURS


def test_what_is_kept_for_one_origin_is_not_given_to_another(api: Api) -> None:
    for origin in (OURS, OTHERS, None):
        answer = api.anyone.get("/events", headers={"Origin": origin} if origin else {})
        assert "Origin" in answer.headers["Vary"]


def test_by_default_there_is_no_page_that_may() -> None:
    api = Api.fresh()
    assert allowed(preflight(api, OURS)) == {}
    assert allowed(api.anyone.get("/events", headers={"Origin": OURS})) == {}
