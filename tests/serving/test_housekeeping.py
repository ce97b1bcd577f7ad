"""What the server does though nobody asks."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from evently_core.accounts import AnswerKey, Device
from evently_core.commands import Key
from evently_core.services.events import NewEvent
from evently_core.values import OPERATOR
from evently_wiring.application import NoAdmin, NotMigrated, ensure_first_admin, open_application, opened
from evently_wiring.delivering import Delivering
from evently_wiring.settings import Settings
from evently_wiring.worker import ANSWERS_KEPT, forget
from tests.servers import MakeDatabase

SOON = datetime(2040, 5, 1, 18, tzinfo=UTC)
_KEPT = ("account_answers", "creation_answers", "sessions")


def _counts(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        rows = [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() for table in _KEPT]
    return [int(row[0]) for row in rows if row is not None]


def test_answers_and_sessions_are_kept_while_somebody_may_ask_and_forgotten_then(
    make_database: MakeDatabase,
) -> None:
    url = make_database()
    settings = Settings(data_dir=Path("unused"))
    with open_application(settings, url, pool_size=2) as app:
        key = AnswerKey("ana@example.org register", "k-1", b"fingerprint")
        user = app.accounts.register("ana@example.org", "a long secret", "Ana", key=key).value
        app.accounts.log_in("ana@example.org", "a long secret", Device())
        new = NewEvent(
            title="Jazz", timezone="UTC", starts_at=SOON, ends_at=SOON + timedelta(hours=2), capacity=5
        )
        app.evently.events.create(OPERATOR, new, organiser_id=user.id, key=Key("operator", "k-1"))
        forget(app, Delivering(app, settings, threading.Event()))
        assert _counts(url) == [1, 1, 1]
        with psycopg.connect(url) as connection:
            age = ANSWERS_KEPT + timedelta(minutes=1)
            for table in _KEPT[:2]:
                connection.execute(f"UPDATE {table} SET answered_at = answered_at - %s".encode(), (age,))
            connection.execute(
                "UPDATE sessions SET created_at = created_at - %(age)s, expires_at = now() - %(age)s",
                {"age": age + timedelta(minutes=1)},
            )
        forget(app, Delivering(app, settings, threading.Event()))
        assert _counts(url) == [0, 0, 0]


def test_in_production_no_password_of_an_admin_is_made_up(make_database: MakeDatabase) -> None:
    url = make_database()
    production = Settings(data_dir=Path("unused"), production=True)
    with open_application(production, url, pool_size=2) as app:
        with pytest.raises(NoAdmin, match="EVENTLY_ADMIN_EMAIL"):
            ensure_first_admin(app, production)
        assert app.accounts.users(OPERATOR).items == ()
        named = Settings(
            data_dir=Path("unused"),
            production=True,
            admin_email="ada@example.org",
            admin_password="a long secret",
        )
        made = ensure_first_admin(app, named)
        assert made is not None
        assert (made.user.email, made.generated_password) == ("ada@example.org", None)
        assert ensure_first_admin(app, production) is None


def test_a_database_of_others_is_not_migrated_in_passing(make_empty_database: MakeDatabase) -> None:
    url = make_empty_database()
    with (
        pytest.raises(NotMigrated, match="evently db upgrade"),
        opened(Settings(data_dir=Path("unused"), database_url=url)),
    ):
        pass
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)
