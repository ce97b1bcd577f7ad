"""Who may do what: every route, asked by everybody."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import attrs
import pytest
from werkzeug.test import TestResponse

from evently_core.values import Role
from evently_flask_api.routes import GROUPS
from tests.api.harness import PASSWORD, Api, Client
from tests.api.scene import Scene, event_body, made

WHY = {"reason": "why"}
HOOK = {"url": "https://example.org/hooks"}


@attrs.frozen
class World:
    """Everybody who may ask, and something fresh to ask about: each call makes another one."""

    api: Api
    attendee: Client
    """Has nothing to do with it."""
    owner: Client
    """Whose booking or entry it is."""
    organiser: Client
    """Whose event it is."""
    other: Client
    """An organiser of other events."""
    admin: Client
    numbers: count[int] = attrs.field(factory=count)

    @classmethod
    def fresh(cls) -> World:
        api = Api.fresh()
        return cls(
            api,
            attendee=api.user(name="Ana"),
            owner=api.user(name="Owen"),
            organiser=api.user(Role.ORGANISER),
            other=api.user(Role.ORGANISER, "Olga"),
            admin=api.user(Role.ADMIN),
        )

    def everybody(self) -> tuple[Client, ...]:
        """Return the askers in the order of the table's columns."""
        return self.api.anyone, self.attendee, self.owner, self.organiser, self.other, self.admin

    @property
    def session(self) -> str:
        """Return the id of a second session of the owner."""
        again = self.api.logged_in("owen@example.org")
        sessions = again.get("/auth/sessions").get_json()["items"]
        [current] = [str(session["id"]) for session in sessions if session["current"]]
        return current

    def email(self) -> str:
        """Return an e-mail that nobody has."""
        return f"new-{next(self.numbers)}@example.org"

    def draft(self) -> Scene:
        return Scene.draft(self.api, self.organiser)

    def on_sale(self, **fields: Any) -> Scene:
        return Scene.on_sale(self.api, self.organiser, **fields)

    def booking(self) -> str:
        """Return where a held booking of the owner is."""
        return f"/bookings/{self.on_sale(policy={'hold_for_seconds': 600}).booking(self.owner, 2)['id']}"

    def queued_by(self, client: Client) -> TestResponse:
        """Ask for seats of an event, to be decided later."""
        body = {"event_id": self.on_sale().event_id}
        return client.post("/bookings", body, headers={"Prefer": "respond-async"})

    def queued(self) -> str:
        """Return where a request of the owner is that waits to be decided."""
        return f"/booking-requests/{made(self.queued_by(self.owner), 202)['id']}"

    def seat(self) -> str:
        """Return where a confirmed booking of the owner is."""
        return f"/bookings/{self.on_sale().booking(self.owner)['id']}"

    def at_the_door(self) -> tuple[str, dict[str, str]]:
        """Return where the owner can be let in, and the code that is shown there."""
        path = self.seat()
        [ticket] = made(self.owner.get(f"{path}/tickets"))["items"]
        return f"/events/{ticket['event_id']}/check-ins", {"code": ticket["code"]}

    def inside(self) -> str:
        """Return where it is noted that the owner came in."""
        path, shown = self.at_the_door()
        made(self.organiser.post(path, shown), 201)
        return f"{path}/{shown['code']}"

    def waiting(self) -> str:
        """Return where a waiting entry of the owner is."""
        return f"/waitlist/{self.on_sale(capacity=0).entry(self.owner)['id']}"

    def webhook(self) -> str:
        """Return where a webhook of the organiser is."""
        return f"/webhooks/{made(self.organiser.post('/webhooks', HOOK), 201)['id']}"

    def told(self) -> str:
        """Return where something is that a webhook of the organiser is told."""
        path = self.webhook()
        self.draft()
        self.api.planner.plan()
        return f"{path}/deliveries/{made(self.organiser.get(f'{path}/deliveries'))['items'][0]['id']}"

    def offered(self) -> str:
        """Return where an entry of the owner is that has seats on offer."""
        scene = self.on_sale(capacity=0, policy={"hold_for_seconds": 600})
        entry = scene.entry(self.owner)
        made(self.organiser.patch(scene.path, {"capacity": 1}))
        return f"/waitlist/{entry['id']}"


def _refreshing(client: Client) -> TestResponse:
    if client.tokens:
        client = client.bearing(client.tokens["refresh_token"])
    return client.post("/auth/refresh")


def _account(world: World, **more: object) -> dict[str, object]:
    return {"email": world.email(), "password": PASSWORD, "name": "New", **more}


def _kind_path(scene: Scene) -> str:
    return f"{scene.path}/ticket-types/{scene.kinds[0]}"


def _log_in(_: World, client: Client) -> TestResponse:
    return client.post("/auth/login", {"email": "owen@example.org", "password": PASSWORD})


@attrs.frozen
class Row:
    """A route, what is asked of it, and the status for each asker."""

    route: str
    ask: Callable[[World, Client], TestResponse]
    statuses: tuple[int, int, int, int, int, int]
    of: str = ""
    """Of what kind of thing it is asked, where that makes a difference."""


ALL = (200, 200, 200, 200, 200, 200)
SIGNED_IN = (401, 200, 200, 200, 200, 200)
ADMINS = (401, 403, 403, 403, 403, 200)
ORGANISERS_EVENT = (401, 403, 403, 200, 403, 200)
ORGANISERS_DRAFT = (401, 404, 404, 200, 404, 200)
ORGANISERS = (401, 403, 403, 200, 200, 200)
ORGANISERS_OWN = (401, 403, 403, 200, 404, 200)
OWN_OR_ORGANISERS = (401, 404, 200, 200, 404, 200)
OWN_AND_NOT_ORGANISERS = (401, 404, 200, 403, 404, 200)

# A table is read by its columns.
# fmt: off
TABLE = [
    #   route                   what is asked                                           anyone  attendee  owner  organiser  other organiser  admin
    Row("register",             lambda w, c: c.post("/auth/register", _account(w)),                    (201, 201, 201, 201, 201, 201)),
    Row("log_in",               _log_in,                                                               ALL),
    Row("refresh",              lambda _, c: _refreshing(c),                                           SIGNED_IN),
    Row("log_out",              lambda _, c: c.post("/auth/logout"),                                   (401, 204, 204, 204, 204, 204)),
    Row("me",                   lambda _, c: c.get("/auth/me"),                                        SIGNED_IN),
    Row("change_me",            lambda _, c: c.patch("/auth/me", {"name": "Else"}),                    SIGNED_IN),
    Row("create_user",          lambda w, c: c.post("/auth/users", _account(w, role="admin")),         (401, 403, 403, 403, 403, 201)),
    Row("list_users",           lambda _, c: c.get("/auth/users"),                                     (401, 403, 403, 403, 403, 200)),
    Row("change_user",          lambda w, c: c.patch(f"/auth/users/{w.owner.id}", {"role": "attendee"}), (401, 403, 403, 403, 403, 200)),
    Row("list_sessions",        lambda _, c: c.get("/auth/sessions"),                                  SIGNED_IN),
    Row("end_session",          lambda w, c: c.delete(f"/auth/sessions/{w.session}"),                  (401, 404, 204, 404, 404, 404)),
    Row("end_sessions",         lambda _, c: c.delete("/auth/sessions"),                               (401, 204, 204, 204, 204, 204)),

    Row("list_events",          lambda _, c: c.get("/events"),                                         ALL),
    Row("create_event",         lambda w, c: c.post("/events", event_body(w.api)),                     (401, 403, 403, 201, 201, 201)),
    Row("read_event",           lambda w, c: c.get(w.on_sale().path),                                  ALL),
    Row("read_event",           lambda w, c: c.get(w.draft().path),                                    (404, 404, 404, 200, 404, 200), of="draft"),
    Row("read_event_calendar",  lambda w, c: c.get(f"{w.on_sale().path}.ics"),                         ALL),
    Row("read_event_calendar",  lambda w, c: c.get(f"{w.draft().path}.ics"),                           (404, 404, 404, 200, 404, 200), of="draft"),
    Row("change_event",         lambda w, c: c.patch(w.on_sale().path, {"capacity": 5}),               ORGANISERS_EVENT),
    Row("change_event",         lambda w, c: c.patch(w.draft().path, {"capacity": 5}),                 ORGANISERS_DRAFT, of="draft"),
    Row("change_event",         lambda w, c: c.patch(f"{w.on_sale().path}?dry_run=true", {}),          ORGANISERS_EVENT, of="dry run"),
    Row("delete_event",         lambda w, c: c.delete(w.draft().path),                                 (401, 404, 404, 204, 404, 204)),
    Row("delete_event",         lambda w, c: c.delete(w.on_sale().path),                               (401, 403, 403, 409, 403, 409), of="published"),
    Row("publish_event",        lambda w, c: c.post(f"{w.draft().path}/publish"),                      ORGANISERS_DRAFT),
    Row("publish_event",        lambda w, c: c.post(f"{w.on_sale().path}/publish"),                    ORGANISERS_EVENT, of="published"),
    Row("cancel_event",         lambda w, c: c.post(f"{w.on_sale().path}/cancel", WHY),                ORGANISERS_EVENT),
    Row("complete_event",       lambda w, c: c.post(f"{w.on_sale().path}/complete"),                   ORGANISERS_EVENT),
    Row("add_ticket_type",      lambda w, c: c.post(f"{w.on_sale().path}/ticket-types", {"name": "VIP"}), (401, 403, 403, 201, 403, 201)),
    Row("change_ticket_type",   lambda w, c: c.patch(_kind_path(w.on_sale()), {"name": "VIP"}),        ORGANISERS_EVENT),
    Row("read_availability",    lambda w, c: c.get(f"{w.on_sale().path}/availability"),                ALL),
    Row("read_availability",    lambda w, c: c.get(f"{w.draft().path}/availability"),                  (404, 404, 404, 200, 404, 200), of="draft"),
    Row("list_event_bookings",  lambda w, c: c.get(f"{w.on_sale().path}/bookings"),                    ORGANISERS_EVENT),
    Row("list_event_bookings",  lambda w, c: c.get(f"{w.draft().path}/bookings"),                      ORGANISERS_DRAFT, of="draft"),
    Row("list_event_waitlist",  lambda w, c: c.get(f"{w.on_sale().path}/waitlist"),                    ORGANISERS_EVENT),
    Row("list_event_waitlist",  lambda w, c: c.get(f"{w.draft().path}/waitlist"),                      ORGANISERS_DRAFT, of="draft"),
    Row("read_journal",         lambda w, c: c.get(f"{w.on_sale().path}/journal"),                     ORGANISERS_EVENT),
    Row("read_journal",         lambda w, c: c.get(f"{w.draft().path}/journal"),                       ORGANISERS_DRAFT, of="draft"),
    Row("list_people",          lambda w, c: c.get(f"{w.on_sale().path}/people?ids={w.owner.id}"),     ORGANISERS_EVENT),
    Row("list_people",          lambda w, c: c.get(f"{w.draft().path}/people?ids={w.owner.id}"),       ORGANISERS_DRAFT, of="draft"),
    Row("explain",              lambda w, c: c.get(f"{w.on_sale().path}/explain"),                     SIGNED_IN, of="oneself"),
    Row("explain",              lambda w, c: c.get(f"{w.on_sale().path}/explain?user_id={w.owner.id}"), (401, 403, 200, 200, 403, 200), of="the owner"),

    Row("book",                 lambda w, c: w.on_sale().ask(c),                                       (401, 201, 201, 201, 201, 201)),
    Row("book",                 lambda w, c: w.draft().ask(c),                                         (401, 404, 404, 409, 404, 409), of="draft"),
    Row("list_bookings",        lambda _, c: c.get("/bookings"),                                       SIGNED_IN),
    Row("read_booking",         lambda w, c: c.get(w.booking()),                                       OWN_OR_ORGANISERS),
    Row("confirm_booking",      lambda w, c: c.post(f"{w.booking()}/confirm"),                         OWN_AND_NOT_ORGANISERS),
    Row("reduce_booking",       lambda w, c: c.patch(w.booking(), {"quantity": 1, **WHY}),             OWN_OR_ORGANISERS),
    Row("cancel_booking",       lambda w, c: c.delete(f"{w.booking()}?reason=why"),                    OWN_OR_ORGANISERS),

    Row("book",                 lambda w, c: w.queued_by(c),                                           (401, 202, 202, 202, 202, 202), of="decided later"),
    Row("read_booking_request", lambda w, c: c.get(w.queued()),                                        (401, 404, 200, 404, 404, 200)),

    Row("join_waitlist",        lambda w, c: w.on_sale(capacity=0).join(c),                            (401, 201, 201, 201, 201, 201)),
    Row("list_waitlist",        lambda _, c: c.get("/waitlist"),                                       SIGNED_IN),
    Row("read_waitlist_entry",  lambda w, c: c.get(w.waiting()),                                       (401, 404, 200, 404, 404, 200)),
    Row("leave_waitlist",       lambda w, c: c.delete(w.waiting()),                                    OWN_AND_NOT_ORGANISERS),
    Row("move_waitlist_entry",  lambda w, c: c.patch(w.waiting(), {"priority": 1, **WHY}),             (401, 404, 403, 200, 404, 200)),
    Row("accept_offer",         lambda w, c: c.post(f"{w.offered()}/accept"),                          OWN_AND_NOT_ORGANISERS),
    Row("decline_offer",        lambda w, c: c.post(f"{w.offered()}/decline"),                         OWN_AND_NOT_ORGANISERS),

    Row("read_overview",        lambda _, c: c.get("/analytics/overview"),                             ORGANISERS),
    Row("read_revenue",         lambda _, c: c.get("/analytics/revenue"),                              ORGANISERS),
    Row("rank_events",          lambda _, c: c.get("/analytics/events"),                               ORGANISERS),
    Row("read_event_figures",   lambda w, c: c.get(f"/analytics{w.on_sale().path}"),                   (401, 403, 403, 200, 403, 200)),
    Row("read_event_figures",   lambda w, c: c.get(f"/analytics{w.draft().path}"),                     (401, 403, 403, 200, 404, 200), of="draft"),
    Row("read_user_figures",    lambda _, c: c.get("/analytics/users"),                                ORGANISERS),

    Row("list_webhooks",        lambda _, c: c.get("/webhooks"),                                       ORGANISERS),
    Row("create_webhook",       lambda _, c: c.post("/webhooks", HOOK),                                (401, 403, 403, 201, 201, 201)),
    Row("read_webhook",         lambda w, c: c.get(w.webhook()),                                       ORGANISERS_OWN),
    Row("change_webhook",       lambda w, c: c.patch(w.webhook(), {"enabled": False}),                 ORGANISERS_OWN),
    Row("remove_webhook",       lambda w, c: c.delete(w.webhook()),                                    (401, 403, 403, 204, 404, 204)),
    Row("list_deliveries",      lambda w, c: c.get(f"{w.webhook()}/deliveries"),                       ORGANISERS_OWN),
    Row("replay_delivery",      lambda w, c: c.post(f"{w.told()}/replay"),                             (401, 403, 403, 202, 404, 202)),

    Row("list_tickets",         lambda w, c: c.get(f"{w.seat()}/tickets"),                             OWN_AND_NOT_ORGANISERS),
    Row("show_tickets",         lambda w, c: c.get(f"{w.seat()}/ticket.svg"),                          OWN_AND_NOT_ORGANISERS),
    Row("print_tickets",        lambda w, c: c.get(f"{w.seat()}/ticket.pdf"),                          OWN_AND_NOT_ORGANISERS),
    Row("check_in",             lambda w, c: c.post(*w.at_the_door()),                                 (401, 403, 403, 201, 403, 201)),
    Row("check_in",             lambda w, c: c.post(f"{w.draft().path}/check-ins", {"code": "x"}),     (401, 404, 404, 409, 404, 409), of="draft"),
    Row("undo_check_in",        lambda w, c: c.delete(w.inside()),                                     (401, 403, 403, 204, 403, 204)),
    Row("list_check_ins",       lambda w, c: c.get(f"{w.on_sale().path}/check-ins"),                   ORGANISERS_EVENT),
    Row("read_ticket_keys",     lambda _, c: c.get("/ticket-keys"),                                    ALL),

    Row("live",                 lambda _, c: c.get("//health/live"),                                   ALL),
    Row("ready",                lambda _, c: c.get("//health/ready"),                                  ALL),
    Row("list_instances",       lambda _, c: c.get("//health/instances"),                              ADMINS),
]
# fmt: on
ASKERS = ("anyone", "attendee", "owner", "organiser", "another organiser", "admin")
CODES = {401: "not_signed_in", 403: "forbidden", 404: "not_found"}


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.route} {row.of}".strip() for row in TABLE])
def test_who_may_and_who_may_not(row: Row) -> None:
    world = World.fresh()
    answers = [row.ask(world, asker) for asker in world.everybody()]
    statuses = dict(zip(ASKERS, (answer.status_code for answer in answers), strict=True))
    assert statuses == dict(zip(ASKERS, row.statuses, strict=True))
    for answer in answers:
        if answer.status_code in CODES:
            assert answer.get_json()["code"] == CODES[answer.status_code]
        assert _route_of(world.api, answer) == row.route


def _route_of(api: Api, answer: TestResponse) -> str:
    name, _ = api.app.url_map.bind("localhost").match(answer.request.path, answer.request.method)
    return str(name)


def test_no_route_is_missing() -> None:
    assert {row.route for row in TABLE} == {route.name for group in GROUPS for route in group}


def test_one_organiser_reads_nothing_of_anothers_event_in_lists() -> None:
    world = World.fresh()
    scene = world.on_sale(capacity=1)
    scene.booking(world.owner)
    scene.entry(world.owner, 2)
    for stranger in (world.attendee, world.organiser, world.other, world.admin):
        assert made(stranger.get("/bookings"))["items"] == [], "a list of one's own"
        assert made(stranger.get("/waitlist"))["items"] == []
    assert len(made(world.owner.get("/bookings"))["items"]) == 1
    assert len(made(world.owner.get("/waitlist"))["items"]) == 1
