from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
import click
import psycopg
import pytest
from click.testing import CliRunner, Result

from evently_cli.failures import telling_why
from evently_cli.main import evently
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from tests.servers import MakeDatabase


@attrs.define
class Terminal:
    """Somebody who types commands, on a database of their own."""

    url: str

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner(env={"EVENTLY_DATABASE_URL": self.url, "NO_COLOR": "1"}).invoke(
            _as_typed, list(arguments), input=stdin
        )
        assert result.exit_code == code, (arguments, result.output, result.exception)
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def user(self, name: str, role: str = "attendee") -> str:
        email = f"{name.lower()}@example.org"
        self.run(
            *("users", "create", "--email", email, "--name", name, "--role", role, "--password-stdin"),
            stdin="a long secret\n",
        )
        return email

    def event(self, title: str = "Jazz", capacity: int = 2, **options: str) -> str:
        more = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", value)]
        made = self.json(
            *(
                "events",
                "create",
                "--title",
                title,
                "--starts",
                "2040-05-01T20:00",
                "--ends",
                "2040-05-01T23:00",
            ),
            *("--timezone", "Europe/Berlin", "--capacity", str(capacity), "--as", "olga@example.org", *more),
        )
        self.run("events", "publish", title, "--as", "olga@example.org")
        identifier: str = made["event"]["id"]
        return identifier

    def forget_answers(self) -> None:
        """Do what a worker does every now and then."""
        engine = make_engine(self.url)
        PostgresStorage(engine).forget_answers(datetime.now(UTC) - timedelta(days=1))
        engine.dispose()

    def count(self, table: str) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        assert row is not None
        return int(row[0])


class _AsTyped(click.Group):
    """The program with its way of telling what went wrong around it, as `main` has it."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        with telling_why():
            return evently.main(*arguments, **options)


_as_typed = _AsTyped("evently")


@pytest.fixture
def terminal(make_database: MakeDatabase) -> Terminal:
    terminal = Terminal(make_database())
    terminal.user("Olga", "organiser")
    terminal.user("Ana")
    terminal.user("Ben")
    return terminal


def test_smart_booking_from_the_terminal(terminal: Terminal) -> None:
    terminal.event()
    answer = terminal.json(
        *("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "10"),
        *("--accept-partial", "--join-waitlist"),
    )
    assert answer["outcome"] == "partially_booked"
    assert (answer["booking"]["quantity"], answer["waitlist_entry"]["quantity"]) == (2, 8)
    assert answer["waitlist_entry"]["position"] == 1
    waits = terminal.json("waitlist", "join", "Jazz", "--for", "ben@example.org", "--quantity", "2")
    assert (waits["position"], waits["seats_ahead"]) == (2, 8)
    terminal.run("bookings", "cancel", answer["booking"]["reference"], "--as", "ana@example.org")
    [held] = terminal.json("bookings", "list", "--event", "Jazz", "--status", "confirmed")["items"]
    assert (held["quantity"], held["origin"]) == (2, "waitlist")
    assert terminal.json("waitlist", "list", "Jazz")["items"] == []
    assert terminal.run("doctor").output == "Everything adds up.\n"


def test_a_refusal_says_why_with_figures_and_exits_with_one(terminal: Terminal) -> None:
    terminal.event()
    refused = terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "3", code=1)
    assert "not_enough_for_party" in refused.stderr
    assert "free 2" in refused.stderr
    assert "requested 3" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("events", "show", "Nothing"), 1),
        (("bookings", "show", "EVT-0000000000"), 1),
        (("users", "set-role", "nobody@example.org", "admin"), 1),
        (("events", "publish"), 2),
        (("events", "set-capacity", "Jazz", "many"), 2),
        (("waitlist", "leave", "no-id"), 2),
        (("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "0"), 2),
        (("events", "edit", "Jazz", "--starts", "tomorrow"), 2),
        (("bookings", "list"), 2),
        (("events", "create", "--title", "B", "--starts", "2040-05-01T20:00", "--ends", "2040-05-01T23:00",
          "--timezone", "UTC", "--capacity", "3"), 2),
        (("openapi", "/nowhere/openapi.json"), 2),
        (("unknown",), 2),
    ],
)  # fmt: skip
def test_wrong_usage_and_unknown_things_have_codes_of_their_own(
    terminal: Terminal, arguments: tuple[str, ...], code: int
) -> None:
    terminal.event()
    result = terminal.run(*arguments, code=code)
    assert result.stderr.strip()
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("bookings show EVT-0000000000", "`evently bookings list --event EVENT` shows what there is."),
        ("users set-role nobody@example.org admin", "`evently users list` shows what there is."),
        (f"events show {UUID(int=0)}", "`evently events list` shows what there is."),
        (f"waitlist leave {UUID(int=0)}", "`evently waitlist list EVENT` shows what there is."),
        (f"webhooks replay {UUID(int=0)}", "`evently webhooks deliveries ID` shows what there is."),
        ("simulate --seats -1", "'--seats'"),
    ],
)
def test_what_is_not_there_is_told_with_where_to_look(terminal: Terminal, typed: str, told: str) -> None:
    code = 2 if typed.startswith("simulate") else 1
    assert told in terminal.run(*typed.split(), code=code).stderr


def test_a_server_that_is_not_there_exits_with_three() -> None:
    nowhere = Terminal("postgresql://nobody@127.0.0.1:1/nothing")
    assert "reached" in nowhere.run("events", "list", code=3).stderr


def test_drift_exits_with_four_and_is_shown(terminal: Terminal) -> None:
    event = terminal.event()
    terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org")
    with psycopg.connect(terminal.url) as connection:
        connection.execute("UPDATE events SET taken = 2")
    found = terminal.run("doctor", "--json", code=4)
    [drift] = json.loads(found.stdout)
    assert (drift["event_id"], drift["recorded"], drift["true"]) == (event, "2", "1")


def test_drift_is_mended_written_down_and_gone(terminal: Terminal) -> None:
    event = terminal.event()
    other = terminal.event("Blues")
    terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org")
    with psycopg.connect(terminal.url) as connection:
        connection.execute("UPDATE events SET taken = 2, waiting = 5")
    before = _everything(terminal.url)
    told = terminal.run("doctor", "--repair", "--dry-run", code=4).stdout
    assert "seats taken" in told
    assert "mended" not in told
    assert _everything(terminal.url) == before
    assert {each["event_id"] for each in json.loads(terminal.run("doctor", "--event", "Blues", "--json", code=4).stdout)} == {other}  # fmt: skip
    mended = terminal.json("doctor", "--repair")
    assert [(each["event_id"], each["what"], each["recorded"], each["true"], each["mended"]) for each in mended] == [
        (event, "entries waiting", "5", "0", True),
        (event, "seats taken", "2", "1", True),
        (other, "entries waiting", "5", "0", True),
        (other, "seats taken", "2", "0", True),
    ]  # fmt: skip
    assert terminal.run("doctor", "--repair").stdout == "Everything adds up.\n"
    lines = terminal.json("journal", "Jazz")["items"]
    assert [(line["kind"], line["actor"]) for line in lines if line["cause"] == "doctor"] == [
        ("repaired", "operator")
    ]
    assert "seats taken 2 → 1" in terminal.run("journal", "Jazz").stdout


def test_what_no_counter_can_mend_is_left_to_a_person(terminal: Terminal) -> None:
    terminal.event()
    terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org")
    with psycopg.connect(terminal.url) as connection:
        connection.execute("UPDATE bookings SET quantity = 3")
    [*_, left] = json.loads(terminal.run("doctor", "--repair", "--json", code=4).stdout)
    assert (left["mended"], left["recorded"], left["true"]) == (False, "2", "3")
    assert left["what"] == "seats beyond the capacity (I1)"


DRY = [
    ("users", "set-role", "ana@example.org", "admin"),
    ("events", "create", "--title", "B", "--starts", "2040-05-01T20:00", "--ends", "2040-05-01T23:00",
     "--timezone", "UTC", "--capacity", "3", "--as", "olga@example.org"),
    ("events", "edit", "Jazz", "--venue", "Elsewhere", "--bypass-limit", "2"),
    ("events", "set-capacity", "Jazz", "20"),
    ("events", "add-ticket-type", "Jazz", "--name", "Box", "--price", "900"),
    ("events", "cancel", "Jazz", "--reason", "rain"),
    ("events", "complete", "Jazz"),
    ("bookings", "book", "Jazz", "--for", "ben@example.org", "--join-waitlist"),
    ("bookings", "cancel", "REF", "--reason", "rain"),
    ("bookings", "reduce", "REF", "1", "--reason", "rain"),
    ("bookings", "confirm", "REF"),
    ("waitlist", "join", "Jazz", "--for", "ben@example.org"),
    ("waitlist", "move", "ENTRY", "--priority", "3", "--reason", "guest"),
    ("waitlist", "leave", "ENTRY"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", DRY, ids=lambda arguments: "-".join(arguments[:2]))
def test_a_dry_run_changes_nothing(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    terminal.event()
    booked = terminal.json(
        *("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "5"),
        *("--accept-partial", "--join-waitlist"),
    )
    named = {"REF": booked["booking"]["reference"], "ENTRY": booked["waitlist_entry"]["id"]}
    before = _everything(terminal.url)
    terminal.run(*(named.get(word, word) for word in arguments), "--dry-run")
    assert _everything(terminal.url) == before
    if arguments[:2] != ("bookings", "confirm"):  # what is confirmed stays so
        terminal.run(*(named.get(word, word) for word in arguments))
        assert _everything(terminal.url) != before


def _everything(url: str) -> list[Any]:
    tables = (
        "users",
        "account_acts",
        "events",
        "ticket_types",
        "bookings",
        "waitlist_entries",
        "line_buckets",
        "journal",
    )
    with psycopg.connect(url) as connection:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2".encode()).fetchall() for table in tables
        ]


def test_a_key_books_once(terminal: Terminal) -> None:
    terminal.event()
    command = ("bookings", "book", "Jazz", "--for", "ana@example.org", "--key", "k-1")
    assert terminal.json(*command)["booking"] == terminal.json(*command)["booking"]
    assert terminal.count("bookings") == 1


def test_who_acts_decides_what_may_be_done(terminal: Terminal) -> None:
    terminal.event()
    refused = terminal.run("events", "set-capacity", "Jazz", "9", "--as", "ana@example.org", code=1)
    assert "organiser" in refused.stderr
    line = terminal.json("journal", "Jazz")["items"][0]
    assert line["kind"] == "event_created"
    assert line["actor"] == "user"
    terminal.run("events", "set-capacity", "Jazz", "9", "--reason", "more chairs")
    last = terminal.json("journal", "Jazz")["items"][-1]
    assert (last["actor"], last["reason"], last["data"]["changes"]["capacity"]) == (
        "operator",
        "more chairs",
        [2, 9],
    )


def test_times_are_shown_in_the_zone_of_the_event(terminal: Terminal) -> None:
    terminal.event()
    assert "2040-05-01 20:00 CEST" in terminal.run("events", "list").output
    assert terminal.json("events", "show", "Jazz")["starts_at"] == "2040-05-01T18:00:00Z"


def test_why_somebody_has_no_seat_is_explained(terminal: Terminal) -> None:
    terminal.event()
    terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "2")
    terminal.run("waitlist", "join", "Jazz", "--for", "ben@example.org")
    [line] = terminal.json("waitlist", "explain", "Jazz", "ben@example.org")
    assert (line["position"], line["reason"]["code"]) == (1, "sold_out")


def test_a_capacity_of_a_ticket_type_can_be_set(terminal: Terminal) -> None:
    terminal.event(capacity=10)
    terminal.run("events", "add-ticket-type", "Jazz", "--name", "Box", "--capacity", "2")
    terminal.run("events", "set-capacity", "Jazz", "4", "--ticket-type", "box")
    kinds = terminal.json("events", "show", "Jazz")["ticket_types"]
    assert [kind["capacity"] for kind in kinds] == [None, 4]


def test_holds_are_confirmed_by_reference(terminal: Terminal) -> None:
    terminal.event(hold_for="600")
    booked = terminal.json("bookings", "book", "Jazz", "--for", "ana@example.org")["booking"]
    assert booked["status"] == "held"
    confirmed = terminal.json("bookings", "confirm", booked["reference"])
    assert confirmed["status"] == "confirmed"
    assert terminal.json("bookings", "show", booked["id"]) == confirmed


def test_the_description_of_the_api_is_written(terminal: Terminal, tmp_path: Any) -> None:
    file = tmp_path / "openapi.json"
    terminal.run("openapi", str(file))
    assert json.loads(file.read_text())["openapi"].startswith("3.1")


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands with what is typed to reach them."""

    def below(command: click.Command, typed: str) -> Iterator[tuple[str, click.Command]]:
        yield typed, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from below(found, f"{typed} {name}".strip())

    yield from below(evently, "")


EVERY_COMMAND = dict(every_command())
DOORS = {"serve", "demo", "worker", "openapi"}
READS = {"list", "show", "status", "export", "explain", "deliveries", "journal", "watch", "simulate"}


@pytest.mark.parametrize("typed", EVERY_COMMAND)
def test_every_help_ends_with_an_example(typed: str) -> None:
    result = CliRunner().invoke(evently, [*typed.split(), "--help"])
    assert result.exit_code == 0
    assert "Example: evently" in result.output or "| evently" in result.output


@pytest.mark.parametrize(
    "typed",
    [
        typed
        for typed, command in EVERY_COMMAND.items()
        if not isinstance(command, click.Group) and typed not in DOORS
    ],
)
def test_what_reads_has_json_and_what_changes_has_a_dry_run(typed: str) -> None:
    options = {option for parameter in EVERY_COMMAND[typed].params for option in parameter.opts}
    if typed.split()[-1] not in READS and not typed.startswith("analytics "):
        assert "--dry-run" in options
    elif not typed.endswith("export"):  # which writes for programs anyway
        assert "--json" in options


def test_the_help_fits_a_screen() -> None:
    lines = CliRunner().invoke(evently, ["--help"]).output.splitlines()
    assert len(lines) <= 40
    assert all(len(line) <= 80 for line in lines)


def test_a_dry_run_of_an_account_says_what_the_real_one_would(terminal: Terminal) -> None:
    new = (
        "users",
        "create",
        "--email",
        "Cleo@example.org",
        "--name",
        "Cleo",
        "--password-stdin",
        "--dry-run",
    )
    foreseen = json.loads(terminal.run(*new, "--json", stdin="a long secret\n").stdout)
    assert (foreseen["email"], foreseen["role"], foreseen["id"]) == ("cleo@example.org", "attendee", None)
    terminal.run(*new, stdin="short\n", code=2)
    terminal.run(*new, "--as", "ana@example.org", stdin="a long secret\n", code=1)
    taken = terminal.run(*(word.replace("Cleo@", "ana@") for word in new), stdin="a long secret\n", code=1)
    assert "registered with this e-mail already" in taken.stderr
    for command in (("set-role", "ana@example.org", "admin"), ("set-password", "ana@example.org")):
        more = ("--password-stdin",) if command[0] == "set-password" else ()
        terminal.run("users", *command, *more, "--dry-run", stdin="another secret\n")
        terminal.run(
            "users", *command, *more, "--dry-run", "--as", "ben@example.org", stdin="a b c d e\n", code=1
        )
    assert {user["role"] for user in terminal.json("users", "list")["items"]} == {"attendee", "organiser"}
    assert terminal.count("account_acts") == 3  # the three who were made before


def test_a_new_password_ends_the_old_one(terminal: Terminal) -> None:
    told = terminal.run(
        "users", "set-password", "ana@example.org", "--password-stdin", stdin="another secret\n"
    )
    assert told.stdout == "ana@example.org has a new password\n"
    terminal.run("users", "set-role", "ana@example.org", "organiser")
    roles = {user["email"]: user["role"] for user in terminal.json("users", "list")["items"]}
    assert roles["ana@example.org"] == "organiser"
    assert terminal.count("account_acts") == 5


def test_what_people_wrote_is_shown_as_they_wrote_it_and_prices_as_they_read(terminal: Terminal) -> None:
    terminal.event("[red]Sushi[/red]", price="1500", currency="JPY")
    shown = terminal.run("events", "show", "[red]sushi[/RED]").stdout
    assert "[red]Sushi[/red]" in shown
    assert "1500 JPY" in shown
    terminal.event("Brunch", price="1950")
    assert "19.50 EUR" in terminal.run("events", "show", "brunch").stdout


def test_an_event_is_named_by_its_id_the_beginning_of_it_or_its_title(terminal: Terminal) -> None:
    event = terminal.event()
    for name in (event, event[:-1], event.upper(), "jazz"):
        assert terminal.json("events", "show", name)["id"] == event
    terminal.json(
        *(
            "events",
            "create",
            "--title",
            "JAZZ",
            "--starts",
            "2041-05-01T20:00",
            "--ends",
            "2041-05-01T21:00",
        ),
        *("--timezone", "UTC", "--capacity", "3", "--as", "olga@example.org"),
    )
    assert event in terminal.run("events", "show", "Jazz", code=2).stderr
    # The other one is a draft, which is not Ana's to see.
    assert terminal.json("events", "show", "Jazz", "--as", "ana@example.org")["id"] == event


def test_lists_for_people_call_users_by_their_emails(terminal: Terminal) -> None:
    terminal.event()
    terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "2")
    told = terminal.run("bookings", "book", "Jazz", "--for", "ben@example.org", "--join-waitlist")
    assert "1 wait at place 1" in told.stdout
    assert "Because: sold_out (free 0" in told.stdout
    assert "ana@example.org" in terminal.run("bookings", "list", "--event", "Jazz").stdout
    assert "ben@example.org" in terminal.run("waitlist", "list", "Jazz").stdout
    foreseen = terminal.run("events", "set-capacity", "Jazz", "3", "--dry-run").stdout
    assert "Would be so: 1 of those who wait get seats: ben@example.org (1) (nothing was changed)" in foreseen
    assert "ben@example.org, asked 1" in terminal.run("journal", "Jazz").stdout


def test_an_event_goes_through_its_life(terminal: Terminal) -> None:
    terminal.event()
    assert [each["title"] for each in terminal.json("events", "list", "--status", "published")["items"]] == [
        "Jazz"
    ]
    assert terminal.json("events", "list", "--status", "draft")["items"] == []
    assert terminal.json("events", "complete", "Jazz")["event"]["status"] == "completed"
    refused = terminal.run("bookings", "book", "Jazz", "--for", "ana@example.org", code=1)
    assert refused.stderr.startswith("Refused (event_completed): ")
    assert "event_completed" in terminal.run("events", "publish", "Jazz", code=1).stderr


def test_a_database_that_is_too_old_is_told_of_and_brought_up_to_date(
    make_empty_database: MakeDatabase,
) -> None:
    terminal = Terminal(make_empty_database())
    assert "evently db upgrade" in terminal.run("events", "list", code=1).stderr
    pending = terminal.json("db", "status")["pending"]
    assert pending
    assert terminal.run("db", "upgrade", "--dry-run").stdout == f"Would apply {', '.join(pending)}.\n"
    assert terminal.json("db", "status")["pending"] == pending
    terminal.run("db", "upgrade")
    assert terminal.json("db", "status")["pending"] == []
    assert terminal.run("db", "status").stdout.split("\n")[0].split() == ["migrations", "revision"]
    assert "no events" in terminal.run("events", "list").stdout


def test_a_dry_run_of_a_changed_webhook_shows_it_and_keeps_no_secret(terminal: Terminal) -> None:
    acting = ("--as", "olga@example.org")
    made = terminal.json("webhooks", "add", "https://example.org/hooks", *acting)
    before = terminal.json("webhooks", "show", made["id"])
    changes = ("--url", "https://example.org/other", "--disable", "--rotate-secret", "--dry-run")
    shown = terminal.run("webhooks", "edit", made["id"], *changes, *acting).stdout
    assert "https://example.org/other" in shown
    assert "nothing was changed" in shown
    assert "whsec_" not in shown
    planned = terminal.json("webhooks", "edit", made["id"], *changes, *acting)
    assert (planned["url"], planned.get("secret")) == ("https://example.org/other", None)
    assert terminal.json("webhooks", "show", made["id"]) == before


def test_wrong_settings_are_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTLY_TRUSTED_PROXIES", "many")
    monkeypatch.setenv("EVENTLY_ENV", "prod")
    told = Terminal("mysql://somewhere").run("events", "list", code=2).stderr
    for name in ("EVENTLY_TRUSTED_PROXIES", "EVENTLY_ENV", "EVENTLY_DATABASE_URL"):
        assert name in told


@pytest.mark.parametrize("program", [["--help"], ["events", "--help"]])
def test_help_loads_no_adapter(program: list[str]) -> None:
    loaded = (
        "import sys; from evently_cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded, *program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = done.stdout.splitlines()[-1].split()
    assert "evently_cli.main" in modules
    assert not {"sqlalchemy", "flask", "granian", "alembic"} & set(modules)


def test_completion_knows_the_commands() -> None:
    offered = completions("evently waitlist ")
    assert {"plain,join", "plain,explain", "plain,move"} <= set(offered)


def completions(typed: str, url: str | None = None, **settings: str) -> list[str]:
    """Return what a shell is told when somebody presses Tab behind what is typed."""
    asked = {
        "_EVENTLY_COMPLETE": "bash_complete",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    where = {"EVENTLY_DATABASE_URL": url or ""}
    done = subprocess.run(
        [sys.executable, "-m", "evently_cli.main"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **asked, **where, **settings},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_knows_events_bookings_and_users(terminal: Terminal) -> None:
    terminal.event()
    trio = terminal.event("Night of the Trio")
    booking = terminal.json("bookings", "book", "Jazz", "--for", "ana@example.org")["booking"]
    assert completions("evently events show j", terminal.url) == ["plain,Jazz"]
    assert completions("evently watch Nig", terminal.url) == [f"plain,{trio}"]
    assert completions("evently bookings cancel EVT-", terminal.url) == [f"plain,{booking['reference']}"]
    assert completions("evently bookings list --as b", terminal.url) == ["plain,ben@example.org"]
    assert completions("evently events show x", terminal.url) == []


def test_completion_starts_no_server_and_says_nothing_of_one_that_is_gone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert completions("evently events show ", EVENTLY_DATA_DIR=str(data)) == []
    assert not data.exists() or not list(data.iterdir())
    assert completions("evently events show ", "postgresql://nobody@127.0.0.1:1/nothing") == []
