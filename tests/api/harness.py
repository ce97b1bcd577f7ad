"""An application over stores in memory, and clients of every role. For all tests of the API."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import attrs
from flask import Flask
from werkzeug.test import TestResponse

from evently_core.counting import Counters
from evently_core.evently import Evently
from evently_core.instances import Instance, InstanceKind
from evently_core.memory.accounts import MemoryAccounts, MemorySessions
from evently_core.memory.basics import FixedClock, RandomIds, ScryptPasswords, random_secret
from evently_core.memory.counters import MemoryCounters
from evently_core.memory.deliveries import MemoryDeliveries, MemoryWebhooks
from evently_core.memory.instances import MemoryInstances
from evently_core.memory.storage import MemoryStorage
from evently_core.ports import TicketSeal
from evently_core.services.accounts import AccountService
from evently_core.services.delivering import Planner
from evently_core.services.presence import Presence
from evently_core.services.webhooks import WebhookService
from evently_core.values import OPERATOR, Actor, Role, UserId
from evently_core.webhooks import AddressRules
from evently_flask_api import ApiSettings, Check, Measure, Metrics, Services, create_app
from evently_flask_api.routes import GROUPS
from evently_flask_api.routing import Endpoint, Routes

PREFIX = "/api/v1"
PASSWORD = "correct horse battery"
SECRET = b"a secret of at least 32 bytes....."


@attrs.frozen
class Client:
    """Somebody who calls the API, signed in or not. Paths go without the prefix, unless they begin with `//`."""

    app: Flask
    tokens: Mapping[str, Any] = attrs.field(factory=dict)
    """What the log-in answered."""

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["id"])

    @property
    def actor(self) -> Actor:
        return Actor(UserId(UUID(self.id)), Role(self.tokens["user"]["role"]))

    def bearing(self, token: str) -> Client:
        """The same, with this access token."""
        return attrs.evolve(self, tokens={**self.tokens, "access_token": token})

    def get(self, path: str, **request: Any) -> TestResponse:
        return self.call("GET", path, **request)

    def post(self, path: str, json: object = None, **request: Any) -> TestResponse:
        if json is not None:
            request["json"] = json
        return self.call("POST", path, **request)

    def patch(self, path: str, json: object, **request: Any) -> TestResponse:
        return self.call("PATCH", path, json=json, **request)

    def delete(self, path: str, **request: Any) -> TestResponse:
        return self.call("DELETE", path, **request)

    def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any
    ) -> TestResponse:
        whole_path = path[1:] if path.startswith("//") else PREFIX + path
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"} if self.tokens else {}
        # No cookies and nothing else is kept from one request to the next.
        client = self.app.test_client(use_cookies=False)
        answer = client.open(whole_path, method=method, headers={**bearer, **(headers or {})}, **request)
        _hold_to_its_shape(self.app, method, answer)
        return answer


def _hold_to_its_shape(app: Flask, method: str, answer: TestResponse) -> None:
    """Hold an answer to be exactly what its route declares."""
    if answer.content_type != "application/json":
        return
    name, _ = app.url_map.bind("localhost").match(answer.request.path, method)
    endpoint = app.view_functions[name]
    if isinstance(endpoint, Endpoint):
        route = endpoint.route
        shape = route.answer if answer.status_code == route.status else route.also.get(answer.status_code)
        assert shape is not None, f"{route.name} does not declare {answer.status_code}"
        assert json.loads(shape.model_validate_json(answer.text).model_dump_json()) == answer.get_json()


@attrs.frozen
class Api:
    """An instance of the API, with everything behind it."""

    app: Flask
    instances: MemoryInstances
    services: Services
    clock: FixedClock
    planner: Planner
    """Makes deliveries of what was recorded."""

    @classmethod
    def fresh(
        cls,
        groups: Sequence[Routes] = GROUPS,
        checks: Mapping[str, Check] | None = None,
        courtesies: Mapping[str, Check] | None = None,
        counters: Counters | None = None,
        seal: TicketSeal | None = None,
        measures: Sequence[Measure] = (),
        **settings: Any,
    ) -> Api:
        """A new one, with nobody registered."""
        clock = FixedClock(datetime.now(UTC))
        passwords, ids, users = ScryptPasswords(cost=2), RandomIds(), MemoryAccounts()
        accounts = AccountService(users, MemorySessions(), passwords, clock, ids)
        storage, hooks, metrics = MemoryStorage(), MemoryWebhooks(), Metrics()
        deliveries = MemoryDeliveries(storage, hooks)
        rules = AddressRules(plain_http=True)
        webhooks = WebhookService(hooks, deliveries, users, clock, ids, rules, new_secret=random_secret)
        evently = Evently.over(
            storage, clock, RandomIds(), intake=storage.intake, seal=seal, observer=metrics
        )
        services = Services(
            accounts=accounts,
            evently=evently,
            webhooks=webhooks,
            checks=checks or {},
            courtesies=courtesies or {},
            counters=counters or MemoryCounters(),
            metrics=metrics,
            measures=measures,
        )
        planner = Planner(deliveries, hooks, clock, ids)
        api = cls(Flask("nothing"), MemoryInstances(), services, clock, planner)
        return api.beside(groups, **{"instance": "api-1", **settings})

    def beside(self, groups: Sequence[Routes] = GROUPS, **settings: Any) -> Api:
        """Another instance over the same stores."""
        known = api_settings(**{"instance": "api-2", **settings})
        now = self.clock.now()
        own = Instance(
            name=known.instance,
            kind=InstanceKind.API,
            version="1.2.3",
            host="localhost",
            pid=1,
            started_at=now,
            last_beat_at=now,
        )
        services = attrs.evolve(self.services, presence=Presence(self.instances, own, self.clock))
        return attrs.evolve(self, app=create_app(services, known, groups), services=services)

    @property
    def anyone(self) -> Client:
        """Somebody who is not signed in."""
        return Client(self.app)

    def user(self, role: Role = Role.ATTENDEE, name: str = "") -> Client:
        """Register somebody and log in. The e-mail is of the name, which else is the role."""
        name = name or role.value
        email = f"{name.lower()}@example.org"
        self.services.accounts.create_user(OPERATOR, email, PASSWORD, name, role)
        return self.logged_in(email)

    def logged_in(self, email: str, password: str = PASSWORD) -> Client:
        """Log in once more."""
        answer = self.anyone.post("/auth/login", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return Client(self.app, answer.get_json())


def api_settings(**settings: Any) -> ApiSettings:
    return ApiSettings(**{"secret_key": SECRET, "instance": "api-1", **settings})


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Hold an answer to be this problem, told as all problems are; return its members."""
    assert answer.content_type == "application/problem+json", answer.text
    members: dict[str, Any] = answer.get_json()
    assert (answer.status_code, members["code"]) == (status, code), members
    assert members["status"] == status
    assert members["title"]
    assert members["detail"]
    assert members["type"].endswith(f"#problem-{code}")
    assert members["instance"].startswith("/")
    assert members["request_id"] == answer.headers["X-Request-Id"]
    return members


def wrong_fields(answer: TestResponse) -> dict[str, str]:
    """Hold an answer to be a refusal of what was sent; return the code of each wrong field."""
    errors = problem(answer, 422, "validation_failed")["errors"]
    assert all(error["message"] for error in errors)
    return {error["field"]: error["code"] for error in errors}
