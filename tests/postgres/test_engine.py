"""Connections to a real PostgreSQL, and what becomes of its real errors."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from sqlalchemy import Column, Connection, Engine, MetaData, Table, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, StatementError

from evently_core.errors import Conflict, EventlyError, InvalidValue, Overloaded, Unavailable
from evently_postgres.engine import Limits, make_engine, reading, transaction
from evently_postgres.errors import translated
from evently_postgres.metadata import Instant

SECOND = timedelta(seconds=1)
HASTY = Limits(statement=SECOND, lock=SECOND / 2)
CROWD = 4


@pytest.fixture(scope="module")
def url(make_empty_database: Callable[[], str]) -> str:
    url = make_empty_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE seats (id int PRIMARY KEY, taken int NOT NULL CHECK (taken <= 5))")
        connection.execute("INSERT INTO seats VALUES (1, 0), (2, 0)")
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url, pool_size=CROWD, pool_timeout=SECOND / 4, limits=HASTY)
    yield engine
    engine.dispose()


def scalar(connection: Connection, statement: str) -> object:
    return connection.execute(text(statement)).scalar()


def set_taken(connection: Connection, seat: int, taken: int = 1) -> None:
    connection.execute(text(f"UPDATE seats SET taken = {taken} WHERE id = {seat}"))


def kill_others(url: str, application_name: str = "evently") -> None:
    """End every connection of the engine as an administrator would, or a server that shuts down."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = %s",
            [application_name],
        )


class Relay:
    """Stands between engine and server, and can be taken away: the server is then gone without a trace."""

    def __init__(self, url: str) -> None:
        target = conninfo_to_dict(url)
        self._target = (str(target.get("host", "localhost")), int(target.get("port") or 5432))
        self._pairs: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]
        self.url = make_conninfo(url, host="127.0.0.1", hostaddr="127.0.0.1", port=self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: the server is gone
            server = self._connect()
            self._pairs += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=[source, sink], daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def take_away(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()

    def bring_back(self) -> None:
        self._listener = self._listen(self.port)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    relay = Relay(url)
    yield relay
    relay.take_away()


class TestConnecting:
    def test_tells_the_server_its_name_and_its_limits(self, engine: Engine) -> None:
        with reading(engine) as connection:
            names = ["application_name", "statement_timeout", "lock_timeout"]
            assert [scalar(connection, f"SHOW {name}") for name in names] == ["evently", "1s", "500ms"]
            assert scalar(connection, "SHOW idle_in_transaction_session_timeout") == "10s"

    def test_leaves_alone_what_the_url_says(self, url: str) -> None:
        own = make_conninfo(url, application_name="mine", options="-c work_mem=5MB", connect_timeout=7)
        engine = make_engine(own)
        with reading(engine) as connection:
            assert scalar(connection, "SHOW application_name") == "mine"
            assert scalar(connection, "SHOW work_mem") == "5MB"
            assert scalar(connection, "SHOW lock_timeout") == "3s"
        engine.dispose()

    def test_understands_the_spelling_that_names_the_driver(self, url: str) -> None:
        if not url.startswith("postgresql://"):
            pytest.skip("the server is given in another form")
        engine = make_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        with reading(engine) as connection:
            assert scalar(connection, "SELECT 1") == 1
        engine.dispose()

    def test_shows_the_password_to_nobody(self) -> None:
        engine = make_engine("postgresql://ada:secret@localhost/evently")
        assert "secret" not in f"{engine!r} {engine.url!r}"
        with pytest.raises(InvalidValue) as refused:
            make_engine("postgresql://ada:secret@[localhost/evently")
        assert refused.value.field == "database_url"
        assert "secret" not in str(refused.value)
        assert refused.value.__cause__ is None

    def test_goes_to_the_next_host_if_one_is_gone(self, url: str) -> None:
        given = conninfo_to_dict(url)
        hosts = f"127.0.0.1,{given['host']}"
        engine = make_engine(make_conninfo(url, host=hosts, port=f"{free_port()},{given.get('port', 5432)}"))
        with reading(engine) as connection:
            assert scalar(connection, "SELECT 1") == 1
        engine.dispose()

    def test_prepares_what_is_asked_often(self, engine: Engine) -> None:
        assert prepared_after_five(engine) > 0


def prepared_after_five(engine: Engine) -> int:
    with transaction(engine) as connection:
        for _ in range(5):
            scalar(connection, "SELECT 42")
        return int(str(scalar(connection, "SELECT count(*) FROM pg_prepared_statements")))


class TestBehindPgBouncer:
    @pytest.fixture
    def pooled(self, url: str) -> Iterator[Engine]:
        engine = make_engine(url, limits=HASTY, pgbouncer=True)
        yield engine
        engine.dispose()

    def test_nothing_is_prepared(self, pooled: Engine) -> None:
        assert prepared_after_five(pooled) == 0

    def test_limits_hold_within_each_transaction_and_stay_behind_nowhere(self, pooled: Engine) -> None:
        for _ in range(2):
            with transaction(pooled) as connection:
                assert scalar(connection, "SHOW statement_timeout") == "1s"
                assert scalar(connection, "SHOW lock_timeout") == "500ms"
            with reading(pooled) as connection:
                assert scalar(connection, "SHOW statement_timeout") == "0"


class TestTransactions:
    def test_commit_at_the_end(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            set_taken(connection, 1, 3)
        with reading(engine) as connection:
            assert scalar(connection, "SELECT taken FROM seats WHERE id = 1") == 3

    def test_leave_nothing_when_something_is_raised(self, engine: Engine) -> None:
        def broken_off() -> None:
            with transaction(engine) as connection:
                set_taken(connection, 2, 4)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            broken_off()
        with reading(engine) as connection:
            assert scalar(connection, "SELECT taken FROM seats WHERE id = 2") == 0

    def test_reading_opens_none(self, engine: Engine) -> None:
        with reading(engine) as connection:
            scalar(connection, "SELECT 1")
            assert status_of(connection) == TransactionStatus.IDLE
        with transaction(engine) as connection:  # the same connection is used for changes again
            scalar(connection, "SELECT 1")
            assert status_of(connection) == TransactionStatus.INTRANS


def status_of(connection: Connection) -> TransactionStatus:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.info.transaction_status


class TestErrors:
    def expect(self, kind: type[EventlyError], call: Callable[[], object]) -> EventlyError:
        """The kind exactly, the driver's error as its cause, and none of the driver's words."""
        with pytest.raises(kind) as raised:
            call()
        assert type(raised.value) is kind
        assert raised.value.__cause__ is not None
        assert not any(
            word in str(raised.value) for word in ("SELECT", "UPDATE", "INSERT", "seats", "psycopg")
        )
        return raised.value

    def run(self, engine: Engine, *statements: str) -> None:
        with transaction(engine) as connection:
            for statement in statements:
                connection.execute(text(statement))

    def test_a_unique_value_taken_by_another_is_a_lost_race(self, engine: Engine) -> None:
        self.expect(Conflict, lambda: self.run(engine, "INSERT INTO seats VALUES (1, 0)"))

    def test_a_deadlock_is_a_lost_race(self, url: str) -> None:
        engine = make_engine(url)
        both = threading.Barrier(2)

        def cross(first: int, second: int) -> BaseException | None:
            try:
                with transaction(engine) as connection:
                    set_taken(connection, first)
                    both.wait()
                    set_taken(connection, second)
            except Conflict as error:
                return error.__cause__
            return None

        with ThreadPoolExecutor(2) as threads:
            [cause] = filter(None, threads.map(cross, [1, 2], [2, 1]))
        assert isinstance(cause, DBAPIError)
        assert isinstance(cause.orig, psycopg.errors.DeadlockDetected)
        engine.dispose()

    def test_a_serialization_failure_is_a_lost_race(self, engine: Engine) -> None:
        def overtaken() -> None:
            with translated(), engine.connect() as connection:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
                scalar(connection, "SELECT taken FROM seats WHERE id = 1")
                self.run(engine, "UPDATE seats SET taken = taken + 1 WHERE id = 1")
                set_taken(connection, 1)

        self.expect(Conflict, overtaken)

    def test_a_statement_that_takes_too_long_is_overload(self, engine: Engine) -> None:
        self.expect(Overloaded, lambda: self.run(engine, "SELECT pg_sleep(60)"))

    def test_a_lock_that_is_not_to_be_had_is_overload(self, engine: Engine) -> None:
        with transaction(engine) as holder:
            set_taken(holder, 1)
            self.expect(Overloaded, lambda: self.run(engine, "UPDATE seats SET taken = 2 WHERE id = 1"))

    def test_a_pool_that_is_used_up_is_overload(self, engine: Engine) -> None:
        held = [engine.connect() for _ in range(CROWD)]
        error = self.expect(Overloaded, lambda: self.run(engine, "SELECT 1"))
        assert isinstance(error, Overloaded)
        assert error.retry_after >= 1
        for connection in held:
            connection.close()
        self.run(engine, "SELECT 1")

    def test_a_server_that_refuses_is_unavailable(self, url: str) -> None:
        engine = make_engine(make_conninfo(url, host="127.0.0.1", port=free_port()))
        began = time.monotonic()
        self.expect(Unavailable, lambda: self.run(engine, "SELECT 1"))
        assert time.monotonic() - began < 30

    def test_a_server_that_says_nothing_is_unavailable(self, url: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            engine = make_engine(make_conninfo(url, host="127.0.0.1", port=mute.getsockname()[1]))
            began = time.monotonic()
            self.expect(Unavailable, lambda: self.run(engine, "SELECT 1"))
            assert time.monotonic() - began < 30

    def test_a_database_that_is_not_there_is_unavailable(self, url: str) -> None:
        engine = make_engine(make_conninfo(url, dbname="nowhere"))
        self.expect(Unavailable, lambda: self.run(engine, "SELECT 1"))

    def test_a_connection_that_is_ended_at_work_is_unavailable(self, engine: Engine, url: str) -> None:
        def ended() -> None:
            with transaction(engine) as connection:
                scalar(connection, "SELECT 1")
                kill_others(url)
                scalar(connection, "SELECT 1")

        self.expect(Unavailable, ended)
        self.run(engine, "SELECT 1")

    def test_a_connection_that_is_ended_before_the_commit_is_unavailable(
        self, engine: Engine, url: str
    ) -> None:
        def ended() -> None:
            with transaction(engine) as connection:
                set_taken(connection, 1, 5)
                kill_others(url)

        self.expect(Unavailable, ended)

    def test_the_drivers_own_errors_are_translated_too(self, url: str, engine: Engine) -> None:
        @translated()
        def insert() -> None:
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO seats VALUES (1, 0)")

        self.expect(Conflict, insert)

    def test_a_connection_of_the_drivers_own_that_is_ended_is_unavailable(self, url: str) -> None:
        """Unlike SQLAlchemy the driver does not say that the connection is lost: the server's code does."""

        def ended() -> None:
            with translated(), psycopg.connect(url, application_name="bare") as connection:
                kill_others(url, "bare")
                connection.execute("SELECT 1")

        error = self.expect(Unavailable, ended)
        assert isinstance(error.__cause__, psycopg.errors.AdminShutdown)

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("UPDATE seats SET taken = 6 WHERE id = 1", IntegrityError),
            ("SELECT nothing FROM seats", ProgrammingError),
        ],
    )
    def test_our_own_mistakes_pass_as_they_are(
        self, engine: Engine, statement: str, error: type[DBAPIError]
    ) -> None:
        with pytest.raises(error):
            self.run(engine, statement)

    def test_parameters_are_in_no_message(self, engine: Engine) -> None:
        with pytest.raises(DBAPIError) as raised, transaction(engine) as connection:
            connection.execute(text("SELECT nothing WHERE :hash"), {"hash": "$argon2id$secret"})
        assert "secret" not in str(raised.value)


class TestAServerThatWasAway:
    def test_leaves_no_dead_connection_in_the_pool(self, engine: Engine, url: str) -> None:
        """Idle connections that were ended are replaced before anybody is given one."""
        for _ in range(3):
            connections = [engine.connect() for _ in range(CROWD)]
            for connection in connections:
                scalar(connection, "SELECT 1")
                connection.close()
            kill_others(url)
            for _ in range(CROWD):
                with reading(engine) as connection:
                    assert scalar(connection, "SELECT 1") == 1

    def test_is_served_from_again_as_soon_as_it_is_back(self, relay: Relay) -> None:
        engine = make_engine(relay.url)
        with ThreadPoolExecutor(CROWD) as threads:
            for _ in range(2):
                list(threads.map(lambda _: one(engine), range(4 * CROWD)))
                relay.take_away()
                for _ in range(3):
                    with pytest.raises(Unavailable):
                        one(engine)
                relay.bring_back()
        assert one(engine) == 1
        engine.dispose()


def one(engine: Engine) -> object:
    with transaction(engine) as connection:
        return scalar(connection, "SELECT 1")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class TestInstants:
    TABLE = Table("instants", MetaData(), Column("at", Instant))

    def test_come_back_in_utc_whatever_zone_the_connection_speaks(self, engine: Engine) -> None:
        at = datetime(2030, 5, 1, 14, 0, 0, 123456, timezone(2 * timedelta(hours=1)))
        with transaction(engine) as connection:
            connection.execute(text("SET LOCAL TimeZone = 'Asia/Kathmandu'"))
            connection.execute(text("CREATE TEMPORARY TABLE instants (at timestamptz) ON COMMIT DROP"))
            connection.execute(self.TABLE.insert(), [{"at": at}, {"at": None}])
            read = connection.execute(select(self.TABLE.c.at)).scalars().all()
        assert read == [at, None]
        assert read[0].tzinfo is UTC

    def test_without_a_zone_are_our_own_mistake(self, engine: Engine) -> None:
        with pytest.raises(StatementError, match="needs its zone"), transaction(engine) as connection:
            connection.execute(select(self.TABLE).where(self.TABLE.c.at == datetime(2030, 5, 1)))  # noqa: DTZ001  # the point of it
