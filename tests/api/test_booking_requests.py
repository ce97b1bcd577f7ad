"""Requests that are accepted now and decided later, as clients see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import attrs
import pytest
from werkzeug.test import TestResponse

from evently_core.values import EventId
from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, made


def asked(
    scene: Scene, who: Client, quantity: int = 1, *, prefer: str = "respond-async", **more: Any
) -> TestResponse:
    """Ask for seats, to be decided later."""
    key = more.pop("key", None)
    headers = {"Prefer": prefer, **({} if key is None else {"Idempotency-Key": key})}
    return who.post("/bookings", {"event_id": scene.event_id, "quantity": quantity, **more}, headers=headers)


def accepted(answer: TestResponse) -> str:
    """Hold an answer to be that a request was accepted; return where to ask for what comes of it."""
    content = made(answer, 202)
    assert (content["status"], content["result"], content["problem"]) == ("queued", None, None)
    location = answer.headers["Location"]
    assert location == f"/api/v1/booking-requests/{content['id']}"
    return location.removeprefix("/api/v1")


def drain(api: Api) -> None:
    """Decide all that waits."""
    assert api.services.evently.drain is not None
    while api.services.evently.drain.drain().requests:
        pass


@pytest.fixture
def scene(api: Api) -> Scene:
    return Scene.on_sale(api, capacity=3)


@pytest.fixture
def ana(api: Api) -> Client:
    return api.user(name="Ana")


class TestAccepting:
    def test_a_request_is_accepted_first_and_decided_later(self, api: Api, scene: Scene, ana: Client) -> None:
        answer = asked(scene, ana, 2)
        location = accepted(answer)
        assert answer.headers["Preference-Applied"] == "respond-async"
        assert scene.read()["seats_taken"] == 0
        assert made(ana.get(location)) == answer.get_json()
        drain(api)
        content = made(ana.get(location))
        assert (content["status"], content["ahead"], content["problem"]) == ("done", 0, None)
        assert content["result"]["outcome"] == "booked"
        booking = content["result"]["booking"]
        assert booking == made(ana.get(f"/bookings/{booking['id']}"))

    def test_what_is_refused_has_its_problem(self, api: Api, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana, 4))
        drain(api)
        answer = ana.get(location)
        content = made(answer)
        assert (content["status"], content["result"]) == ("refused", None)
        told = content["problem"]
        assert (told["code"], told["status"]) == ("not_enough_for_party", 409)
        assert (told["free"], told["requested"]) == (3, 4)
        assert told["request_id"] == answer.headers["X-Request-Id"]
        direct = problem(scene.ask(ana, 4), 409, "not_enough_for_party")
        assert {**direct, "instance": "", "request_id": ""} == {**told, "instance": "", "request_id": ""}

    def test_what_makes_no_sense_has_its_problem_too(self, api: Api, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana, ticket_type_id=UNKNOWN))
        drain(api)
        content = made(ana.get(location))
        assert (content["status"], content["problem"]["code"]) == ("refused", "not_found")

    def test_it_says_how_many_are_ahead(self, api: Api, scene: Scene, ana: Client) -> None:
        first, second, third = (asked(scene, ana) for _ in range(3))
        assert [answer.get_json()["ahead"] for answer in (first, second, third)] == [0, 1, 2]
        assert api.services.evently.drain is not None
        api.services.evently.drain.drain(limit=2)
        assert made(ana.get(accepted(third)))["ahead"] == 0

    def test_a_body_that_is_wrong_is_refused_at_once(self, scene: Scene, ana: Client) -> None:
        assert wrong_fields(asked(scene, ana, 0)) == {"quantity": "out_of_range"}

    def test_an_event_that_is_not_there_is_told_at_once(self, api: Api, scene: Scene, ana: Client) -> None:
        problem(asked(attrs.evolve(scene, event_id=UNKNOWN), ana), 404, "not_found")
        problem(asked(Scene.draft(api, scene.organiser), ana), 404, "not_found")

    @pytest.mark.parametrize(
        "prefer",
        ["respond-async", "RESPOND-ASYNC", "return=minimal, respond-async", "respond-async; x=1, wait=10"],
    )
    def test_the_preference_may_stand_among_others(self, scene: Scene, ana: Client, prefer: str) -> None:
        accepted(asked(scene, ana, prefer=prefer))

    @pytest.mark.parametrize("prefer", ["", "return=minimal", "wait=10", "respond-asynchronously"])
    def test_who_does_not_prefer_it_is_answered_at_once(self, scene: Scene, ana: Client, prefer: str) -> None:
        answer = asked(scene, ana, prefer=prefer)
        assert made(answer, 201)["outcome"] == "booked"
        assert "Preference-Applied" not in answer.headers


class TestKeys:
    def test_the_same_request_under_its_key_is_the_same_request(
        self, api: Api, scene: Scene, ana: Client
    ) -> None:
        first, again = asked(scene, ana, key="k"), asked(scene, ana, key="k")
        assert accepted(first) == accepted(again)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        drain(api)
        assert scene.read()["seats_taken"] == 1

    def test_another_request_under_the_key_is_refused(self, scene: Scene, ana: Client) -> None:
        accepted(asked(scene, ana, key="k"))
        problem(asked(scene, ana, 2, key="k"), 422, "idempotency_key_reused")

    def test_once_it_is_decided_the_key_gives_the_answer(self, api: Api, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana, key="k"))
        drain(api)
        result = made(ana.get(location))["result"]
        for again in (asked(scene, ana, key="k"), scene.ask(ana, key="k")):
            assert made(again, 201) == result
            assert again.headers["Idempotency-Replayed"] == "true"

    def test_the_same_key_of_somebody_else_is_another_key(self, api: Api, scene: Scene, ana: Client) -> None:
        ben = api.user(name="Ben")
        assert accepted(asked(scene, ana, key="k")) != accepted(asked(scene, ben, key="k"))


class TestBehindTheQueue:
    def test_who_asks_at_once_is_decided_behind_those_who_were_accepted(
        self, api: Api, scene: Scene, ana: Client
    ) -> None:
        accepted(asked(scene, ana, 3))
        ben = api.user(name="Ben")
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(scene.ask, ben)
            while _depth(api) < 2:
                assert not late.done()
            drain(api)
            problem(late.result(timeout=60), 409, "sold_out")

    def test_a_place_in_line_is_asked_for_behind_them_too(self, api: Api, scene: Scene, ana: Client) -> None:
        accepted(asked(scene, ana, 3))
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(scene.join, api.user(name="Ben"))
            while _depth(api) < 2:
                assert not late.done()
            drain(api)
            assert made(late.result(timeout=60), 201)["position"] == 1

    def test_where_too_many_wait_the_next_one_is_told_where_to_ask(
        self, api: Api, scene: Scene, ana: Client
    ) -> None:
        """And is not kept waiting."""
        scene = Scene.on_sale(api, scene.organiser, capacity=20)
        accepted(asked(scene, ana))
        people = [api.user(name=f"P{number}") for number in range(9)]
        with ThreadPoolExecutor(9) as pool:
            waiting = [pool.submit(scene.ask, person) for person in people[:8]]
            while _depth(api) < 9:
                assert not any(each.done() for each in waiting)
            answer = scene.ask(people[8])
            location = accepted(answer)
            assert "Preference-Applied" not in answer.headers
            drain(api)
            assert [each.result(timeout=60).status_code for each in waiting] == [201] * 8
        assert made(people[8].get(location))["status"] == "done"

    def test_seats_are_given_back_past_the_queue(self, api: Api, scene: Scene, ana: Client) -> None:
        booking = scene.booking(ana, 3)
        location = accepted(asked(scene, api.user(name="Ben"), 2))
        assert made(ana.delete(f"/bookings/{booking['id']}"))["status"] == "cancelled"
        problem(ana.get(location), 404, "not_found")
        assert _depth(api) == 1

    def test_the_organiser_goes_past_the_queue(self, api: Api, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana))
        made(scene.organiser.post(f"{scene.path}/cancel", {"reason": "Rain"}))
        drain(api)
        assert made(ana.get(location))["problem"]["code"] == "event_cancelled"


class TestReading:
    def test_who_waits_is_answered_when_it_is_decided(self, api: Api, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana))
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(ana.get, f"{location}?wait=20")
            drain(api)
            assert made(waits.result(timeout=60))["status"] == "done"

    def test_who_waits_in_vain_is_told_that_it_is_queued(self, scene: Scene, ana: Client) -> None:
        location = accepted(asked(scene, ana))
        content = made(ana.get(f"{location}?wait=1"))
        assert (content["status"], content["ahead"]) == ("queued", 0)

    @pytest.mark.parametrize("wait", ["-1", "21", "soon"])
    def test_nobody_waits_longer_than_that(self, scene: Scene, ana: Client, wait: str) -> None:
        assert set(wrong_fields(ana.get(f"{accepted(asked(scene, ana))}?wait={wait}"))) == {"wait"}

    def test_there_is_none_of_that_id(self, ana: Client) -> None:
        problem(ana.get(f"/booking-requests/{UNKNOWN}"), 404, "not_found")
        problem(ana.get("/booking-requests/17"), 404, "not_found")

    def test_what_could_not_be_decided_is_refused_for_a_fault_of_ours(
        self, api: Api, scene: Scene, ana: Client
    ) -> None:
        location = accepted(asked(scene, ana))
        evently = api.services.evently
        assert evently.drain is not None
        intake = evently.drain._intake
        with intake.claim(1) as requests:
            broken = [attrs.evolve(each, document={"command": "nothing"}) for each in requests]
            [failed] = evently.drain._settle(EventId(uuid4()), broken)
        assert str(failed.id) in location
        content = made(ana.get(location))
        assert (content["status"], content["problem"]["code"]) == ("refused", "internal_error")


def _depth(api: Api) -> int:
    assert api.services.evently.drain is not None
    return api.services.evently.drain._intake.figures().depth
