"""Coming in, and one's own account."""

from __future__ import annotations

from uuid import UUID

from evently_core.accounts import SessionEnded
from evently_core.values import SessionId, UserId
from evently_flask_api.callers import Caller, Doorkeeper, Refreshing, Who
from evently_flask_api.headers import Repeat
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.accounts import (
    Credentials,
    LogIn,
    MeChanges,
    NewUser,
    Registration,
    Session,
    User,
    UserChanges,
)
from evently_flask_api.schemas.fields import Listing, ListQuery
from evently_flask_api.services import Services

routes = Routes("Accounts", "Registration, log-in, sessions, and one's own account.", prefix="/auth")


@routes.post("/register", status=201, problems=("email_taken",), account="email")
def register(services: Services, body: Registration, repeat: Repeat | None) -> Answer[User]:
    """Make an account for an attendee."""
    key = repeat.answer_key(body.email) if repeat else None
    made = services.accounts.register(body.email, body.password, body.name, key=key)
    return Answer(User.of(made.value), replayed=made.replayed)


@routes.post("/login", problems=("bad_credentials",), account="email")
def log_in(services: Services, door: Doorkeeper, body: Credentials) -> LogIn:
    """Open a session.

    An unknown e-mail takes as long and is answered with the same words as a wrong password.
    """
    login = services.accounts.log_in(body.email, body.password, door.device())
    return LogIn.of(door.tokens_for(login))


@routes.post("/refresh", who=Who.REFRESHING)
def refresh(services: Services, door: Doorkeeper, refreshing: Refreshing) -> LogIn:
    """Exchange a refresh token for new tokens.

    Each is good for one use: one that comes again is in two hands, and its session ends.
    """
    try:
        login = services.accounts.refresh(refreshing.session_id, refreshing.token_id, door.device())
    except SessionEnded:
        door.ended(refreshing.session_id)  # by this very token, perhaps
        raise
    return LogIn.of(door.tokens_for(login))


@routes.post("/logout", who=Who.SIGNED_IN)
def log_out(services: Services, door: Doorkeeper, caller: Caller) -> None:
    """End the session.

    Both of its tokens are dead at once on this instance, and within two seconds on every other.
    """
    services.accounts.log_out(caller.session_id)
    door.ended(caller.session_id)


@routes.get("/me", who=Who.SIGNED_IN, problems=("not_found",))
def me(services: Services, caller: Caller) -> User:
    """Read one's own account."""
    return User.of(services.accounts.me(caller.actor))


@routes.patch("/me", who=Who.SIGNED_IN, problems=("not_found", "conflict"))
def change_me(services: Services, door: Doorkeeper, caller: Caller, body: MeChanges) -> User:
    """Change one's own name or password.

    A new password needs the current one, and ends every session but this.
    """
    user = services.accounts.change_me(
        caller.actor,
        name=body.name,
        password=body.password,
        current_password=body.current_password,
        session_id=caller.session_id,
    )
    if body.password is not None:
        door.others_ended()
    return User.of(user)


@routes.post("/users", status=201, who=Who.ADMIN, problems=("email_taken",))
def create_user(services: Services, caller: Caller, body: NewUser, repeat: Repeat | None) -> Answer[User]:
    """Make an account in any role."""
    key = repeat.answer_key(str(caller.user.id)) if repeat else None
    made = services.accounts.create_user(
        caller.actor, body.email, body.password, body.name, body.role, key=key
    )
    return Answer(User.of(made.value), replayed=made.replayed)


@routes.get("/users", who=Who.ADMIN)
def list_users(services: Services, caller: Caller, query: ListQuery) -> Listing[User]:
    """List all accounts, oldest first."""
    page = services.accounts.users(caller.actor, query.page())
    return Listing[User](items=[User.of(user) for user in page.items], next_cursor=page.next_cursor)


@routes.patch("/users/<uuid:user_id>", who=Who.ADMIN, problems=("conflict",))
def change_user(
    services: Services, door: Doorkeeper, caller: Caller, user_id: UUID, body: UserChanges
) -> User:
    """Give somebody another role, or another password.

    The role counts from the next request on, on other instances within two seconds.
    """
    whose = UserId(user_id)
    if body.role is not None:
        services.accounts.set_role(caller.actor, whose, body.role)
    if body.password is not None:
        services.accounts.set_password(caller.actor, whose, body.password)
    door.others_ended()
    return User.of(services.accounts.user(caller.actor, whose))


@routes.get("/sessions", who=Who.SIGNED_IN)
def list_sessions(services: Services, caller: Caller) -> Listing[Session]:
    """List where one is signed in, newest first."""
    sessions = [
        Session(
            id=session.id,
            instance=session.device.instance,
            address=session.device.address,
            user_agent=session.device.user_agent,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            current=session.id == caller.session_id,
        )
        for session in services.accounts.sessions(caller.actor)
    ]
    return Listing[Session](items=sessions, next_cursor=None)


@routes.delete("/sessions/<uuid:session_id>", who=Who.SIGNED_IN)
def end_session(services: Services, door: Doorkeeper, caller: Caller, session_id: UUID) -> None:
    """End one of one's own sessions; a second time changes nothing."""
    services.accounts.end_session(caller.actor, SessionId(session_id))
    door.ended(SessionId(session_id))


@routes.delete("/sessions", who=Who.SIGNED_IN)
def end_sessions(services: Services, door: Doorkeeper, caller: Caller) -> None:
    """End all of one's own sessions, this one too."""
    services.accounts.end_sessions(caller.actor)
    door.others_ended()
