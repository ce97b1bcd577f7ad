"""Webhooks: where organisers are told of what happens to their events."""

from __future__ import annotations

from uuid import UUID

from evently_core import presentation as shapes
from evently_core.deliveries import DeliveryId
from evently_core.errors import NotFound
from evently_core.outcomes import Refused
from evently_core.services.webhooks import WebhookService
from evently_core.webhooks import WebhookId
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import Repeat
from evently_flask_api.problems import refusal
from evently_flask_api.routing import PREFIX, Answer, Routes
from evently_flask_api.schemas.fields import Listing, ListQuery
from evently_flask_api.schemas.webhooks import Delivery, NewWebhook, Webhook, WebhookChanges
from evently_flask_api.services import Services

routes = Routes(
    "Webhooks",
    "Where organisers are told of what happens to their events, and what they were told.",
    prefix="/webhooks",
)


def _service(services: Services) -> WebhookService:
    if services.webhooks is None:
        raise NotFound("webhook")
    return services.webhooks


@routes.get(who=Who.ORGANISER)
def list_webhooks(services: Services, caller: Caller, query: ListQuery) -> Listing[Webhook]:
    """List one's own webhooks, oldest first; admins see everybody's."""
    page = _service(services).webhooks(caller.actor, query.page())
    items = [Webhook.of(shapes.webhook_shape(webhook)) for webhook in page.items]
    return Listing[Webhook](items=items, next_cursor=page.next_cursor)


@routes.post(status=201, who=Who.ORGANISER, headers=("Location",), problems=("too_many_webhooks",))
def create_webhook(
    services: Services, caller: Caller, body: NewWebhook, repeat: Repeat | None
) -> Answer[Webhook]:
    """Tell an address of what happens to one's events from now on.

    What is sent is signed after the Standard Webhooks specification, with the secret that is shown here and never
    again. It is tried for a day until the address answers with 2xx; 410 disables the webhook.
    """
    made = _service(services).add(
        caller.actor,
        body.url,
        types=body.types,
        description=body.description,
        key=repeat.answer_key(str(caller.user.id)) if repeat else None,
    )
    if isinstance(made, Refused):
        raise refusal(made)
    shown = Webhook.of(shapes.webhook_shape(made.value, with_secret=True))
    location = {"Location": f"{PREFIX}/webhooks/{shown.id}"}
    return Answer(shown, headers=location, replayed=made.replayed)


@routes.get("/<uuid:webhook_id>", who=Who.ORGANISER)
def read_webhook(services: Services, caller: Caller, webhook_id: UUID) -> Webhook:
    """Read a webhook."""
    webhook = _service(services).webhook(caller.actor, WebhookId(webhook_id))
    return Webhook.of(shapes.webhook_shape(webhook))


@routes.patch("/<uuid:webhook_id>", who=Who.ORGANISER, problems=("conflict",))
def change_webhook(services: Services, caller: Caller, webhook_id: UUID, body: WebhookChanges) -> Webhook:
    """Change a webhook, enable it again, or give it a new secret, which is shown once."""
    changed = _service(services).change(
        caller.actor,
        WebhookId(webhook_id),
        url=body.url,
        types=body.types,
        description=body.description,
        enabled=body.enabled,
        rotate_secret=body.rotate_secret,
    )
    return Webhook.of(shapes.webhook_shape(changed, with_secret=body.rotate_secret))


@routes.delete("/<uuid:webhook_id>", who=Who.ORGANISER)
def remove_webhook(services: Services, caller: Caller, webhook_id: UUID) -> None:
    """Remove a webhook with what it was told, and is still to be told."""
    _service(services).remove(caller.actor, WebhookId(webhook_id))


@routes.get("/<uuid:webhook_id>/deliveries", who=Who.ORGANISER)
def list_deliveries(
    services: Services, caller: Caller, webhook_id: UUID, query: ListQuery
) -> Listing[Delivery]:
    """List what a webhook was told, or is to be told, newest first, with every attempt. Kept for 30 days."""
    page = _service(services).deliveries(caller.actor, WebhookId(webhook_id), query.page())
    items = [Delivery.of(shapes.delivery_shape(view)) for view in page.items]
    return Listing[Delivery](items=items, next_cursor=page.next_cursor)


@routes.post(
    "/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay",
    status=202,
    who=Who.ORGANISER,
    problems=("webhook_disabled",),
)
def replay_delivery(services: Services, caller: Caller, webhook_id: UUID, delivery_id: UUID) -> Delivery:
    """Send something again, under the same `webhook-id`, or now instead of at the next attempt."""
    answer = _service(services).replay(caller.actor, WebhookId(webhook_id), DeliveryId(delivery_id))
    if isinstance(answer, Refused):
        raise refusal(answer)
    return Delivery.of(shapes.delivery_shape(answer))
