"""``evently``: the program. Each group of commands is loaded when it is used, so that help comes at once."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from evently_cli.failures import telling_why

_COMMANDS = {
    "serve": "evently_cli.serve:serve",
    "demo": "evently_cli.serve:demo",
    "worker": "evently_cli.serve:worker",
    "db": "evently_cli.db:db",
    "users": "evently_cli.users:users",
    "events": "evently_cli.events:events",
    "bookings": "evently_cli.bookings:bookings",
    "waitlist": "evently_cli.waitlist:waitlist",
    "analytics": "evently_cli.analytics:analytics",
    "check-in": "evently_cli.tickets:check_in",
    "webhooks": "evently_cli.webhooks:webhooks",
    "journal": "evently_cli.journal:journal",
    "watch": "evently_cli.watching:watch",
    "doctor": "evently_cli.journal:doctor",
    "simulate": "evently_cli.simulate:simulate_command",
    "openapi": "evently_cli.openapi:openapi",
}
_HELP = {
    "serve": "Serve the API; starts its own PostgreSQL unless told of one.",
    "demo": "The same, on fresh demo data.",
    "worker": "Do what nobody asks for, beside the API.",
    "db": "Bring the database up to date.",
    "users": "Accounts and roles.",
    "events": "Draw up, publish, change and cancel events.",
    "bookings": "Book seats, confirm them, give them back.",
    "waitlist": "Who waits, where, and why.",
    "analytics": "Figures, with curves and bars.",
    "check-in": "Let people in by their tickets.",
    "webhooks": "Tell programs of what happens.",
    "journal": "What happened, by whom, and why.",
    "watch": "Seats, line and bookings per second, live.",
    "doctor": "Hold every counter against the truth.",
    "simulate": "Compare policies in a rush that never happened.",
    "openapi": "Write the description of the API.",
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))


@click.command(
    cls=_LazyGroup,
    epilog="Example: evently events create --title Jazz --starts 2030-05-01T20:00 --ends 2030-05-01T23:00 "
    "--timezone Europe/Berlin --capacity 80 --as olga@example.org",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="evently-core", prog_name="evently")
def evently() -> None:
    """Bookings for events with limited seats: exact, fair, and with a reason for every answer.

    Commands work straight on the database: EVENTLY_DATABASE_URL, or the embedded server of the data directory.
    Exit codes: 0 done, 1 refused by a rule, 2 wrong usage, 3 a server is not reachable, 4 doctor found drift.
    """


def main(arguments: list[str] | None = None, **options: Any) -> None:
    """Run the program and exit with its code."""
    with telling_why():
        evently.main(arguments, prog_name="evently", standalone_mode=True, **options)
    sys.exit(0)


if __name__ == "__main__":
    main()
