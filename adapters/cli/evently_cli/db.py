"""``evently db``: migrations."""

from __future__ import annotations

import click

from evently_cli.desk import json_option, show


@click.group(epilog="Example: evently db upgrade")
def db() -> None:
    """Bring the database up to date."""


@db.command(name="upgrade", epilog="Example: evently db upgrade")
@click.option("--dry-run", is_flag=True, help="Tell what would be applied, and change nothing.")
def upgrade_database(dry_run: bool) -> None:
    """Apply every migration that is missing; safe while the version before serves."""
    from evently_wiring.application import database, migration_status, upgrade
    from evently_wiring.settings import Settings

    with database(Settings.from_environment()) as url:
        pending = migration_status(url).pending
        if not dry_run:
            upgrade(url)
        verb = "Would apply" if dry_run else "Applied"
        click.echo(f"{verb} {', '.join(pending)}." if pending else "The database is up to date.")


@db.command(epilog="Example: evently db status --json")
@json_option
def status(as_json: bool) -> None:
    """Show which migrations were applied and which are missing."""
    from evently_wiring.application import database, migration_status
    from evently_wiring.settings import Settings

    with database(Settings.from_environment()) as url:
        found = migration_status(url)
        shape = {"current": found.current, "head": found.head, "pending": list(found.pending)}
        rows = [
            ("applied", found.current or "none"),
            ("newest", found.head),
            ("missing", ", ".join(found.pending) or "none"),
        ]
        show(shape, as_json=as_json, columns=("migrations", "revision"), rows=rows)
