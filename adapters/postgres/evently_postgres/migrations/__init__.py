"""The schema's history: how a database gets from any of its states to the present one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from evently_postgres.engine import Limits, make_engine, milliseconds
from evently_postgres.errors import translated

_TURN = 0x6576656E746C79  # "evently" in ASCII: who migrates holds this advisory lock
_PATIENT = Limits(
    statement=timedelta(hours=6),
    lock=timedelta(minutes=10),  # while others migrate
    idle_in_transaction=timedelta(hours=6),
)
# What a migration wants to lock, the version that serves waits for too: give up rather than hold it up.
_LOCK_TIMEOUT = timedelta(seconds=5)


@attrs.frozen
class MigrationStatus:
    """Where a database stands in the schema's history."""

    current: str | None
    """Its revision; None if it is empty."""
    head: str
    """The revision that this program is written for."""
    pending: tuple[str, ...]
    """The revisions between, oldest first."""

    @property
    def is_current(self) -> bool:
        """Tell whether the database is as this program wants it."""
        return self.current == self.head

    @property
    def is_newer(self) -> bool:
        """Tell whether a newer version of the program has migrated the database on; this one may still serve."""
        return not self.pending and not self.is_current


def upgrade(url: str) -> None:
    """Bring a database to the present schema; one that is there already, or further, is left as it is.

    Any number of processes may do so at once: one works, the others wait for it. Connect straight to the
    server, not through a PgBouncer that shares sessions out.

    Raises:
        Unavailable: the server cannot be reached, or a table stayed locked. Each migration is done or not
            begun; the next call goes on from there.
    """
    with _connected(url, _PATIENT) as connection:
        connection.execute(select(func.pg_advisory_lock(_TURN)))  # until the connection closes
        connection.execute(select(func.set_config("lock_timeout", milliseconds(_LOCK_TIMEOUT), False)))
        connection.commit()
        config = _config()
        if _status(connection, config).pending:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()


def status(url: str) -> MigrationStatus:
    """Tell where a database stands; changes nothing.

    Raises:
        Unavailable: the server cannot be reached.
    """
    with _connected(url, Limits()) as connection:
        return _status(connection, _config())


@contextmanager
def _connected(url: str, limits: Limits) -> Iterator[Connection]:
    engine = make_engine(url, pool_size=1, limits=limits, application_name="evently-migrations")
    try:
        with translated(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "evently_postgres:migrations")
    return config


def _status(connection: Connection, config: Config) -> MigrationStatus:
    scripts = ScriptDirectory.from_config(config)
    oldest_first = [script.revision for script in scripts.walk_revisions()][::-1]
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        pending = oldest_first
    elif current in oldest_first:
        pending = oldest_first[oldest_first.index(current) + 1 :]
    else:
        pending = []
    return MigrationStatus(current, oldest_first[-1], tuple(pending))
