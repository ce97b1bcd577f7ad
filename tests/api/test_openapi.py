"""The document is right, complete, and says what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from evently_core.values import Role
from evently_flask_api import openapi_document
from evently_flask_api.callers import Who
from evently_flask_api.openapi import roles_of
from evently_flask_api.problems import KINDS
from evently_flask_api.routes import GROUPS
from tests.api.harness import Api

DOCUMENT = openapi_document(GROUPS)
ROUTES = [route for group in GROUPS for route in group]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for member in part.values():
            yield from references(member)
    elif isinstance(part, list):
        for member in part:
            yield from references(member)


def test_is_a_valid_openapi_document() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_an_invalid_document_would_be_noticed() -> None:
    broken = DOCUMENT | {"components": DOCUMENT["components"] | {"securitySchemes": None}}
    with pytest.raises(Exception, match="null is not of type"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


def test_every_route_is_in_it() -> None:
    documented = {
        (method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations
    }
    assert documented == {(route.method, route.path) for route in ROUTES}


def test_every_problem_of_a_route_has_its_status() -> None:
    for route in ROUTES:
        responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
        for code in route.problems:
            response = responses[str(KINDS[code].status)]
            if str(KINDS[code].status) not in {str(status) for status in route.also}:
                assert f"- `{code}`: {KINDS[code].sentence}" in response["description"]


def test_every_operation_is_described() -> None:
    for route in ROUTES:
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        assert operation["summary"]
        assert operation["operationId"] == route.name
        assert operation["description"].startswith("For ")


def test_every_body_has_an_example_that_would_be_taken() -> None:
    bodies = [route.body for route in ROUTES if route.body is not None]
    assert bodies
    for body in bodies:
        examples = DOCUMENT["components"]["schemas"][body.__name__]["examples"]
        assert examples
        for example in examples:
            body.model_validate_json(json.dumps(example))


def test_whoever_must_sign_in_is_told_how() -> None:
    def security(path: str, method: str) -> object:
        return DOCUMENT["paths"][path][method]["security"]

    assert security("/api/v1/auth/login", "post") == []
    assert security("/api/v1/auth/me", "get") == [{"accessToken": []}]
    assert security("/api/v1/auth/refresh", "post") == [{"refreshToken": []}]


def test_no_shape_has_a_default_that_it_refuses() -> None:
    assert '"default": null' not in json.dumps(DOCUMENT)


def test_is_served_with_the_address_it_was_asked_at(api: Api) -> None:
    answer = api.anyone.get("/openapi.json", base_url="https://example.org/under/")
    assert answer.content_type == "application/json"
    assert answer.get_json() == DOCUMENT | {"servers": [{"url": "https://example.org/under"}]}


@pytest.mark.parametrize("host", ["a b", '"><script>', "example.org/x", "example.org:99999999"])
def test_is_served_without_an_address_that_is_none(api: Api, host: str) -> None:
    assert api.anyone.get("/openapi.json", headers={"Host": host}).get_json() == DOCUMENT


@pytest.mark.parametrize(
    ("who", "roles"),
    [
        (Who.ADMIN, [Role.ADMIN]),
        (Who.ORGANISER, [Role.ORGANISER, Role.ADMIN]),
        (Who.SIGNED_IN, list(Role)),
    ],
)
def test_roles_are_told(who: Who, roles: list[Role]) -> None:
    assert roles_of(who) == roles


class Page(HTMLParser):
    """The ids, links and tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "style" or name.startswith("on"):
                self.inline.append(name)


class TestDocsPage:
    def test_leads_everywhere_it_points_to(self, api: Api) -> None:
        page = Page(api.anyone.get("/docs").text)
        assert len(page.ids) == len(set(page.ids))
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids, link
            else:
                assert api.anyone.get(f"/{link}").status_code == 200

    def test_shows_every_route_every_shape_and_every_problem(self, api: Api) -> None:
        page = Page(api.anyone.get("/docs").text)
        assert {route.name for route in ROUTES} <= set(page.ids)
        assert {f"shape-{name}" for name in DOCUMENT["components"]["schemas"]} <= set(page.ids)
        assert {f"problem-{code}" for code in KINDS} <= set(page.ids)

    def test_shows_how_a_body_may_look(self, api: Api) -> None:
        assert "<pre><code>{" in api.anyone.get("/docs").text

    def test_runs_nothing_and_needs_nothing_from_elsewhere(self, api: Api) -> None:
        answer = api.anyone.get("/docs")
        page = Page(answer.text)
        assert answer.content_type == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
        assert not page.tags & {"script", "style", "iframe", "img", "object"}
        assert page.inline == []
        assert not re.search(r"""(src|href|action|url\()=?\s*["']?https?://""", answer.text)

    def test_has_its_style(self, api: Api) -> None:
        assert api.anyone.get("/docs/style.css").content_type == "text/css; charset=utf-8"


_api = Api.fresh(checks={"database": lambda: "ok"})
_admin = _api.user(Role.ADMIN)
_schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", _api.app)
# No schema can say that a key came with another request before, or which password is the present one.
_NOT_SAID: list[Any] = [positive_data_acceptance]


@_schema.exclude(path_regex="logout|refresh").parametrize()
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_the_document_says(case: schemathesis.Case[Any]) -> None:
    bearer = {"Authorization": f"Bearer {_admin.tokens['access_token']}"}
    case.call_and_validate(headers=bearer, excluded_checks=_NOT_SAID)


@_schema.parametrize()
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
def test_whatever_a_stranger_sends_is_answered_as_the_document_says(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(excluded_checks=_NOT_SAID)
