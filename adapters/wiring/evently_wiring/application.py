"""Which adapter stands behind which port."""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import Engine

from evently_core.accounts import User
from evently_core.deliveries import Deliveries, Outbox
from evently_core.desk import BATCH_MAX
from evently_core.evently import Evently
from evently_core.instances import Instance, InstanceKind
from evently_core.intake import Intake
from evently_core.memory.basics import SystemClock, random_secret
from evently_core.memory.instances import MemoryInstances
from evently_core.observing import Observer
from evently_core.ports import Accounts, Clock, EventLock, Instances, Sessions
from evently_core.services.accounts import AccountService
from evently_core.services.presence import Presence
from evently_core.services.sessions import StandbySessions
from evently_core.services.webhooks import WebhookService
from evently_core.watch import WAITERS_MAX
from evently_core.webhooks import Webhooks
from evently_postgres import locks as postgres_locks
from evently_postgres import migrations
from evently_postgres.accounts import PostgresAccounts, PostgresSessions
from evently_postgres.deliveries import PostgresDeliveries, PostgresOutbox
from evently_postgres.engine import make_engine
from evently_postgres.intake import PostgresIntake
from evently_postgres.locks import PostgresEventLock
from evently_postgres.storage import PostgresStorage
from evently_postgres.webhooks import PostgresWebhooks
from evently_redis.keys import Keys
from evently_wiring.embedded import EmbeddedPostgres
from evently_wiring.ids import UuidV7
from evently_wiring.passwords import Argon2Passwords
from evently_wiring.seals import Ed25519Seal
from evently_wiring.settings import Settings

if TYPE_CHECKING:
    from evently_redis.connection import RedisLink

FIRST_ADMIN_EMAIL = "admin@example.org"
_LOCKS_AT_ONCE = 10
"""How many events one process may hold an advisory lock on: each takes a connection."""


@attrs.frozen
class Outside:
    """What is told to the outside, and to whom."""

    webhooks: Webhooks
    outbox: Outbox
    deliveries: Deliveries
    accounts: Accounts


@attrs.frozen
class Application:
    """All use cases over one database."""

    url: str = attrs.field(repr=False)
    engine: Engine
    evently: Evently
    accounts: AccountService
    storage: PostgresStorage
    webhooks: WebhookService
    outside: Outside
    instances: Instances
    redis: RedisLink | None
    """The way to Redis for what can be done without it: after a failure it is left alone for a second."""


class NotMigrated(Exception):
    """The database is of an older version than this program; the message says what to do."""

    def __init__(self, pending: tuple[str, ...]) -> None:
        super().__init__(
            f"The database lacks {len(pending)} of its migrations ({', '.join(pending)}). Run `evently db upgrade`."
        )


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """Give the address of the database: the one that is set, else of an embedded server for as long as needed."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.data_dir) as server:
        server.watch()
        yield server.url


@contextmanager
def open_application(
    settings: Settings,
    url: str,
    *,
    pool_size: int = 10,
    batch_max: int = BATCH_MAX,
    waiters_max: int = WAITERS_MAX,
    observer: Observer | None = None,
    clock: Clock | None = None,
) -> Iterator[Application]:
    """Put the use cases over a migrated database; its connections are closed at the end.

    ``batch_max``, ``waiters_max`` and ``observer`` are those of `Evently.over`; without a ``clock`` the time is that
    of the machine.
    """
    with ExitStack() as stack:
        engine = make_engine(url, pool_size=pool_size, pool_timeout=timedelta(seconds=2))
        stack.callback(engine.dispose)
        clock, ids, storage = clock or SystemClock(), UuidV7(), PostgresStorage(engine)
        redis, keys, users = _redis(settings, stack), Keys(settings.redis_prefix), PostgresAccounts(engine)
        sessions: Sessions = PostgresSessions(engine)
        instances: Instances = MemoryInstances()
        if redis is not None:
            from evently_redis.instances import RedisInstances
            from evently_redis.sessions import RedisSessions

            instances = RedisInstances(redis, keys)
            if settings.sessions == "redis":
                sessions = StandbySessions(RedisSessions(redis, keys), standby=sessions)
        accounts = AccountService(
            users,
            sessions,
            Argon2Passwords(),
            clock,
            ids,
            session_lifetime=settings.refresh_token_lifetime,
        )
        evently = Evently.over(
            storage,
            clock,
            ids,
            batch_max=batch_max,
            lock=_event_lock(settings, url, stack),
            intake=_intake(settings, engine, stack),
            waiters_max=waiters_max,
            seal=Ed25519Seal(settings.ticket_secrets),
            observer=observer,
        )
        outside = Outside(PostgresWebhooks(engine), PostgresOutbox(engine), PostgresDeliveries(engine), users)
        webhooks = WebhookService(
            outside.webhooks,
            outside.deliveries,
            users,
            clock,
            ids,
            settings.address_rules,
            new_secret=random_secret,
        )
        yield Application(url, engine, evently, accounts, storage, webhooks, outside, instances, redis)


def _redis(settings: Settings, stack: ExitStack) -> RedisLink | None:
    """Return the way to Redis for whoever can do without it for a while."""
    if settings.redis_url is None:
        return None
    from evently_redis.connection import REST, RedisLink  # comes with an extra

    link = RedisLink(settings.redis_url, timeout=timedelta(milliseconds=500), rest=REST)
    stack.callback(link.close)
    return link


def _intake(settings: Settings, engine: Engine, stack: ExitStack) -> Intake:
    """Return where requests wait that are decided later."""
    if settings.intake == "postgres":
        return PostgresIntake(engine)
    assert settings.redis_url is not None, "the settings ask for one"
    from evently_redis.connection import REST, RedisLink
    from evently_redis.intake import RedisIntake

    # A way of its own: to write on the disk takes longer than what is asked of the other one.
    link = RedisLink(settings.redis_url, rest=REST)
    stack.callback(link.close)
    return RedisIntake(link, Keys(settings.redis_prefix))


def _event_lock(settings: Settings, url: str, stack: ExitStack) -> EventLock | None:
    """Return what thins out the crowd in front of an event; None: nothing does."""
    if settings.event_lock == "postgres":
        engine = make_engine(url, pool_size=_LOCKS_AT_ONCE, pool_timeout=postgres_locks.WAIT)
        stack.callback(engine.dispose)
        return PostgresEventLock(engine)
    if settings.event_lock == "redis":
        assert settings.redis_url is not None, "the settings ask for one"
        from evently_redis.connection import REST, RedisLink
        from evently_redis.locks import TIMEOUT, RedisEventLock

        link = RedisLink(settings.redis_url, timeout=TIMEOUT, connect_timeout=TIMEOUT, rest=REST)
        lock = RedisEventLock(link, Keys(settings.redis_prefix))
        stack.callback(link.close)
        stack.callback(lock.close)
        return lock
    return None


def presence_of(application: Application, kind: InstanceKind) -> Presence:
    """Return this process as one of those that are live."""
    now = SystemClock().now()
    own = Instance(
        name=instance_name(),
        kind=kind,
        version=importlib.metadata.version("evently-core"),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at=now,
        last_beat_at=now,
    )
    return Presence(application.instances, own, SystemClock())


@contextmanager
def opened(settings: Settings, *, pool_size: int = 2) -> Iterator[Application]:
    """Give the use cases over the database that the settings name.

    An embedded one is brought up to date first; any other only by who means to.

    Raises:
        NotMigrated: the database is too old.
        EmbeddedPostgresError: the embedded server does not start.
        Unavailable: the database cannot be reached.
    """
    with database(settings) as url:
        if settings.database_url is None:
            migrations.upgrade(url)
        elif pending := migrations.status(url).pending:
            raise NotMigrated(pending)
        with open_application(settings, url, pool_size=pool_size) as application:
            yield application


@attrs.frozen
class FirstAdmin:
    """The admin that was made because there was none, and the password if it was generated."""

    user: User
    generated_password: str | None = attrs.field(repr=False)


class NoAdmin(Exception):
    """There is no admin yet, and in production no password is made up: it would end in a log."""

    def __init__(self) -> None:
        super().__init__(
            "There is no admin yet. Set EVENTLY_ADMIN_EMAIL and EVENTLY_ADMIN_PASSWORD, "
            "or make one with `evently users create --role admin`."
        )


def ensure_first_admin(application: Application, settings: Settings) -> FirstAdmin | None:
    """Make an admin if there is none: the one that is set, else one with a generated password.

    Raises:
        NoAdmin: none is set, and in production none is generated.
    """
    if settings.production and settings.admin_email is None:
        if PostgresAccounts(application.engine).has_admin():
            return None
        raise NoAdmin
    generated = None if settings.admin_password else secrets.token_urlsafe(12)
    email = settings.admin_email or FIRST_ADMIN_EMAIL
    user = application.accounts.ensure_first_admin(email, settings.admin_password or generated or "")
    return None if user is None else FirstAdmin(user, generated)


def instance_name() -> str:
    """Return a name for this process that no other process has now."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}"


def upgrade(url: str) -> None:
    """Bring a database up to date."""
    migrations.upgrade(url)


def migration_status(url: str) -> migrations.MigrationStatus:
    """Return which migrations a database has, and which are missing."""
    return migrations.status(url)


def api_description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    from evently_flask_api import openapi_document
    from evently_flask_api.routes import GROUPS

    return openapi_document(GROUPS)
