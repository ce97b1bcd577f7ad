"""Users and sessions in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Delete,
    Engine,
    Insert,
    Row,
    Update,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from evently_core.accounts import (
    SEEN_EVERY,
    Act,
    ActId,
    ActKind,
    Answered,
    AnswerKey,
    Credentials,
    Device,
    EmailTaken,
    Session,
    User,
    normal_email,
)
from evently_core.ports import Accounts, Sessions
from evently_core.values import Role, SessionId, UserId
from evently_postgres.account_answers import begin_answer, keep_answer, kept_answer
from evently_postgres.account_tables import account_acts, account_answers, sessions, users
from evently_postgres.engine import reading, transaction

_USER = (users.c.id, users.c.email, users.c.name, users.c.role, users.c.created_at)
_CREDENTIALS = (*_USER, users.c.password_hash)
_NOT_ENDED = sessions.c.ended_at.is_(None)


# Whoever is signed in is looked up every two seconds; drawing these up takes longer than asking them.
_USER_OF = select(*_USER).where(users.c.id == bindparam("user_id"))
_SESSION_OF = select(sessions).where(sessions.c.id == bindparam("session_id"))


class PostgresAccounts:
    """The users, the accounts' journal, and the answers kept under keys. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine

    def add(
        self, user: User, password_hash: str, *, key: AnswerKey | None = None, act: Act | None = None
    ) -> Answered[User]:
        """Add a user, the record of who did it, and the answer under the key, in one transaction."""
        with transaction(self._engine) as connection:
            if key is not None and not begin_answer(connection, key, user.created_at):
                return _kept_answer(connection, key)
            taken = not _insert_user(connection, user, password_hash)
            if key is not None:
                _keep_answer(connection, key, None if taken else user)
            if not taken:
                _note(connection, act)
        if taken:  # raised only now: that the e-mail was taken is an answer too, and is kept
            raise EmailTaken
        return Answered(user)

    def user(self, user_id: UserId) -> User | None:
        """Return a user."""
        with reading(self._engine) as connection:
            row = connection.execute(_USER_OF, {"user_id": user_id}).one_or_none()
        return None if row is None else _user(row)

    def credentials(self, user_id: UserId) -> Credentials | None:
        """Return a user and the hash of the password."""
        return self._credentials(users.c.id == user_id)

    def credentials_of(self, email: str) -> Credentials | None:
        """Return the user with this e-mail and the hash of the password."""
        # The server's lower() is that of the index; in the "C" locale it knows nothing beyond ASCII.
        return self._credentials(func.lower(users.c.email) == func.lower(normal_email(email)))

    def _credentials(self, whose: ColumnElement[bool]) -> Credentials | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(*_CREDENTIALS).where(whose)).one_or_none()
        return None if row is None else Credentials(_user(row), row.password_hash)

    def users_named(self, user_ids: Collection[UserId]) -> Mapping[UserId, User]:
        """Return these users."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_USER).where(users.c.id.in_(user_ids)))
            return {user.id: user for user in map(_user, rows)}

    def users(self, after: UserId | None, limit: int) -> Sequence[User]:
        """Return users in the order of their ids."""
        query = select(*_USER).order_by(users.c.id).limit(limit)
        if after is not None:
            query = query.where(users.c.id > after)
        with reading(self._engine) as connection:
            return [_user(row) for row in connection.execute(query)]

    def count(self) -> int:
        """Return how many users there are."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(users)).scalar_one())

    def registrations(self, since: date, until: date) -> Mapping[date, int]:
        """Return how many users registered on each day."""
        day = cast(func.timezone("UTC", users.c.created_at), Date)
        query = select(day, func.count()).where(day.between(since, until)).group_by(day)
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def has_admin(self) -> bool:
        """Tell whether any user is an admin."""
        # The word stands in the statement as in the partial index, so that the planner sees that it fits.
        query = select(users.c.id).where(users.c.role == literal_column("'admin'")).limit(1)
        with reading(self._engine) as connection:
            return connection.execute(query).first() is not None

    def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        password_hash: str | None = None,
        instead_of: str | None = None,
        act: Act | None = None,
    ) -> User | None:
        """Change what is given of a user, with its record, in one transaction."""
        given = {"name": name, "password_hash": password_hash}
        changes = {column: value for column, value in given.items() if value is not None}
        # Without changes the row is written as it is: rare, and the answer is the same.
        statement = update(users).where(users.c.id == user_id).values(changes or {"name": users.c.name})
        if instead_of is not None:
            statement = statement.where(users.c.password_hash == instead_of)
        with transaction(self._engine) as connection:
            row = connection.execute(statement.returning(*_USER)).one_or_none()
            if row is None:
                return None
            _note(connection, act)
        return _user(row)

    def set_role(self, user_id: UserId, role: Role, *, instead_of: Role, act: Act) -> bool:
        """Give a user another role, with its record, in one transaction."""
        as_before = (users.c.id == user_id) & (users.c.role == instead_of.value)
        with transaction(self._engine) as connection:
            changed = connection.execute(update(users).where(as_before).values(role=role.value)).rowcount == 1
            if changed:
                _note(connection, act)
        return changed

    def acts(self, before: ActId | None, limit: int) -> Sequence[Act]:
        """Return administrative acts, newest first."""
        query = select(account_acts).order_by(account_acts.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(account_acts.c.id < before)
        with reading(self._engine) as connection:
            return [_act(row) for row in connection.execute(query)]

    def forget_answers(self, before: datetime) -> int:
        """Forget answers given before then."""
        with transaction(self._engine) as connection:
            statement = delete(account_answers).where(account_answers.c.answered_at < before)
            return connection.execute(statement).rowcount


def _insert_user(connection: Connection, user: User, password_hash: str) -> bool:
    """Insert a user; False if the e-mail is taken, also by somebody who registers at this moment."""
    statement = insert_or_not(users).values(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role.value,
        password_hash=password_hash,
        created_at=user.created_at,
    )
    statement = statement.on_conflict_do_nothing(index_elements=[func.lower(users.c.email)])
    return connection.execute(statement.returning(users.c.id)).first() is not None


def _kept_answer(connection: Connection, key: AnswerKey) -> Answered[User]:
    answer = kept_answer(connection, key)
    if "user" not in answer:
        raise EmailTaken(replayed=True)
    return Answered(_user_of_document(answer["user"]), replayed=True)


def _keep_answer(connection: Connection, key: AnswerKey, user: User | None) -> None:
    answer = {"refused": EmailTaken.code} if user is None else {"user": _document(user)}
    keep_answer(connection, key, answer)


def _document(user: User) -> dict[str, str]:
    return {
        "id": str(user.id),
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "created_at": user.created_at.isoformat(),
    }


def _user_of_document(document: dict[str, str]) -> User:
    return User(
        id=UserId(UUID(document["id"])),
        email=document["email"],
        name=document["name"],
        role=Role(document["role"]),
        created_at=datetime.fromisoformat(document["created_at"]),
    )


def _user(row: Row[*tuple[Any, ...]]) -> User:
    return User(id=row.id, email=row.email, name=row.name, role=Role(row.role), created_at=row.created_at)


def _note(connection: Connection, act: Act | None) -> None:
    if act is not None:
        connection.execute(insert(account_acts).values(attrs.asdict(act) | {"kind": act.kind.value}))


def _act(row: Row[*tuple[Any, ...]]) -> Act:
    return Act(**{**row._mapping, "kind": ActKind(row.kind)})


class PostgresSessions:
    """Who is signed in where. Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine

    def open(self, session: Session) -> None:
        """Keep a new session."""
        self._change(insert(sessions).values(_columns(session)))

    def session(self, session_id: SessionId) -> Session | None:
        """Return a session, live or not."""
        with reading(self._engine) as connection:
            row = connection.execute(_SESSION_OF, {"session_id": session_id}).one_or_none()
        return None if row is None else _session(row)

    def replace(self, before: Session, after: Session) -> bool:
        """Put one state of a session in the place of another, if that is still its state."""
        as_before = (sessions.c.id == before.id) & (sessions.c.token_id == before.token_id) & _NOT_ENDED
        return self._change(update(sessions).where(as_before).values(_columns(after))) == 1

    def saw(self, session_id: SessionId, at: datetime) -> None:
        """Note that a session was in use, unless that was noted within the minute before."""
        stale = (sessions.c.id == session_id) & (sessions.c.last_seen_at <= at - SEEN_EVERY)
        self._change(update(sessions).where(stale).values(last_seen_at=at))

    def end(self, session_id: SessionId, at: datetime) -> None:
        """End a session."""
        self._change(update(sessions).where(sessions.c.id == session_id, _NOT_ENDED).values(ended_at=at))

    def end_all(self, user_id: UserId, at: datetime, *, but: SessionId | None = None) -> None:
        """End every session of a user, but for one."""
        statement = update(sessions).where(sessions.c.user_id == user_id, _NOT_ENDED)
        if but is not None:
            statement = statement.where(sessions.c.id != but)
        self._change(statement.values(ended_at=at))

    def live(self, user_id: UserId, now: datetime) -> Sequence[Session]:
        """Return the live sessions of a user, newest first."""
        mine = (sessions.c.user_id == user_id) & _NOT_ENDED & (sessions.c.expires_at > now)
        with reading(self._engine) as connection:
            rows = connection.execute(select(sessions).where(mine).order_by(sessions.c.id.desc()))
            return [_session(row) for row in rows]

    def forget(self, before: datetime) -> int:
        """Forget sessions that expired before then."""
        return self._change(delete(sessions).where(sessions.c.expires_at < before))

    def _change(self, statement: Insert | Update | Delete) -> int:
        with transaction(self._engine) as connection:
            return connection.execute(statement).rowcount


def _columns(session: Session) -> dict[str, Any]:
    columns = attrs.asdict(session, filter=lambda field, _: field.name != "device")
    return columns | attrs.asdict(session.device)


def _session(row: Row[*tuple[Any, ...]]) -> Session:
    columns = dict(row._mapping)
    device = Device(columns.pop("instance"), columns.pop("address"), columns.pop("user_agent"))
    return Session(device=device, **columns)


_accounts: type[Accounts] = PostgresAccounts
_sessions: type[Sessions] = PostgresSessions
