"""Who may come in, and in which role: registration, log-in, sessions, and what admins do with accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import attrs

from evently_core.accounts import (
    Act,
    ActId,
    ActKind,
    Answered,
    AnswerKey,
    BadCredentials,
    Credentials,
    Device,
    EmailTaken,
    LogIn,
    Rotation,
    Session,
    SessionEnded,
    TokenId,
    User,
    acceptable_password,
    can_be_password,
    normal_email,
    proper_name,
)
from evently_core.analytics import Span
from evently_core.errors import Conflict, Forbidden, InvalidValue, NotFound
from evently_core.paging import Page, PageRequest, page_of
from evently_core.ports import Accounts, Clock, Ids, PasswordHasher, Sessions
from evently_core.values import SYSTEM, Actor, Role, SessionId, UserId

SESSION_LIFETIME = timedelta(days=30)
"""How long a session lives after its last refresh."""

FIRST_ADMIN_NAME = "Administrator"


class AccountService:
    """The use cases of accounts. What an actor may do is checked here, not in a route."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        passwords: PasswordHasher,
        clock: Clock,
        ids: Ids,
        *,
        session_lifetime: timedelta = SESSION_LIFETIME,
    ) -> None:
        """Take the ports. Hashes once, so that log-ins of unknown users have something to be compared with."""
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock
        self._ids = ids
        self._session_lifetime = session_lifetime
        self._nobodys_hash = passwords.hash("the password of nobody")

    # --- coming in ---

    def register(
        self, email: str, password: str, name: str, *, key: AnswerKey | None = None
    ) -> Answered[User]:
        """Make an account for an attendee.

        Raises:
            InvalidValue: e-mail, password or name is not acceptable.
            EmailTaken: somebody has the e-mail; under a key that answer is kept as well.
            KeyReused: the key came with other content before.
        """
        return self._add(self._newcomer(email, name, Role.ATTENDEE), password, key, by=None)

    def log_in(self, email: str, password: str, device: Device) -> LogIn:
        """Open a session.

        Raises:
            BadCredentials: after the same time and with the same words, whether or not the e-mail is known.
        """
        credentials = self._verified(email, password)
        if self._passwords.needs_rehash(credentials.password_hash):
            credentials = self._rehashed(credentials, password)
        now = self._clock.now()
        session = Session(
            id=SessionId(self._ids.new()),
            user_id=credentials.user.id,
            token_id=TokenId(self._ids.new()),
            device=device,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._session_lifetime,
        )
        self._sessions.open(session)
        if not self._still_fits(credentials, password):
            # The password was changed meanwhile, and the ending of all sessions may have missed this one.
            self._sessions.end(session.id, now)
            raise BadCredentials
        return LogIn(credentials.user, session)

    def refresh(self, session_id: SessionId, token_id: TokenId, device: Device) -> LogIn:
        """Exchange the newest refresh token of a session for a new one.

        Raises:
            SessionEnded: the session is over; or the token was exchanged before, which ends the session, since
                two parties have had it.
        """
        now = self._clock.now()
        session = self._sessions.session(session_id)
        if session is None:
            raise SessionEnded
        verdict = session.judge(token_id, now)
        if verdict is Rotation.ROTATED:
            rotated = session.rotated(TokenId(self._ids.new()), device, now, self._session_lifetime)
            if self._sessions.replace(session, rotated):
                return LogIn(self._user_of(rotated), rotated)
            verdict = Rotation.REUSED  # somebody exchanged the same token a moment ago
        if verdict is Rotation.REUSED:
            self._sessions.end(session_id, now)
        raise SessionEnded

    def log_out(self, session_id: SessionId) -> None:
        """End a session; the second time changes nothing."""
        self._sessions.end(session_id, self._clock.now())

    def live_session(self, session_id: SessionId) -> Session:
        """Return a session that signs somebody in, and note that it is in use.

        Raises:
            SessionEnded: it does not, or does not any more.
        """
        now = self._clock.now()
        session = self._sessions.session(session_id)
        if session is None or not session.is_live(now):
            raise SessionEnded
        if session.was_not_seen_lately(now):
            self._sessions.saw(session_id, now)
        return session

    def whoami(self, session_id: SessionId) -> User:
        """Return who is signed in, in the role of this moment.

        Raises:
            SessionEnded: nobody is.
        """
        return self._user_of(self.live_session(session_id))

    def presumed(self, user_id: UserId) -> User:
        """Return whom a token names that is good in itself, while its session cannot be looked up.

        Raises:
            SessionEnded: there is no such user.
        """
        user = self._accounts.user(user_id)
        if user is None:
            raise SessionEnded
        return user

    # --- one's own account ---

    def me(self, actor: Actor) -> User:
        """Return the actor's own account.

        Raises:
            Forbidden: the actor has none.
        """
        return self._user(_own_id(actor))

    def change_me(
        self,
        actor: Actor,
        *,
        name: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
        session_id: SessionId | None = None,
    ) -> User:
        """Change what is given of one's own account. A new password ends every session but ``session_id``.

        Raises:
            InvalidValue: something is not acceptable, or ``current_password`` is missing or wrong.
            Forbidden: the actor has no account.
            Conflict: the password was changed at the same moment.
        """
        user_id = _own_id(actor)
        name = None if name is None else proper_name(name)
        if password is None:
            user = self._accounts.change(user_id, name=name)
            if user is None:
                raise NotFound("user")
            return user
        acceptable_password(password)
        old_hash = self._checked_hash(user_id, current_password)
        self._require_sessions(user_id)
        new_hash = self._passwords.hash(password)
        user = self._accounts.change(user_id, name=name, password_hash=new_hash, instead_of=old_hash)
        if user is None:
            raise Conflict("The password was changed at the same moment.")
        self._sessions.end_all(user_id, self._clock.now(), but=session_id)
        return user

    def sessions(self, actor: Actor) -> Sequence[Session]:
        """Return one's own live sessions, newest first.

        Raises:
            Forbidden: the actor has no account.
        """
        return self._sessions.live(_own_id(actor), self._clock.now())

    def end_session(self, actor: Actor, session_id: SessionId) -> None:
        """End one of one's own sessions; the second time changes nothing.

        Raises:
            NotFound: there is no such session of the actor's.
            Forbidden: the actor has no account.
        """
        user_id = _own_id(actor)
        session = self._sessions.session(session_id)
        if session is None or session.user_id != user_id:
            raise NotFound("session")
        self._sessions.end(session_id, self._clock.now())

    def end_sessions(self, actor: Actor) -> None:
        """End all of one's own sessions, this one too.

        Raises:
            Forbidden: the actor has no account.
        """
        self._sessions.end_all(_own_id(actor), self._clock.now())

    # --- what admins do ---

    def create_user(
        self,
        actor: Actor,
        email: str,
        password: str,
        name: str,
        role: Role,
        *,
        key: AnswerKey | None = None,
    ) -> Answered[User]:
        """Make an account in any role, with a record of who did it.

        Raises:
            Forbidden: the actor is no admin.
            InvalidValue, EmailTaken, KeyReused: as ``register`` says.
        """
        _require_admin(actor)
        return self._add(self._newcomer(email, name, role), password, key, by=actor)

    def ensure_first_admin(self, email: str, password: str) -> User | None:
        """Make an admin unless there is one; return who was made.

        Raises:
            InvalidValue: e-mail or password is not acceptable.
            EmailTaken: there is no admin, and somebody else has the e-mail.
        """
        if self._accounts.has_admin():
            return None
        newcomer = self._newcomer(email, FIRST_ADMIN_NAME, Role.ADMIN)
        try:
            return self._add(newcomer, password, None, by=SYSTEM).value
        except EmailTaken:
            if self._accounts.has_admin():
                return None  # another process was faster
            raise

    def users(self, actor: Actor, page: PageRequest | None = None) -> Page[User]:
        """Return a page of all users, oldest first.

        Raises:
            Forbidden: the actor is no admin.
            InvalidValue: the cursor is not one of this list.
        """
        _require_admin(actor)
        page = page or PageRequest()
        after = page.after(lambda key: UserId(UUID(str(key[0]))))
        found = self._accounts.users(after, page.limit + 1)
        return page_of(found, page.limit, lambda user: (str(user.id),))

    def count(self, actor: Actor) -> int:
        """Return how many users there are.

        Raises:
            Forbidden: the actor is no admin.
        """
        _require_admin(actor)
        return self._accounts.count()

    def registrations(self, actor: Actor, span: Span) -> Mapping[date, int]:
        """Return how many users registered on each day of a span, in UTC.

        Raises:
            Forbidden: the actor is no admin.
        """
        _require_admin(actor)
        found = self._accounts.registrations(span.since, span.until)
        return {day: found.get(day, 0) for day in span.days()}

    def user(self, actor: Actor, user_id: UserId) -> User:
        """Return an account: an admin any, everybody else the own.

        Raises:
            NotFound: there is none, or it is not the actor's to see.
        """
        if not (actor.is_admin or actor.is_user(user_id)):
            raise NotFound("user")
        return self._user(user_id)

    def people(self, user_ids: Collection[UserId]) -> Sequence[User]:
        """Return these accounts by name, for somebody who may know them: whether that is so, the asker has found out."""
        return sorted(
            self._accounts.users_named(user_ids).values(), key=lambda user: (user.name.casefold(), user.id)
        )

    def user_by_email(self, actor: Actor, email: str) -> User:
        """Return the account with this e-mail.

        Raises:
            Forbidden: the actor is no admin.
            NotFound: nobody has it.
        """
        _require_admin(actor)
        credentials = self._credentials_of(email)
        if credentials is None:
            raise NotFound("user")
        return credentials.user

    def set_role(self, actor: Actor, user_id: UserId, role: Role) -> User:
        """Give a user another role, with a record; the role it has already changes nothing.

        Raises:
            Forbidden: the actor is no admin.
            NotFound: there is no such user.
            Conflict: somebody else changed the role at the same moment.
        """
        _require_admin(actor)
        user = self._user(user_id)
        if user.role is role:
            return user
        act = self._act(ActKind.ROLE_SET, actor, user_id, {"from": user.role, "to": role})
        if not self._accounts.set_role(user_id, role, instead_of=user.role, act=act):
            raise Conflict("The role was changed at the same moment.")
        return attrs.evolve(user, role=role)

    def set_password(self, actor: Actor, user_id: UserId, password: str) -> None:
        """Give a user another password, with a record, and end all of that user's sessions.

        Raises:
            Forbidden: the actor is no admin.
            InvalidValue: the password is not acceptable.
            NotFound: there is no such user.
        """
        _require_admin(actor)
        new_hash = self._passwords.hash(acceptable_password(password))
        self._require_sessions(user_id)
        act = self._act(ActKind.PASSWORD_SET, actor, user_id, {})
        if self._accounts.change(user_id, password_hash=new_hash, act=act) is None:
            raise NotFound("user")
        self._sessions.end_all(user_id, self._clock.now())

    def acts(self, actor: Actor, page: PageRequest | None = None) -> Page[Act]:
        """Return a page of the accounts' journal, newest first.

        Raises:
            Forbidden: the actor is no admin.
            InvalidValue: the cursor is not one of this list.
        """
        _require_admin(actor)
        page = page or PageRequest()
        before = page.after(lambda key: ActId(UUID(str(key[0]))))
        found = self._accounts.acts(before, page.limit + 1)
        return page_of(found, page.limit, lambda act: (str(act.id),))

    # --- housekeeping ---

    def forget_answers(self, before: datetime) -> int:
        """Forget the answers kept under keys since before then; return how many.

        Clients may repeat a request for 24 hours at least, so ``before`` is that long ago or longer.
        """
        return self._accounts.forget_answers(before)

    def forget_sessions(self, before: datetime) -> int:
        """Forget sessions that expired before then; return how many."""
        return self._sessions.forget(before)

    # --- how ---

    def _newcomer(self, email: str, name: str, role: Role) -> User:
        now = self._clock.now()
        return User(id=UserId(self._ids.new()), email=email, name=name, role=role, created_at=now)

    def _add(self, user: User, password: str, key: AnswerKey | None, by: Actor | None) -> Answered[User]:
        acceptable_password(password)
        if key is not None:
            key = self._with_password(key, user, password)
        act = self._act(ActKind.USER_CREATED, by, user.id, {"role": user.role}) if by else None
        return self._accounts.add(user, self._passwords.hash(password), key=key, act=act)

    def _with_password(self, key: AnswerKey, user: User, password: str) -> AnswerKey:
        """Let the fingerprint cover all of the content, without giving the password away to a reader of it."""
        content = repr((key.fingerprint, user.email, user.name, user.role.value, password))
        return attrs.evolve(key, fingerprint=self._passwords.fingerprint(content.encode(), key.salt))

    def _act(self, kind: ActKind, actor: Actor, user_id: UserId, details: dict[str, str]) -> Act:
        return Act(
            id=ActId(self._ids.new()),
            kind=kind,
            actor_id=actor.user_id,
            actor_name=actor.name,
            user_id=user_id,
            at=self._clock.now(),
            details={name: str(value) for name, value in details.items()},
        )

    def _verified(self, email: str, password: str) -> Credentials:
        credentials = self._credentials_of(email)
        known_hash = credentials.password_hash if credentials else self._nobodys_hash
        fits = self._passwords.verify(password if can_be_password(password) else "", known_hash)
        if credentials is None or not fits:
            raise BadCredentials
        return credentials

    def _credentials_of(self, email: str) -> Credentials | None:
        try:
            return self._accounts.credentials_of(normal_email(email))
        except InvalidValue:
            return None  # nobody can have registered with it

    def _rehashed(self, credentials: Credentials, password: str) -> Credentials:
        """Make the hash anew in the present way, now that the password is at hand."""
        new_hash = self._passwords.hash(password)
        changed = self._accounts.change(
            credentials.user.id, password_hash=new_hash, instead_of=credentials.password_hash
        )
        return credentials if changed is None else Credentials(changed, new_hash)

    def _still_fits(self, before: Credentials, password: str) -> bool:
        now = self._accounts.credentials(before.user.id)
        return now is not None and (
            now.password_hash == before.password_hash
            or self._passwords.verify(password, now.password_hash)  # rehashed by a log-in beside this one
        )

    def _checked_hash(self, user_id: UserId, current_password: str | None) -> str:
        if current_password is None:
            message = "Give the current password to set a new one."
            raise InvalidValue("current_password", "required", message)
        credentials = self._accounts.credentials(user_id)
        if credentials is None:
            raise NotFound("user")
        if not can_be_password(current_password) or not self._passwords.verify(
            current_password, credentials.password_hash
        ):
            raise InvalidValue("current_password", "wrong_password", "That is not the current password.")
        return credentials.password_hash

    def _require_sessions(self, user_id: UserId) -> None:
        """Change no password while the sessions that must end with it cannot be ended."""
        self._sessions.live(user_id, self._clock.now())

    def _user(self, user_id: UserId) -> User:
        user = self._accounts.user(user_id)
        if user is None:
            raise NotFound("user")
        return user

    def _user_of(self, session: Session) -> User:
        return self.presumed(session.user_id)


def _own_id(actor: Actor) -> UserId:
    if actor.user_id is None:
        raise Forbidden(f"The {actor.name} has no account.")
    return actor.user_id


def _require_admin(actor: Actor) -> None:
    if not actor.is_admin:
        raise Forbidden("Only an admin may do that.")
