"""The Postman collection in `examples/` is that of the API as it is."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from evently_core.values import Role
from evently_flask_api.routes import GROUPS
from tests.api.harness import PASSWORD, Api

EXAMPLES = Path(__file__).parents[2] / "examples"
COLLECTION: dict[str, Any] = json.loads((EXAMPLES / "evently.postman_collection.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def postman() -> ModuleType:
    specification = importlib.util.spec_from_file_location("postman", EXAMPLES / "postman.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def requests() -> Iterator[dict[str, Any]]:
    for folder in COLLECTION["item"]:
        yield from folder["item"]


def test_it_is_what_the_script_makes_of_the_api(postman: ModuleType) -> None:
    assert postman.COLLECTION.read_text("utf-8") == postman.text(), "run `python examples/postman.py`"


def test_every_route_is_in_it_once() -> None:
    found = sorted((item["request"]["method"], item["request"]["url"]["raw"]) for item in requests())
    declared = sorted(
        (route.method, "{{address}}" + route.path.replace("{", ":").replace("}", ""))
        for group in GROUPS
        for route in group
    )
    assert found == declared


def test_the_session_that_is_opened_first_serves_the_other_requests(api: Api) -> None:
    api.user(Role.ATTENDEE, "hugo")
    [login] = [
        item for item in requests() if item["request"]["url"]["raw"] == "{{address}}/api/v1/auth/login"
    ]
    body = login["request"]["body"]["raw"].replace("{{email}}", "hugo@example.org")
    body = body.replace("{{password}}", PASSWORD)
    assert api.anyone.post("/auth/login", json.loads(body)).status_code == 200
    assert "pm.collectionVariables.set('access_token'" in "".join(login["event"][0]["script"]["exec"])
    assert COLLECTION["auth"]["bearer"][0]["value"] == "{{access_token}}"
