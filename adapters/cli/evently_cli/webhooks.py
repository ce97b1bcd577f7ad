"""``evently webhooks``: where organisers are told of what happens to their events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from evently_cli.completion import user_emails
from evently_cli.desk import (
    acting,
    application,
    as_option,
    dry_run_option,
    emails,
    everything,
    json_option,
    local,
    show,
    told,
    user_id_of,
)
from evently_cli.failures import REFUSED, WRONG_USAGE, fail, refuse
from evently_core.deliveries import DeliveryId
from evently_core.outcomes import Refused
from evently_core.presentation import delivery_shape, webhook_shape
from evently_core.services.webhooks import DeliveryView
from evently_core.webhooks import TYPES, Webhook, WebhookId

if TYPE_CHECKING:
    from evently_core.values import Actor
    from evently_wiring.application import Application

_COLUMNS = ("id", "of", "url", "types", "state", "made")
_types = click.option(
    "--type",
    "types",
    type=click.Choice(TYPES),
    multiple=True,
    metavar="TYPE",
    help="Of what to be told, as often as you like; of everything, if left out.",
)


@click.group(epilog="Example: evently webhooks list")
def webhooks() -> None:
    """Tell programs of what happens to events. ID is an id or its beginning."""


@webhooks.command(name="list", epilog="Example: evently webhooks list --as olga@example.org --json")
@as_option
@json_option
def list_webhooks(as_email: str | None, as_json: bool) -> None:
    """List webhooks: everybody's for the operator, one's own for an organiser."""
    with application() as app:
        actor = acting(app, as_email)
        found = list(everything(lambda page: app.webhooks.webhooks(actor, page)))
        shape = {"items": [webhook_shape(each) for each in found], "next_cursor": None}
        rows = [] if as_json else _rows(app, found)
        show(shape, as_json=as_json, columns=_COLUMNS, rows=rows, empty="There are no webhooks.")


@webhooks.command(epilog="Example: evently webhooks add https://example.org/hooks --as olga@example.org")
@click.argument("url")
@_types
@click.option("--description", default="")
@click.option(
    "--organiser",
    metavar="EMAIL",
    shell_complete=user_emails,
    help="Of whose events; of whoever acts, if left out.",
)
@as_option
@dry_run_option
@json_option
def add(
    url: str,
    types: tuple[str, ...],
    description: str,
    organiser: str | None,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tell a URL of what happens from now on; the secret that verifies it is shown this once."""
    with application() as app:
        actor = acting(app, as_email)
        if organiser is None and actor.user_id is None:
            fail("Say of whose events: --organiser EMAIL, or --as EMAIL.", WRONG_USAGE)
        made = app.webhooks.add(
            actor,
            url,
            types=types,
            description=description,
            owner_id=None if organiser is None else user_id_of(app, organiser),
            dry_run=dry_run,
        )
        if isinstance(made, Refused):
            refuse(made)
        if as_json:
            show(webhook_shape(made.value, with_secret=not dry_run), as_json=True)
            return
        told(f"{made.value.url} is told of {_types_of(made.value)}", dry_run=dry_run)
        if not dry_run:
            click.echo(f"Its id is {made.value.id}.")
            click.echo(f"Its secret is {made.value.secret} and will not be shown again.")


@webhooks.command(name="show", epilog="Example: evently webhooks show 0190f2")
@click.argument("webhook_id", metavar="ID")
@as_option
@json_option
def show_webhook(webhook_id: str, as_email: str | None, as_json: bool) -> None:
    """Show a webhook."""
    with application() as app:
        found = _webhook(app, acting(app, as_email), webhook_id)
        show(webhook_shape(found), as_json=as_json, columns=_COLUMNS, rows=_rows(app, [found]))


@webhooks.command(epilog="Example: evently webhooks edit 0190f2 --enable")
@click.argument("webhook_id", metavar="ID")
@click.option("--url")
@_types
@click.option("--description")
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@click.option("--rotate-secret", is_flag=True, help="Make a new secret; the old one is good for another day.")
@as_option
@dry_run_option
@json_option
def edit(
    webhook_id: str,
    as_email: str | None,
    dry_run: bool,
    as_json: bool,
    types: tuple[str, ...],
    rotate_secret: bool,
    **fields: Any,
) -> None:
    """Change what is named of a webhook."""
    with application() as app:
        actor = acting(app, as_email)
        found = _webhook(app, actor, webhook_id)
        changed = app.webhooks.change(
            actor, found.id, types=types or None, rotate_secret=rotate_secret, dry_run=dry_run, **fields
        )
        # A secret that was not kept verifies nothing.
        has_new_secret = rotate_secret and not dry_run
        shape = webhook_shape(changed, with_secret=has_new_secret)
        show(shape, as_json=as_json, columns=_COLUMNS, rows=_rows(app, [changed]))
        if dry_run and not as_json:
            told(f"{changed.url} is changed to this", dry_run=True)
        if has_new_secret and not as_json:
            click.echo(f"Its secret is {changed.secret} and will not be shown again.")


@webhooks.command(epilog="Example: evently webhooks remove 0190f2")
@click.argument("webhook_id", metavar="ID")
@as_option
@dry_run_option
def remove(webhook_id: str, as_email: str | None, dry_run: bool) -> None:
    """Remove a webhook with what it was told, and is still to be told."""
    with application() as app:
        actor = acting(app, as_email)
        found = _webhook(app, actor, webhook_id)
        if not dry_run:
            app.webhooks.remove(actor, found.id)
        told(f"{found.url} is told nothing more", dry_run=dry_run)


@webhooks.command(epilog="Example: evently webhooks deliveries 0190f2 --limit 50")
@click.argument("webhook_id", metavar="ID")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@as_option
@json_option
def deliveries(webhook_id: str, limit: int, as_email: str | None, as_json: bool) -> None:
    """List the newest things a webhook was told, or is to be told."""
    from evently_core.paging import PageRequest

    with application() as app:
        actor = acting(app, as_email)
        found = app.webhooks.deliveries(actor, _webhook(app, actor, webhook_id).id, PageRequest(limit))
        shape = {"items": [delivery_shape(view) for view in found.items], "next_cursor": found.next_cursor}
        rows = [_delivery_row(view) for view in found.items]
        columns = ("id", "event", "no", "type", "state", "tries", "answered", "error", "next try")
        show(shape, as_json=as_json, columns=columns, rows=rows, empty="It was told nothing yet.")


@webhooks.command(epilog="Example: evently webhooks replay 0190f2a4-8f7e-7000-8000-000000000001")
@click.argument("delivery_id", metavar="ID")
@as_option
@dry_run_option
def replay(delivery_id: str, as_email: str | None, dry_run: bool) -> None:
    """Send a delivery again, or now instead of at its next try; ID is that of the delivery."""
    with application() as app:
        actor = acting(app, as_email)
        try:
            wanted = DeliveryId(UUID(delivery_id))
        except ValueError:
            fail(f"{delivery_id!r} is no id; `evently webhooks deliveries ID` shows them.", WRONG_USAGE)
        view = app.webhooks.delivery(actor, wanted)
        answer = app.webhooks.replay(actor, WebhookId(view.delivery.target_id), wanted, dry_run=dry_run)
        if isinstance(answer, Refused):
            refuse(answer)
        told(f"line {view.delivery.number} of {view.delivery.event_id} is sent again", dry_run=dry_run)


def _webhook(app: Application, actor: Actor, name: str) -> Webhook:
    """Return the webhook of that id, or of an id that begins so."""
    try:
        return app.webhooks.webhook(actor, WebhookId(UUID(name)))
    except ValueError:
        pass
    own = everything(lambda page: app.webhooks.webhooks(actor, page))
    found = [each for each in own if str(each.id).startswith(name.lower())]
    if not found:
        fail(f"There is no webhook {name!r}. `evently webhooks list` shows them.", REFUSED)
    if len(found) > 1:
        fail(f"{len(found)} webhooks begin with {name!r}. Give the whole id.", WRONG_USAGE)
    return found[0]


def _rows(app: Application, found: list[Webhook]) -> list[tuple[Any, ...]]:
    known = emails(app, (each.owner_id for each in found))
    return [
        (
            each.id,
            known[each.owner_id],
            each.url,
            _types_of(each),
            "enabled" if each.is_enabled else f"disabled: {each.disabled_because}",
            local(each.created_at, "UTC"),
        )
        for each in found
    ]


def _types_of(webhook: Webhook) -> str:
    return ", ".join(webhook.types) or "everything"


def _delivery_row(view: DeliveryView) -> tuple[Any, ...]:
    delivery = view.delivery
    last = view.attempts[-1] if view.attempts else None
    return (
        delivery.id,
        delivery.event_id,
        delivery.number,
        delivery.kind,
        delivery.state,
        delivery.attempts,
        "" if last is None or last.status is None else f"{last.status} in {last.ms} ms",
        (last.error or "") if last else "",
        local(delivery.due_at, "UTC") if delivery.is_pending else "",
    )
