"""Whether a process lives, and whether it can work."""

from __future__ import annotations

from evently_core.errors import Unavailable
from evently_core.values import Role
from tests.api.harness import Api


def gone() -> str:
    raise Unavailable("10.0.0.1 does not answer")


def test_a_process_that_answers_lives_whatever_it_lacks() -> None:
    answer = Api.fresh(checks={"database": gone}).anyone.get("//health/live")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ok", "checks": {}, "instance": "api-1"}


def test_a_process_is_ready_when_every_check_is_well() -> None:
    api = Api.fresh(checks={"database": lambda: "ok", "migrations": lambda: "ok"})
    answer = api.anyone.get("//health/ready")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok"},
        "instance": "api-1",
    }


def test_a_process_is_not_ready_when_one_is_not() -> None:
    api = Api.fresh(checks={"database": gone, "migrations": lambda: "behind"})
    answer = api.anyone.get("//health/ready")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.get_json() == {
        "status": "down",
        "checks": {"database": "down", "migrations": "behind"},
        "instance": "api-1",
    }


def test_a_process_without_a_courtesy_is_degraded_and_ready() -> None:
    api = Api.fresh(checks={"database": lambda: "ok"}, courtesies={"redis": gone})
    answer = api.anyone.get("//health/ready")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "degraded",
        "checks": {"database": "ok", "redis": "down"},
        "instance": "api-1",
    }


def test_without_what_it_needs_a_process_is_down_whatever_else_it_lacks() -> None:
    api = Api.fresh(checks={"database": gone}, courtesies={"redis": gone})
    answer = api.anyone.get("//health/ready")
    assert (answer.status_code, answer.get_json()["status"]) == (503, "down")


def test_who_answers_is_among_the_live_instances_with_all_it_has_answered() -> None:
    api = Api.fresh()
    other, admin = api.beside(), api.user(Role.ADMIN)
    for each in (api, other):
        assert each.services.presence is not None
        each.services.presence.beat()
    answer = admin.get("//health/instances")
    live = {each["name"]: each for each in answer.get_json()["items"]}
    assert set(live) == {"api-1", "api-2"}
    mine = live[answer.headers["X-Instance-Id"]]
    assert mine["requests"] == 1, "the log-in"
    assert admin.get("//health/instances").get_json()["items"][0]["requests"] == 2
    assert (mine["kind"], mine["version"], mine["host"], mine["pid"]) == ("api", "1.2.3", "localhost", 1)
    assert live["api-2"]["requests"] == 0
