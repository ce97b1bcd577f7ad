"""Traces of requests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from evently_flask_api.routing import Routes
from evently_flask_api.schemas.health import Health
from evently_flask_api.tracing import Traced
from tests.api.harness import Api

Spans = Callable[[], tuple[ReadableSpan, ...]]


def traced(api: Api) -> Spans:
    """Trace an instance from here on; return what gives its spans."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    api.app.wsgi_app = Traced(api.app.wsgi_app, provider)  # type: ignore[method-assign]  # as Flask documents it
    return exporter.get_finished_spans


def test_a_request_is_a_span_named_after_its_route(api: Api) -> None:
    spans = traced(api)
    answer = api.anyone.get("/events?q=secret")
    [span] = spans()
    assert span.name == "GET /api/v1/events"
    assert span.kind is SpanKind.SERVER
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/events",
        "http.response.status_code": 200,
        "evently.request_id": answer.headers["X-Request-Id"],
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_span_goes_on_where_the_caller_is(api: Api) -> None:
    spans = traced(api)
    sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    api.anyone.get("/events", headers={"traceparent": sent})
    [span] = spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"


@pytest.mark.parametrize("sent", ["", "garbage", "00-0-0-0", "é"])
def test_a_parent_that_is_none_begins_a_trace(api: Api, sent: str) -> None:
    spans = traced(api)
    assert api.anyone.get("/events", headers={"traceparent": sent}).status_code == 200
    [span] = spans()
    assert span.parent is None


def test_our_own_fault_is_an_error_and_a_refusal_is_none() -> None:
    routes = Routes("Failing", "Fails.")

    @routes.get("/fail")
    def fail() -> Health:
        raise RuntimeError("surprise")

    api = Api.fresh([routes])
    spans = traced(api)
    api.anyone.get("/fail")
    api.anyone.get("/nothing/secret")
    failed, refused = spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert (refused.name, refused.status.status_code) == ("GET", StatusCode.UNSET)
    assert "secret" not in repr(refused.to_json())


def test_what_is_asked_every_few_seconds_is_not_traced(api: Api) -> None:
    spans = traced(api)
    assert api.anyone.get("//health/live").status_code == 200
    assert api.anyone.get("//metrics").status_code == 200
    assert spans() == ()


def test_nothing_of_it_is_imported_where_it_is_off() -> None:
    script = """
import sys
import evently_wiring.answering
import evently_flask_api
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
