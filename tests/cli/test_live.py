"""What is shown as it happens: read from the real program, which ends well when somebody presses Ctrl-C."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evently_cli.following import bar, sparkline
from tests.cli.test_commands import Terminal
from tests.servers import MakeDatabase


@pytest.fixture
def terminal(make_database: MakeDatabase) -> Terminal:
    terminal = Terminal(make_database())
    terminal.user("Olga", "organiser")
    terminal.user("Ana")
    terminal.user("Ben")
    return terminal


@contextmanager
def running(
    terminal: Terminal, *words: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run the program for as long as the block takes, then press Ctrl-C and expect that it ends with 0."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "EVENTLY_DATABASE_URL": terminal.url,
    }
    program = subprocess.Popen(
        [sys.executable, "-m", "evently_cli.main", *words],
        env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield program
        program.send_signal(signal.SIGINT)
        _, told = program.communicate(timeout=120)
        assert (program.returncode, told) == (0, "")
    finally:
        program.kill()
        program.communicate()


def next_line(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline()


def test_the_journal_is_followed_line_by_line(terminal: Terminal) -> None:
    terminal.event()
    with running(terminal, "journal", "Jazz", "--follow") as program:
        assert "1  event_created: by olga@example.org" in next_line(program)
        assert "2  event_advanced: status published, by olga@example.org" in next_line(program)
        terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "2")
        assert "3  granted: ana@example.org, quantity 2, status confirmed, by operator" in next_line(program)
        terminal.run(
            "bookings",
            "book",
            "Jazz",
            "--for",
            "ben@example.org",
            "--join-waitlist",
            "--as",
            "ben@example.org",
        )
        assert next_line(program).endswith("4  joined: ben@example.org, asked 1, status waiting\n")


def test_programs_follow_the_journal_as_lines_of_json(terminal: Terminal) -> None:
    terminal.event()
    for _ in range(6):
        terminal.run("events", "set-capacity", "Jazz", "3", "--reason", "one more chair")
        terminal.run("events", "set-capacity", "Jazz", "2", "--reason", "one chair fewer")
    with running(terminal, "journal", "Jazz", "--follow", "--json") as program:
        shown = [json.loads(next_line(program))["number"] for _ in range(10)]
        assert shown == list(range(5, 15))
        terminal.run("events", "set-capacity", "Jazz", "4", "--reason", "chairs")
        last = json.loads(next_line(program))
        assert (last["number"], last["kind"], last["reason"]) == (15, "event_changed", "chairs")


def test_an_event_is_watched_in_a_pipe_as_lines_of_json(terminal: Terminal) -> None:
    event = terminal.event(capacity=3)
    with running(terminal, "watch", "Jazz") as program:
        first = json.loads(next_line(program))
        assert (first["event_id"], first["seats_free"], first["bookings_per_second"]) == (event, 3, 0.0)
        for seats in ("2", "1", "1"):
            terminal.run(
                "bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", seats, "--join-waitlist"
            )
        seen = [first]
        while not seen[-1]["waiting"]:
            seen.append(json.loads(next_line(program)))
        assert (seen[-1]["seats_taken"], seen[-1]["seats_free"], seen[-1]["waiting"]) == (3, 0, 1)
        assert max(each["bookings_per_second"] for each in seen) > 0
        [kind] = seen[-1]["ticket_types"]
        assert (kind["seats_taken"], kind["waiting"]) == (3, 1)


def test_an_event_is_watched_on_a_terminal(terminal: Terminal) -> None:
    terminal.event("[b]Jazz[/b]", capacity=4)
    terminal.run("events", "add-ticket-type", "[b]Jazz[/b]", "--name", "Box", "--capacity", "1")
    screen, keyboard = pty.openpty()
    fcntl.ioctl(keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    with running(terminal, "watch", "[b]Jazz[/b]", stdout=keyboard):
        shown = until(screen, "0 of 4", "0 of 1", "bookings per second", "[b]Jazz[/b]")
        assert "░░░░" in shown
        terminal.run("bookings", "book", "[b]Jazz[/b]", "--for", "ana@example.org", "--ticket-type", "box")
        until(screen, "1 of 4", "1 of 1", "granted: ana@example.org, quantity 1")
    os.close(keyboard)
    os.close(screen)


def until(screen: int, *words: str) -> str:
    """Read a screen until all these words were on it."""
    shown = b""
    while not all(word.encode() in shown for word in words):
        shown += os.read(screen, 4096)
    return shown.decode(errors="replace")


def test_bars_and_sparklines_show_shares() -> None:
    assert [bar(part, 4, 8) for part in (0, 1, 4, 9)] == ["░" * 8, "██░░░░░░", "█" * 8, "█" * 8]
    assert bar(0, 0, 3) == "███"
    assert sparkline([0, 1, 3, 6, 0], 5) == "▁▃▅█▁"
    assert sparkline([9, 1, 1], 2) == "██"
    assert sparkline([], 5) == ""
