"""A trace of every request, for OpenTelemetry. Comes with the extra ``otel``, and is imported by who switches it on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider

from evently_flask_api.requests import REQUEST_ID, ROUTE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Traced:
    """A layer that traces the application in it: a span for each request, a child of the caller's if it sent one.

    A span tells what the log tells, and no more: the route and not the path, which may hold anything.
    """

    def __init__(
        self,
        app: WSGIApplication,
        provider: TracerProvider,
        untraced: Sequence[str] = ("/health/", "/metrics"),
    ) -> None:
        """Trace an application, but for what is asked every few seconds: paths that begin with ``untraced``."""
        self._app = app
        self._tracer = provider.get_tracer("evently")
        self._untraced = tuple(untraced)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO", "").startswith(self._untraced):
            return self._app(environ, start_response)
        status = "500"

        def start(
            line: str, headers: list[tuple[str, str]], failure: Any = None, /
        ) -> Callable[[bytes], object]:
            nonlocal status
            status = line
            return start_response(line, headers, failure)

        method = environ["REQUEST_METHOD"]
        sent = {
            "traceparent": environ.get("HTTP_TRACEPARENT", ""),
            "tracestate": environ.get("HTTP_TRACESTATE", ""),
        }
        with self._tracer.start_as_current_span(method, extract(sent), SpanKind.SERVER) as span:
            try:
                return self._app(environ, start)
            finally:
                code, route = int(status[:3]), environ.get(ROUTE)
                if route is not None:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
                span.set_attribute("http.request.method", method)
                span.set_attribute("http.response.status_code", code)
                span.set_attribute("evently.request_id", environ[REQUEST_ID])
                if code >= 500:
                    span.set_status(Status(StatusCode.ERROR))
