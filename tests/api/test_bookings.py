"""Asking for seats, confirming them, giving them back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, made, text_of

EUR_25 = {"amount": 2500, "currency": "EUR"}


@pytest.fixture
def ana(api: Api) -> Client:
    return api.user(name="Ana")


@pytest.fixture
def ben(api: Api) -> Client:
    return api.user(name="Ben")


# -- asking -------------------------------------------------------------------------------------------------


def test_a_booking_is_answered_whole_and_has_an_address(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, price=EUR_25)
    answer = scene.ask(ana, 3)
    content = made(answer, 201)
    booking = content["booking"]
    assert re.fullmatch(r"EVT-[0-9A-HJKMNP-TV-Z]{10}", booking["reference"])
    now = text_of(api.clock.now())
    assert content == {
        "outcome": "booked",
        "waitlist_entry": None,
        "rest_refused": None,
        "reason": None,
        "booking": {
            "id": booking["id"],
            "reference": booking["reference"],
            "event_id": scene.event_id,
            "ticket_type_id": scene.kinds[0],
            "user_id": ana.id,
            "quantity": 3,
            "total": {"amount": 7500, "currency": "EUR"},
            "status": "confirmed",
            "origin": "direct",
            "expires_at": None,
            "created_at": now,
            "confirmed_at": now,
            "cancelled_at": None,
        },
    }
    assert answer.headers["Location"] == f"/api/v1/bookings/{booking['id']}"
    assert "Idempotency-Replayed" not in answer.headers
    assert made(ana.get(answer.headers["Location"].removeprefix("/api/v1"))) == booking


def test_one_seat_is_asked_for_if_no_quantity_is_named(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    answer = ana.post("/bookings", {"event_id": scene.event_id})
    assert made(answer, 201)["booking"]["quantity"] == 1


def test_a_ticket_type_may_be_named(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, ticket_types=[{"name": "Floor"}, {"name": "Gallery", "price": EUR_25}])
    booking = scene.booking(ana, 2, ticket_type_id=scene.kinds[1])
    assert (booking["ticket_type_id"], booking["total"]["amount"]) == (scene.kinds[1], 5000)


def test_two_of_ten_seats_are_booked_and_eight_wait(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=2)
    answer = scene.ask(ana, 10, accept_partial=True, join_waitlist=True)
    content = made(answer, 201)
    assert content["outcome"] == "partially_booked"
    assert (content["booking"]["quantity"], content["booking"]["status"]) == (2, "confirmed")
    entry = content["waitlist_entry"]
    assert entry == {
        "id": entry["id"],
        "event_id": scene.event_id,
        "ticket_type_id": scene.kinds[0],
        "user_id": ana.id,
        "quantity": 8,
        "status": "waiting",
        "position": 1,
        "seats_ahead": 0,
        "priority": 0,
        "joined_at": text_of(api.clock.now()),
        "offers": [],
    }
    assert content["rest_refused"] is None
    assert content["reason"]["code"] == "sold_out"
    assert answer.headers["Location"] == f"/api/v1/bookings/{content['booking']['id']}"
    behind = made(scene.ask(ben, 2, join_waitlist=True), 201)
    assert (behind["outcome"], behind["booking"]) == ("waitlisted", None)
    assert (behind["waitlist_entry"]["position"], behind["waitlist_entry"]["seats_ahead"]) == (2, 8)


def test_who_gives_seats_back_does_not_get_them_again_and_the_next_is_served(
    api: Api, ana: Client, ben: Client
) -> None:
    scene = Scene.on_sale(api, capacity=2)
    smart = made(scene.ask(ana, 10, accept_partial=True, join_waitlist=True), 201)
    waits = made(scene.ask(ben, 2, join_waitlist=True), 201)["waitlist_entry"]
    lines_before = len(_journal(scene))

    cancelled = made(ana.delete(f"/bookings/{smart['booking']['id']}"))

    assert cancelled["status"] == "cancelled"
    assert made(ana.get(f"/waitlist/{smart['waitlist_entry']['id']}"))["status"] == "left"
    served = made(ben.get(f"/waitlist/{waits['id']}"))
    assert (served["status"], served["position"]) == ("served", None)
    [booking] = served["offers"]
    assert (booking["quantity"], booking["status"], booking["origin"]) == (2, "confirmed", "waitlist")
    assert booking["user_id"] == ben.id
    news = _journal(scene)[lines_before:]
    assert [line["kind"] for line in news] == ["cancelled", "entry_ended", "granted"]
    assert {(line["cause"], line["actor_id"], line["at"]) for line in news} == {
        ("cancel", ana.id, text_of(api.clock.now()))
    }, "one command did it all"


def _journal(scene: Scene) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = made(scene.organiser.get(f"{scene.path}/journal?limit=100"))["items"]
    return sorted(items, key=lambda line: line["number"])


def test_who_only_waits_is_told_where(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=1)
    scene.booking(ana)
    answer = scene.ask(ben, join_waitlist=True)
    content = made(answer, 201)
    assert content["outcome"] == "waitlisted"
    assert answer.headers["Location"] == f"/api/v1/waitlist/{content['waitlist_entry']['id']}"


def test_a_rest_that_does_not_wait_is_refused_with_its_reason(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, capacity=2)
    content = made(scene.ask(ana, 5, accept_partial=True), 201)
    assert (content["outcome"], content["booking"]["quantity"]) == ("partially_booked", 2)
    assert content["waitlist_entry"] is None
    reason = content["rest_refused"]
    assert reason.pop("detail")
    assert reason == {"code": "sold_out", "free": 0, "requested": 5, "ahead": 0}


def test_an_unknown_event_or_ticket_type_is_not_found(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    problem(ana.post("/bookings", {"event_id": UNKNOWN}), 404, "not_found")
    problem(scene.ask(ana, ticket_type_id=UNKNOWN), 404, "not_found")


def test_nobody_hears_of_a_draft_by_asking_for_its_seats(api: Api, ana: Client) -> None:
    scene = Scene.draft(api)
    problem(scene.ask(ana), 404, "not_found")
    problem(scene.join(ana), 404, "not_found")


# -- the same request again ---------------------------------------------------------------------------------


def test_the_same_request_under_a_key_has_one_effect(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    first = scene.ask(ana, 2, key="k-1")
    again = scene.ask(ana, 2, key="k-1")
    assert made(again, 201) == made(first, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert scene.read()["seats_taken"] == 2


def test_what_was_left_out_is_the_same_as_its_default(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    headers = {"Idempotency-Key": "k-1"}
    first = ana.post("/bookings", {"event_id": scene.event_id}, headers=headers)
    again = scene.ask(ana, 1, key="k-1", accept_partial=False)
    assert made(again, 201) == made(first, 201)


def test_another_request_under_the_same_key_is_refused(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    made(scene.ask(ana, 2, key="k-1"), 201)
    problem(scene.ask(ana, 3, key="k-1"), 422, "idempotency_key_reused")
    problem(scene.join(ana, 2, key="k-1"), 422, "idempotency_key_reused")
    assert scene.read()["seats_taken"] == 2


def test_a_key_is_somebodys_own_and_of_one_event(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api)
    other = Scene.on_sale(api, scene.organiser)
    ids = {
        made(asked, 201)["booking"]["id"]
        for asked in (
            scene.ask(ana, key="k-1"),
            scene.ask(ben, key="k-1"),
            other.ask(ana, key="k-1"),
        )
    }
    assert len(ids) == 3


def test_a_refusal_is_answered_again_even_when_its_reason_is_gone(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=1)
    booking = scene.booking(ben)
    first = problem(scene.ask(ana, key="k-1"), 409, "sold_out")
    made(ben.delete(f"/bookings/{booking['id']}"))
    again = scene.ask(ana, key="k-1")
    members = problem(again, 409, "sold_out")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (members["free"], members["requested"]) == (first["free"], first["requested"]) == (0, 1)
    made(scene.ask(ana, key="k-2"), 201)


def test_what_can_be_mended_is_not_kept_under_its_key(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, ticket_types=[{"name": "Floor"}, {"name": "Gallery"}])
    problem(scene.ask(ana, key="k-1"), 422, "ticket_type_required")
    assert wrong_fields(scene.ask(ana, 0, key="k-1")) == {"quantity": "out_of_range"}
    made(scene.ask(ana, key="k-1", ticket_type_id=scene.kinds[0]), 201)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "ü"])
def test_a_key_that_is_none_is_refused(api: Api, ana: Client, key: str) -> None:
    scene = Scene.on_sale(api)
    problem(scene.ask(ana, key=key), 400, "invalid_idempotency_key")
    assert scene.read()["seats_taken"] == 0


# -- holds --------------------------------------------------------------------------------------------------


def test_a_held_booking_is_confirmed_once(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, policy={"hold_for_seconds": 600})
    held = scene.booking(ana, 2)
    now = api.clock.now()
    assert (held["status"], held["confirmed_at"]) == ("held", None)
    assert held["expires_at"] == text_of(now + timedelta(minutes=10))
    later = text_of(api.clock.advance(timedelta(minutes=5)))
    path = f"/bookings/{held['id']}"
    confirmed = made(ana.post(f"{path}/confirm", {"payment_reference": "pay-1"}))
    assert confirmed == {**held, "status": "confirmed", "confirmed_at": later, "expires_at": None}
    api.clock.advance(timedelta(minutes=1))
    assert made(ana.post(f"{path}/confirm")) == confirmed
    assert made(ana.get(path)) == confirmed


def test_a_hold_past_its_time_reads_as_expired_and_holds_nothing(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, policy={"hold_for_seconds": 60})
    held = scene.booking(ana, 2)
    assert scene.read()["seats_taken"] == 2
    api.clock.advance(timedelta(seconds=60))
    assert made(ana.get(f"/bookings/{held['id']}"))["status"] == "expired"
    assert made(ana.get("/bookings?status=expired"))["items"][0]["id"] == held["id"]
    assert made(ana.get("/bookings?status=held"))["items"] == []
    assert scene.read()["seats_taken"] == 0
    problem(ana.post(f"/bookings/{held['id']}/confirm"), 409, "hold_expired")


# -- giving back --------------------------------------------------------------------------------------------


def test_cancelling_twice_is_cancelling_once(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    booking = scene.booking(ana, 2)
    path = f"/bookings/{booking['id']}"
    first = made(ana.delete(path))
    assert first == {**booking, "status": "cancelled", "cancelled_at": text_of(api.clock.now())}
    api.clock.advance(timedelta(minutes=1))
    assert made(ana.delete(path)) == first
    assert made(ana.get(path)) == first
    assert scene.read()["seats_free"] == 10


def test_some_seats_are_given_back_and_served_at_once(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=4, price=EUR_25)
    booking = scene.booking(ana, 4)
    waits = scene.entry(ben, 3)
    reduced = made(ana.patch(f"/bookings/{booking['id']}", {"quantity": 1}))
    assert reduced == {**booking, "quantity": 1, "total": EUR_25}
    assert made(ben.get(f"/waitlist/{waits['id']}"))["status"] == "served"


def test_an_organiser_gives_back_for_somebody_with_a_reason(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    path = f"/bookings/{scene.booking(ana, 3)['id']}"
    assert wrong_fields(scene.organiser.delete(path)) == {"reason": "required"}
    assert wrong_fields(scene.organiser.patch(path, {"quantity": 2})) == {"reason": "required"}
    reduced = made(scene.organiser.patch(path, {"quantity": 2, "reason": "row removed"}))
    assert reduced["quantity"] == 2
    assert made(scene.organiser.delete(f"{path}?reason=no+show"))["status"] == "cancelled"
    assert [line["reason"] for line in _journal(scene)[-2:]] == ["row removed", "no show"]


def test_after_the_deadline_only_the_organiser_gives_back(api: Api, ana: Client) -> None:
    until = text_of(api.clock.now() + timedelta(hours=1))
    scene = Scene.on_sale(api, policy={"cancel_until": until})
    path = f"/bookings/{scene.booking(ana, 2)['id']}"
    api.clock.advance(timedelta(hours=1))
    problem(ana.patch(path, {"quantity": 1}), 409, "cancel_deadline_passed")
    assert problem(ana.delete(path), 409, "cancel_deadline_passed")["cancel_until"] == until
    assert made(scene.organiser.delete(f"{path}?reason=ill"))["status"] == "cancelled"


# -- reading ------------------------------------------------------------------------------------------------


def test_what_is_not_yours_is_not_there(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, policy={"hold_for_seconds": 600})
    path = f"/bookings/{scene.booking(ana, 2)['id']}"
    problem(ben.get(path), 404, "not_found")
    problem(ben.delete(path), 404, "not_found")
    problem(ben.patch(path, {"quantity": 1}), 404, "not_found")
    problem(ben.post(f"{path}/confirm"), 404, "not_found")
    assert made(ana.get(path))["status"] == "held"
    assert made(ben.get("/bookings"))["items"] == []


def test_an_unknown_booking_is_not_there(ana: Client) -> None:
    path = f"/bookings/{UNKNOWN}"
    problem(ana.get(path), 404, "not_found")
    problem(ana.delete(path), 404, "not_found")
    problem(ana.patch(path, {"quantity": 1}), 404, "not_found")
    problem(ana.post(f"{path}/confirm"), 404, "not_found")
    problem(ana.get("/bookings/7"), 404, "not_found")


def test_bookings_are_listed_in_pages_that_stay_stable(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api)
    made_ids = [scene.booking(ana)["id"] for _ in range(5)]
    scene.booking(ben)
    first = made(ana.get("/bookings?limit=2"))
    newcomer = scene.booking(ana)["id"]
    read = [booking["id"] for booking in first["items"]]
    cursor = first["next_cursor"]
    while cursor is not None:
        page = made(ana.get(f"/bookings?limit=2&cursor={cursor}"))
        assert 1 <= len(page["items"]) <= 2
        read += [booking["id"] for booking in page["items"]]
        cursor = page["next_cursor"]
    assert len(read) == len(set(read)), "nothing comes twice"
    assert [one for one in read if one != newcomer] in (made_ids, made_ids[::-1])


def test_bookings_are_listed_by_event_and_status(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api)
    other = Scene.on_sale(api, scene.organiser)
    kept, gone, elsewhere = scene.booking(ana), scene.booking(ana), other.booking(ana)
    made(ana.delete(f"/bookings/{gone['id']}"))

    def listed(query: str) -> set[str]:
        return {booking["id"] for booking in made(ana.get(f"/bookings?{query}"))["items"]}

    assert listed("") == {kept["id"], gone["id"], elsewhere["id"]}
    assert listed(f"event_id={scene.event_id}") == {kept["id"], gone["id"]}
    assert listed("status=cancelled") == {gone["id"]}
    assert listed(f"event_id={scene.event_id}&status=confirmed") == {kept["id"]}
    assert listed(f"event_id={UNKNOWN}") == set()


def test_bookings_of_an_event_are_listed_for_its_organiser(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api)
    booked = [scene.booking(ana), scene.booking(ben)]
    made(ben.delete(f"/bookings/{booked[1]['id']}"))
    path = f"{scene.path}/bookings"
    listed = made(scene.organiser.get(path))
    assert {booking["id"] for booking in listed["items"]} == {booking["id"] for booking in booked}
    assert listed["next_cursor"] is None
    assert made(scene.organiser.get(f"{path}?status=confirmed"))["items"] == [booked[0]]
    page = made(scene.organiser.get(f"{path}?limit=1"))
    rest = made(scene.organiser.get(f"{path}?limit=1&cursor={page['next_cursor']}"))
    assert len({booking["id"] for booking in page["items"] + rest["items"]}) == 2


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0", {"limit": "out_of_range"}),
        ("limit=101", {"limit": "out_of_range"}),
        ("limit=ten", {"limit": "not_a_number"}),
        ("limit=1&limit=2", {"limit": "repeated"}),
        ("cursor=garbage", {"cursor": "invalid_cursor"}),
        ("cursor=WyJ4Il0", {"cursor": "invalid_cursor"}),
        (
            "status=lost&event_id=7&page=2",
            {"status": "not_allowed", "event_id": "invalid_id", "page": "unknown_field"},
        ),
    ],
)
def test_a_list_says_what_is_wrong_with_its_query(ana: Client, query: str, wrong: dict[str, str]) -> None:
    assert wrong_fields(ana.get(f"/bookings?{query}")) == wrong


# -- hostile ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        (0, "out_of_range"),
        (-1, "out_of_range"),
        (10_000_001, "out_of_range"),
        (10**30, "out_of_range"),
        (True, "wrong_type"),
        (1.5, "wrong_type"),
        ("2", "wrong_type"),
        (None, "wrong_type"),
        ([1], "wrong_type"),
    ],
)
def test_a_quantity_is_a_whole_number_of_seats(api: Api, ana: Client, quantity: object, code: str) -> None:
    scene = Scene.on_sale(api)
    path = f"/bookings/{scene.booking(ana, 3)['id']}"
    assert wrong_fields(scene.ask(ana, quantity)) == {"quantity": code}
    assert wrong_fields(scene.join(ana, quantity)) == {"quantity": code}
    assert wrong_fields(ana.patch(path, {"quantity": quantity})) == {"quantity": code}
    assert scene.read()["seats_taken"] == 3


def test_a_whole_number_may_be_written_with_a_point(api: Api, ana: Client) -> None:
    assert Scene.on_sale(api).booking(ana, 2.0)["quantity"] == 2  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("route", ["/bookings", "/waitlist"])
def test_everything_that_is_wrong_with_a_request_is_said_at_once(ana: Client, route: str) -> None:
    body = {"event_id": 7, "ticket_type_id": "x", "quantity": -1, "accept_partial": "yes", "price": 0}
    assert wrong_fields(ana.post(route, body)) == {
        "event_id": "invalid_id",
        "ticket_type_id": "invalid_id",
        "quantity": "out_of_range",
        "accept_partial": "wrong_type",
        "price": "unknown_field",
    }
    assert wrong_fields(ana.post(route, {})) == {"event_id": "required"}


@pytest.mark.parametrize("body", [[], "text", 7, True])
def test_a_body_is_an_object(ana: Client, body: object) -> None:
    assert wrong_fields(ana.call("POST", "/bookings", json=body)) == {"body": "wrong_type"}


def test_a_text_has_no_nul_and_an_end(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, policy={"hold_for_seconds": 600})
    path = f"/bookings/{scene.booking(ana, 2)['id']}"
    for text, code in (("a\0b", "invalid_text"), ("x" * 10_000, "too_long"), ("", "too_short")):
        paid = {"payment_reference": text}
        assert wrong_fields(ana.post(f"{path}/confirm", paid)) == {"payment_reference": code}
        why = {"quantity": 1, "reason": text}
        assert wrong_fields(scene.organiser.patch(path, why)) == {"reason": code}
        assert wrong_fields(scene.organiser.delete(path, query_string={"reason": text})) == {"reason": code}
    assert made(ana.get(path))["status"] == "held"
