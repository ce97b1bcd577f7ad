"""Who is believed to be who: tokens, keys, sessions."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs
import jwt
import pytest

from evently_core.accounts import Device, SessionEnded
from evently_core.values import Role, SessionId
from evently_flask_api import ApiSettings
from evently_flask_api.callers import LIVE_SECONDS, SessionWatch
from evently_flask_api.tokens import LEEWAY_SECONDS
from tests.api.harness import PASSWORD, SECRET, Api, Client, problem

Forge = Callable[[dict[str, Any], dict[str, Any]], str]


def _encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _signed(header: dict[str, Any], claims: dict[str, Any], key: bytes = SECRET) -> str:
    return jwt.encode(claims, key, algorithm="HS256", headers=header)


def _nested(depth: int) -> str:
    header = _encoded({"alg": "HS256", "typ": "JWT"})
    payload = base64.urlsafe_b64encode(b'{"a":' + b"[" * depth + b"]" * depth + b"}").decode().rstrip("=")
    return f"{header}.{payload}.AAAA"


FORGERIES: dict[str, Forge] = {
    "no algorithm": lambda header, claims: f"{_encoded(header | {'alg': 'none'})}.{_encoded(claims)}.",
    "no algorithm, spelt differently": lambda header, claims: (
        f"{_encoded(header | {'alg': 'nOnE'})}.{_encoded(claims)}."
    ),
    "another algorithm": lambda header, claims: jwt.encode(
        claims, SECRET * 2, algorithm="HS512", headers={"kid": header["kid"]}
    ),
    "a public-key algorithm": lambda header, claims: (
        f"{_encoded(header | {'alg': 'RS256'})}.{_encoded(claims)}.AAAA"
    ),
    "another key": lambda header, claims: _signed(
        {"kid": header["kid"]}, claims, b"another key of 32 bytes or more.."
    ),
    "an unknown key": lambda header, claims: _signed({"kid": "cafe"}, claims),
    "a path as key": lambda header, claims: _signed({"kid": "../../dev/null"}, claims),
    "no key named": lambda header, claims: _signed({}, claims),
    "no signature": lambda header, claims: f"{_encoded(header)}.{_encoded(claims)}.",
    "other claims under the old signature": lambda header, claims: (
        f"{_encoded(header)}.{_encoded(claims | {'role': 'admin'})}.{_signed({'kid': header['kid']}, claims).split('.')[2]}"
    ),
    "the wrong kind": lambda header, claims: _signed({"kid": header["kid"]}, claims | {"type": "refresh"}),
    "an unknown kind": lambda header, claims: _signed({"kid": header["kid"]}, claims | {"type": "root"}),
    "no kind": lambda header, claims: _signed({"kid": header["kid"]}, _without(claims, "type", "sid")),
    "no session": lambda header, claims: _signed({"kid": header["kid"]}, _without(claims, "sid")),
    "no user": lambda header, claims: _signed({"kid": header["kid"]}, _without(claims, "sub")),
    "no end": lambda header, claims: _signed({"kid": header["kid"]}, _without(claims, "exp")),
    "a user that is no id": lambda header, claims: _signed({"kid": header["kid"]}, claims | {"sub": "root"}),
    "another user": lambda header, claims: _signed({"kid": header["kid"]}, claims | {"sub": str(uuid4())}),
    "a session that is a number": lambda header, claims: _signed({"kid": header["kid"]}, claims | {"sid": 1}),
    "an issue date far ahead": lambda header, claims: _signed(
        {"kid": header["kid"]}, claims | {"iat": time.time() + 3600}
    ),
    "claims that are a list": lambda header, claims: f"{_encoded(header)}.{_encoded([claims])}.AAAA",
    "claims nested deep": lambda header, claims: _nested(1400),
    "nothing but dots": lambda header, claims: "..",
    "garbage": lambda header, claims: "garbage",
    "bytes that are no text": lambda header, claims: "\xff.\xfe.\xfd",
    "endless": lambda header, claims: "a" * 5000,
}


def _without(claims: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: claim for name, claim in claims.items() if name not in names}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_signs_nobody_in(api: Api, forgery: str) -> None:
    ada = api.user(name="ada")
    header = jwt.get_unverified_header(ada.tokens["access_token"])
    claims = jwt.decode(ada.tokens["access_token"], options={"verify_signature": False})
    forged = FORGERIES[forgery](header, claims)
    for _ in range(2):  # the second time it might be known
        answer = ada.bearing(forged).get("/auth/me")
        problem(answer, 401, "invalid_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer ", "Bearer a b", "token", "Bearer a, Bearer b"]
)
def test_a_header_that_holds_no_bearer_signs_nobody_in(api: Api, header: str) -> None:
    problem(api.anyone.get("/auth/me", headers={"Authorization": header}), 401, "invalid_token")


def test_the_scheme_may_be_written_in_any_case(api: Api) -> None:
    token = api.user().tokens["access_token"]
    assert api.anyone.get("/auth/me", headers={"Authorization": f"bEARER {token}"}).status_code == 200


def test_the_signature_is_the_expected_one(api: Api) -> None:
    token = api.user().tokens["access_token"]
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "HS256"
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["type"] == "access"
    assert claims["role"] == "attendee"
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert UUID(claims["sid"]).version == 7
    assert not ({"csrf", "nbf", "email", "name"} & claims.keys())


def test_an_access_token_expires(api: Api) -> None:
    ada = api.user(name="ada")
    header = jwt.get_unverified_header(ada.tokens["access_token"])
    claims = jwt.decode(ada.tokens["access_token"], SECRET, algorithms=["HS256"])
    old = _signed({"kid": header["kid"]}, claims | {"exp": time.time() - LEEWAY_SECONDS - 1})
    problem(ada.bearing(old).get("/auth/me"), 401, "token_expired")


def test_a_token_that_was_good_a_moment_ago_expires_as_well(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was verified once is not verified again, but its end is looked at every time."""
    ada = api.user(name="ada")
    assert ada.get("/auth/me").status_code == 200
    end = jwt.decode(ada.tokens["access_token"], SECRET, algorithms=["HS256"])["exp"]
    monkeypatch.setattr("jwt.api_jwt.datetime", _FixedDatetime(end + LEEWAY_SECONDS + 1))
    monkeypatch.setattr("evently_flask_api.tokens.time", _FixedTime(end + LEEWAY_SECONDS + 1))
    problem(ada.get("/auth/me"), 401, "token_expired")


@attrs.frozen
class _FixedTime:
    at: float

    def time(self) -> float:
        return self.at


@attrs.frozen
class _FixedDatetime:
    at: float

    def now(self, tz: object = None) -> _FixedDatetime:
        return self

    def timestamp(self) -> float:
        return self.at


def test_a_key_can_be_changed_without_signing_anybody_out(api: Api) -> None:
    ada = api.user(name="ada")
    new_key = b"a new secret of at least 32 bytes."
    rotated = api.beside(secret_key=new_key, previous_secret_keys=(SECRET,))
    before = Client(rotated.app, ada.tokens)
    assert before.get("/auth/me").status_code == 200
    newest = before.bearing(ada.tokens["refresh_token"]).post("/auth/refresh").get_json()
    forgetful = api.beside(secret_key=new_key)
    assert Client(forgetful.app, newest).get("/auth/me").status_code == 200
    problem(Client(forgetful.app, ada.tokens).get("/auth/me"), 401, "invalid_token")


def test_refresh_and_access_tokens_do_not_stand_in_for_each_other(api: Api) -> None:
    ada = api.user(name="ada")
    problem(ada.bearing(ada.tokens["refresh_token"]).get("/auth/me"), 401, "invalid_token")
    problem(ada.bearing(ada.tokens["refresh_token"]).post("/auth/logout"), 401, "invalid_token")
    problem(ada.post("/auth/refresh"), 401, "invalid_token")
    assert ada.get("/auth/me").status_code == 200


def test_an_ended_session_ends_elsewhere_within_two_seconds(api: Api) -> None:
    accounts = api.services.accounts
    api.user(name="ada")
    session = accounts.log_in("ada@example.org", PASSWORD, Device()).session
    now = [100.0]
    watch = SessionWatch(accounts, lambda: now[0])
    assert watch.user(session.id).name == "ada"
    accounts.log_out(session.id)
    now[0] += LIVE_SECONDS - 0.01
    assert watch.user(session.id).name == "ada"
    now[0] += 0.02
    with pytest.raises(SessionEnded):
        watch.user(session.id)


def test_a_session_that_ends_while_it_is_looked_at_is_not_remembered_as_live(api: Api) -> None:
    accounts = api.services.accounts
    api.user(name="ada")
    session = accounts.log_in("ada@example.org", PASSWORD, Device()).session

    class SlowReader:
        """Reads that the session is live, and is told only then that it ended."""

        def whoami(self, session_id: SessionId) -> Any:
            user = accounts.whoami(session_id)
            accounts.log_out(session_id)
            watch.forget(session_id)
            return user

    reader: Any = SlowReader()
    watch = SessionWatch(reader, lambda: 100.0)
    watch.user(session.id)
    with pytest.raises(SessionEnded):
        watch.user(session.id)


def test_a_role_is_believed_for_two_seconds_at_most(api: Api) -> None:
    accounts = api.services.accounts
    admin, other = api.user(Role.ADMIN), api.user(Role.ADMIN, "other")
    session = accounts.log_in("other@example.org", PASSWORD, Device()).session
    now = [100.0]
    watch = SessionWatch(accounts, lambda: now[0])
    assert watch.user(session.id).role is Role.ADMIN
    assert other.actor.user_id is not None
    accounts.set_role(admin.actor, other.actor.user_id, Role.ATTENDEE)
    now[0] += LIVE_SECONDS
    assert watch.user(session.id).role is Role.ATTENDEE


def test_the_watch_forgets_the_oldest_when_there_are_too_many(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evently_flask_api.callers.WATCHED_MAX", 2)
    accounts = api.services.accounts
    api.user(name="ada")
    sessions = [accounts.log_in("ada@example.org", PASSWORD, Device()).session for _ in range(3)]
    watch = SessionWatch(accounts, lambda: 100.0)
    for session in sessions:
        watch.user(session.id)
        accounts.log_out(session.id)
    assert watch.user(sessions[2].id).name == "ada"
    with pytest.raises(SessionEnded):
        watch.user(sessions[0].id)


def test_no_more_tokens_are_known_than_may_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evently_flask_api.tokens.KNOWN_MAX", 1)
    ada, eve = api.user(name="ada"), api.user(name="eve")
    for client in (ada, eve, ada):
        assert client.get("/auth/me").get_json()["id"] == client.id


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"secret_key": b"short"},
            {"previous_secret_keys": (b"short",)},
            {"access_minutes": 16},
            {"access_minutes": 0},
            {"instance": "two words"},
            {"instance": ""},
            {"trusted_proxies": -1},
            {"body_bytes_max": 0},
        ],
    )
    def test_that_make_no_sense_are_refused(self, wrong: dict[str, Any]) -> None:
        settings: dict[str, Any] = {"secret_key": SECRET, "instance": "api-1", **wrong}
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ApiSettings(**settings)

    def test_do_not_show_their_keys(self) -> None:
        shown = repr(ApiSettings(secret_key=SECRET, previous_secret_keys=(SECRET,), instance="api-1"))
        assert "secret of" not in shown

    def test_say_how_long_an_access_token_is_good(self) -> None:
        api = Api.fresh(access_minutes=5)
        assert api.user().tokens["expires_in"] == timedelta(minutes=5).total_seconds()
