"""The schema's history, on a real PostgreSQL."""

import importlib
import multiprocessing
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine

import evently_postgres
from evently_core.errors import Overloaded, Unavailable
from evently_postgres import migrations
from evently_postgres.metadata import metadata
from evently_postgres.migrations import status, upgrade

MakeDatabase = Callable[[], str]

# What a schema is made of, each as the server itself words it. What a migration has to write by hand and
# autogenerate does not compare, CHECK constraints above all, is in here too.
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text, a.attcollation::regcollation::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid), convalidated, condeferrable
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"


def schema(url: str) -> dict[str, set[tuple[object, ...]]]:
    parts = {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES}
    with psycopg.connect(url) as connection:
        return {
            part: {row for row in connection.execute(sql.SQL(query)) if row[0] != "alembic_version"}
            for part, query in parts.items()
        }


def import_all_tables() -> None:
    """Every module of tables registers its own, also one that `env.py` was not told of."""
    for module in pkgutil.iter_modules(evently_postgres.__path__):
        if module.name.endswith("_tables"):
            importlib.import_module(f"evently_postgres.{module.name}")


@pytest.fixture(scope="module")
def migrated(make_empty_database: MakeDatabase) -> str:
    url = make_empty_database()
    upgrade(url)
    return url


@pytest.fixture(scope="module")
def created(make_empty_database: MakeDatabase) -> str:
    import_all_tables()
    url = make_empty_database()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    metadata.create_all(engine)
    engine.dispose()
    return url


@pytest.mark.parametrize("part", ["columns", "constraints", "indexes"])
def test_the_migrations_make_what_the_tables_say(migrated: str, created: str, part: str) -> None:
    made, said = schema(migrated)[part], schema(created)[part]
    assert said, "nothing was compared"
    assert made - said == set(), "the migrations make what the tables do not say"
    assert said - made == set(), "the tables say what the migrations do not make"


def test_checks_are_among_what_is_compared(created: str) -> None:
    checks = {str(name) for _, name, kind, *_ in schema(created)["constraints"] if kind == "c"}
    assert {"users_role_check", "users_email_check"} <= checks


def test_each_migration_follows_one_other_and_is_numbered_in_that_order() -> None:
    scripts = ScriptDirectory(str(migrations.__path__[0]))
    revisions = [script.revision for script in scripts.walk_revisions()][::-1]
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert scripts.get_heads() == revisions[-1:]


def test_an_empty_database_is_told_apart_from_a_migrated_one(make_empty_database: MakeDatabase) -> None:
    url = make_empty_database()
    before = status(url)
    assert (before.current, before.is_current, before.is_newer) == (None, False, False)
    assert before.pending[0] == "0001"
    assert before.pending[-1] == before.head
    upgrade(url)
    after = status(url)
    assert (after.current, after.pending) == (before.head, ())
    assert (after.is_current, after.is_newer) == (True, False)


def test_asking_for_the_status_changes_nothing(make_empty_database: MakeDatabase) -> None:
    url = make_empty_database()
    status(url)
    assert schema(url) == {"columns": set(), "constraints": set(), "indexes": set()}
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_the_second_upgrade_changes_nothing(migrated: str) -> None:
    before = schema(migrated)
    upgrade(migrated)
    assert schema(migrated) == before
    assert status(migrated).is_current


def test_a_database_of_a_newer_version_is_left_alone(make_empty_database: MakeDatabase) -> None:
    url = make_empty_database()
    upgrade(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    upgrade(url)
    found = status(url)
    assert (found.current, found.pending) == ("9999", ())
    assert (found.is_newer, found.is_current) == (True, False)


def test_processes_that_upgrade_at_once_wait_for_each_other(make_empty_database: MakeDatabase) -> None:
    url = make_empty_database()
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(4) as processes:
        processes.map(upgrade, [url] * 4, chunksize=1)
    assert status(url).is_current


def test_a_migration_waits_for_the_one_who_is_at_it(
    make_empty_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for ever; then it has changed nothing."""
    url = make_empty_database()
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [0x6576656E746C79])
        hasty = url + ("&" if "?" in url else "?") + "options=-c%20lock_timeout%3D200"
        with pytest.raises(Overloaded):
            upgrade(hasty)
    assert status(url).current is None
    upgrade(url)
    assert status(url).is_current


def test_nobody_holds_the_lock_afterwards(migrated: str) -> None:
    upgrade(migrated)
    with psycopg.connect(migrated) as connection:
        held = connection.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        ).fetchone()
    assert held == (0,)


@pytest.mark.parametrize("call", [upgrade, status])
def test_a_server_that_is_not_there_is_unavailable(call: Callable[[str], object]) -> None:
    with pytest.raises(Unavailable):
        call("postgresql://127.0.0.1:1/nowhere")


@contextmanager
def expect_check(connection: psycopg.Connection) -> Iterator[None]:
    with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
        yield


def test_the_database_refuses_what_the_core_would(migrated: str) -> None:
    insert = (
        "INSERT INTO users (id, email, name, role, password_hash, created_at)"
        " VALUES (gen_random_uuid(), %s, %s, %s, 'x', now())"
    )
    with psycopg.connect(migrated) as connection:
        for row in (
            ("a@example.org", "Ada", "root"),
            ("a@example.org", "", "admin"),
            ("a@example.org", "x" * 201, "admin"),
            ("a@" + "x" * 253, "Ada", "admin"),
            ("", "Ada", "admin"),
        ):
            with expect_check(connection):
                connection.execute(insert, row)
        connection.execute(insert, ("Ada@example.org", "Ada", "admin"))
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute(insert, ("ada@EXAMPLE.org", "Ada", "admin"))
        connection.rollback()
