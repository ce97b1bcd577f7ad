"""Every reason that a rule may give, reached over HTTP, with its status and its figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from werkzeug.test import TestResponse

from evently_core.reasons import SENTENCES, ReasonCode
from evently_core.values import Role
from evently_core.webhooks import WEBHOOKS_MAX
from evently_flask_api.routes import GROUPS
from tests.api.harness import Api, Client, problem
from tests.api.scene import Scene, made, text_of

USUAL_MEMBERS = {"type", "title", "status", "detail", "code", "instance", "request_id"}

Reached = tuple[TestResponse, dict[str, Any]]
"""A refusal, and the figures it should have."""


@attrs.frozen
class Stage:
    """An empty house with two people in it."""

    api: Api
    organiser: Client
    ana: Client
    ben: Client

    @classmethod
    def fresh(cls) -> Stage:
        api = Api.fresh()
        return cls(api, api.user(Role.ORGANISER), api.user(name="Ana"), api.user(name="Ben"))

    def draft(self, **fields: Any) -> Scene:
        return Scene.draft(self.api, self.organiser, **fields)

    def on_sale(self, **fields: Any) -> Scene:
        return Scene.on_sale(self.api, self.organiser, **fields)

    def in_(self, **span: float) -> str:
        """Return the time that it is in a while."""
        return text_of(self.api.clock.now() + timedelta(**span))

    def pass_(self, **span: float) -> None:
        """Let time pass."""
        self.api.clock.advance(timedelta(**span))


Case = Callable[[Stage], Reached]
CASES: list[tuple[ReasonCode, int, Case]] = []


def refused(code: ReasonCode, status: int = 409) -> Callable[[Case], Case]:
    """Name the reason to which a case leads, and its status."""

    def named(case: Case) -> Case:
        CASES.append((code, status, case))
        return case

    return named


# -- the request, and the event -----------------------------------------------------------------------------


@refused(ReasonCode.IDEMPOTENCY_KEY_REUSED, 422)
def key_with_another_booking(stage: Stage) -> Reached:
    scene = stage.on_sale()
    scene.booking(stage.ana, key="k-1")
    return scene.ask(stage.ana, 2, key="k-1"), {}


@refused(ReasonCode.IDEMPOTENCY_KEY_REUSED, 422)
def key_of_a_booking_with_a_request_to_wait(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=1)
    scene.booking(stage.ana, key="k-1")
    return scene.join(stage.ana, key="k-1"), {}


@refused(ReasonCode.TICKET_TYPE_REQUIRED, 422)
def no_ticket_type_of_two(stage: Stage) -> Reached:
    scene = stage.on_sale(ticket_types=[{"name": "Floor"}, {"name": "Gallery"}])
    return scene.ask(stage.ana), {"ticket_types": 2}


@refused(ReasonCode.TICKET_TYPE_REQUIRED, 422)
def no_line_of_two(stage: Stage) -> Reached:
    scene = stage.on_sale(ticket_types=[{"name": "Floor"}, {"name": "Gallery"}])
    return scene.join(stage.ana), {"ticket_types": 2}


@refused(ReasonCode.EVENT_NOT_PUBLISHED)
def seats_of_ones_own_draft(stage: Stage) -> Reached:
    return stage.draft().ask(stage.organiser), {}


@refused(ReasonCode.EVENT_NOT_PUBLISHED)
def completing_a_draft(stage: Stage) -> Reached:
    return stage.organiser.post(f"{stage.draft().path}/complete"), {}


def _cancelled(stage: Stage) -> Scene:
    scene = stage.on_sale()
    made(stage.organiser.post(f"{scene.path}/cancel", {"reason": "flood"}))
    return scene


def _completed(stage: Stage) -> Scene:
    scene = stage.on_sale()
    made(stage.organiser.post(f"{scene.path}/complete"))
    return scene


@refused(ReasonCode.EVENT_CANCELLED)
def seats_of_a_cancelled_event(stage: Stage) -> Reached:
    return _cancelled(stage).ask(stage.ana), {}


@refused(ReasonCode.EVENT_CANCELLED)
def waiting_for_a_cancelled_event(stage: Stage) -> Reached:
    return _cancelled(stage).join(stage.ana), {}


@refused(ReasonCode.EVENT_CANCELLED)
def publishing_a_cancelled_event(stage: Stage) -> Reached:
    return stage.organiser.post(f"{_cancelled(stage).path}/publish"), {}


@refused(ReasonCode.EVENT_CANCELLED)
def changing_a_cancelled_event(stage: Stage) -> Reached:
    return stage.organiser.patch(_cancelled(stage).path, {"capacity": 99}), {}


@refused(ReasonCode.EVENT_COMPLETED)
def seats_of_a_completed_event(stage: Stage) -> Reached:
    return _completed(stage).ask(stage.ana), {}


@refused(ReasonCode.EVENT_COMPLETED)
def cancelling_a_completed_event(stage: Stage) -> Reached:
    return stage.organiser.post(f"{_completed(stage).path}/cancel", {"reason": "late"}), {}


@refused(ReasonCode.EVENT_COMPLETED)
def selling_more_of_a_completed_event(stage: Stage) -> Reached:
    return stage.organiser.post(f"{_completed(stage).path}/ticket-types", {"name": "VIP"}), {}


@refused(ReasonCode.EVENT_COMPLETED)
def confirming_after_the_event(stage: Stage) -> Reached:
    scene = stage.on_sale(policy={"hold_for_seconds": 600})
    booking = scene.booking(stage.ana)
    made(stage.organiser.post(f"{scene.path}/complete"))
    return stage.ana.post(f"/bookings/{booking['id']}/confirm"), {}


@refused(ReasonCode.EVENT_ENDED)
def publishing_what_has_ended(stage: Stage) -> Reached:
    ended_at = stage.in_(minutes=2)
    scene = stage.draft(starts_at=stage.in_(minutes=1), ends_at=ended_at)
    stage.pass_(minutes=2)
    return stage.organiser.post(f"{scene.path}/publish"), {"ended_at": ended_at}


@refused(ReasonCode.EVENT_NOT_DRAFT)
def throwing_a_published_event_away(stage: Stage) -> Reached:
    return stage.organiser.delete(stage.on_sale().path), {"current_status": "published"}


@refused(ReasonCode.PRECONDITION_FAILED, 412)
def changing_another_version(stage: Stage) -> Reached:
    scene = stage.on_sale()
    answer = stage.organiser.patch(scene.path, {"title": "Opera"}, headers={"If-Match": '"1"'})
    return answer, {"expected": 1, "version": 2}


@refused(ReasonCode.CAPACITY_BELOW_TAKEN)
def fewer_seats_than_are_taken(stage: Stage) -> Reached:
    scene = stage.on_sale()
    scene.booking(stage.ana, 3)
    answer = stage.organiser.patch(scene.path, {"capacity": 2})
    return answer, {"taken": 3, "requested": 2, "pool": scene.event_id}


@refused(ReasonCode.CAPACITY_BELOW_TAKEN)
def fewer_seats_of_a_ticket_type_than_are_held(stage: Stage) -> Reached:
    kinds = [{"name": "Floor", "capacity": 5}]
    scene = stage.on_sale(ticket_types=kinds, policy={"hold_for_seconds": 60})
    scene.booking(stage.ana, 3)
    answer = stage.organiser.patch(f"{scene.path}/ticket-types/{scene.kinds[0]}", {"capacity": 0})
    return answer, {"taken": 3, "requested": 0, "pool": scene.kinds[0]}


@refused(ReasonCode.CURRENCY_IN_USE)
def another_currency_for_seats_that_are_sold(stage: Stage) -> Reached:
    scene = stage.on_sale()
    scene.booking(stage.ana, 3)
    answer = stage.organiser.patch(
        f"{scene.path}/ticket-types/{scene.kinds[0]}", {"price": {"amount": 1000, "currency": "USD"}}
    )
    return answer, {"currency": "EUR", "taken": 3, "waiting": 0}


@refused(ReasonCode.CURRENCY_IN_USE)
def another_currency_for_seats_that_somebody_waits_for(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0)
    scene.entry(stage.ana)
    answer = stage.organiser.patch(
        f"{scene.path}/ticket-types/{scene.kinds[0]}", {"price": {"amount": 1000, "currency": "USD"}}
    )
    return answer, {"currency": "EUR", "taken": 0, "waiting": 1}


# -- windows and limits -------------------------------------------------------------------------------------


@refused(ReasonCode.SALES_NOT_OPEN)
def seats_before_sales(stage: Stage) -> Reached:
    opens_at = stage.in_(days=1)
    return stage.on_sale(booking_opens_at=opens_at).ask(stage.ana), {"opens_at": opens_at}


@refused(ReasonCode.SALES_NOT_OPEN)
def waiting_before_sales_of_the_ticket_type(stage: Stage) -> Reached:
    opens_at = stage.in_(days=1)
    scene = stage.on_sale(ticket_types=[{"name": "Floor", "sales_open_at": opens_at}])
    return scene.join(stage.ana), {"opens_at": opens_at}


@refused(ReasonCode.SALES_CLOSED)
def seats_after_sales(stage: Stage) -> Reached:
    closes_at = stage.in_(minutes=1)
    scene = stage.on_sale(booking_closes_at=closes_at)
    stage.pass_(minutes=1)
    return scene.ask(stage.ana), {"closed_at": closes_at}


@refused(ReasonCode.OVER_BOOKING_LIMIT)
def more_than_one_booking_may_have(stage: Stage) -> Reached:
    return stage.on_sale(capacity=99).ask(stage.ana, 11), {"requested": 11, "limit": 10}


@refused(ReasonCode.OVER_BOOKING_LIMIT)
def more_than_anybody_may_name(stage: Stage) -> Reached:
    answer = stage.on_sale().ask(stage.ana, 10_000_000, accept_partial=True, join_waitlist=True)
    return answer, {"requested": 10_000_000, "limit": 10}


@refused(ReasonCode.BELOW_MINIMUM)
def fewer_than_one_booking_must_have(stage: Stage) -> Reached:
    scene = stage.on_sale(ticket_types=[{"name": "Tables", "min_per_booking": 4}])
    return scene.ask(stage.ana, 3), {"requested": 3, "limit": 4}


@refused(ReasonCode.BELOW_MINIMUM)
def keeping_fewer_than_one_booking_must_have(stage: Stage) -> Reached:
    scene = stage.on_sale(ticket_types=[{"name": "Tables", "min_per_booking": 4}])
    booking = scene.booking(stage.ana, 5)
    return stage.ana.patch(f"/bookings/{booking['id']}", {"quantity": 3}), {"requested": 3, "limit": 4}


@refused(ReasonCode.OVER_USER_LIMIT)
def more_than_one_person_may_have(stage: Stage) -> Reached:
    scene = stage.on_sale(policy={"max_per_user": 4})
    scene.booking(stage.ana, 3)
    return scene.ask(stage.ana, 2), {"requested": 2, "has": 3, "limit": 4}


@refused(ReasonCode.OVER_USER_LIMIT)
def more_than_one_person_may_wait_for(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0, policy={"max_per_user": 4})
    return scene.join(stage.ana, 5), {"requested": 5, "has": 0, "limit": 4}


# -- seats and lines ----------------------------------------------------------------------------------------


@refused(ReasonCode.ALREADY_WAITING)
def waiting_twice(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0)
    entry = scene.entry(stage.ana, 2)
    return scene.join(stage.ana), {"waitlist_entry_id": entry["id"], "waiting_for": 2}


@refused(ReasonCode.ALREADY_WAITING)
def asking_again_with_the_waitlist(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0)
    entry = scene.entry(stage.ana, 2)
    answer = scene.ask(stage.ana, join_waitlist=True)
    return answer, {"waitlist_entry_id": entry["id"], "waiting_for": 2}


@refused(ReasonCode.SOLD_OUT)
def nothing_is_free(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=1)
    scene.booking(stage.ana)
    scene.entry(stage.ana, 2)
    return scene.ask(stage.ben, 3), {"free": 0, "requested": 3, "ahead": 1}


@refused(ReasonCode.LINE_AHEAD)
def all_that_is_free_is_set_aside(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=2)
    scene.entry(stage.ana, 3)
    return scene.ask(stage.ben), {"free": 2, "requested": 1, "ahead": 1}


@refused(ReasonCode.NOT_ENOUGH_FOR_PARTY)
def too_few_are_free(stage: Stage) -> Reached:
    return stage.on_sale(capacity=2).ask(stage.ana, 3), {"free": 2, "requested": 3, "ahead": 0}


@refused(ReasonCode.WAITLIST_OFF)
def an_event_without_lines(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0, policy={"waitlist": {"enabled": False}})
    return scene.join(stage.ana), {"free": 0, "requested": 1, "ahead": 0}


@refused(ReasonCode.WAITLIST_OFF)
def joining_no_line_with_a_booking(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0, policy={"waitlist": {"enabled": False}})
    return scene.ask(stage.ana, join_waitlist=True), {"free": 0, "requested": 1, "ahead": 0}


@refused(ReasonCode.WAITLIST_FULL)
def a_line_as_long_as_it_may_be(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0, policy={"waitlist": {"max_entries": 1}})
    scene.entry(stage.ana)
    return scene.join(stage.ben), {"free": 0, "requested": 1, "ahead": 1, "limit": 1}


@refused(ReasonCode.WAITLIST_FULL)
def a_full_line_with_a_booking(stage: Stage) -> Reached:
    scene = stage.on_sale(capacity=0, policy={"waitlist": {"max_entries": 0}})
    answer = scene.ask(stage.ana, join_waitlist=True)
    return answer, {"free": 0, "requested": 1, "ahead": 0, "limit": 0}


@refused(ReasonCode.SEATS_AVAILABLE)
def waiting_for_what_can_be_booked(stage: Stage) -> Reached:
    return stage.on_sale(capacity=2).join(stage.ana, 2), {"available": 2, "requested": 2}


# -- bookings -----------------------------------------------------------------------------------------------


def _held(stage: Stage) -> str:
    return f"/bookings/{stage.on_sale(policy={'hold_for_seconds': 60}).booking(stage.ana, 2)['id']}"


@refused(ReasonCode.HOLD_EXPIRED)
def confirming_too_late(stage: Stage) -> Reached:
    path, expires_at = _held(stage), stage.in_(minutes=1)
    stage.pass_(minutes=1)
    return stage.ana.post(f"{path}/confirm"), {"expired_at": expires_at}


@refused(ReasonCode.HOLD_EXPIRED)
def reducing_what_has_lapsed(stage: Stage) -> Reached:
    path, expires_at = _held(stage), stage.in_(minutes=1)
    stage.pass_(minutes=1)
    return stage.ana.patch(path, {"quantity": 1}), {"expired_at": expires_at}


@refused(ReasonCode.BOOKING_CANCELLED)
def confirming_what_was_cancelled(stage: Stage) -> Reached:
    path = _held(stage)
    made(stage.ana.delete(path))
    return stage.ana.post(f"{path}/confirm"), {"cancelled_at": stage.in_(minutes=0)}


@refused(ReasonCode.BOOKING_CANCELLED)
def reducing_what_was_cancelled(stage: Stage) -> Reached:
    path = _held(stage)
    made(stage.ana.delete(path))
    return stage.ana.patch(path, {"quantity": 1}), {"cancelled_at": stage.in_(minutes=0)}


@refused(ReasonCode.NOT_FEWER)
def keeping_as_many(stage: Stage) -> Reached:
    booking = stage.on_sale().booking(stage.ana, 2)
    return stage.ana.patch(f"/bookings/{booking['id']}", {"quantity": 2}), {"requested": 2, "quantity": 2}


@refused(ReasonCode.CANCEL_DEADLINE_PASSED)
def cancelling_too_late(stage: Stage) -> Reached:
    until = stage.in_(minutes=1)
    booking = stage.on_sale(policy={"cancel_until": until}).booking(stage.ana, 2)
    stage.pass_(minutes=1)
    return stage.ana.delete(f"/bookings/{booking['id']}"), {"cancel_until": until}


# -- offers -------------------------------------------------------------------------------------------------


def _offers(stage: Stage, count: int) -> str:
    """Make so many offers to Ben, who waits for one seat more; return where his entry is."""
    scene = stage.on_sale(capacity=count, policy={"waitlist": {"offer_window_seconds": 60}})
    taken = [scene.booking(stage.ana)["id"] for _ in range(count)]
    entry = scene.entry(stage.ben, count + 1, accept_partial=True)
    for booking_id in taken:
        made(stage.ana.delete(f"/bookings/{booking_id}"))
    return f"/waitlist/{entry['id']}"


@refused(ReasonCode.NOT_WAITING)
def moving_who_has_left(stage: Stage) -> Reached:
    path = f"/waitlist/{stage.on_sale(capacity=0).entry(stage.ana)['id']}"
    made(stage.ana.delete(path))
    return stage.organiser.patch(path, {"priority": 1, "reason": "why"}), {"current_status": "left"}


@refused(ReasonCode.NO_OPEN_OFFER)
def accepting_nothing(stage: Stage) -> Reached:
    entry = stage.on_sale(capacity=0).entry(stage.ana)
    return stage.ana.post(f"/waitlist/{entry['id']}/accept"), {"current_status": "waiting"}


@refused(ReasonCode.NO_OPEN_OFFER)
def declining_what_was_accepted(stage: Stage) -> Reached:
    path = _offers(stage, 1)
    booking_id = made(stage.ben.post(f"{path}/accept"))["booking"]["id"]
    return stage.ben.post(f"{path}/decline", {"booking_id": booking_id}), {"current_status": "waiting"}


@refused(ReasonCode.BOOKING_ID_REQUIRED, 422)
def accepting_one_of_two(stage: Stage) -> Reached:
    return stage.ben.post(f"{_offers(stage, 2)}/accept"), {"open_offers": 2}


@refused(ReasonCode.BOOKING_ID_REQUIRED, 422)
def declining_one_of_two(stage: Stage) -> Reached:
    return stage.ben.post(f"{_offers(stage, 2)}/decline"), {"open_offers": 2}


@refused(ReasonCode.HOLD_EXPIRED)
def accepting_too_late(stage: Stage) -> Reached:
    path, expires_at = _offers(stage, 1), stage.in_(minutes=1)
    stage.pass_(minutes=1)
    return stage.ben.post(f"{path}/accept"), {"expired_at": expires_at}


@refused(ReasonCode.BOOKING_CANCELLED)
def accepting_what_was_declined(stage: Stage) -> Reached:
    path = _offers(stage, 1)
    booking_id = made(stage.ben.post(f"{path}/decline"))["booking"]["id"]
    answer = stage.ben.post(f"{path}/accept", {"booking_id": booking_id})
    return answer, {"cancelled_at": stage.in_(minutes=0)}


# -- webhooks -----------------------------------------------------------------------------------------------

HOOK = {"url": "https://example.org/hooks"}


@refused(ReasonCode.TOO_MANY_WEBHOOKS)
def one_webhook_too_many(stage: Stage) -> Reached:
    for _ in range(WEBHOOKS_MAX):
        made(stage.organiser.post("/webhooks", HOOK), 201)
    return stage.organiser.post("/webhooks", HOOK), {"limit": WEBHOOKS_MAX}


@refused(ReasonCode.WEBHOOK_DISABLED)
def replaying_to_a_disabled_webhook(stage: Stage) -> Reached:
    path = f"/webhooks/{made(stage.organiser.post('/webhooks', HOOK), 201)['id']}"
    stage.on_sale()
    stage.api.planner.plan()
    [told, *_] = made(stage.organiser.get(f"{path}/deliveries"))["items"]
    made(stage.organiser.patch(path, {"enabled": False}))
    return stage.organiser.post(f"{path}/deliveries/{told['id']}/replay"), {}


# -- at the door --------------------------------------------------------------------------------------------


def _codes(stage: Stage, scene: Scene, quantity: int = 2) -> tuple[str, list[str]]:
    """Return where a booking of Ana's is, and the codes of its seats."""
    path = f"/bookings/{scene.booking(stage.ana, quantity)['id']}"
    return path, [ticket["code"] for ticket in made(stage.ana.get(f"{path}/tickets"))["items"]]


@refused(ReasonCode.UNKNOWN)
def showing_what_is_no_ticket(stage: Stage) -> Reached:
    return stage.organiser.post(f"{stage.on_sale().path}/check-ins", {"code": "A" * 160}), {}


@refused(ReasonCode.WRONG_EVENT)
def showing_the_ticket_of_another_event(stage: Stage) -> Reached:
    other = stage.on_sale()
    _, [code, _] = _codes(stage, other)
    answer = stage.organiser.post(f"{stage.on_sale().path}/check-ins", {"code": code})
    return answer, {"event_id": other.event_id}


@refused(ReasonCode.CANCELLED)
def showing_a_ticket_of_a_cancelled_booking(stage: Stage) -> Reached:
    scene = stage.on_sale()
    path, [code, _] = _codes(stage, scene)
    made(stage.ana.delete(path))
    answer = stage.organiser.post(f"{scene.path}/check-ins", {"code": code})
    return answer, {"current_status": "cancelled", "seat": 1, "quantity": 2}


@refused(ReasonCode.CANCELLED)
def showing_the_newest_ticket_after_a_reduction(stage: Stage) -> Reached:
    scene = stage.on_sale()
    path, [_, code] = _codes(stage, scene)
    made(stage.ana.patch(path, {"quantity": 1}))
    answer = stage.organiser.post(f"{scene.path}/check-ins", {"code": code})
    return answer, {"current_status": "confirmed", "seat": 2, "quantity": 1}


@refused(ReasonCode.ALREADY_IN)
def showing_a_ticket_twice(stage: Stage) -> Reached:
    scene = stage.on_sale()
    _, [code, _] = _codes(stage, scene)
    came = made(stage.organiser.post(f"{scene.path}/check-ins", {"code": code}), 201)
    stage.pass_(minutes=5)
    return stage.organiser.post(f"{scene.path}/check-ins", {"code": code}), {"checked_in_at": came["at"]}


@refused(ReasonCode.CHECK_IN_UNDONE)
def handing_in_what_was_taken_back(stage: Stage) -> Reached:
    scene = stage.on_sale()
    _, [code, _] = _codes(stage, scene)
    noted = {"code": code, "at": stage.in_(minutes=0)}
    made(stage.organiser.post(f"{scene.path}/check-ins", noted), 201)
    stage.pass_(minutes=5)
    assert stage.organiser.delete(f"{scene.path}/check-ins/{code}").status_code == 204
    return stage.organiser.post(f"{scene.path}/check-ins", noted), {"undone_at": stage.in_(minutes=0)}


# -- the tests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "case"), CASES, ids=[f"{code}-{case.__name__}" for code, _, case in CASES]
)
def test_a_refusal_has_its_status_its_sentence_and_its_figures(
    code: ReasonCode, status: int, case: Case
) -> None:
    stage = Stage.fresh()
    answer, figures = case(stage)
    members = problem(answer, status, code)
    assert members["detail"] == SENTENCES[code]
    told = {name: value for name, value in members.items() if name not in USUAL_MEMBERS}
    assert told == figures
    assert code in _declared(stage.api, answer), "the documentation of the route names it"


def _declared(api: Api, answer: TestResponse) -> frozenset[str]:
    """Return the problems that the route that answered declares."""
    name, _ = api.app.url_map.bind("localhost").match(answer.request.path, answer.request.method)
    [route] = [route for group in GROUPS for route in group if route.name == name]
    return route.problems


def test_no_reason_is_missing() -> None:
    assert {code for code, _, _ in CASES} == set(ReasonCode)
