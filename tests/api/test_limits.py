"""How often somebody may ask."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, Response
from flask_limiter import HeaderNames, Limiter
from werkzeug.test import TestResponse

from evently_core.counting import Rate
from evently_core.memory.counters import MemoryCounters
from evently_core.values import OPERATOR, Role
from evently_flask_api import RateLimits
from evently_flask_api.limits import PAUSE_SECONDS, SteadyCounters
from evently_redis.connection import RedisLink
from evently_redis.counters import RedisCounters
from evently_redis.keys import Keys
from tests.api.harness import PASSWORD, Api, Client, problem
from tests.api.scene import Scene
from tests.redis_servers import MakeRedis

QUARTER = 900
LIMITS = RateLimits(general=Rate(4, QUARTER), reads=Rate(6, QUARTER), login=Rate(3, QUARTER))


@pytest.fixture
def limited() -> Api:
    return Api.fresh(rate_limits=LIMITS)


def told(answer: TestResponse) -> tuple[str | None, ...]:
    """What an answer says of the limit: how many there may be, how many are left, and the policy."""
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Policy")
    return tuple(answer.headers.get(name) for name in names)


def log_in(api: Api, email: str, address: str = "10.0.0.1", password: str = PASSWORD) -> TestResponse:
    credentials = {"email": email, "password": password}
    return api.anyone.post("/auth/login", credentials, environ_base={"REMOTE_ADDR": address})


def statuses(ask: Callable[[], TestResponse], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def test_who_asks_too_often_is_told_when_to_come_again(limited: Api) -> None:
    def ask() -> TestResponse:
        return limited.anyone.get("/events")

    assert [told(ask()) for _ in range(4)] == [("4", str(left), "4;w=900") for left in (3, 2, 1, 0)]
    answer = ask()
    refused = problem(answer, 429, "rate_limited")
    assert (refused["limit"], refused["window_seconds"]) == (4, QUARTER)
    assert told(answer) == ("4", "0", "4;w=900")
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"]
    assert QUARTER - 60 < int(answer.headers["Retry-After"]) <= QUARTER


def test_the_window_closes_and_all_are_there_again() -> None:
    now = 0.0
    api = Api.fresh(rate_limits=LIMITS, counters=MemoryCounters(seconds=lambda: now))
    assert statuses(lambda: api.anyone.get("/events"), 5) == [200] * 4 + [429]
    now += QUARTER - 1
    assert api.anyone.get("/events").status_code == 429
    now += 1
    assert told(api.anyone.get("/events")) == ("4", "3", "4;w=900")


def test_without_limits_nothing_is_counted_and_nothing_told(api: Api) -> None:
    answers = [api.anyone.get("/events") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[-1].headers


@pytest.mark.parametrize("off", ["general", "reads", "login"])
def test_each_class_can_be_switched_off_by_itself(off: str) -> None:
    usual = {"general": Rate(2, 900), "reads": Rate(2, 900), "login": Rate(2, 900)}
    api = Api.fresh(rate_limits=RateLimits(**{**usual, off: None}))
    ada = Client(api.app, _registered(api, "ada@example.org"))
    asked: dict[str, Callable[[], TestResponse]] = {
        "general": lambda: ada.post("/bookings", {}),
        "reads": lambda: ada.get("/auth/me"),
        "login": lambda: log_in(api, "nobody@example.org"),
    }
    assert {name for name, ask in asked.items() if 429 not in statuses(ask, 6)} == {off}


def _registered(api: Api, email: str, address: str = "10.9.9.9") -> dict[str, Any]:
    api.services.accounts.register(email, PASSWORD, "Ada")
    tokens: dict[str, Any] = log_in(api, email, address).get_json()
    return tokens


def test_users_are_counted_one_by_one_wherever_they_are(limited: Api) -> None:
    ada, bob = (Client(limited.app, _registered(limited, f"{name}@example.org", name)) for name in "ab")
    for number in range(4):
        here = {"REMOTE_ADDR": f"10.0.0.{number}"}
        assert ada.post("/bookings", {}, environ_base=here).status_code == 422
    problem(ada.post("/bookings", {}), 429, "rate_limited")
    assert bob.post("/bookings", {}).status_code == 422


def test_all_sessions_of_a_user_count_together(limited: Api) -> None:
    tokens = _registered(limited, "ada@example.org")
    again = log_in(limited, "ada@example.org", "10.0.0.7").get_json()
    for each in (tokens, again, tokens, again):
        assert Client(limited.app, each).post("/bookings", {}).status_code == 422
    problem(Client(limited.app, tokens).post("/bookings", {}), 429, "rate_limited")


def test_to_look_is_a_class_of_its_own_for_who_is_signed_in(limited: Api) -> None:
    ada = Client(limited.app, _registered(limited, "ada@example.org"))
    assert statuses(lambda: ada.post("/bookings", {}), 5) == [422] * 4 + [429]
    assert statuses(lambda: ada.get("/bookings"), 7) == [200] * 6 + [429]


def test_a_token_that_is_none_counts_for_the_address(limited: Api) -> None:
    forged = limited.anyone.bearing("forged")
    assert statuses(lambda: forged.get("/auth/me"), 5) == [401] * 4 + [429]
    problem(limited.anyone.get("/events"), 429, "rate_limited")


def test_addresses_are_counted_one_by_one(limited: Api) -> None:
    def ask(address: str) -> int:
        return limited.anyone.get("/events", environ_base={"REMOTE_ADDR": address}).status_code

    assert [ask("10.0.0.1") for _ in range(5)] == [200] * 4 + [429]
    assert ask("10.0.0.2") == 200


def test_a_network_of_64_bits_is_one_address(limited: Api) -> None:
    """Whoever has one address of version 6 has 2^64 of them."""

    def ask(address: str) -> int:
        return limited.anyone.get("/events", environ_base={"REMOTE_ADDR": address}).status_code

    assert [ask(f"2001:db8::{number}") for number in range(5)] == [200] * 4 + [429]
    assert ask("2001:db8:0:1::1") == 200
    assert [ask(f"::ffff:10.0.0.{number}") for number in range(5)] == [200] * 5


def test_behind_a_proxy_the_address_is_what_the_proxy_says() -> None:
    api = Api.fresh(rate_limits=LIMITS, trusted_proxies=1)

    def ask(address: str) -> int:
        return api.anyone.get("/events", headers={"X-Forwarded-For": address}).status_code

    assert [ask(f"6.6.6.{number}, 203.0.113.9") for number in range(5)] == [200] * 4 + [429]
    assert ask("203.0.113.8") == 200


def test_without_a_proxy_nobody_says_what_the_address_is(limited: Api) -> None:
    def ask(number: int) -> int:
        return limited.anyone.get("/events", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code

    assert [ask(number) for number in range(5)] == [200] * 4 + [429]


def test_passwords_are_tried_seldom_from_one_address(limited: Api) -> None:
    ask = [log_in(limited, f"{number}@example.org").status_code for number in range(4)]
    assert ask == [401] * 3 + [429]
    answer = limited.anyone.post(
        "/auth/register",
        {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"},
        environ_base={"REMOTE_ADDR": "10.0.0.1"},
    )
    assert told(answer) == ("3", "0", "3;w=900")
    problem(answer, 429, "rate_limited")


def test_passwords_of_one_account_are_tried_seldom_from_wherever(limited: Api) -> None:
    def ask(number: int, email: str = "Ada@example.org ") -> int:
        return log_in(limited, email, f"10.0.0.{number}", "wrong password").status_code

    assert [ask(number) for number in range(4)] == [401] * 3 + [429]
    assert ask(9, "ada@EXAMPLE.org") == 429
    assert ask(9, "bob@example.org") == 401


def test_what_is_not_there_counts_as_well(limited: Api) -> None:
    assert statuses(lambda: limited.anyone.get("/nothing"), 5) == [404] * 4 + [429]


def test_health_is_always_told(limited: Api) -> None:
    answers = [limited.anyone.get("//health/live") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0].headers


def test_a_browser_that_asks_for_permission_is_not_counted(limited: Api) -> None:
    assert statuses(lambda: limited.anyone.call("OPTIONS", "/events"), 6) == [200] * 6
    assert limited.anyone.get("/events").status_code == 200


def test_a_refusal_is_not_kept_under_the_key(limited: Api) -> None:
    now = 0.0
    api = Api.fresh(rate_limits=LIMITS, counters=MemoryCounters(seconds=lambda: now))
    olga = Client(api.app, _made(api, "olga@example.org", Role.ORGANISER))
    scene = Scene.on_sale(api, olga)
    ada = Client(api.app, _made(api, "ada@example.org", Role.ATTENDEE))
    assert statuses(lambda: ada.post("/bookings", {}), 4) == [422] * 4
    problem(scene.ask(ada, key="k"), 429, "rate_limited")
    now += QUARTER
    answer = scene.ask(ada, key="k")
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


def _made(api: Api, email: str, role: Role) -> dict[str, Any]:
    api.services.accounts.create_user(OPERATOR, email, PASSWORD, "Somebody", role)
    tokens: dict[str, Any] = log_in(api, email, email).get_json()
    return tokens


def test_the_library_left_to_itself_answers_the_same() -> None:
    """Which is why the shorter way through it is as good."""
    now = 0.0
    ours = Api.fresh(rate_limits=RateLimits(general=Rate(5, 2)), counters=MemoryCounters(seconds=lambda: now))
    library = Flask("library")
    names = {HeaderNames.LIMIT: "RateLimit-Limit", HeaderNames.REMAINING: "RateLimit-Remaining"}
    Limiter(
        lambda: "somebody",
        app=library,
        application_limits=["5 per 2 seconds"],
        storage_uri="memory://",
        headers_enabled=True,
        header_name_mapping=names,
    )
    library.add_url_rule("/api/v1/events", "events", lambda: Response("{}"))
    for _ in range(random.Random(7).randint(12, 15)):
        one, other = ours.anyone.get("/events"), library.test_client().get("/api/v1/events")
        assert one.status_code == other.status_code
        assert [one.headers[name] for name in names.values()] == [
            other.headers[name] for name in names.values()
        ]


class TestShared:
    """Counted in a real Redis."""

    def test_instances_count_together(self, redis_server: str, make_redis_prefix: Callable[[], str]) -> None:
        prefix = make_redis_prefix()
        apis = [
            Api.fresh(
                rate_limits=LIMITS,
                counters=SteadyCounters(RedisCounters(RedisLink(redis_server), Keys(prefix))),
            )
            for _ in range(2)
        ]
        found = [apis[number % 2].anyone.get("/events") for number in range(5)]
        assert [answer.status_code for answer in found] == [200] * 4 + [429]
        assert [answer.headers["RateLimit-Remaining"] for answer in found] == ["3", "2", "1", "0", "0"]

    def test_requests_go_on_while_redis_is_gone_and_count_there_again_when_it_is_back(
        self, make_redis: MakeRedis
    ) -> None:
        now = 0.0
        server = make_redis()
        shared = RedisCounters(RedisLink(server.url))
        api = Api.fresh(rate_limits=LIMITS, counters=SteadyCounters(shared, seconds=lambda: now))

        def left() -> str:
            answer = api.anyone.get("/events")
            assert answer.status_code in (200, 429)
            return answer.headers["RateLimit-Remaining"]

        assert [left(), left()] == ["3", "2"]
        server.kill()
        assert [left() for _ in range(5)] == ["3", "2", "1", "0", "0"]  # this process counts by itself
        server.start()
        assert left() == "0"  # it is left alone for a moment
        now += PAUSE_SECONDS
        assert left() == "3"

    def test_a_redis_that_hangs_costs_one_request_its_patience_and_not_each(
        self, make_redis: MakeRedis
    ) -> None:
        asked = 0

        class Counting(RedisCounters):
            def count(self, name: str, seconds: int) -> Any:
                nonlocal asked
                asked += 1
                return super().count(name, seconds)

        server = make_redis()
        link = RedisLink(server.url, timeout=timedelta(milliseconds=100))
        api = Api.fresh(rate_limits=LIMITS, counters=SteadyCounters(Counting(link), seconds=lambda: 0.0))
        server.pause()
        assert statuses(lambda: api.anyone.get("/events"), 5) == [200] * 4 + [429]
        assert asked == 1
