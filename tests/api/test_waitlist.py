"""Joining a line, one's place in it, and offers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, made, text_of

OFFERS = {"waitlist": {"offer_window_seconds": 600}}


@pytest.fixture
def ana(api: Api) -> Client:
    return api.user(name="Ana")


@pytest.fixture
def ben(api: Api) -> Client:
    return api.user(name="Ben")


@pytest.fixture
def cara(api: Api) -> Client:
    return api.user(name="Cara")


def _full(api: Api, by: Client, seats: int = 1, **fields: Any) -> tuple[Scene, str]:
    """Return an event all of whose seats one booking has, and where that booking is."""
    scene = Scene.on_sale(api, capacity=seats, **fields)
    return scene, f"/bookings/{scene.booking(by, seats)['id']}"


# -- joining ------------------------------------------------------------------------------------------------


def test_an_entry_is_answered_whole_and_has_an_address(api: Api, ana: Client, ben: Client) -> None:
    scene, _ = _full(api, ana)
    answer = scene.join(ben, 3)
    entry = made(answer, 201)
    assert entry == {
        "id": entry["id"],
        "event_id": scene.event_id,
        "ticket_type_id": scene.kinds[0],
        "user_id": ben.id,
        "quantity": 3,
        "status": "waiting",
        "position": 1,
        "seats_ahead": 0,
        "priority": 0,
        "joined_at": text_of(api.clock.now()),
        "offers": [],
    }
    assert answer.headers["Location"] == f"/api/v1/waitlist/{entry['id']}"
    assert made(ben.get(f"/waitlist/{entry['id']}")) == entry


def test_a_place_is_live(api: Api, ana: Client, ben: Client, cara: Client) -> None:
    scene, _ = _full(api, ana)
    first, second = scene.entry(ben, 3), scene.entry(cara, 1)
    assert (second["position"], second["seats_ahead"]) == (2, 3)
    made(ben.delete(f"/waitlist/{first['id']}"))
    now = made(cara.get(f"/waitlist/{second['id']}"))
    assert (now["position"], now["seats_ahead"]) == (1, 0)


def test_nobody_waits_for_seats_that_can_be_booked(api: Api, ana: Client) -> None:
    scene = Scene.on_sale(api, capacity=2)
    members = problem(scene.join(ana, 2), 409, "seats_available")
    assert (members["available"], members["requested"]) == (2, 2)
    problem(scene.join(ana, 3, accept_partial=True), 409, "seats_available")
    assert scene.entry(ana, 3)["position"] == 1, "the whole party of three cannot be booked"


def test_the_same_request_to_wait_under_a_key_has_one_effect(api: Api, ana: Client, ben: Client) -> None:
    scene, _ = _full(api, ana)
    first = scene.join(ben, 2, key="k-1")
    again = scene.join(ben, 2, key="k-1")
    assert made(again, 201) == made(first, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    problem(scene.join(ben, 3, key="k-1"), 422, "idempotency_key_reused")
    assert scene.read()["waiting"] == 1


def test_a_refusal_to_wait_is_answered_again(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=1)
    problem(scene.join(ben, key="k-1"), 409, "seats_available")
    scene.booking(ana)
    again = scene.join(ben, key="k-1")
    problem(again, 409, "seats_available")
    assert again.headers["Idempotency-Replayed"] == "true"


def test_an_unknown_event_or_ticket_type_has_no_line(api: Api, ana: Client, ben: Client) -> None:
    scene, _ = _full(api, ana)
    problem(ben.post("/waitlist", {"event_id": UNKNOWN}), 404, "not_found")
    problem(scene.join(ben, ticket_type_id=UNKNOWN), 404, "not_found")


# -- leaving ------------------------------------------------------------------------------------------------


def test_leaving_twice_is_leaving_once(api: Api, ana: Client, ben: Client) -> None:
    scene, _ = _full(api, ana)
    entry = scene.entry(ben, 2)
    path = f"/waitlist/{entry['id']}"
    left = made(ben.delete(path))
    assert left == {**entry, "status": "left", "position": None, "seats_ahead": None}
    assert made(ben.delete(path)) == left
    assert made(ben.get(path)) == left
    assert scene.read()["waiting"] == 0


# -- offers -------------------------------------------------------------------------------------------------


def test_seats_that_come_free_are_offered_and_accepted_once(api: Api, ana: Client, ben: Client) -> None:
    scene, taken = _full(api, ana, 2, policy=OFFERS)
    entry = scene.entry(ben, 2)
    made(ana.delete(taken))
    path = f"/waitlist/{entry['id']}"
    offered = made(ben.get(path))
    assert (offered["status"], offered["position"]) == ("offered", None)
    [offer] = offered["offers"]
    assert (offer["status"], offer["origin"], offer["quantity"]) == ("held", "waitlist", 2)
    assert offer["expires_at"] == text_of(api.clock.now() + timedelta(minutes=10))

    accepted = made(ben.post(f"{path}/accept"))

    confirmed = {
        **offer,
        "status": "confirmed",
        "confirmed_at": text_of(api.clock.now()),
        "expires_at": None,
    }
    assert accepted == {
        "booking": confirmed,
        "waitlist_entry": {**offered, "status": "served", "offers": [confirmed]},
    }
    assert made(ben.post(f"{path}/accept", {"booking_id": offer["id"]})) == accepted
    problem(ben.post(f"{path}/decline"), 409, "no_open_offer")


def test_confirming_an_offer_is_accepting_it(api: Api, ana: Client, ben: Client) -> None:
    scene, taken = _full(api, ana, policy=OFFERS)
    entry = scene.entry(ben)
    made(ana.delete(taken))
    [offer] = made(ben.get(f"/waitlist/{entry['id']}"))["offers"]
    assert made(ben.post(f"/bookings/{offer['id']}/confirm"))["status"] == "confirmed"
    assert made(ben.get(f"/waitlist/{entry['id']}"))["status"] == "served"


def test_what_is_declined_goes_to_the_next(api: Api, ana: Client, ben: Client, cara: Client) -> None:
    scene, taken = _full(api, ana, policy=OFFERS)
    first, second = scene.entry(ben), scene.entry(cara)
    made(ana.delete(taken))
    path = f"/waitlist/{first['id']}"
    declined = made(ben.post(f"{path}/decline"))
    assert (declined["booking"]["status"], declined["waitlist_entry"]["status"]) == ("cancelled", "left")
    assert made(ben.post(f"{path}/decline")) == declined
    next_one = made(cara.get(f"/waitlist/{second['id']}"))
    assert (next_one["status"], next_one["offers"][0]["status"]) == ("offered", "held")


def test_several_offers_are_answered_one_by_one(api: Api, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, capacity=3, policy=OFFERS)
    taken = [f"/bookings/{scene.booking(ana)['id']}" for _ in range(3)]
    entry = scene.entry(ben, 3, accept_partial=True)
    for path in taken[:2]:
        made(ana.delete(path))
    path = f"/waitlist/{entry['id']}"
    waiting = made(ben.get(path))
    assert (waiting["status"], waiting["quantity"], len(waiting["offers"])) == ("waiting", 1, 2)
    assert problem(ben.post(f"{path}/accept"), 422, "booking_id_required")["open_offers"] == 2
    chosen, other = (offer["id"] for offer in waiting["offers"])
    accepted = made(ben.post(f"{path}/accept", {"booking_id": chosen}))
    assert (accepted["booking"]["id"], accepted["booking"]["status"]) == (chosen, "confirmed")
    assert accepted["waitlist_entry"]["status"] == "waiting"
    declined = made(ben.post(f"{path}/decline", {"booking_id": other}))
    assert (declined["booking"]["id"], declined["waitlist_entry"]["status"]) == (other, "left")
    problem(ben.post(f"{path}/accept", {"booking_id": UNKNOWN}), 404, "not_found")


def test_an_offer_past_its_time_is_gone(api: Api, ana: Client, ben: Client, cara: Client) -> None:
    scene, taken = _full(api, ana, policy=OFFERS)
    first, second = scene.entry(ben), scene.entry(cara)
    made(ana.delete(taken))
    api.clock.advance(timedelta(minutes=10))
    path = f"/waitlist/{first['id']}"
    assert made(ben.get(path))["offers"][0]["status"] == "expired"
    problem(ben.post(f"{path}/accept"), 409, "hold_expired")
    problem(ben.post(f"{path}/decline"), 409, "hold_expired")
    assert made(ben.get(path))["status"] == "lapsed"
    assert made(cara.get(f"/waitlist/{second['id']}"))["status"] == "offered"


# -- moving -------------------------------------------------------------------------------------------------


def test_the_organiser_moves_an_entry_with_a_reason(api: Api, ana: Client, ben: Client, cara: Client) -> None:
    scene, taken = _full(api, ana)
    first, second = scene.entry(ben), scene.entry(cara)
    path = f"/waitlist/{second['id']}"
    moved = made(scene.organiser.patch(path, {"priority": 5, "reason": "plays tonight"}))
    assert moved == {**second, "priority": 5, "position": 1, "seats_ahead": 0}
    [line] = [
        line
        for line in made(scene.organiser.get(f"{scene.path}/journal"))["items"]
        if line["kind"] == "moved"
    ]
    assert (line["reason"], line["actor_id"]) == ("plays tonight", scene.organiser.id)
    made(ana.delete(taken))
    assert made(cara.get(path))["status"] == "served"
    assert made(ben.get(f"/waitlist/{first['id']}"))["position"] == 1


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"priority": "required", "reason": "required"}),
        ({"priority": 101, "reason": ""}, {"priority": "out_of_range", "reason": "too_short"}),
        ({"priority": -101, "reason": "x" * 10_000}, {"priority": "out_of_range", "reason": "too_long"}),
        ({"priority": True, "reason": "a\0"}, {"priority": "wrong_type", "reason": "invalid_text"}),
        (
            {"priority": 0.5, "reason": 7, "by": 1},
            {"priority": "wrong_type", "reason": "wrong_type", "by": "unknown_field"},
        ),
    ],
)
def test_a_move_says_everything_that_is_wrong(
    api: Api, ana: Client, ben: Client, body: dict[str, object], wrong: dict[str, str]
) -> None:
    scene, _ = _full(api, ana)
    path = f"/waitlist/{scene.entry(ben)['id']}"
    assert wrong_fields(scene.organiser.patch(path, body)) == wrong
    assert made(ben.get(path))["priority"] == 0


# -- reading ------------------------------------------------------------------------------------------------


def test_a_place_in_line_is_ones_own(api: Api, ana: Client, ben: Client, cara: Client) -> None:
    scene, taken = _full(api, ana, policy=OFFERS)
    path = f"/waitlist/{scene.entry(ben)['id']}"
    made(ana.delete(taken))
    move = {"priority": 1, "reason": "mine"}
    for stranger in (cara, ana):
        problem(stranger.get(path), 404, "not_found")
        problem(stranger.delete(path), 404, "not_found")
        problem(stranger.patch(path, move), 404, "not_found")
        problem(stranger.post(f"{path}/accept"), 404, "not_found")
        problem(stranger.post(f"{path}/decline"), 404, "not_found")
    problem(ben.patch(path, move), 403, "forbidden")
    assert made(ben.get(path))["status"] == "offered"


def test_an_unknown_entry_is_not_there(ana: Client) -> None:
    path = f"/waitlist/{UNKNOWN}"
    problem(ana.get(path), 404, "not_found")
    problem(ana.delete(path), 404, "not_found")
    problem(ana.patch(path, {"priority": 1, "reason": "why"}), 404, "not_found")
    problem(ana.post(f"{path}/accept"), 404, "not_found")
    problem(ana.post(f"{path}/decline"), 404, "not_found")


def test_ones_entries_are_listed_with_their_places(api: Api, ana: Client, ben: Client) -> None:
    scene, _ = _full(api, ana)
    other = Scene.on_sale(api, scene.organiser, capacity=0)
    behind = [scene.entry(ben, 2), other.entry(ben, 1)]
    other.entry(ana)
    listed = made(ben.get("/waitlist"))
    assert listed["next_cursor"] is None
    assert sorted(listed["items"], key=lambda entry: str(entry["id"])) == behind
    assert made(ben.get(f"/waitlist?event_id={other.event_id}"))["items"] == [behind[1]]
    page = made(ben.get("/waitlist?limit=1"))
    rest = made(ben.get(f"/waitlist?limit=1&cursor={page['next_cursor']}"))
    assert rest["next_cursor"] is None
    assert {entry["id"] for entry in page["items"] + rest["items"]} == {entry["id"] for entry in behind}


def test_a_line_is_listed_in_order_for_the_organiser(
    api: Api, ana: Client, ben: Client, cara: Client
) -> None:
    scene, _ = _full(api, ana)
    first, second = scene.entry(ben, 2), scene.entry(cara, 3)
    path = f"{scene.path}/waitlist"
    assert made(scene.organiser.get(path)) == {"items": [first, second], "next_cursor": None}
    made(scene.organiser.patch(f"/waitlist/{second['id']}", {"priority": 1, "reason": "why"}))
    listed = made(scene.organiser.get(f"{path}?ticket_type_id={scene.kinds[0]}"))["items"]
    assert [(entry["id"], entry["position"], entry["seats_ahead"]) for entry in listed] == [
        (second["id"], 1, 0),
        (first["id"], 2, 3),
    ]
    page = made(scene.organiser.get(f"{path}?limit=1"))
    assert [entry["id"] for entry in page["items"]] == [second["id"]]
    rest = made(scene.organiser.get(f"{path}?limit=1&cursor={page['next_cursor']}"))
    assert [entry["id"] for entry in rest["items"]] == [first["id"]]
    assert made(scene.organiser.get(f"{path}?ticket_type_id={UNKNOWN}"))["items"] == []
    made(ben.delete(f"/waitlist/{first['id']}"))
    assert [entry["id"] for entry in made(scene.organiser.get(f"{path}?status=left"))["items"]] == [
        first["id"]
    ]
