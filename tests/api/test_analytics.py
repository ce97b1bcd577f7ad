"""Figures over HTTP: whose they are, and what happened comes to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from evently_core.values import Role
from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import Scene, made

NOON = datetime(2031, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def api() -> Api:
    api = Api.fresh()
    api.clock.set(NOON)
    return api


@pytest.fixture
def organiser(api: Api) -> Client:
    return api.user(Role.ORGANISER)


@pytest.fixture
def people(api: Api) -> list[Client]:
    return [api.user(name=name) for name in ("Ana", "Ben", "Cleo")]


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def concert(api: Api, organiser: Client, **fields: Any) -> Scene:
    return Scene.on_sale(api, organiser, **{"price": euros(2_000), "capacity": 4, **fields})


@pytest.fixture
def story(api: Api, organiser: Client, people: list[Client]) -> Scene:
    """Day 1: Ana books three of four seats, Cleo the last one, Ben waits for two. Day 2: Ana keeps one, so that Ben gets his two."""
    ana, ben, cleo = people
    scene = concert(api, organiser)
    booking = scene.booking(ana, 3)
    made(scene.ask(cleo, 1), 201)
    scene.entry(ben, 2)
    api.clock.advance(timedelta(days=1))
    made(ana.patch(f"/bookings/{booking['id']}", {"quantity": 1}))
    return scene


class TestOverview:
    def test_all_that_happened_is_in_it(self, api: Api, organiser: Client, story: Scene) -> None:
        Scene.draft(api, organiser)
        assert made(story.organiser.get("/analytics/overview")) == {
            "events": 2,
            "events_by_status": [{"status": "draft", "events": 1}, {"status": "published", "events": 1}],
            "users": None,
            "bookings": 3,
            "seats_sold": 4,
            "revenue": [euros(8_000)],
            "capacity": 4,
            "utilisation": 1.0,
            "held": 0,
            "waiting": 0,
            "waiting_entries": 0,
        }

    def test_each_organiser_has_the_figures_of_their_own_events_and_admins_have_all(
        self, api: Api, story: Scene, people: list[Client]
    ) -> None:
        other, admin = api.user(Role.ORGANISER, "Olga"), api.user(Role.ADMIN)
        yens = {"price": {"amount": 500, "currency": "JPY"}}
        Scene.on_sale(api, other, **yens).booking(people[0], 2)
        assert made(other.get("/analytics/overview"))["revenue"] == [{"amount": 1_000, "currency": "JPY"}]
        found = made(admin.get("/analytics/overview"))
        assert found["revenue"] == [euros(8_000), {"amount": 1_000, "currency": "JPY"}]
        assert (found["seats_sold"], found["users"]) == (6, 6)

    def test_nothing_has_no_share(self, organiser: Client) -> None:
        found = made(organiser.get("/analytics/overview"))
        assert (found["events"], found["utilisation"], found["revenue"]) == (0, None, [])


class TestRevenue:
    def test_what_is_given_back_is_negative_on_its_own_day(self, story: Scene) -> None:
        found = made(story.organiser.get("/analytics/revenue?from=2031-03-09&to=2031-03-11"))
        assert found["items"] == [
            {"begins": "2031-03-09", "revenue": [], "seats_sold": 0, "confirmed": 0, "cancelled": 0},
            {
                "begins": "2031-03-10",
                "revenue": [euros(8_000)],
                "seats_sold": 4,
                "confirmed": 2,
                "cancelled": 0,
            },
            {
                "begins": "2031-03-11",
                "revenue": [],
                "seats_sold": 0,
                "confirmed": 1,
                "cancelled": 0,
            },
        ]

    def test_a_cancelled_booking_is_negative_on_the_day_it_is_cancelled(
        self, api: Api, organiser: Client, people: list[Client]
    ) -> None:
        booking = concert(api, organiser).booking(people[0], 2)
        api.clock.advance(timedelta(days=2))
        made(people[0].delete(f"/bookings/{booking['id']}"))
        items = made(organiser.get("/analytics/revenue?from=2031-03-10&to=2031-03-12"))["items"]
        assert [item["revenue"] for item in items] == [[euros(4_000)], [], [euros(-4_000)]]

    def test_revenue_counts_when_a_hold_is_confirmed(
        self, api: Api, organiser: Client, people: list[Client]
    ) -> None:
        scene = concert(api, organiser, policy={"hold_for_seconds": 86_400 * 3})
        booking = scene.booking(people[0], 2)
        api.clock.advance(timedelta(days=1))
        made(people[0].post(f"/bookings/{booking['id']}/confirm"))
        items = made(organiser.get("/analytics/revenue?from=2031-03-10&to=2031-03-11"))["items"]
        assert [item["seats_sold"] for item in items] == [0, 2]

    def test_a_day_is_one_of_the_events_zone(self, api: Api, organiser: Client, people: list[Client]) -> None:
        concert(api, organiser, timezone="Pacific/Kiritimati").booking(people[0])
        concert(api, organiser, timezone="Pacific/Honolulu").booking(people[0], 2)
        items = made(organiser.get("/analytics/revenue?from=2031-03-10&to=2031-03-11"))["items"]
        assert [item["seats_sold"] for item in items] == [2, 1]

    def test_months_are_added_up(self, story: Scene) -> None:
        found = made(story.organiser.get("/analytics/revenue?interval=month"))
        assert len(found["items"]) == 12
        assert found["items"][-1] == {
            "begins": "2031-03-01",
            "revenue": [euros(8_000)],
            "seats_sold": 4,
            "confirmed": 3,
            "cancelled": 0,
        }

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("from=2031-03-02&to=2031-03-01", {"to": "ends_before_start"}),
            ("from=2029-01-01&to=2031-03-01", {"from": "out_of_range"}),
            ("from=0001-01-01", {"from": "out_of_range"}),
            ("to=9999-12-31", {"to": "out_of_range"}),
            ("from=2031-02-30", {"from": "invalid_time"}),
            ("from=today", {"from": "invalid_time"}),
            ("interval=year", {"interval": "not_allowed"}),
        ],
    )
    def test_what_is_wrong_is_named(self, organiser: Client, query: str, wrong: dict[str, str]) -> None:
        assert wrong_fields(organiser.get(f"/analytics/revenue?{query}")) == wrong


class TestEvents:
    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("seats", ["Large", "Full"]),
            ("revenue", ["Full", "Large"]),
            ("utilisation", ["Full", "Large"]),
            ("cancellation_rate", ["Large", "Full"]),
        ],
    )
    def test_the_greatest_comes_first(
        self, api: Api, organiser: Client, people: list[Client], sort: str, order: list[str]
    ) -> None:
        ana, ben, _ = people
        concert(api, organiser, title="Full", capacity=2).booking(ana, 2)
        large = concert(api, organiser, title="Large", capacity=20, price=euros(10))
        large.booking(ana, 5)
        booking = large.booking(ben, 1)
        made(ben.delete(f"/bookings/{booking['id']}"))
        first = made(organiser.get(f"/analytics/events?sort={sort}&limit=1"))
        second = made(organiser.get(f"/analytics/events?sort={sort}&limit=1&cursor={first['next_cursor']}"))
        assert [item["title"] for item in first["items"] + second["items"]] == order
        assert second["next_cursor"] is None

    def test_drafts_are_not_ranked(self, api: Api, organiser: Client) -> None:
        Scene.draft(api, organiser)
        assert made(organiser.get("/analytics/events"))["items"] == []

    def test_a_cursor_that_was_never_given_out_is_refused(self, organiser: Client) -> None:
        assert wrong_fields(organiser.get("/analytics/events?cursor=x")) == {"cursor": "invalid_cursor"}


class TestOneEvent:
    def test_everything_about_it_is_told(self, story: Scene) -> None:
        found = made(story.organiser.get(f"/analytics{story.path}"))
        assert {
            name: found[name] for name in ("seats_sold", "confirmed", "cancelled", "waiting", "held")
        } == {
            "seats_sold": 4,
            "confirmed": 3,
            "cancelled": 0,
            "waiting": 0,
            "held": 0,
        }
        assert (found["freed"], found["refilled"], found["refill_rate"]) == (2, 2, 1.0)
        assert (found["joined"], found["served"], found["waitlist_conversion"]) == (1, 1, 1.0)
        assert found["median_wait_seconds"] == pytest.approx(86_400, rel=0.05)
        assert found["offer_acceptance"] is None
        assert found["days"] == [
            {"day": "2031-03-10", "sold": 4, "held": 0, "waiting": 2, "revenue": euros(8_000)},
            {"day": "2031-03-11", "sold": 4, "held": 0, "waiting": 0, "revenue": euros(8_000)},
        ]

    def test_of_the_offers_that_are_over_some_were_accepted(
        self, api: Api, organiser: Client, people: list[Client]
    ) -> None:
        scene = concert(api, organiser, capacity=0, policy={"waitlist": {"offer_window_seconds": 600}})
        entries = [scene.entry(person) for person in people]
        made(organiser.patch(scene.path, {"capacity": 3}))
        made(people[0].post(f"/waitlist/{entries[0]['id']}/accept"))
        made(people[1].post(f"/waitlist/{entries[1]['id']}/decline"))
        found = made(organiser.get(f"/analytics{scene.path}"))
        assert (found["offers"], found["accepted"], found["declined"]) == (3, 1, 1)
        assert (found["offer_acceptance"], found["held"]) == (0.5, 1)

    def test_an_unknown_event_has_no_figures(self, organiser: Client) -> None:
        answer = organiser.get("/analytics/events/01890a5d-ac96-774b-bcce-b302099a8057")
        problem(answer, 404, "not_found")


class TestUsers:
    def test_who_did_something_is_active_once_a_day(self, api: Api, story: Scene) -> None:
        found = made(story.organiser.get("/analytics/users?from=2031-03-10&to=2031-03-11"))
        assert [day["active_users"] for day in found["days"]] == [3, 1]
        assert (found["users"], found["registrations"]) == (None, None)

    def test_admins_learn_who_registered(self, api: Api, story: Scene) -> None:
        admin = api.user(Role.ADMIN)
        found = made(admin.get("/analytics/users?from=2031-03-10&to=2031-03-11"))
        assert (found["users"], found["registrations"]) == (5, 5)
        assert [day["registrations"] for day in found["days"]] == [4, 1]

    def test_thirty_days_are_told_if_none_are_named(self, organiser: Client) -> None:
        found = made(organiser.get("/analytics/users"))
        assert len(found["days"]) == 30
        assert date.fromisoformat(found["to"]) == date(2031, 3, 11), "it is tomorrow already somewhere"
