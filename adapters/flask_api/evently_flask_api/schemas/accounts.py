"""Users, sessions and what is sent to come in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from evently_core import accounts
from evently_core.values import Role
from evently_flask_api.schemas.fields import (
    AnswerModel,
    Id,
    Instant,
    NoNul,
    Omissible,
    RequestModel,
    example,
    text,
)

# A bit wider than what is kept: blanks around it are taken off, and letters may be composed.
_EmailText = Annotated[str, text(2 * accounts.EMAIL_MAX), NoNul, Field(examples=["ada@example.org"])]
Email = Annotated[
    _EmailText, AfterValidator(accounts.normal_email), Field(json_schema_extra={"format": "email"})
]
Name = Annotated[
    str,
    text(accounts.NAME_MAX, 1),
    NoNul,
    AfterValidator(accounts.proper_name),
    Field(examples=["Ada Lovelace"]),
]
_Secret = Field(repr=False, json_schema_extra={"format": "password"})
_PasswordText = Annotated[str, text(accounts.PASSWORD_MAX), NoNul]
_NewPassword = Annotated[
    str,
    text(accounts.PASSWORD_MAX, accounts.PASSWORD_MIN),
    NoNul,
    AfterValidator(accounts.acceptable_password),
]


_ADA = {"email": "ada@example.org", "password": "correct horse battery"}


class Registration(
    RequestModel,
    json_schema_extra=example(**_ADA, name="Ada Lovelace"),
):
    """Who wants an account."""

    email: Email
    password: Annotated[_NewPassword, _Secret]
    name: Name


class NewUser(
    Registration,
    json_schema_extra=example(
        **_ADA | {"email": "olga@example.org"}, name="Olga Organiser", role="organiser"
    ),
):
    """An account to make, in any role."""

    role: Role


class Credentials(RequestModel, json_schema_extra=example(**_ADA)):
    """What one logs in with."""

    email: _EmailText
    password: Annotated[_PasswordText, _Secret]


class MeChanges(RequestModel, json_schema_extra=example(name="Ada King")):
    """What to change of one's own account."""

    name: Omissible[Name] = None
    password: Annotated[Omissible[_NewPassword], _Secret] = None
    current_password: Annotated[
        Omissible[_PasswordText], Field(description="Needed with a new password.", repr=False)
    ] = None


class UserChanges(RequestModel, json_schema_extra=example(role="organiser")):
    """What an admin changes of somebody's account."""

    role: Omissible[Role] = None
    password: Annotated[
        Omissible[_NewPassword], Field(description="Ends every session of that user.", repr=False)
    ] = None


class User(AnswerModel):
    """Somebody with an account."""

    id: Id
    email: str
    name: str
    role: Role
    created_at: Instant


class Session(AnswerModel):
    """A log-in on one device."""

    id: Id
    instance: Annotated[str, Field(description="Which process answered last.")]
    address: str
    user_agent: str
    created_at: Instant
    last_seen_at: Annotated[Instant, Field(description="To the minute.")]
    expires_at: Instant
    current: Annotated[bool, Field(description="Whether this request belongs to it.")]


class LogIn(AnswerModel):
    """Who is signed in, and the tokens that prove it."""

    access_token: Annotated[str, Field(description="The bearer of every request.", repr=False)]
    refresh_token: Annotated[
        str, Field(description="The bearer of `/auth/refresh`; good for one use.", repr=False)
    ]
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # a kind of token, no token
    expires_in: Annotated[int, Field(description="Seconds for which the access token is good.")]
    user: User
