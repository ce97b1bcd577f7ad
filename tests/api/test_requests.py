"""What every answer has, and the line in the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from evently_flask_api.routing import Routes
from evently_flask_api.schemas.health import Health
from tests.api.harness import PASSWORD, Api


def _surprised(_: Api) -> TestResponse:
    routes = Routes("Failing", "Fails.")

    @routes.get("/fail")
    def fail() -> Health:
        raise RuntimeError("surprise")

    return Api.fresh([routes]).anyone.get("/fail")


ANSWERS: dict[str, Callable[[Api], TestResponse]] = {
    "success": lambda api: api.anyone.get("//health/live"),
    "no content": lambda api: api.user().post("/auth/logout"),
    "not found": lambda api: api.anyone.get("/nothing"),
    "wrong method": lambda api: api.anyone.get("/auth/login"),
    "unauthorised": lambda api: api.anyone.get("/auth/me"),
    "bad token": lambda api: api.user().bearing("garbage").get("/auth/me"),
    "invalid": lambda api: api.anyone.post("/auth/login", {}),
    "too large": lambda api: api.anyone.post(
        "/auth/login", data=b"x" * 100_000, content_type="application/json"
    ),
    "surprise": _surprised,
    "docs": lambda api: api.anyone.get("/docs"),
    "redirect": lambda api: api.anyone.get("//"),
    "options": lambda api: api.anyone.call("OPTIONS", "/auth/login"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_has_its_ids_and_safe_headers(api: Api, kind: str) -> None:
    headers = ANSWERS[kind](api).headers
    assert headers["X-Request-Id"]
    assert headers["X-Instance-Id"] == "api-1"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] in {"no-store", "no-cache"}
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers
    assert "Strict-Transport-Security" not in headers  # nothing to promise on plain http


def test_a_request_id_that_is_sane_is_the_callers(api: Api) -> None:
    sent = "0af7651916cd43dd-8448eb211c80319c.7"
    assert api.anyone.get("/auth/me", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", " ", "a b", "a;b", "é", "<script>", "a" * 129, "-leading", 'a"b'])
def test_a_request_id_that_is_not_is_replaced(api: Api, sent: str) -> None:
    made = api.anyone.get("/auth/me", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert made != sent
    assert len(made) == 32


def test_two_requests_have_two_ids(api: Api) -> None:
    first, second = (api.anyone.get("//health/live").headers["X-Request-Id"] for _ in range(2))
    assert first != second


def test_https_is_promised_only_over_https(api: Api) -> None:
    secure = api.anyone.get("//health/live", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"].startswith("max-age=")


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "example.org",
}


def test_proxies_are_believed_only_when_they_are_trusted() -> None:
    for trusted, address, promised in ((0, "127.0.0.1", False), (1, "203.0.113.9", True)):
        api = Api.fresh(trusted_proxies=trusted)
        ada = api.user(name="ada")
        login = {"email": "ada@example.org", "password": PASSWORD}
        answer = api.anyone.post("/auth/login", login, headers=FORWARDED)
        newest, _ = api.services.accounts.sessions(ada.actor)
        assert newest.device.address == address
        assert ("Strict-Transport-Security" in answer.headers) is promised


def test_more_proxies_than_trusted_are_not_believed() -> None:
    api = Api.fresh(trusted_proxies=1)
    ada = api.user(name="ada")
    login = {"email": "ada@example.org", "password": PASSWORD}
    api.anyone.post("/auth/login", login, headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})
    newest, _ = api.services.accounts.sessions(ada.actor)
    assert newest.device.address == "203.0.113.9"


def test_every_request_leaves_one_line_in_the_log(api: Api) -> None:
    ada = api.user(name="ada")
    with capture_logs() as logs:
        answer = ada.get("/auth/me")
    [line] = logs
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "request_id": answer.headers["X-Request-Id"],
        "instance": "api-1",
        "user": ada.id,
        "method": "GET",
        "route": "/api/v1/auth/me",
        "status": 200,
    }


def test_no_secret_and_nothing_that_was_sent_is_in_the_log(api: Api) -> None:
    ada = api.user(name="ada")
    change = {"password": "another password", "current_password": PASSWORD}
    with capture_logs() as logs:
        ada.patch("/auth/me", change)
        ada.get("/auth/me?token=secret")
        ada.get("/secret")
        api.anyone.post("/auth/login", {"email": "ada@example.org", "password": "secret"})
        api.anyone.post("/auth/login", {"email": "secret", "password": []})
    written = repr(logs)
    assert len(logs) == 5
    for secret in (*change.values(), "secret", ada.tokens["access_token"], "ada@example.org"):
        assert secret not in written
