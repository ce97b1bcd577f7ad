"""Our own way out, held against the library's."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Response
from werkzeug.test import EnvironBuilder, run_wsgi_app

from evently_flask_api.responses import JSON, JsonResponse


def sent(response: Response, method: str) -> tuple[list[bytes], str, list[tuple[str, str]]]:
    environ = EnvironBuilder("/things", method=method).get_environ()
    parts, status, headers = run_wsgi_app(response, environ)
    return list(parts), status, sorted(headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("content", [b"{}", '{"title": "Zoë"}'.encode()])
@pytest.mark.parametrize(
    ("status", "headers"), [(200, {}), (201, {"Location": "/things/1"}), (409, {"A": "b"})]
)
def test_json_is_answered_as_the_library_answers_it(
    method: str, content: bytes, status: int, headers: dict[str, Any]
) -> None:
    library = Response(content, status, headers, content_type=JSON)
    assert sent(JsonResponse(content, status, headers), method) == sent(library, method)


@pytest.mark.parametrize("method", ["DELETE", "HEAD"])
def test_no_content_has_no_length_and_no_type(method: str) -> None:
    parts, status, headers = sent(JsonResponse(None, 204), method)
    assert (b"".join(parts), status, headers) == (b"", "204 NO CONTENT", [])
