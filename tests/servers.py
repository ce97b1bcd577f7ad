"""The PostgreSQL server that all processes of one test run share, and fresh databases on it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from evently_postgres.migrations import upgrade
from evently_wiring.embedded import EmbeddedPostgres, EmbeddedPostgresError

TEMPLATE = "evently_template"

MakeDatabase = Callable[[], str]


@contextmanager
def shared_server(run_id: str) -> Iterator[str]:
    """Give the address of a server that may create databases: the one named in the environment, else our own.

    A machine without one skips the tests that need it, but in CI they fail.
    """
    named = os.environ.get("EVENTLY_TEST_DATABASE_URL")
    if named:
        yield named
        return
    folder = Path(tempfile.gettempdir()) / f"evently-tests-{run_id}"
    server = EmbeddedPostgres(folder)
    try:
        url = server.start()
        _hasten(url)
    except EmbeddedPostgresError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    try:
        yield url
    finally:
        server.stop()
        if not server.is_running:
            shutil.rmtree(folder, ignore_errors=True)


def _hasten(url: str) -> None:
    """Let a server not wait for the disk: its data end with the run. What is to outlive a crash has its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


class Databases:
    """Fresh databases on one server, dropped at the end if the server goes on."""

    _numbers = count(1)

    def __init__(self, server_url: str, run_id: str) -> None:
        self._server = server_url
        self._run_id = run_id
        self._made: list[str] = []

    def empty(self) -> str:
        """Return the address of a new database with nothing in it."""
        return self._create("")

    def migrated(self) -> str:
        """Return the address of a new database of the newest version."""
        return self._create(f" TEMPLATE {self._template()} STRATEGY FILE_COPY")

    def drop_all(self) -> None:
        if "EVENTLY_TEST_DATABASE_URL" not in os.environ:
            return
        for name in self._made:
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _create(self, how: str) -> str:
        name = f"t{os.getpid()}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}{how}")
        self._made.append(name)
        return self._url(name)

    def _template(self) -> str:
        """Return the name of a migrated database, made once in a run."""
        name = f"{TEMPLATE}_{self._run_id[:16]}"
        with (Path(tempfile.gettempdir()) / f"{name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
                self._run(f"CREATE DATABASE {name}_new")
                upgrade(self._url(f"{name}_new"))
                self._run(f"ALTER DATABASE {name}_new RENAME TO {name}")
        return name

    def _run(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _url(self, database: str) -> str:
        url = make_url(self._server)
        return url.set(database=database).render_as_string(hide_password=False)
