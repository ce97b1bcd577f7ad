"""Files of events and bookings: each line counts once, and none is lost for another."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from evently_cli.exchange import Came, Line, carry_out
from evently_core.errors import Unavailable
from tests.cli.test_commands import Terminal
from tests.servers import MakeDatabase

GUESTS = """\
email,quantity,join_waitlist
ana@example.org,1,
nobody@example.org,1,
ben@example.org,many,
ben@example.org,2,yes
"""


@pytest.fixture
def terminal(make_database: MakeDatabase) -> Terminal:
    return furnished(make_database)


def furnished(make_database: MakeDatabase) -> Terminal:
    terminal = Terminal(make_database())
    terminal.user("Olga", "organiser")
    terminal.user("Ana")
    terminal.user("Ben")
    return terminal


def imported(terminal: Terminal, *words: str, stdin: str, code: int = 0) -> Any:
    return json.loads(terminal.run(*words, "-", "--json", stdin=stdin, code=code).stdout)


def outcomes(answer: Any) -> list[tuple[int, str]]:
    return [(each["line"], each["outcome"]) for each in answer["results"]]


def test_bad_lines_are_told_of_by_number_and_good_ones_are_booked(terminal: Terminal) -> None:
    terminal.event(capacity=2)
    run = terminal.run("bookings", "import", "Jazz", "-", stdin=GUESTS, code=1)
    assert run.stdout == "4 lines: 1 booked, 2 refused, 1 waitlisted\n"
    assert "Line 3 refused: email: There is no user nobody@example.org" in run.stderr
    assert "Line 4 refused: quantity: 'many' is no whole number." in run.stderr
    assert [each["quantity"] for each in terminal.json("bookings", "list", "--event", "Jazz")["items"]] == [1]
    assert [each["quantity"] for each in terminal.json("waitlist", "list", "Jazz")["items"]] == [2]


def test_importing_bookings_again_books_nothing_twice_however_late(terminal: Terminal) -> None:
    terminal.event(capacity=9)
    file = "email,quantity\nana@example.org,1\nana@example.org,1\nben@example.org,2\n"
    assert outcomes(imported(terminal, "bookings", "import", "Jazz", stdin=file)) == [
        (2, "booked"), (3, "booked"), (4, "booked"),
    ]  # fmt: skip
    with psycopg.connect(terminal.url) as connection:
        connection.execute("UPDATE answers SET answered_at = answered_at - interval '1 year'")
    terminal.forget_answers()
    more = file + "ana@example.org,1\n"
    assert outcomes(imported(terminal, "bookings", "import", "Jazz", stdin=more)) == [
        (2, "already_there"), (3, "already_there"), (4, "already_there"), (5, "booked"),
    ]  # fmt: skip
    assert terminal.count("bookings") == 4


def test_what_was_refused_is_asked_for_again_and_what_was_mended_is_taken(terminal: Terminal) -> None:
    terminal.event(capacity=2)
    file = "key,email,quantity\nk-1,ana@example.org,2\nk-2,ben@example.org,2\nk-3,ben@example.org,11\n"
    first = imported(terminal, "bookings", "import", "Jazz", stdin=file, code=1)
    assert [each["reason"]["code"] for each in first["results"][1:]] == ["sold_out", "over_booking_limit"]
    assert first["results"][1]["reason"]["free"] == 0
    terminal.run("events", "set-capacity", "Jazz", "9")
    mended = file.replace(",11", ",4")
    again = imported(terminal, "bookings", "import", "Jazz", stdin=mended)
    assert outcomes(again) == [(2, "already_there"), (3, "booked"), (4, "booked")]
    changed = mended.replace("ana@example.org,2", "ana@example.org,1")
    refused = imported(terminal, "bookings", "import", "Jazz", stdin=changed, code=1)
    assert outcomes(refused) == [(2, "refused"), (3, "already_there"), (4, "already_there")]
    assert refused["results"][0]["reason"]["code"] == "idempotency_key_reused"
    assert terminal.count("bookings") == 3


def test_a_dry_run_of_an_import_foresees_every_line_and_changes_nothing(terminal: Terminal) -> None:
    terminal.event(capacity=3)
    file = "email,quantity,name,join_waitlist\nana@example.org,2,,\nnew@example.org,2,Newt,\nben@example.org,2,,yes\n"
    words = ("bookings", "import", "Jazz", "--create-users")
    before = [terminal.count(table) for table in ("users", "bookings", "journal", "answers")]
    foreseen = imported(terminal, *words, "--dry-run", stdin=file, code=1)
    assert [terminal.count(table) for table in ("users", "bookings", "journal", "answers")] == before
    assert outcomes(foreseen) == [(2, "booked"), (3, "refused"), (4, "waitlisted")]
    real = imported(terminal, *words, stdin=file, code=1)
    assert outcomes(real) == outcomes(foreseen)
    assert "new@example.org" in terminal.run("users", "list").stdout


def test_exported_bookings_are_imported_elsewhere_and_not_where_they_came_from(
    terminal: Terminal, make_database: MakeDatabase, tmp_path: Path
) -> None:
    terminal.event(capacity=9, hold_for="600")
    for who, seats in (("ana", "1"), ("ben", "2"), ("ana", "3")):
        terminal.run("bookings", "book", "Jazz", "--for", f"{who}@example.org", "--quantity", seats)
    first, second, _ = terminal.json("bookings", "list", "--event", "Jazz")["items"]
    terminal.run("bookings", "cancel", first["reference"], "--reason", "rain")
    terminal.run("bookings", "confirm", second["reference"])
    file = tmp_path / "jazz.csv"
    told = terminal.run("bookings", "export", "Jazz", str(file)).stdout
    assert told == f"3 lines written to {file}.\n"
    assert file.read_text() == terminal.run("bookings", "export", "Jazz").stdout
    own = imported(terminal, "bookings", "import", "Jazz", stdin=file.read_text())
    assert outcomes(own) == [(2, "left_out"), (3, "already_there"), (4, "already_there")]

    elsewhere = Terminal(make_database())
    elsewhere.user("Olga", "organiser")
    elsewhere.event(capacity=9, hold_for="600")
    words = ("bookings", "import", "Jazz", "--create-users")
    for expected in ("booked", "already_there"):
        came = imported(elsewhere, *words, stdin=file.read_text())
        assert outcomes(came) == [(2, "left_out"), (3, expected), (4, expected)]
    found = elsewhere.json("bookings", "list", "--event", "Jazz")["items"]
    assert [(each["quantity"], each["status"]) for each in found] == [(2, "confirmed"), (3, "held")]


def test_exported_events_are_the_same_elsewhere(
    terminal: Terminal, make_database: MakeDatabase, tmp_path: Path
) -> None:
    terminal.event("=Jazz, \"loud\"", price="2500", hold_for="60", bypass_limit="3", venue="Hall", cancel_until="2040-04-01T12:00")  # fmt: skip
    terminal.event("Opera", currency="JPY", price="900", max_per_user="4")
    terminal.run("events", "add-ticket-type", "Opera", "--name", "Box", "--capacity", "2", "--price", "7000",
                 "--sales-close", "2040-04-30T12:00")  # fmt: skip
    terminal.event("Over")
    terminal.run("events", "cancel", "Over", "--reason", "rain")
    file = tmp_path / "season.csv"
    terminal.run("events", "export", str(file))
    own = imported(terminal, "events", "import", stdin=file.read_text())
    assert sorted(outcome for _, outcome in outcomes(own)) == ["already_there", "already_there", "left_out"]

    elsewhere = furnished(make_database)
    for expected in ("created", "already_there"):
        came = imported(elsewhere, "events", "import", stdin=file.read_text())
        assert sorted(outcome for _, outcome in outcomes(came)) == sorted([expected, expected, "left_out"])
    assert _content(elsewhere) == [each for each in _content(terminal) if each["title"] != "Over"]
    copy = tmp_path / "copy.csv"
    elsewhere.run("events", "export", str(copy))
    assert _cells(copy) == [row for row in _cells(file) if row["title"] != "Over"]


def _content(terminal: Terminal) -> list[Any]:
    """Return all events without what nobody sets."""
    made = ("id", "organiser_id", "created_at", "updated_at")
    found = [_without(each, made) for each in terminal.json("events", "list")["items"]]
    return sorted(
        (
            each | {"ticket_types": [_without(kind, ("id",)) for kind in each["ticket_types"]]}
            for each in found
        ),
        key=lambda each: str(each["title"]),
    )


def _without(shape: Any, names: tuple[str, ...]) -> Any:
    return {name: value for name, value in shape.items() if name not in names}


def _cells(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as rows:
        return sorted((_without(row, ("key",)) for row in csv.DictReader(rows)), key=lambda row: row["title"])


def test_a_bad_event_keeps_no_other_out(terminal: Terminal) -> None:
    file = (
        "title;timezone;starts_at;ends_at;capacity;status;organiser;ticket_types\n"
        "A;Europe/Berlin;2040-05-01T20:00;2040-05-01T22:00;5;published;olga@example.org;\n"
        "B;Mars/Base;2040-05-01T20:00;2040-05-01T22:00;5;;olga@example.org;\n"
        "C;UTC;2040-05-01T20:00;2040-05-01T19:00;5;;olga@example.org;\n"
        "D;UTC;tomorrow;2040-05-01T22:00;5;;olga@example.org;\n"
        "E;UTC;2040-05-01T20:00;2040-05-01T22:00;;;olga@example.org;\n"
        "F;UTC;2040-05-01T20:00;2040-05-01T22:00;5;;nobody@example.org;\n"
        "G;UTC;2040-05-01T20:00;2040-05-01T22:00;5;soon;olga@example.org;\n"
        "H;UTC;2040-05-01T20:00;2040-05-01T22:00;5;;olga@example.org;[{\"name\": 3}]\n"
        "I;UTC;2040-05-01T20:00;2040-05-01T22:00;5;;olga@example.org;{\n"
        "J;UTC;2040-05-01T20:00;2040-05-01T22:00;5;;olga@example.org;;;;\n"
        "K;UTC;2040-05-01T20:00Z;2040-05-01T22:00Z;5;draft;olga@example.org\n"
    )  # fmt: skip
    dry = imported(terminal, "events", "import", "--dry-run", stdin=file, code=1)
    assert terminal.count("events") == 0
    came = imported(terminal, "events", "import", stdin=file, code=1)
    assert outcomes(came) == outcomes(dry)
    assert [line for line, outcome in outcomes(came) if outcome == "created"] == [2, 12]
    assert came["outcomes"] == {"created": 2, "refused": 9}
    assert all(each["reason"]["detail"] for each in came["results"] if each["outcome"] == "refused")
    assert {each["title"]: each["status"] for each in terminal.json("events", "list")["items"]} == {
        "A": "published",
        "K": "draft",
    }


@pytest.mark.parametrize(
    "header", ["email", "email,quantity,colour", "email,quantity,email", "", "email;quantity,x"]
)
def test_a_file_whose_columns_nobody_knows_is_wrong_usage(terminal: Terminal, header: str) -> None:
    terminal.event()
    run = terminal.run("bookings", "import", "Jazz", "-", stdin=f"{header}\nana@example.org,1\n", code=2)
    assert "There are: key, email" in run.stderr


def test_a_file_of_a_spreadsheet_is_read_as_it_was_meant(terminal: Terminal, tmp_path: Path) -> None:
    terminal.event(capacity=9)
    file = tmp_path / "guests.csv"
    file.write_bytes(
        "\ufeffEmail;Quantity;Name\r\n"
        "\r\n"
        '"ana@example.org";"1";"Ana\nAnanas"\r\n'
        "BEN@example.org;2;'=Ben\r\n"
        '"broken"x;1;\r\n'.encode()
    )
    run = terminal.run("bookings", "import", "Jazz", str(file), code=1)
    assert run.stdout == "3 lines: 2 booked, 1 refused\n"
    assert run.stderr.startswith("Line 6 refused: It cannot be read:")


def test_an_organiser_exports_their_own_events_and_nobody_elses_bookings(terminal: Terminal) -> None:
    terminal.user("Omar", "organiser")
    terminal.event()
    assert "Jazz" in terminal.run("events", "export", "--as", "olga@example.org").stdout
    assert "Jazz" not in terminal.run("events", "export", "--as", "omar@example.org").stdout
    assert "Jazz" not in terminal.run("events", "export", "--status", "draft").stdout
    assert terminal.run("bookings", "export", "Jazz", "--as", "omar@example.org", code=1).stdout == ""


def test_a_file_that_cannot_be_written_is_wrong_usage_and_leaves_nothing(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert "cannot be written" in terminal.run("events", "export", "/nowhere/season.csv", code=2).stderr
    terminal.event()
    terminal.run("events", "export", str(tmp_path / "season.csv"))
    assert [file.name for file in tmp_path.iterdir()] == ["season.csv"]


def test_a_bar_shows_how_far_an_import_is_on_a_terminal_and_never_in_a_pipe(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.event(capacity=9)
    file = tmp_path / "guests.csv"
    file.write_text("email,quantity\nana@example.org,1\n")
    screen, keyboard = pty.openpty()
    command = [sys.executable, "-m", "evently_cli.main", "bookings", "import", "Jazz", str(file), "--json"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "EVENTLY_DATABASE_URL": terminal.url,
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=keyboard, check=True)
    os.close(keyboard)
    assert b"Importing" in os.read(screen, 10_000)
    os.close(screen)
    assert json.loads(done.stdout)["outcomes"] == {"booked": 1}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["outcomes"] == {"already_there": 1}
    assert done.stderr == b""


def test_an_import_that_loses_its_server_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    def step(line: Line) -> Came:
        if line.number == 3:
            raise Unavailable("The database cannot be reached.")
        return Came(line=line.number, outcome="booked")

    with pytest.raises(Unavailable):
        carry_out([Line(number, {}) for number in (2, 3, 4)], step, "Importing")
    assert capsys.readouterr().err.startswith("Stopped at line 3. Import the file again")
