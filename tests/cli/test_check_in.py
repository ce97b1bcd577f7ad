"""`evently check-in`, typed."""

from __future__ import annotations

import json
import os
import pty
import secrets
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from evently_core.values import OPERATOR, BookingId
from evently_wiring.application import opened
from evently_wiring.settings import Settings
from tests.cli.test_commands import Terminal
from tests.servers import MakeDatabase


@pytest.fixture
def terminal(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("EVENTLY_TICKET_KEY", secrets.token_hex(32))
    monkeypatch.setenv("EVENTLY_SECRET_KEY", secrets.token_hex(32))
    terminal = Terminal(make_database())
    terminal.user("Olga", "organiser")
    terminal.user("Ana")
    terminal.event(capacity=9)
    return terminal


@pytest.fixture
def codes(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes of three seats of Ana's."""
    answer = terminal.json("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "3")
    monkeypatch.setenv("EVENTLY_DATABASE_URL", terminal.url)
    with opened(Settings.from_environment()) as app:
        tickets = app.evently.tickets.of_booking(OPERATOR, BookingId(answer["booking"]["id"]))
        return [ticket.code for ticket in tickets.items]


def test_somebody_comes_in_once(terminal: Terminal, codes: list[str]) -> None:
    assert "seat 2" in terminal.run("check-in", "Jazz", codes[1]).output
    again = terminal.run("check-in", "Jazz", codes[1], code=1)
    assert "already_in" in again.stderr
    assert "checked_in_at" in again.stderr
    status = terminal.json("check-in", "status", "Jazz")
    assert (status["checked_in"], status["expected"]) == (1, 3)
    assert [item["seat"] for item in status["items"]] == [2]
    shown = terminal.run("check-in", "status", "Jazz").output
    assert "General admission" in shown


def test_a_dry_run_lets_nobody_in(terminal: Terminal, codes: list[str]) -> None:
    assert "nothing was changed" in terminal.run("check-in", "Jazz", codes[0], "--dry-run").output
    assert terminal.json("check-in", "status", "Jazz")["checked_in"] == 0


def test_a_check_in_is_taken_back(terminal: Terminal, codes: list[str]) -> None:
    terminal.run("check-in", "Jazz", codes[0])
    for _ in range(2):
        terminal.run("check-in", "undo", codes[0], "--reason", "wrong person")
    assert terminal.json("check-in", "status", "Jazz")["checked_in"] == 0
    terminal.run("check-in", "undo", codes[1], code=1)


def test_a_file_is_handed_in_as_often_as_one_likes(
    terminal: Terminal, codes: list[str], tmp_path: Path
) -> None:
    """A line that lets nobody in is told with its number, and holds up no other."""
    file = tmp_path / "door.csv"
    file.write_text(
        f"code,at\n{codes[0]},2040-05-01T19:40\nnonsense,2040-05-01T19:41\n{codes[1]},2040-05-01T17:42:00Z\n"
    )
    for _ in range(2):
        result = terminal.run("check-in", "Jazz", "--import", str(file), code=1)
        assert "2 of 3 are in" in result.stdout
        assert "Line 3: unknown" in result.stderr
    items = terminal.json("check-in", "status", "Jazz")["items"]
    assert [item["at"] for item in items] == ["2040-05-01T17:42:00Z", "2040-05-01T17:40:00Z"]


def test_the_bar_of_a_file_does_not_get_among_what_programs_read(
    terminal: Terminal, codes: list[str], tmp_path: Path
) -> None:
    """It is drawn on standard error, where that is a terminal."""
    file = tmp_path / "door.csv"
    file.write_text(f"code\n{codes[0]}\n")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "EVENTLY_DATABASE_URL": terminal.url, "TERM": "xterm", "COLUMNS": "80"}
    program = [sys.executable, "-m", "evently_cli.main", "check-in", "Jazz", "--import", str(file), "--json"]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as process:  # our own program
        os.close(theirs)
        drawn = b"".join(iter(partial(_read, ours), b""))
        written, _ = process.communicate()
    os.close(ours)
    assert process.returncode == 0, drawn
    assert [each["check_in"]["seat"] for each in json.loads(written)["results"]] == [1]
    assert b"Checking in" in drawn


def _read(terminal: int) -> bytes:
    """Read from a terminal; nothing, once nobody writes to it any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


@pytest.mark.parametrize("arguments", [("Jazz",), ("Jazz", "CODE", "--import", "-"), ()])
def test_one_says_what_is_to_be_checked_in(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    terminal.run("check-in", *arguments, code=2)


def test_a_file_without_codes_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "door.csv"
    file.write_text("ticket\nx\n")
    assert "code" in terminal.run("check-in", "Jazz", "--import", str(file), code=2).stderr
