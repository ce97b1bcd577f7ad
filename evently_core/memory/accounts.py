"""Users and sessions in memory. Nothing is durable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from threading import Lock

import attrs

from evently_core.accounts import (
    SEEN_EVERY,
    Act,
    ActId,
    Answered,
    AnswerKey,
    Credentials,
    EmailTaken,
    KeyReused,
    Session,
    User,
    normal_email,
)
from evently_core.ports import Accounts, Sessions
from evently_core.values import Role, SessionId, UserId


@attrs.frozen
class _Kept:
    """What was answered under a key: the user, or None for an e-mail that was taken."""

    fingerprint: bytes
    user: User | None
    at: datetime


class MemoryAccounts:
    """All users of a process. Threads may share it."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._lock = Lock()
        self._credentials: dict[UserId, Credentials] = {}
        self._by_email: dict[str, UserId] = {}
        self._answers: dict[tuple[str, str], _Kept] = {}
        self._acts: list[Act] = []

    def add(
        self, user: User, password_hash: str, *, key: AnswerKey | None = None, act: Act | None = None
    ) -> Answered[User]:
        """Add a user, the record of who did it, and the answer under the key."""
        with self._lock:
            kept = self._answers.get((key.scope, key.key)) if key else None
            if kept is not None and key is not None:
                return _replay(kept, key)
            taken = user.email in self._by_email
            if key is not None:
                self._answers[key.scope, key.key] = _Kept(
                    key.fingerprint, None if taken else user, user.created_at
                )
            if taken:
                raise EmailTaken
            self._credentials[user.id] = Credentials(user, password_hash)
            self._by_email[user.email] = user.id
            self._note(act)
            return Answered(user)

    def user(self, user_id: UserId) -> User | None:
        """Return a user."""
        found = self.credentials(user_id)
        return None if found is None else found.user

    def credentials(self, user_id: UserId) -> Credentials | None:
        """Return a user and the hash of the password."""
        with self._lock:
            return self._credentials.get(user_id)

    def credentials_of(self, email: str) -> Credentials | None:
        """Return the user with this e-mail and the hash of the password."""
        with self._lock:
            user_id = self._by_email.get(normal_email(email))
            return None if user_id is None else self._credentials[user_id]

    def users_named(self, user_ids: Collection[UserId]) -> Mapping[UserId, User]:
        """Return these users."""
        with self._lock:
            found = {user_id: self._credentials.get(user_id) for user_id in user_ids}
        return {user_id: credentials.user for user_id, credentials in found.items() if credentials}

    def users(self, after: UserId | None, limit: int) -> Sequence[User]:
        """Return users in the order of their ids."""
        with self._lock:
            ids = sorted(user_id for user_id in self._credentials if after is None or user_id > after)
            return [self._credentials[user_id].user for user_id in ids[:limit]]

    def count(self) -> int:
        """Return how many users there are."""
        with self._lock:
            return len(self._credentials)

    def registrations(self, since: date, until: date) -> Mapping[date, int]:
        """Return how many users registered on each day."""
        with self._lock:
            days = [credentials.user.created_at.date() for credentials in self._credentials.values()]
        return Counter(day for day in days if since <= day <= until)

    def has_admin(self) -> bool:
        """Tell whether any user is an admin."""
        with self._lock:
            return any(found.user.role is Role.ADMIN for found in self._credentials.values())

    def change(
        self,
        user_id: UserId,
        *,
        name: str | None = None,
        password_hash: str | None = None,
        instead_of: str | None = None,
        act: Act | None = None,
    ) -> User | None:
        """Change what is given of a user, with its record."""
        with self._lock:
            found = self._credentials.get(user_id)
            if found is None or instead_of not in (None, found.password_hash):
                return None
            user = found.user if name is None else attrs.evolve(found.user, name=name)
            self._credentials[user_id] = Credentials(user, password_hash or found.password_hash)
            self._note(act)
            return user

    def set_role(self, user_id: UserId, role: Role, *, instead_of: Role, act: Act) -> bool:
        """Give a user another role, with its record."""
        with self._lock:
            found = self._credentials.get(user_id)
            if found is None or found.user.role is not instead_of:
                return False
            user = attrs.evolve(found.user, role=role)
            self._credentials[user_id] = Credentials(user, found.password_hash)
            self._note(act)
            return True

    def acts(self, before: ActId | None, limit: int) -> Sequence[Act]:
        """Return administrative acts, newest first."""
        with self._lock:
            older = [act for act in self._acts if before is None or act.id < before]
            return sorted(older, key=lambda act: act.id, reverse=True)[:limit]

    def forget_answers(self, before: datetime) -> int:
        """Forget answers given before then."""
        with self._lock:
            kept = {key: answer for key, answer in self._answers.items() if answer.at >= before}
            forgotten = len(self._answers) - len(kept)
            self._answers = kept
            return forgotten

    def _note(self, act: Act | None) -> None:
        if act is not None:
            self._acts.append(act)


def _replay(kept: _Kept, key: AnswerKey) -> Answered[User]:
    if kept.fingerprint != key.fingerprint:
        raise KeyReused
    if kept.user is None:
        raise EmailTaken(replayed=True)
    return Answered(kept.user, replayed=True)


class MemorySessions:
    """All sessions of a process. Threads may share it."""

    def __init__(self) -> None:
        """Start with nobody signed in."""
        self._lock = Lock()
        self._sessions: dict[SessionId, Session] = {}

    def open(self, session: Session) -> None:
        """Keep a new session."""
        with self._lock:
            self._sessions[session.id] = session

    def session(self, session_id: SessionId) -> Session | None:
        """Return a session, live or not."""
        with self._lock:
            return self._sessions.get(session_id)

    def replace(self, before: Session, after: Session) -> bool:
        """Put one state of a session in the place of another, if that is still its state."""
        with self._lock:
            found = self._sessions.get(before.id)
            if found is None or found.ended_at is not None or found.token_id != before.token_id:
                return False
            self._sessions[before.id] = after
            return True

    def saw(self, session_id: SessionId, at: datetime) -> None:
        """Note that a session was in use."""
        with self._lock:
            found = self._sessions.get(session_id)
            if found is not None and at - found.last_seen_at >= SEEN_EVERY:
                self._sessions[session_id] = attrs.evolve(found, last_seen_at=at)

    def end(self, session_id: SessionId, at: datetime) -> None:
        """End a session."""
        with self._lock:
            found = self._sessions.get(session_id)
            if found is not None:
                self._end(found, at)

    def end_all(self, user_id: UserId, at: datetime, *, but: SessionId | None = None) -> None:
        """End every session of a user, but for one."""
        with self._lock:
            for found in list(self._sessions.values()):
                if found.user_id == user_id and found.id != but:
                    self._end(found, at)

    def live(self, user_id: UserId, now: datetime) -> Sequence[Session]:
        """Return the live sessions of a user, newest first."""
        with self._lock:
            mine = [
                found for found in self._sessions.values() if found.user_id == user_id and found.is_live(now)
            ]
            return sorted(mine, key=lambda found: found.id, reverse=True)

    def forget(self, before: datetime) -> int:
        """Forget sessions that expired before then."""
        with self._lock:
            kept = {key: found for key, found in self._sessions.items() if found.expires_at >= before}
            forgotten = len(self._sessions) - len(kept)
            self._sessions = kept
            return forgotten

    def _end(self, session: Session, at: datetime) -> None:
        if session.ended_at is None:
            self._sessions[session.id] = attrs.evolve(session, ended_at=at)


_accounts: type[Accounts] = MemoryAccounts
_sessions: type[Sessions] = MemorySessions
