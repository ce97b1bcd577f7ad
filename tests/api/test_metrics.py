"""What is counted, and who may see it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from evently_core.errors import Unavailable
from evently_flask_api import Measure
from tests.api.harness import Api, problem
from tests.api.scene import UNKNOWN, Scene

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def look(api: Api, address: str = "127.0.0.1", **headers: str) -> TestResponse:
    return api.anyone.get("//metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)


def samples(api: Api) -> Samples:
    """Everything that is told, by name and labels, as Prometheus reads it."""
    answer = look(api)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def answers(found: Samples) -> dict[tuple[str, str, str], float]:
    """How many answers there were, by method, route and status."""
    counted = {}
    for (name, labels), value in found.items():
        if name == "evently_request_seconds_count":
            of = dict(labels)
            counted[of["method"], of["route"], of["status"]] = value
    return counted


def test_answers_are_counted_by_method_route_and_status(api: Api) -> None:
    for path in ("/events", "/events", f"/events/{UNKNOWN}", "/nothing", "/nothing/else"):
        api.anyone.get(path)
    api.anyone.call("BREW", "/events")
    assert answers(samples(api)) == {
        ("GET", "/api/v1/events", "200"): 2,
        ("GET", "/api/v1/events/<uuid:event_id>", "404"): 1,
        ("GET", "none", "404"): 2,
        ("other", "none", "405"): 1,
    }


def test_times_are_told_in_seconds(api: Api) -> None:
    api.anyone.get("/events")
    found = samples(api)
    labels = (("method", "GET"), ("route", "/api/v1/events"), ("status", "200"))
    assert 0 < found["evently_request_seconds_sum", labels] < 10
    assert found["evently_request_seconds_bucket", (("le", "10.0"), *labels)] == 1


def test_what_is_read_when_somebody_looks_is_told(api: Api) -> None:
    def lengths() -> Iterator[tuple[tuple[str], float]]:
        yield ("a",), 3.0
        yield ("b",), 1.0

    def gone() -> Iterator[tuple[tuple[str], float]]:
        raise Unavailable("10.0.0.1 does not answer")

    measures = [
        Measure("lengths", "Lengths.", lengths, ["line"]),
        Measure("gone", "Is gone.", gone, ["line"]),
    ]
    found = samples(Api.fresh(measures=measures))
    assert found["lengths", (("line", "a"),)] == 3
    assert found["lengths", (("line", "b"),)] == 1
    assert not [name for name, _ in found if name == "gone"]


def test_the_desk_tells_how_many_it_served_together() -> None:
    api = Api.fresh()
    scene = Scene.on_sale(api)
    before = samples(api)["evently_desk_batch_size_count", ()]
    scene.booking(api.user())
    found = samples(api)
    assert found["evently_desk_batch_size_count", ()] == before + 1
    assert found["evently_desk_batch_size_bucket", (("le", "1.0"),)] == before + 1
    assert found["evently_desk_batch_seconds_count", ()] == before + 1


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_look(api: Api, address: str) -> None:
    assert look(api, address).status_code == 200


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "", "unix:"])
def test_for_everybody_else_there_is_nothing(api: Api, address: str) -> None:
    problem(look(api, address), 404, "not_found")


def test_who_may_look_can_be_set() -> None:
    api = Api.fresh(metrics_allowed=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
    addresses = ("10.1.2.3", "2001:db8::1", "127.0.0.1", "11.0.0.1")
    assert [look(api, address).status_code for address in addresses] == [200, 200, 404, 404]


def test_a_proxy_on_this_machine_lets_nobody_in(api: Api) -> None:
    """Its own address is this machine's; whose request it carries counts, if the proxy is trusted."""
    for header in ({"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        assert look(api, **header).status_code == 404
    behind = Api.fresh(trusted_proxies=1)
    assert look(behind, **{"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert look(behind, **{"X-Forwarded-For": "127.0.0.1"}).status_code == 200


def test_no_secret_is_among_the_metrics(api: Api) -> None:
    ada = api.user(name="ada")
    ada.get("/auth/me?token=secret")
    api.anyone.get("/secret")
    told = look(api).text
    for secret in ("secret", "ada", ada.id, ada.tokens["access_token"]):
        assert secret not in told
