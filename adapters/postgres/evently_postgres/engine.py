"""Connections to PostgreSQL: bounded in number and in time, and new ones after the server was away."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs
import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from evently_core.errors import InvalidValue
from evently_postgres.errors import translated


@attrs.frozen(kw_only=True)
class Limits:
    """How long one thing may take before the caller is told to come again."""

    statement: timedelta = timedelta(seconds=5)
    lock: timedelta = timedelta(seconds=3)
    """Waiting for a row or an advisory lock."""
    idle_in_transaction: timedelta = timedelta(seconds=10)
    """A process that stopped in the middle of a transaction frees its locks after this."""
    everybody: timedelta = timedelta(minutes=2)
    """One statement, and the pause before the next one, where a transaction is about everybody of an event.

    Cancelling an event with 100,000 bookings changes each of them, and nobody may see half of it. Only that event
    stands still meanwhile.
    """

    def settings(self) -> dict[str, str]:
        """Return the server's parameters."""
        return {
            "statement_timeout": milliseconds(self.statement),
            "lock_timeout": milliseconds(self.lock),
            "idle_in_transaction_session_timeout": milliseconds(self.idle_in_transaction),
        }

    def settings_for_everybody(self) -> dict[str, str]:
        """Return the server's parameters of a transaction that is about everybody of an event."""
        return {
            "statement_timeout": milliseconds(max(self.everybody, self.statement)),
            "idle_in_transaction_session_timeout": milliseconds(
                max(self.everybody, self.idle_in_transaction)
            ),
        }


def milliseconds(duration: timedelta) -> str:
    """Return a duration as the server's time-outs want it."""
    return str(duration // timedelta(milliseconds=1))


# A server that vanished without a word is noticed within some five seconds, one that is shut down at once.
_PATIENCE = {
    "connect_timeout": 2,  # seconds, for each host; the least that libpq takes
    "keepalives": 1,
    "keepalives_idle": 2,  # seconds
    "keepalives_interval": 1,  # seconds
    "keepalives_count": 2,
    "tcp_user_timeout": 3000,  # milliseconds until data that nobody acknowledges breaks the connection
}


def make_engine(
    url: str,
    *,
    pool_size: int = 10,
    pool_timeout: timedelta = timedelta(seconds=2),
    limits: Limits | None = None,
    application_name: str = "evently",
    pgbouncer: bool = False,
) -> Engine:
    """Return an engine for a libpq URL; nothing is connected yet.

    Whoever connects does so inside ``transaction``, ``reading`` or ``translated``, which say what is raised.

    Args:
        url: ``postgresql://user:password@host:port/database``, whatever libpq understands: several hosts and
            ``target_session_attrs``, sockets, certificates. What it sets itself is not overridden. It is kept
            out of every ``repr``.
        pool_size: the most connections at a time.
        pool_timeout: the longest wait for one of them.
        limits: the server's time-outs.
        application_name: how ``pg_stat_activity`` names the connections.
        pgbouncer: whether a PgBouncer in transaction mode stands between. Then nothing is prepared, and the
            time-outs are set in each transaction, because its sessions are everybody's. For statements
            outside of one, give the role its own: ``ALTER ROLE … SET statement_timeout = '5s'``.

    Raises:
        InvalidValue: libpq does not understand the URL.
    """
    limits = limits or Limits()
    settings = limits.settings()
    parameters = {**_PATIENCE, "application_name": application_name, **_understood(url)}
    if pgbouncer:
        parameters["prepare_threshold"] = None
    else:
        parameters["prepare_threshold"] = 2
        ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
        parameters["options"] = f"{ours} {parameters.get('options', '')}".rstrip()
    engine = create_engine(
        "postgresql+psycopg://",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout.total_seconds(),
        pool_use_lifo=True,  # the warm ones have their statements prepared
        hide_parameters=True,  # they would bring hashes and addresses into the log
    )

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, record: object, args: object, more: dict[str, Any]) -> Any:
        return psycopg.connect(**parameters, **more)

    event.listen(engine, "checkout", _refuse_the_dead)
    engine.update_execution_options(**{_FOR_EVERYBODY: limits.settings_for_everybody()})
    if pgbouncer:
        engine.update_execution_options(**{_LOCAL: settings})
        event.listen(engine, "begin", _limiting(settings))
    return engine


_LOCAL = "evently_local_settings"
_FOR_EVERYBODY = "evently_settings_for_everybody"


def local_settings(engine: Engine) -> Mapping[str, str]:
    """Return the server's parameters that whoever begins a transaction past the engine sets in it.

    There are none unless PgBouncer stands between.
    """
    settings: Mapping[str, str] = engine.get_execution_options().get(_LOCAL, {})
    return settings


def settings_for_everybody(engine: Engine) -> Mapping[str, str]:
    """Return the server's parameters to be set in a transaction that is about everybody of an event."""
    settings: Mapping[str, str] = engine.get_execution_options().get(_FOR_EVERYBODY, {})
    return settings


def _understood(url: str) -> dict[str, Any]:
    """Return the parameters of a URL; SQLAlchemy's spelling, which names the driver too, is understood."""
    try:
        return dict(conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1)))
    except psycopg.ProgrammingError:
        # libpq's own words may repeat the URL with its password.
        message = "A database URL looks like postgresql://user:password@host:5432/database."
        raise InvalidValue("database_url", "invalid_url", message) from None


def _limiting(settings: dict[str, str]) -> Callable[[Connection], None]:
    statement = "; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items())

    def limit(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(statement)

    return limit


def _refuse_the_dead(connection: psycopg.Connection, record: ConnectionPoolEntry, proxy: object) -> None:
    """Notice before each use whether the server closed an idle connection; then all idle ones are replaced.

    A connection that is well has nothing to say between two uses, so looking at its socket is enough. That
    takes a small part of the round trip of ``pool_pre_ping``, which a lone booking would feel.
    """
    if not record.info.get("used"):
        record.info["used"] = True  # it is new: should it be dead already, the first statement tells
    elif connection.closed or _has_something_to_say(connection):
        raise InvalidatePoolError


def _has_something_to_say(connection: psycopg.Connection) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(0))


def begin(connection: psycopg.Connection[Any], settings: Mapping[str, str], mode: str = "") -> None:
    """Begin a transaction on a connection in autocommit mode, with its `local_settings`.

    The driver's own BEGIN is a round trip of its own; this one travels with the rest of a pipeline.
    """
    connection.execute(f"BEGIN {mode}".encode(), prepare=True)
    set_locally(connection, settings)


def set_locally(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    """Set parameters of the server until the end of the transaction."""
    for name, value in settings.items():
        connection.execute(f"SET LOCAL {name} = {value}".encode())


@contextmanager
def lent_connection(engine: Engine) -> Iterator[psycopg.Connection[Any]]:
    """Lend the driver's own connection, which begins nothing by itself; a transaction left open is undone.

    Raises:
        Conflict, Overloaded, Unavailable: as ``translated`` says.
    """
    with translated():
        lent = engine.raw_connection()
        try:
            connection = lent.driver_connection
            assert isinstance(connection, psycopg.Connection)
            connection.autocommit = True  # a BEGIN of our own travels with what follows it
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.rollback()
                    connection.autocommit = False
        finally:
            lent.close()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that commits at the end of the block, unless something is raised in it.

    Raises:
        Conflict, Overloaded, Unavailable: as ``translated`` says.
    """
    with translated(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection for single statements that only read: without BEGIN and COMMIT one round trip each.

    Raises:
        Conflict, Overloaded, Unavailable: as ``translated`` says.
    """
    with translated(), engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
