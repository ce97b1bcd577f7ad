"""Requests that were accepted are decided, in the order accepted, whatever is killed in between."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.serving.test_serve import Server, folder, server  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.crash]

REQUESTS = 25


def accept(server: Server, token: str, event: str, key: str) -> str:  # noqa: F811  # a parameter
    """Ask for a seat, to be decided later; return where to ask for the answer."""
    status, answer = server.call(
        "POST", "/bookings", {"event_id": event}, token, key=key, prefer="respond-async"
    )
    assert status == 202, answer
    return f"/booking-requests/{answer['id']}"


def decided(server: Server, token: str, path: str) -> Any:  # noqa: F811  # a parameter
    status, answer = server.call("GET", f"{path}?wait=10", None, token)
    assert status == 200, answer
    return answer


def test_requests_are_decided_by_the_server_itself(server: Server) -> None:  # noqa: F811  # the fixture
    server.start()
    token = server.admin()
    event = server.event(token, capacity=1)
    paths = [accept(server, token, event, f"k{number}") for number in range(2)]
    assert [decided(server, token, path)["status"] for path in paths] == ["done", "refused"]


@pytest.mark.slow
def test_what_was_accepted_outlives_every_process_and_the_database(
    server: Server,  # noqa: F811  # the fixture
) -> None:
    server.start("--no-worker")
    token = server.admin()
    event = server.event(token)
    paths = [accept(server, token, event, f"k{number}") for number in range(REQUESTS)]
    _, waiting = server.call("GET", paths[-1], None, token)
    assert (waiting["status"], waiting["ahead"]) == ("queued", REQUESTS - 1)
    os.kill(_postmaster(server), signal.SIGKILL)
    server.signal(signal.SIGKILL)

    server.start()
    token = server.admin()
    answers = [decided(server, token, path) for path in paths]
    assert [answer["status"] for answer in answers] == ["done"] * REQUESTS
    booked = [answer["result"]["booking"]["id"] for answer in answers]
    status, journal = server.call("GET", f"/events/{event}/journal?limit=100", None, token)
    assert status == 200
    granted = [line["data"]["booking"]["id"] for line in journal["items"] if line["kind"] == "granted"]
    assert granted == booked, "they were decided in the order accepted"
    again = server.call("POST", "/bookings", {"event_id": event}, token, key="k0")
    assert again == (201, answers[0]["result"])


def _postmaster(server: Server) -> int:  # noqa: F811  # a parameter
    return int((server.folder / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
