"""Flask without what there is no use for, held against Flask as it comes."""

from __future__ import annotations

import pytest
from flask import Flask, Response, request, session, url_for

from evently_flask_api.lean import LeanFlask


def application(kind: type[Flask]) -> Flask:
    app = kind("app", static_folder=None)

    @app.route("/things/<uuid:thing_id>", methods=["GET", "POST"])
    def thing(thing_id: object) -> Response:
        told = (thing_id, request.path, request.host, request.url_root, url_for("thing", thing_id=thing_id))
        return Response(repr(told))

    @app.route("/folder/")
    def folder() -> Response:
        return Response("folder")

    return app


THING = "/things/01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.mark.parametrize("root", ["", "/below"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "path", [THING, f"{THING}?a=%C3%A9", "/things/1", "/f%C3%B6lder", "/folder", "/folder?a=1", "//"]
)
def test_routes_are_found_as_flask_finds_them(path: str, method: str, root: str) -> None:
    found = []
    for kind in (Flask, LeanFlask):
        client = application(kind).test_client()
        answer = client.open(path, method=method, base_url=f"https://example.org:8443{root}")
        found.append(
            (answer.status, answer.headers.get("Location"), answer.headers.get("Allow"), answer.data)
        )
    assert found[0] == found[1]


def test_nothing_can_be_kept_in_cookies() -> None:
    app = LeanFlask("app")

    @app.route("/")
    def keep() -> Response:
        assert "a" not in session
        with pytest.raises(RuntimeError):
            session["a"] = 1
        return Response("kept nothing")

    answer = app.test_client().get("/")
    assert answer.data == b"kept nothing"
    assert "Set-Cookie" not in answer.headers
