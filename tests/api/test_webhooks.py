"""Webhooks over HTTP: what is sent to whom the tests of delivering show."""

from __future__ import annotations

import pytest

from evently_core.values import Role
from evently_core.webhooks import WEBHOOKS_MAX
from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, made

HOOK = {"url": "https://example.org/hooks", "types": ["granted", "cancelled"], "description": "the till"}


@pytest.fixture
def organiser(api: Api) -> Client:
    return api.user(Role.ORGANISER)


def hook(organiser: Client, **fields: object) -> dict[str, object]:
    return made(organiser.post("/webhooks", {**HOOK, **fields}), 201)


def test_the_secret_is_shown_once(organiser: Client) -> None:
    answer = organiser.post("/webhooks", HOOK)
    new = made(answer, 201)
    assert str(new["secret"]).startswith("whsec_")
    assert (new["url"], new["types"], new["description"]) == (
        HOOK["url"],
        ["cancelled", "granted"],
        "the till",
    )
    assert (new["enabled"], new["disabled_at"], new["owner_id"]) == (True, None, organiser.id)
    path = answer.headers["Location"].removeprefix("/api/v1")
    assert made(organiser.get(path)) == {**new, "secret": None}
    assert made(organiser.get("/webhooks"))["items"] == [{**new, "secret": None}]


def test_a_new_secret_is_shown_once_too(organiser: Client) -> None:
    new = hook(organiser)
    path = f"/webhooks/{new['id']}"
    rotated = made(organiser.patch(path, {"rotate_secret": True}))
    assert rotated["secret"] not in (None, new["secret"])
    assert made(organiser.patch(path, {"description": "else"}))["secret"] is None


def test_the_same_request_under_the_same_key_makes_one_webhook(organiser: Client) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = organiser.post("/webhooks", HOOK, headers=key)
    made(organiser.patch(f"/webhooks/{made(first, 201)['id']}", {"enabled": False}))
    second = organiser.post("/webhooks", HOOK, headers=key)
    assert made(second, 201) == first.get_json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(made(organiser.get("/webhooks"))["items"]) == 1
    other = organiser.post("/webhooks", {"url": "https://example.org/other"}, headers=key)
    problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("url", "http://127.0.0.1/", "private_address"),
        ("url", "http://169.254.169.254/latest/meta-data", "private_address"),
        ("url", "ftp://example.org/", "scheme_not_allowed"),
        ("url", "https://user:secret@example.org/", "credentials_in_url"),
        ("url", "nonsense", "scheme_not_allowed"),
        ("url", "", "too_short"),
        ("types", ["nothing"], "unknown_type"),
        ("types", "granted", "wrong_type"),
        ("description", "x" * 201, "invalid_description"),
        ("enabled", None, "null"),
    ],
)
def test_what_is_not_acceptable_is_named(organiser: Client, field: str, value: object, code: str) -> None:
    path = f"/webhooks/{hook(organiser)['id']}"
    assert wrong_fields(organiser.patch(path, {field: value})) == {field: code}
    if field != "enabled":
        assert wrong_fields(organiser.post("/webhooks", {**HOOK, field: value})) == {field: code}


def test_there_is_a_most_of_webhooks(organiser: Client) -> None:
    for _ in range(WEBHOOKS_MAX):
        hook(organiser)
    members = problem(organiser.post("/webhooks", HOOK), 409, "too_many_webhooks")
    assert members["limit"] == WEBHOOKS_MAX


def test_deliveries_are_listed_newest_first_and_can_be_replayed(api: Api, organiser: Client) -> None:
    path = f"/webhooks/{hook(organiser, types=[])['id']}"
    scene = Scene.on_sale(api, organiser)
    api.planner.plan()
    first = made(organiser.get(f"{path}/deliveries?limit=1"))
    [newest] = first["items"]
    assert (newest["type"], newest["status"], newest["attempts"]) == ("event_advanced", "pending", [])
    assert (newest["event_id"], newest["number"]) == (scene.event_id, 2)
    [older] = made(organiser.get(f"{path}/deliveries?cursor={first['next_cursor']}"))["items"]
    assert older["number"] == 1
    replayed = made(organiser.post(f"{path}/deliveries/{older['id']}/replay"), 202)
    assert (replayed["id"], replayed["status"]) == (older["id"], "pending")
    made(organiser.patch(path, {"enabled": False}))
    problem(organiser.post(f"{path}/deliveries/{older['id']}/replay"), 409, "webhook_disabled")
    problem(organiser.post(f"{path}/deliveries/{UNKNOWN}/replay"), 404, "not_found")


def test_a_removed_webhook_is_gone(organiser: Client) -> None:
    path = f"/webhooks/{hook(organiser)['id']}"
    assert organiser.delete(path).status_code == 204
    problem(organiser.delete(path), 404, "not_found")
    assert made(organiser.get("/webhooks"))["items"] == []
