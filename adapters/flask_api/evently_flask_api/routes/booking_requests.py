"""Requests for seats that are decided later: what came of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request

from evently_core import presentation as shapes
from evently_core.errors import NotFound
from evently_core.intake import Receipt, RequestState
from evently_core.outcomes import Admitted, Refused, Rejected
from evently_core.services.queueing import RequestView
from evently_core.values import RequestId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import RESPOND_ASYNC
from evently_flask_api.problems import Problem, problem_of, refusal, request_id
from evently_flask_api.routing import PREFIX, Answer, Routes
from evently_flask_api.schemas.bookings import QueuedRequest, WaitQuery
from evently_flask_api.services import Services

routes = Routes(
    "Booking requests",
    "What came of requests that were accepted (202) and decided later.",
    prefix="/booking-requests",
)


@routes.get("/<uuid:booking_request_id>", who=Who.SIGNED_IN)
def read_booking_request(
    services: Services, caller: Caller, booking_request_id: UUID, query: WaitQuery
) -> Answer[QueuedRequest]:
    """Read a request of one's own: `ahead` while it is queued, then `result` or `problem`.

    With `wait` the answer comes as soon as the request is decided. Where too many wait already, it comes at once.
    """
    if services.evently.queue is None:
        raise NotFound("booking request")
    view = services.evently.queue.request(caller.actor, RequestId(booking_request_id), wait=query.wait)
    return Answer.showing(_shape(view))


def accepted(receipt: Receipt, *, as_preferred: bool = False) -> Answer[Any]:
    """Answer that a request was accepted and will be decided; ``as_preferred`` if that was asked for."""
    headers = {"Location": f"{PREFIX}/booking-requests/{receipt.id}"}
    if as_preferred:
        headers["Preference-Applied"] = RESPOND_ASYNC
    shape = _shape(RequestView(receipt.id, RequestState.QUEUED, receipt.ahead))
    return Answer(shape, headers, replayed=receipt.replayed, status=202)


def _shape(view: RequestView) -> dict[str, Any]:
    result = problem = None
    if isinstance(view.outcome, Admitted):
        result = shapes.admitted_shape(view.outcome)
    elif view.outcome is not None:
        problem = _problem(view).document(request.path, request_id(), request.root_path)
    # What failed for a fault of ours is refused, too: nothing came of it.
    status = RequestState.REFUSED if problem else view.state
    return {"id": view.id, "status": status, "ahead": view.ahead, "result": result, "problem": problem}


def _problem(view: RequestView) -> Problem:
    match view.outcome:
        case Refused():
            return refusal(view.outcome)
        case Rejected():
            return problem_of(view.outcome.error)
    return Problem("internal_error")
