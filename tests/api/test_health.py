"""Whether a process lives, and whether it can work."""

from __future__ import annotations

from evently_core.errors import Unavailable
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
