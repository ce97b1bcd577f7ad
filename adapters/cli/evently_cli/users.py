"""``evently users``: accounts and roles."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from evently_cli.completion import user_emails
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    everything,
    json_option,
    show,
    told,
)
from evently_core.accounts import EmailTaken, acceptable_password, normal_email, proper_name
from evently_core.errors import NotFound
from evently_core.presentation import user_shape
from evently_core.values import Actor, Role

if TYPE_CHECKING:
    from evently_wiring.application import Application

_ROLE = click.Choice([role.value for role in Role])
_password = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group(epilog="Example: evently users list")
def users() -> None:
    """Accounts and roles."""


@users.command(
    epilog="Example: echo 'a long secret' | evently users create --email o@example.org --name Olga "
    "--role organiser --password-stdin"
)
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", type=_ROLE, default=Role.ATTENDEE.value, show_default=True)
@_password
@as_option
@dry_run_option
@json_option
def create(
    email: str, name: str, role: str, password_stdin: bool, as_email: str | None, dry_run: bool, as_json: bool
) -> None:
    """Make an account in any role."""
    password = _password_from(password_stdin)
    with application() as app:
        actor = acting(app, as_email)
        if dry_run:
            foreseen = _foreseen(app, actor, email, password, name, role)
            if as_json:
                show(foreseen, as_json=True)
            else:
                told(f"{foreseen['name']} <{foreseen['email']}> is {role}", dry_run=True)
            return
        made = app.accounts.create_user(actor, email, password, name, Role(role)).value
        row = (made.id, made.email, made.name, made.role)
        show(user_shape(made), as_json=as_json, columns=("id", "e-mail", "name", "role"), rows=[row])


def _foreseen(
    app: Application, actor: Actor, email: str, password: str, name: str, role: str
) -> dict[str, Any]:
    """Return the user that would be made, or raise what making it would."""
    acceptable_password(password)
    try:
        app.accounts.user_by_email(actor, normal_email(email))
    except NotFound:
        named = {"email": normal_email(email), "name": proper_name(name), "role": role}
        return {"id": None, **named, "created_at": None}
    raise EmailTaken


@users.command(name="list", epilog="Example: evently users list --json")
@as_option
@json_option
def list_users(as_email: str | None, as_json: bool) -> None:
    """List all accounts."""
    with application() as app:
        actor = acting(app, as_email)
        found = list(everything(lambda page: app.accounts.users(actor, page)))
        rows = [(user.id, user.email, user.name, user.role) for user in found]
        show(
            {"items": [user_shape(user) for user in found], "next_cursor": None},
            as_json=as_json,
            columns=("id", "e-mail", "name", "role"),
            rows=rows,
            empty="Nobody has an account.",
        )


@users.command(epilog="Example: evently users set-role ana@example.org organiser")
@click.argument("email", shell_complete=user_emails)
@click.argument("role", type=_ROLE)
@as_option
@dry_run_option
def set_role(email: str, role: str, as_email: str | None, dry_run: bool) -> None:
    """Give somebody another role."""
    with application() as app:
        actor = acting(app, as_email)
        user = app.accounts.user_by_email(actor, email)
        if not dry_run:
            app.accounts.set_role(actor, user.id, Role(role))
        told(f"{user.email} is {role}", dry_run=dry_run)


@users.command(epilog="Example: evently users set-password ana@example.org --password-stdin < secret")
@click.argument("email", shell_complete=user_emails)
@_password
@as_option
@dry_run_option
def set_password(email: str, password_stdin: bool, as_email: str | None, dry_run: bool) -> None:
    """Give somebody a new password; all sessions of theirs end."""
    password = _password_from(password_stdin)
    with application() as app:
        actor = acting(app, as_email)
        user = app.accounts.user_by_email(actor, email)
        if dry_run:
            acceptable_password(password)
        else:
            app.accounts.set_password(actor, user.id, password)
        told(f"{user.email} has a new password", dry_run=dry_run)


def _password_from(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("Give the password on standard input, with --password-stdin.")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
