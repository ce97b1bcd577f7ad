"""An event on sale, the one who organises it, and what people ask of it. For the tests of its routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Self

import attrs
from werkzeug.test import TestResponse

from evently_core.values import Role
from tests.api.harness import Api, Client

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
"""An id that nothing has."""


def text_of(moment: datetime) -> str:
    """Return an instant as the API answers it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def event_body(api: Api, **fields: Any) -> dict[str, Any]:
    """Return what draws up an event of ten seats in thirty days; fields may be set otherwise."""
    starts_at = api.clock.now() + timedelta(days=30)
    usual = {
        "title": "Concert",
        "timezone": "Europe/Berlin",
        "starts_at": text_of(starts_at),
        "ends_at": text_of(starts_at + timedelta(hours=2)),
        "capacity": 10,
    }
    return {**usual, **fields}


def made(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    """Hold an answer to be a success; return its content."""
    assert answer.status_code == status, answer.text
    content: dict[str, Any] = answer.get_json()
    return content


@attrs.frozen
class Scene:
    """An event with its organiser."""

    api: Api
    organiser: Client
    event_id: str
    kinds: tuple[str, ...]
    """The ids of its ticket types."""

    @classmethod
    def draft(cls, api: Api, organiser: Client | None = None, **fields: Any) -> Self:
        """Draw up an event."""
        organiser = organiser or api.user(Role.ORGANISER)
        event = made(organiser.post("/events", event_body(api, **fields)), 201)
        return cls(api, organiser, event["id"], tuple(kind["id"] for kind in event["ticket_types"]))

    @classmethod
    def on_sale(cls, api: Api, organiser: Client | None = None, **fields: Any) -> Self:
        """Draw up an event and publish it."""
        scene = cls.draft(api, organiser, **fields)
        made(scene.organiser.post(f"{scene.path}/publish"))
        return scene

    @property
    def path(self) -> str:
        """Where the event is."""
        return f"/events/{self.event_id}"

    def read(self, who: Client | None = None) -> dict[str, Any]:
        """Return the event as somebody reads it, which is its organiser if not said otherwise."""
        return made((who or self.organiser).get(self.path))

    def ask(self, who: Client, quantity: Any = 1, *, key: str | None = None, **asked: Any) -> TestResponse:
        """Ask for seats."""
        return who.post("/bookings", self._request(quantity, asked), headers=_headers(key))

    def join(self, who: Client, quantity: Any = 1, *, key: str | None = None, **asked: Any) -> TestResponse:
        """Ask to wait."""
        return who.post("/waitlist", self._request(quantity, asked), headers=_headers(key))

    def booking(self, who: Client, quantity: int = 1, **asked: Any) -> dict[str, Any]:
        """Book seats; return the booking."""
        booking: dict[str, Any] = made(self.ask(who, quantity, **asked), 201)["booking"]
        assert booking is not None
        return booking

    def entry(self, who: Client, quantity: int = 1, **asked: Any) -> dict[str, Any]:
        """Join the line; return the entry."""
        return made(self.join(who, quantity, **asked), 201)

    def _request(self, quantity: Any, asked: dict[str, Any]) -> dict[str, Any]:
        return {"event_id": self.event_id, "quantity": quantity, **asked}


def _headers(key: str | None) -> dict[str, str]:
    return {} if key is None else {"Idempotency-Key": key}
