"""The answers of our own making: JSON that is whole, and says of itself all there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

JSON = "application/json"


class JsonResponse(Response):
    """JSON of known length, with headers that need no correction.

    The library's own way out takes 20 µs to find that out, a tenth of a request; this one is held against it.
    """

    def __init__(
        self,
        content: bytes | None,
        status: int,
        headers: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> None:
        """Take the JSON, or None for an answer that has none."""
        if content is None:
            super().__init__(None, status, headers)
            self.headers.pop("Content-Type", None)
        else:
            told = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
            super().__init__([content], status, [*told, *(headers or {}).items()])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()
