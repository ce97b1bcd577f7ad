"""Events: reading them, and organising them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from evently_core.values import Role
from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, event_body, made, text_of

POLICY = {
    "max_per_booking": 10,
    "max_per_user": None,
    "hold_for_seconds": 0,
    "cancel_until": None,
    "waitlist": {
        "enabled": True,
        "max_entries": None,
        "offer_window_seconds": 0,
        "bypass_limit": 0,
        "on_silence": "drop",
    },
}
OTHER_POLICY = {
    "max_per_booking": 4,
    "max_per_user": 6,
    "hold_for_seconds": 600,
    "cancel_until": "2999-01-01T00:00:00Z",
    "waitlist": {
        "enabled": False,
        "max_entries": 50,
        "offer_window_seconds": 300,
        "bypass_limit": 2,
        "on_silence": "requeue",
    },
}


@pytest.fixture
def organiser(api: Api) -> Client:
    return api.user(Role.ORGANISER)


@pytest.fixture
def ana(api: Api) -> Client:
    return api.user(name="Ana")


@pytest.fixture
def ben(api: Api) -> Client:
    return api.user(name="Ben")


# -- drawing up ---------------------------------------------------------------------------------------------


def test_an_event_is_drawn_up_and_answered_whole(api: Api, organiser: Client) -> None:
    body = event_body(api, price={"amount": 2500, "currency": "EUR"})
    answer = organiser.post("/events", body)
    event = made(answer, 201)
    now = text_of(api.clock.now())
    seats = {"seats_taken": 0, "seats_free": 10, "seats_available": 10, "waiting": 0}
    assert event == {
        **{name: value for name, value in body.items() if name != "price"},
        "id": event["id"],
        "description": "",
        "venue": "",
        "status": "draft",
        "organiser_id": organiser.id,
        "booking_opens_at": None,
        "booking_closes_at": None,
        **seats,
        "policy": POLICY,
        "ticket_types": [
            {
                "id": event["ticket_types"][0]["id"],
                "name": "General admission",
                "price": {"amount": 2500, "currency": "EUR"},
                "capacity": None,
                **seats,
                "min_per_booking": 1,
                "max_per_booking": 10,
                "sales_open_at": None,
                "sales_close_at": None,
            }
        ],
        "created_at": now,
        "updated_at": now,
    }
    assert answer.headers["Location"] == f"/api/v1/events/{event['id']}"
    read = organiser.get(f"/events/{event['id']}")
    assert made(read) == event
    assert read.headers["ETag"] == answer.headers["ETag"] == '"1"'


def test_an_event_says_everything_it_was_given(api: Api, organiser: Client) -> None:
    start = api.clock.now() + timedelta(days=30)
    kinds: list[dict[str, Any]] = [
        {
            "name": "Floor",
            "price": {"amount": 100, "currency": "USD"},
            "capacity": 4,
            "min_per_booking": 2,
            "max_per_booking": 3,
            "sales_open_at": text_of(start - timedelta(days=9)),
            "sales_close_at": text_of(start - timedelta(days=1)),
        },
        {"name": "Gallery", "price": {"amount": 50, "currency": "USD"}, "capacity": None},
    ]
    body = event_body(
        api,
        description="Loud.\nVery.",
        venue="Große Halle",
        booking_opens_at=text_of(start - timedelta(days=20)),
        booking_closes_at=text_of(start - timedelta(hours=1)),
        policy=OTHER_POLICY,
        ticket_types=kinds,
    )
    event = made(organiser.post("/events", body), 201)
    named = {name: value for name, value in body.items() if name != "ticket_types"}
    assert {name: event[name] for name in named} == named
    for kind, given in zip(event["ticket_types"], kinds, strict=True):
        assert {name: kind[name] for name in given} == given
    floor, gallery = event["ticket_types"]
    assert (floor["seats_free"], gallery["seats_free"]) == (4, 10)
    assert gallery["max_per_booking"] == 4, "that of the event"


def test_a_time_may_come_with_any_offset(api: Api, organiser: Client) -> None:
    body = event_body(api, starts_at="2999-06-01T20:00:00+02:00", ends_at="2999-06-01T23:00:00.5+02:00")
    event = made(organiser.post("/events", body), 201)
    assert (event["starts_at"], event["ends_at"]) == ("2999-06-01T18:00:00Z", "2999-06-01T21:00:00.500000Z")


def test_the_same_event_under_a_key_is_drawn_up_once(api: Api, organiser: Client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    body = event_body(api)
    first = organiser.post("/events", body, headers=headers)
    again = organiser.post("/events", body, headers=headers)
    assert made(again, 201) == made(first, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.headers["Location"], again.headers["ETag"]) == (
        first.headers["Location"],
        first.headers["ETag"],
    )
    other = organiser.post("/events", {**body, "title": "Other"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")
    assert len(made(organiser.get("/events"))["items"]) == 1
    somebody_else = api.user(Role.ORGANISER, "Olga").post("/events", body, headers=headers)
    assert made(somebody_else, 201)["id"] != made(first, 201)["id"]


# -- who reads what -----------------------------------------------------------------------------------------


def test_a_draft_is_seen_by_its_organiser_alone(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.draft(api, organiser)
    for stranger in (api.anyone, ana, api.user(Role.ORGANISER, "Olga")):
        problem(stranger.get(scene.path), 404, "not_found")
        problem(stranger.get(f"{scene.path}/availability"), 404, "not_found")
        assert made(stranger.get("/events"))["items"] == []
        assert made(stranger.get("/events?status=draft"))["items"] == []
    for insider in (organiser, api.user(Role.ADMIN)):
        assert scene.read(insider)["status"] == "draft"
        [listed] = made(insider.get("/events"))["items"]
        assert listed["id"] == scene.event_id


def test_nobody_else_hears_of_a_draft_by_changing_it(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.draft(api, organiser)
    for stranger in (ana, api.user(Role.ORGANISER, "Olga")):
        problem(stranger.patch(scene.path, {"title": "Mine"}), 404, "not_found")
        problem(stranger.delete(scene.path), 404, "not_found")
        problem(stranger.post(f"{scene.path}/publish"), 404, "not_found")
        problem(stranger.post(f"{scene.path}/cancel", {"reason": "x"}), 404, "not_found")
        problem(stranger.post(f"{scene.path}/ticket-types", {"name": "X"}), 404, "not_found")
        problem(stranger.get(f"{scene.path}/journal"), 404, "not_found")
        problem(stranger.get(f"{scene.path}/explain"), 404, "not_found")
    assert scene.read()["title"] == "Concert"


def test_an_unknown_event_is_not_there(api: Api, organiser: Client) -> None:
    path = f"/events/{UNKNOWN}"
    for rest in ("", "/availability", "/bookings", "/waitlist", "/journal", "/explain"):
        problem(organiser.get(path + rest), 404, "not_found")
    problem(organiser.patch(path, {"title": "x"}), 404, "not_found")
    problem(organiser.delete(path), 404, "not_found")
    problem(organiser.post(f"{path}/publish"), 404, "not_found")
    problem(organiser.post(f"{path}/complete"), 404, "not_found")
    problem(organiser.post(f"{path}/cancel", {"reason": "x"}), 404, "not_found")
    problem(organiser.post(f"{path}/ticket-types", {"name": "x"}), 404, "not_found")
    problem(organiser.get("/events/7"), 404, "not_found")


def test_a_published_event_is_read_by_anybody(api: Api, organiser: Client) -> None:
    scene = Scene.on_sale(api, organiser)
    answer = api.anyone.get(scene.path)
    assert made(answer) == scene.read()
    assert answer.headers["ETag"]
    assert made(api.anyone.get("/events")) == {"items": [scene.read()], "next_cursor": None}


# -- listing ------------------------------------------------------------------------------------------------


def test_events_are_listed_by_what_is_asked(api: Api, organiser: Client, ana: Client) -> None:
    olga = api.user(Role.ORGANISER, "Olga")
    june, july = "2999-06-01T18:00:00Z", "2999-07-01T18:00:00Z"
    jazz = Scene.on_sale(
        api, organiser, title="Jazz", starts_at=june, ends_at="2999-06-01T20:00:00Z", venue="Blue Note"
    )
    rock = Scene.on_sale(api, olga, title="Rock", starts_at=july, ends_at="2999-07-01T20:00:00Z", capacity=1)
    rock.booking(ana)
    gone = Scene.on_sale(api, olga, title="Gone")
    made(olga.post(f"{gone.path}/cancel", {"reason": "rain"}))

    def titles(**query: str) -> list[str]:
        items = made(api.anyone.get("/events", query_string=query))["items"]
        return [item["title"] for item in items]

    assert titles() == ["Jazz", "Rock"], "by their start"
    assert titles(q="jazz") == ["Jazz"]
    assert titles(q="blue note") == ["Jazz"]
    assert titles(q="100%") == []
    assert titles(status="cancelled") == ["Gone"]
    assert titles(status="completed") == []
    assert titles(**{"from": july}) == ["Rock"]
    assert titles(to=july) == ["Jazz"]
    assert titles(**{"from": june, "to": "2999-06-01T18:00:01Z"}) == ["Jazz"]
    assert titles(organiser_id=olga.id) == ["Rock"]
    assert titles(organiser_id=UNKNOWN) == []
    assert titles(available="true") == ["Jazz"]
    assert titles(available="false") == ["Jazz", "Rock"]
    assert jazz.event_id != rock.event_id


def test_pages_of_events_stay_stable_while_events_are_added(api: Api, organiser: Client) -> None:
    days = {
        day: Scene.on_sale(
            api, organiser, starts_at=f"2999-01-{day:02}T10:00:00Z", ends_at=f"2999-01-{day:02}T11:00:00Z"
        ).event_id
        for day in (5, 10, 15, 20, 25)
    }
    page = made(api.anyone.get("/events?limit=2"))
    Scene.on_sale(api, organiser, starts_at="2999-01-01T10:00:00Z", ends_at="2999-01-01T11:00:00Z")
    read = [event["id"] for event in page["items"]]
    while page["next_cursor"]:
        page = made(api.anyone.get(f"/events?limit=2&cursor={page['next_cursor']}"))
        read += [event["id"] for event in page["items"]]
    assert read == list(days.values())


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("limit=0&available=yes", {"limit": "out_of_range", "available": "not_a_flag"}),
        ("from=today&to=2999-13-01T00:00:00Z", {"from": "invalid_time", "to": "invalid_time"}),
        ("status=open&organiser_id=me", {"status": "not_allowed", "organiser_id": "invalid_id"}),
        ("q=", {"q": "too_short"}),
        ("q=a%00b", {"q": "invalid_text"}),
        ("cursor=x", {"cursor": "invalid_cursor"}),
        ("from_=2999-01-01T00:00:00Z", {"from_": "unknown_field"}),
        ("q=a&q=b", {"q": "repeated"}),
    ],
)
def test_a_list_of_events_says_what_is_wrong_with_its_query(
    api: Api, query: str, wrong: dict[str, str]
) -> None:
    assert wrong_fields(api.anyone.get(f"/events?{query}")) == wrong


def test_availability_counts_seats_set_aside(api: Api, organiser: Client, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, organiser, capacity=3)
    scene.booking(ana, 1)
    scene.entry(ben, 3)
    seats = {"seats_free": 2, "seats_available": 0, "waiting": 1}
    assert made(api.anyone.get(f"{scene.path}/availability")) == {
        "event_id": scene.event_id,
        **seats,
        "ticket_types": [{"id": scene.kinds[0], **seats}],
        "as_of": text_of(api.clock.now()),
    }
    event = scene.read()
    for counted in (event, event["ticket_types"][0]):
        assert {name: counted[name] for name in seats} == seats
        assert counted["seats_taken"] == 1


# -- changing -----------------------------------------------------------------------------------------------


def test_more_seats_serve_the_line_and_say_whom(
    api: Api, organiser: Client, ana: Client, ben: Client
) -> None:
    scene = Scene.on_sale(api, organiser, capacity=0)
    entry, _ = scene.entry(ana, 2), scene.entry(ben, 2)
    answer = organiser.patch(scene.path, {"capacity": 3, "reason": "balcony"})
    content = made(answer)
    assert content.keys() == {"event", "granted_count", "granted", "still_waiting"}
    assert (content["granted_count"], content["still_waiting"]) == (1, 1)
    [granted] = content["granted"]
    assert granted == made(ana.get(f"/bookings/{granted['id']}"))
    assert (granted["user_id"], granted["quantity"], granted["origin"]) == (ana.id, 2, "waitlist")
    assert made(ana.get(f"/waitlist/{entry['id']}"))["status"] == "served"
    event = content["event"]
    assert event == scene.read()
    assert (event["capacity"], event["seats_taken"], event["waiting"]) == (3, 2, 1)
    assert answer.headers["ETag"] == organiser.get(scene.path).headers["ETag"]


def test_a_dry_run_answers_the_same_and_changes_nothing(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.on_sale(api, organiser, capacity=0)
    entry = scene.entry(ana, 2)
    before = _everything(scene, ana)
    body = {"capacity": 3}
    foreseen = made(organiser.patch(f"{scene.path}?dry_run=true", body))
    kind_path = f"{scene.path}/ticket-types/{scene.kinds[0]}"
    assert (
        made(organiser.patch(f"{kind_path}?dry_run=true", {"name": "All"}))["event"]["ticket_types"][0][
            "name"
        ]
        == "All"
    )
    assert made(organiser.post(f"{scene.path}/ticket-types?dry_run=true", {"name": "VIP"}), 201)
    assert made(organiser.post(f"{scene.path}/complete?dry_run=true"))["status"] == "completed"
    assert made(organiser.post(f"{scene.path}/cancel?dry_run=true", {"reason": "x"}))["status"] == "cancelled"
    assert _everything(scene, ana) == before
    real = made(organiser.patch(scene.path, body))
    assert (foreseen["granted_count"], foreseen["still_waiting"]) == (1, 0)
    assert foreseen["event"] == real["event"]
    assert [(one["user_id"], one["quantity"]) for one in foreseen["granted"]] == [(ana.id, 2)]
    assert made(ana.get(f"/waitlist/{entry['id']}"))["status"] == "served"


def test_a_dry_run_of_publishing_publishes_nothing(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    assert made(organiser.post(f"{scene.path}/publish?dry_run=true"))["status"] == "published"
    assert scene.read()["status"] == "draft"


def _everything(scene: Scene, who: Client) -> list[object]:
    answers = [
        scene.organiser.get(scene.path),
        scene.organiser.get(f"{scene.path}/bookings"),
        scene.organiser.get(f"{scene.path}/waitlist"),
        scene.organiser.get(f"{scene.path}/journal?limit=100"),
        who.get("/bookings"),
        who.get("/waitlist"),
    ]
    return [made(answer) for answer in answers] + [answers[0].headers["ETag"]]


def test_every_field_of_an_event_can_be_set(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    fields = {
        "title": "Opera",
        "description": "Long.",
        "venue": "Elsewhere",
        "timezone": "America/New_York",
        "starts_at": "2999-06-01T18:00:00Z",
        "ends_at": "2999-06-01T23:00:00Z",
        "booking_opens_at": "2999-01-01T00:00:00Z",
        "booking_closes_at": "2999-05-01T00:00:00Z",
        "capacity": 7,
        "policy": OTHER_POLICY,
    }
    event = made(organiser.patch(scene.path, fields))["event"]
    assert {name: event[name] for name in fields} == fields
    again = made(organiser.patch(scene.path, {"booking_opens_at": None, "policy": {"max_per_user": None}}))
    assert again["event"]["booking_opens_at"] is None
    assert again["event"]["policy"] == {**OTHER_POLICY, "max_per_user": None}, "what is left out stays"


def test_a_change_that_expects_another_version_is_refused(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    seen = organiser.get(scene.path).headers["ETag"]
    changed = organiser.patch(scene.path, {"title": "Opera"}, headers={"If-Match": seen})
    assert made(changed)["event"]["title"] == "Opera"
    assert changed.headers["ETag"] != seen

    stale = {"If-Match": seen}
    problem(organiser.patch(scene.path, {"title": "Lost"}, headers=stale), 412, "precondition_failed")
    kind = f"{scene.path}/ticket-types/{scene.kinds[0]}"
    problem(organiser.patch(kind, {"name": "Lost"}, headers=stale), 412, "precondition_failed")
    for nobodys in ('W/"2"', '"other"', '"0"'):
        answer = organiser.patch(scene.path, {"title": "Lost"}, headers={"If-Match": nobodys})
        problem(answer, 412, "precondition_failed")
    assert scene.read()["title"] == "Opera"

    for good in ("*", changed.headers["ETag"], f'"other", {changed.headers["ETag"]}'):
        scene = Scene.draft(api, organiser)
        made(organiser.patch(scene.path, {"title": "Opera"}))
        made(organiser.patch(scene.path, {"title": "Ballet"}, headers={"If-Match": good}))
    problem(
        organiser.patch(scene.path, {"title": "Lost"}, headers={"If-Match": "2"}), 400, "invalid_if_match"
    )


def test_bookings_do_not_change_the_version(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.on_sale(api, organiser)
    seen = organiser.get(scene.path).headers["ETag"]
    scene.booking(ana)
    made(organiser.patch(scene.path, {"title": "Opera"}, headers={"If-Match": seen}))


def test_a_ticket_type_is_added_once_under_a_key(api: Api, organiser: Client) -> None:
    scene = Scene.on_sale(api, organiser)
    path = f"{scene.path}/ticket-types"
    body = {"name": "VIP", "price": {"amount": 9900, "currency": "EUR"}, "capacity": 4}
    headers = {"Idempotency-Key": "k-1"}
    first = organiser.post(path, body, headers=headers)
    kind = made(first, 201)
    assert kind == {
        "id": kind["id"],
        **body,
        "seats_taken": 0,
        "seats_free": 4,
        "seats_available": 4,
        "waiting": 0,
        "min_per_booking": 1,
        "max_per_booking": 10,
        "sales_open_at": None,
        "sales_close_at": None,
    }
    again = organiser.post(path, body, headers=headers)
    assert made(again, 201) == kind
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(organiser.post(path, {"name": "Other"}, headers=headers), 422, "idempotency_key_reused")
    assert [one["id"] for one in scene.read()["ticket_types"]] == [scene.kinds[0], kind["id"]]
    assert first.headers["ETag"] == organiser.get(scene.path).headers["ETag"]


def test_an_answer_of_before_stays_what_it_was(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.on_sale(api, organiser, capacity=10)
    path = f"{scene.path}/ticket-types"
    headers = {"Idempotency-Key": "k-1"}
    first = organiser.post(path, {"name": "VIP"}, headers=headers)
    later = made(organiser.post(path, {"name": "Balcony"}), 201)
    again = organiser.post(path, {"name": "VIP"}, headers=headers)
    assert made(again, 201)["id"] == made(first, 201)["id"] != later["id"]
    assert again.headers["ETag"] == first.headers["ETag"]


def test_a_ticket_type_is_changed_and_serves_its_line(api: Api, organiser: Client, ana: Client) -> None:
    kinds = [{"name": "Floor", "capacity": 0}, {"name": "Gallery"}]
    scene = Scene.on_sale(api, organiser, ticket_types=kinds)
    scene.entry(ana, 2, ticket_type_id=scene.kinds[0])
    path = f"{scene.path}/ticket-types/{scene.kinds[0]}"
    body = {"capacity": 2, "name": "Pit", "min_per_booking": 2, "max_per_booking": 4}
    content = made(organiser.patch(path, body))
    assert (content["granted_count"], content["still_waiting"]) == (1, 0)
    floor = content["event"]["ticket_types"][0]
    assert {name: floor[name] for name in body} == body
    assert (floor["seats_taken"], floor["seats_free"]) == (2, 0)
    problem(organiser.patch(f"{scene.path}/ticket-types/{UNKNOWN}", {"name": "x"}), 404, "not_found")


# -- its life -----------------------------------------------------------------------------------------------


def test_publishing_twice_is_publishing_once(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    first = organiser.post(f"{scene.path}/publish")
    assert made(first) == scene.read()
    assert made(first)["status"] == "published"
    again = organiser.post(f"{scene.path}/publish")
    assert (made(again), again.headers["ETag"]) == (made(first), first.headers["ETag"])


def test_cancelling_an_event_cancels_all_of_it(api: Api, organiser: Client, ana: Client, ben: Client) -> None:
    scene = Scene.on_sale(api, organiser, capacity=2)
    booking, entry = scene.booking(ana, 2), scene.entry(ben)
    first = organiser.post(f"{scene.path}/cancel", {"reason": "flood"})
    event = made(first)
    assert (event["status"], event["seats_taken"], event["waiting"]) == ("cancelled", 0, 0)
    assert made(ana.get(f"/bookings/{booking['id']}"))["status"] == "cancelled"
    assert made(ben.get(f"/waitlist/{entry['id']}"))["status"] == "closed"
    again = organiser.post(f"{scene.path}/cancel", {"reason": "fire"})
    assert (made(again), again.headers["ETag"]) == (event, first.headers["ETag"])
    assert scene.read(api.anyone) == event
    assert wrong_fields(organiser.post(f"{scene.path}/cancel", {})) == {"reason": "required"}


def test_completing_closes_the_lines_and_keeps_the_bookings(
    api: Api, organiser: Client, ana: Client, ben: Client
) -> None:
    scene = Scene.on_sale(api, organiser, capacity=1)
    booking, entry = scene.booking(ana), scene.entry(ben)
    first = made(organiser.post(f"{scene.path}/complete"))
    assert (first["status"], first["seats_taken"], first["waiting"]) == ("completed", 1, 0)
    assert made(ana.get(f"/bookings/{booking['id']}"))["status"] == "confirmed"
    assert made(ben.get(f"/waitlist/{entry['id']}"))["status"] == "closed"
    assert made(organiser.post(f"{scene.path}/complete")) == first


def test_a_draft_can_be_thrown_away(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    answer = organiser.delete(scene.path)
    assert (answer.status_code, answer.data) == (204, b"")
    problem(organiser.get(scene.path), 404, "not_found")
    problem(organiser.delete(scene.path), 404, "not_found")
    assert made(organiser.get("/events"))["items"] == []


# -- what happened, and why not -----------------------------------------------------------------------------


def test_the_journal_is_read_from_its_end_as_well(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.on_sale(api, organiser)
    scene.booking(ana, 2)
    newest = made(organiser.get(f"{scene.path}/journal?newest_first=true&limit=2"))
    older = made(organiser.get(f"{scene.path}/journal?newest_first=true&cursor={newest['next_cursor']}"))
    assert [line["number"] for line in newest["items"] + older["items"]] == [3, 2, 1]
    assert older["next_cursor"] is None


def test_an_organiser_learns_the_names_of_who_came_or_waits_and_of_nobody_else(
    api: Api, organiser: Client, ana: Client
) -> None:
    scene, ben, cleo = Scene.on_sale(api, organiser, capacity=2), api.user(name="Ben"), api.user(name="Cleo")
    scene.booking(ana, 2)
    scene.entry(ben)
    ids = ",".join([ben.id, cleo.id, ana.id, UNKNOWN])
    people = made(organiser.get(f"{scene.path}/people?ids={ids}"))["items"]
    assert [(person["id"], person["email"]) for person in people] == [
        (ana.id, "ana@example.org"),
        (ben.id, "ben@example.org"),
    ]
    assert wrong_fields(organiser.get(f"{scene.path}/people")) == {"ids": "required"}
    assert wrong_fields(organiser.get(f"{scene.path}/people?ids=ana")) == {"ids.0": "invalid_id"}
    too_many = ",".join([UNKNOWN] * 101)
    assert wrong_fields(organiser.get(f"{scene.path}/people?ids={too_many}")) == {"ids": "too_many"}


def test_the_journal_says_what_happened_by_whom_and_why(api: Api, organiser: Client, ana: Client) -> None:
    scene = Scene.on_sale(api, organiser)
    booking = scene.booking(ana, 2)
    made(organiser.delete(f"/bookings/{booking['id']}?reason=no+show"))
    lines = made(organiser.get(f"{scene.path}/journal"))["items"]
    assert [line["number"] for line in lines] in ([1, 2, 3, 4], [4, 3, 2, 1])
    by_number = sorted(lines, key=lambda line: int(line["number"]))
    assert [(line["kind"], line["cause"]) for line in by_number] == [
        ("event_created", "create_event"),
        ("event_advanced", "publish_event"),
        ("granted", "book"),
        ("cancelled", "cancel"),
    ]
    last = by_number[-1]
    assert last.pop("data")["booking_id"] == booking["id"]
    assert last == {
        "number": 4,
        "at": text_of(api.clock.now()),
        "kind": "cancelled",
        "actor": "user",
        "actor_id": organiser.id,
        "cause": "cancel",
        "reason": "no show",
    }
    page = made(organiser.get(f"{scene.path}/journal?limit=3"))
    rest = made(organiser.get(f"{scene.path}/journal?limit=3&cursor={page['next_cursor']}"))
    assert [line["number"] for line in page["items"] + rest["items"]] == [line["number"] for line in lines]


def test_it_is_explained_where_somebody_stands_and_why(
    api: Api, organiser: Client, ana: Client, ben: Client
) -> None:
    scene = Scene.on_sale(api, organiser, capacity=1)
    scene.booking(ana)
    scene.entry(ana, 2)
    entry = scene.entry(ben, 3)
    explained = made(ben.get(f"{scene.path}/explain"))
    [line] = explained.pop("lines")
    assert explained == {"event_id": scene.event_id, "user_id": ben.id}
    reason = line.pop("reason")
    assert reason["code"] == "sold_out"
    assert reason["detail"]
    assert reason["free"] == 0
    assert line == {
        "ticket_type_id": scene.kinds[0],
        "waitlist_entry_id": entry["id"],
        "position": 2,
        "seats_ahead": 2,
    }
    asked = organiser.get(f"{scene.path}/explain?user_id={ben.id}")
    assert made(asked) == made(ben.get(f"{scene.path}/explain"))
    problem(ana.get(f"{scene.path}/explain?user_id={ben.id}"), 403, "forbidden")


# -- hostile ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": "x" * 10_000}, {"title": "too_long"}),
        ({"title": ""}, {"title": "too_short"}),
        ({"title": "   "}, {"title": "blank"}),
        ({"title": "a\0b"}, {"title": "invalid_text"}),
        ({"title": "a\x1bb"}, {"title": "control_character"}),
        ({"title": "a\nb"}, {"title": "control_character"}),
        ({"title": ["x"]}, {"title": "wrong_type"}),
        ({"title": None}, {"title": "wrong_type"}),
        ({"description": "x" * 10_001}, {"description": "too_long"}),
        ({"capacity": -1}, {"capacity": "out_of_range"}),
        ({"capacity": 10_000_001}, {"capacity": "out_of_range"}),
        ({"capacity": 10**40}, {"capacity": "out_of_range"}),
        ({"capacity": True}, {"capacity": "wrong_type"}),
        ({"capacity": 2.5}, {"capacity": "wrong_type"}),
        ({"capacity": "10"}, {"capacity": "wrong_type"}),
        ({"timezone": "Mars/Olympus"}, {"timezone": "unknown_timezone"}),
        ({"timezone": "../../etc/passwd"}, {"timezone": "unknown_timezone"}),
        ({"timezone": "Europe"}, {"timezone": "unknown_timezone"}),
        ({"timezone": "a\0"}, {"timezone": "invalid_text"}),
        ({"starts_at": "2999-06-01"}, {"starts_at": "invalid_time"}),
        ({"starts_at": "2999-06-01T18:00:00"}, {"starts_at": "invalid_time"}),
        ({"starts_at": "2999-02-30T18:00:00Z"}, {"starts_at": "invalid_time"}),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, {"starts_at": "invalid_time"}),
        ({"starts_at": "9999-12-31T23:59:59-14:00"}, {"starts_at": "invalid_time"}),
        ({"starts_at": "10000-01-01T00:00:00Z"}, {"starts_at": "invalid_time"}),
        ({"starts_at": 4102444800}, {"starts_at": "invalid_time"}),
        ({"ends_at": "1999-01-01T00:00:00Z"}, {"ends_at": "ends_before_start"}),
        (
            {"organiser_id": UNKNOWN, "status": "published"},
            {"organiser_id": "unknown_field", "status": "unknown_field"},
        ),
        ({"policy": []}, {"policy": "wrong_type"}),
        ({"policy": {"max_per_booking": 0}}, {"policy.max_per_booking": "out_of_range"}),
        ({"policy": {"hold_for_seconds": 10**15}}, {"policy.hold_for_seconds": "out_of_range"}),
        ({"policy": {"waitlist": {"on_silence": "sing"}}}, {"policy.waitlist.on_silence": "not_allowed"}),
        ({"policy": {"waitlist": {"bypass_limit": -1}}}, {"policy.waitlist.bypass_limit": "out_of_range"}),
    ],
    ids=repr,
)
def test_what_no_event_has_is_refused(
    api: Api, organiser: Client, fields: dict[str, object], wrong: dict[str, str]
) -> None:
    assert wrong_fields(organiser.post("/events", event_body(api, **fields))) == wrong
    scene = Scene.draft(api, organiser)
    assert wrong_fields(organiser.patch(scene.path, fields)).keys() == wrong.keys()
    assert scene.read()["title"] == "Concert"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"price": {"amount": -1, "currency": "EUR"}}, {"price.amount": "out_of_range"}),
        ({"price": {"amount": 10**13, "currency": "EUR"}}, {"price.amount": "out_of_range"}),
        (
            {"price": {"amount": 1.5, "currency": "eur"}},
            {"price.amount": "wrong_type", "price.currency": "invalid_format"},
        ),
        ({"price": {"amount": 1, "currency": "EUR\n"}}, {"price.currency": "invalid_format"}),
        ({"price": {}}, {"price.amount": "required", "price.currency": "required"}),
        ({"ticket_types": {}}, {"ticket_types": "wrong_type"}),
        (
            {"ticket_types": [{}, {"name": "x" * 101}]},
            {"ticket_types.0.name": "required", "ticket_types.1.name": "too_long"},
        ),
        (
            {
                "ticket_types": [
                    {"name": "A"},
                    {"name": " "},
                    {"name": "C", "min_per_booking": 3, "max_per_booking": 2},
                ]
            },
            {"ticket_types.1.name": "blank", "ticket_types.2.max_per_booking": "below_minimum"},
        ),
        ({"ticket_types": [{"name": str(n)} for n in range(51)]}, {"ticket_types": "too_many"}),
        ({"ticket_types": [{"name": "A"}, {"name": "a"}]}, {"ticket_types": "name_taken"}),
        (
            {"capacity": 3, "ticket_types": [{"name": "A", "min_per_booking": 4}]},
            {"min_per_booking": "never_bookable"},
        ),
    ],
    ids=str,
)
def test_what_cannot_be_sold_is_refused(
    api: Api, organiser: Client, fields: dict[str, object], wrong: dict[str, str]
) -> None:
    assert wrong_fields(organiser.post("/events", event_body(api, **fields))) == wrong
    assert made(organiser.get("/events"))["items"] == []


def test_the_largest_party_can_pay(api: Api, organiser: Client, ana: Client) -> None:
    dearest = {"price": {"amount": 10**11, "currency": "EUR"}}
    scene = Scene.on_sale(api, organiser, **dearest)
    assert scene.booking(ana, 10)["total"]["amount"] == 10**12
    assert len(made(ana.get("/bookings"))["items"]) == 1
    kind = f"{scene.path}/ticket-types/{scene.kinds[0]}"
    dearer = {"price": {"amount": 10**11 + 1, "currency": "EUR"}}
    refused = {"price": "amount_out_of_range"}
    assert wrong_fields(organiser.patch(kind, dearer)) == refused
    assert wrong_fields(organiser.patch(scene.path, {"policy": {"max_per_booking": 11}})) == refused
    assert wrong_fields(organiser.post("/events", event_body(api, **dearer))) == refused
    fewer = {**dearer, "policy": {"max_per_booking": 9}}
    made(organiser.post("/events", event_body(api, **fewer)), 201)


def test_everything_that_is_wrong_with_an_event_is_said_at_once(organiser: Client) -> None:
    body = {"title": 7, "starts_at": "soon", "capacity": True, "seats": 3, "policy": {"x": 1}}
    assert wrong_fields(organiser.post("/events?dry=1", body)) == {
        "title": "wrong_type",
        "timezone": "required",
        "starts_at": "invalid_time",
        "ends_at": "required",
        "capacity": "wrong_type",
        "seats": "unknown_field",
        "policy.x": "unknown_field",
        "dry": "unknown_field",
    }


def test_a_field_that_cannot_be_null_says_so(api: Api, organiser: Client) -> None:
    scene = Scene.draft(api, organiser)
    body = {"title": None, "capacity": None, "starts_at": None, "policy": None}
    assert wrong_fields(organiser.patch(scene.path, body)) == dict.fromkeys(body, "null")
