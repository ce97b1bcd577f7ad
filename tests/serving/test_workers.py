"""What becomes of the workers: they finish what is under way, are replaced, and never outlive the server."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from evently_wiring.embedded import EmbeddedPostgres
from tests.serving.test_serve import Server, folder, server, until  # noqa: F401  # fixtures that tests name

pytestmark = [pytest.mark.crash]


def children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(stat[1]) == pid and b"spawn_main" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except (OSError, IndexError):
                continue
    return found


def test_what_is_under_way_is_answered_before_it_stops(server: Server) -> None:  # noqa: F811  # the fixture
    server.start()
    token = server.admin()
    event = server.event(token)
    answers: list[tuple[int, Any]] = []
    with psycopg.connect(EmbeddedPostgres(server.folder).url) as other:
        other.execute("SELECT 1 FROM events FOR UPDATE")  # whoever books now waits for us
        asker = threading.Thread(
            target=lambda: answers.append(server.call("POST", "/bookings", {"event_id": event}, token))
        )
        asker.start()
        until(lambda: _somebody_waits(server))
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        other.rollback()
    asker.join(timeout=60)
    assert server.process.wait(timeout=120) == 0
    assert [status for status, _ in answers] == [201]
    assert not EmbeddedPostgres(server.folder).is_running


def _somebody_waits(server: Server) -> bool:  # noqa: F811  # a parameter
    with psycopg.connect(EmbeddedPostgres(server.folder).url) as connection:
        waiting = connection.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    return waiting is not None


def test_no_worker_outlives_a_server_that_was_killed_loading_or_later(server: Server) -> None:  # noqa: F811  # the fixture
    server.begin("--workers", "2")
    assert server.process is not None
    main = server.process.pid
    until(lambda: len(children_of(main)) == 2)
    _kill_and_see_all_gone(server, children_of(main))
    server.start("--workers", "2")  # nobody has its port
    _kill_and_see_all_gone(server, children_of(server.process.pid))


def _kill_and_see_all_gone(server: Server, workers: list[int]) -> None:  # noqa: F811  # a parameter
    assert len(workers) == 2
    server.signal(signal.SIGKILL)
    try:
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_two_first_servers_that_start_at_once_share_the_data_until_the_last_one_stops(folder: Path) -> None:  # noqa: F811  # the fixture
    one, other = Server(folder), Server(folder)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda each: each.start(), (one, other)))
        token = one.admin()
        assert other.call("GET", "/auth/me", None, token)[0] == 200  # one secret, one admin
        event = one.event(token)
        assert other.call("POST", "/bookings", {"event_id": event}, token)[0] == 201
        assert one.signal(signal.SIGTERM) == 0
        assert other.call("GET", f"/events/{event}")[1]["seats_taken"] == 1
        assert other.signal(signal.SIGTERM) == 0
        assert not EmbeddedPostgres(folder).is_running
    finally:
        for each in (one, other):
            if each.process is not None and each.process.poll() is None:
                each.signal(signal.SIGKILL)
