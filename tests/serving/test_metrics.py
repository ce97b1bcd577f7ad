"""Metrics of all workers together, whichever of them is asked."""

from __future__ import annotations

import os
import signal
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving.test_serve import Server, folder, server, until  # noqa: F401  # fixtures that tests name
from tests.serving.test_workers import children_of

pytestmark = [pytest.mark.crash]


def look(server: Server) -> dict[str, float]:  # noqa: F811  # a parameter
    """What is told, added up over all labels but the state of connections."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = f"{sample.name}:{sample.labels['state']}" if "state" in sample.labels else sample.name
            found[name] = found.get(name, 0) + sample.value
    return found


def test_any_worker_tells_of_all_of_them(server: Server) -> None:  # noqa: F811  # the fixture
    server.start("--workers", "2", "--no-worker")
    before = look(server)["evently_request_seconds_count"]
    for _ in range(20):
        server.call("GET", "/events")
    until(lambda: look(server)["evently_request_seconds_count"] >= before + 20)
    until(lambda: look(server)["evently_pool_connections:in_use"] == 0)
    found = look(server)
    until(lambda: look(server)["evently_pool_connections:allowed"] == 40)
    assert found["evently_queue_requests"] == found["evently_line_entries"] == 0
    assert found["evently_queue_accepted_total"] == found["evently_queue_decided_total"] == 0

    assert server.process is not None
    gone, *_ = children_of(server.process.pid)
    os.kill(gone, signal.SIGKILL)
    until(lambda: gone not in children_of(server.process.pid) if server.process else False)
    until(lambda: len(children_of(server.process.pid)) == 2 if server.process else False)
    until(lambda: look(server)["evently_pool_connections:allowed"] == 40)
    assert look(server)["evently_request_seconds_count"] >= before + 20  # what it did is not forgotten

    server.event(server.admin())
    found = look(server)
    assert found["evently_outbox_decisions"] == 2, "one for drawing it up, one for publishing it"
    assert found["evently_delivery_late_seconds"] == 0
