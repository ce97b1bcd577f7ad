"""What every request and every answer has: an id, the instance that answered, safe headers, a line in the log.

This is the outermost layer, around the application and whatever stands in front of it, so that nothing is answered
without. What is found out about a request on its way in is noted in its WSGI environment, under the names here.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from evently_core.services.presence import Presence

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("evently.api")

REQUEST_ID = "evently.request_id"
USER_ID = "evently.user_id"
"""Who has signed in, once that is known."""
ROUTE = "evently.route"
"""The rule of the route; the path itself may hold anything."""
HEADERS = "evently.headers"
"""Further headers of the answer, whatever it will be."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,127}")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""Of every answer, unless the route says otherwise."""

HSTS = "max-age=31536000"


class Watcher(Protocol):
    """Counts what was answered."""

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Take note of an answer; no route is an address that nothing answers."""


class Front:
    """The outermost layer of the application."""

    def __init__(
        self,
        app: WSGIApplication,
        instance: str,
        watcher: Watcher,
        presence: Presence | None = None,
    ) -> None:
        """Stand in front of an application; tell somebody of its answers, and count them."""
        self._app = app
        self._instance = instance
        self._watcher = watcher
        self._presence = presence
        self._usual = list(SECURITY_HEADERS.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        started = time.perf_counter()
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = environ[REQUEST_ID] = sent if _REQUEST_ID.fullmatch(sent) else os.urandom(16).hex()
        status = "500"

        def start(
            line: str, headers: list[tuple[str, str]], failure: Any = None, /
        ) -> Callable[[bytes], object]:
            nonlocal status
            status = line
            own = {name for name, _ in headers}
            headers += [header for header in self._usual if header[0] not in own]
            headers += ("X-Request-Id", request_id), ("X-Instance-Id", self._instance)
            headers += environ.get(HEADERS, ())
            if environ["wsgi.url_scheme"] == "https":
                headers.append(("Strict-Transport-Security", HSTS))
            return start_response(line, headers, failure)

        try:
            return self._app(environ, start)
        finally:
            self._note(environ, request_id, int(status[:3]), time.perf_counter() - started)

    def _note(self, environ: WSGIEnvironment, request_id: str, status: int, seconds: float) -> None:
        user_id, route, method = environ.get(USER_ID), environ.get(ROUTE), environ["REQUEST_METHOD"]
        log.info(
            "request",
            request_id=request_id,
            instance=self._instance,
            user=None if user_id is None else str(user_id),
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )
        if self._presence is not None:
            self._presence.answered()
        self._watcher.answered(method, route, status, seconds)
