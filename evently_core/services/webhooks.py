"""What organisers do with their webhooks, and how webhooks are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import attrs

from evently_core.accounts import Answered, AnswerKey, User
from evently_core.deliveries import Attempt, Deliveries, Delivery, DeliveryId, TargetId
from evently_core.errors import Conflict, Forbidden, NotFound
from evently_core.outcomes import Refused
from evently_core.paging import Page, PageRequest, page_of
from evently_core.ports import Accounts, Clock, Ids
from evently_core.reasons import Reason, ReasonCode
from evently_core.services.delivering import Told, Verdict
from evently_core.storage import Records
from evently_core.values import Actor, Role, UserId
from evently_core.webhooks import (
    WEBHOOKS_MAX,
    AddressRules,
    Webhook,
    WebhookId,
    Webhooks,
    known_types,
    message_of,
    short_description,
)

GONE = 410
"""What an address answers that wants to hear nothing more."""


@attrs.frozen
class DeliveryView:
    """A delivery and how it was tried."""

    delivery: Delivery
    attempts: tuple[Attempt, ...] = ()


class WebhookService:
    """The use cases of webhooks: organisers have their own, admins may see and change everybody's."""

    def __init__(
        self,
        webhooks: Webhooks,
        deliveries: Deliveries,
        accounts: Accounts,
        clock: Clock,
        ids: Ids,
        rules: AddressRules,
        *,
        new_secret: Callable[[], str],
    ) -> None:
        """Take the ports, which addresses are allowed, and what makes secrets."""
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._rules = rules
        self._new_secret = new_secret

    def add(
        self,
        actor: Actor,
        url: str,
        *,
        types: Sequence[str] = (),
        description: str = "",
        owner_id: UserId | None = None,
        key: AnswerKey | None = None,
        dry_run: bool = False,
    ) -> Answered[Webhook] | Refused:
        """Tell an address of what happens to the events of ``owner_id``, the actor if not said otherwise.

        Raises:
            InvalidValue: address, types or description are not acceptable.
            Forbidden: the actor is no organiser, or names somebody else without being an admin.
            NotFound: there is no such owner.
            KeyReused: the key came with other content before.
        """
        owner = self._owner(actor, owner_id)
        webhook = Webhook(
            id=WebhookId(self._ids.new()),
            owner_id=owner.id,
            url=self._rules.acceptable_url(url),
            types=known_types(types),
            description=short_description(description),
            secret=self._new_secret(),
            created_at=self._clock.now(),
        )
        if dry_run:
            too_many = len(self._webhooks.of_owner(owner.id)) >= WEBHOOKS_MAX
            return _too_many() if too_many else Answered(webhook)
        return self._webhooks.add(webhook, WEBHOOKS_MAX, key) or _too_many()

    def webhooks(self, actor: Actor, page: PageRequest) -> Page[Webhook]:
        """List one's own webhooks, oldest first; an admin sees everybody's."""
        _require_organiser(actor)
        after = page.after(lambda parts: WebhookId(UUID(str(parts[0]))))
        if actor.is_admin:
            found = self._webhooks.page(after, page.limit + 1)
        else:
            assert actor.user_id is not None, "an organiser is a user"
            own = self._webhooks.of_owner(actor.user_id)
            found = [each for each in own if after is None or each.id > after]
        return page_of(found, page.limit, lambda webhook: (str(webhook.id),))

    def webhook(self, actor: Actor, webhook_id: WebhookId) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Forbidden: the actor is no organiser.
        """
        _require_organiser(actor)
        webhook = self._webhooks.webhook(webhook_id)
        if webhook is None or not actor.may_organise(webhook.owner_id):
            raise NotFound("webhook")
        return webhook

    def change(
        self,
        actor: Actor,
        webhook_id: WebhookId,
        *,
        url: str | None = None,
        types: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
        rotate_secret: bool = False,
        dry_run: bool = False,
    ) -> Webhook:
        """Change what is given. With a new secret, the old one signs beside it for another day.

        With ``dry_run`` only say what it would be.

        Raises:
            InvalidValue: address, types or description are not acceptable.
            NotFound: there is no such webhook of the actor's.
            Conflict: somebody else changed it at the same moment.
        """
        before = after = self.webhook(actor, webhook_id)
        if url is not None:
            after = attrs.evolve(after, url=self._rules.acceptable_url(url))
        if types is not None:
            after = attrs.evolve(after, types=known_types(types))
        if description is not None:
            after = attrs.evolve(after, description=short_description(description))
        if enabled is not None:
            now = self._clock.now()
            after = after.enabled() if enabled else after.disabled(now, "switched off")
        if rotate_secret:
            after = after.with_secret(self._new_secret(), self._clock.now())
        if not dry_run and after != before and not self._webhooks.replace(before, after):
            raise Conflict("The webhook was changed at the same moment; read it again.")
        return after

    def remove(self, actor: Actor, webhook_id: WebhookId) -> None:
        """Remove a webhook with its deliveries; nothing more is sent.

        Raises:
            NotFound: there is no such webhook of the actor's.
        """
        self._webhooks.remove(self.webhook(actor, webhook_id).id)

    def deliveries(self, actor: Actor, webhook_id: WebhookId, page: PageRequest) -> Page[DeliveryView]:
        """List what a webhook was told, or is to be told, newest first, with every attempt.

        Raises:
            NotFound: there is no such webhook of the actor's.
        """
        webhook = self.webhook(actor, webhook_id)
        before = page.after(lambda parts: DeliveryId(UUID(str(parts[0]))))
        found = self._deliveries.of_target(TargetId(webhook.id), before, page.limit + 1)
        listed = page_of(found, page.limit, lambda delivery: (str(delivery.id),))
        attempts = self._deliveries.attempts([delivery.id for delivery in listed.items])
        views = tuple(DeliveryView(each, attempts.get(each.id, ())) for each in listed.items)
        return Page(views, listed.next_cursor)

    def delivery(self, actor: Actor, delivery_id: DeliveryId) -> DeliveryView:
        """Return a delivery to a webhook, with every attempt.

        Raises:
            NotFound: there is no such delivery to a webhook of the actor's.
        """
        delivery = self._deliveries.delivery(delivery_id)
        if delivery is None:
            raise NotFound("delivery")
        self.webhook(actor, WebhookId(delivery.target_id))
        return DeliveryView(delivery, self._deliveries.attempts([delivery_id]).get(delivery_id, ()))

    def replay(
        self, actor: Actor, webhook_id: WebhookId, delivery_id: DeliveryId, *, dry_run: bool = False
    ) -> DeliveryView | Refused:
        """Make a delivery (again), under the same id, as soon as those before it in its lane are made.

        Raises:
            NotFound: there is no such delivery to a webhook of the actor's.
        """
        webhook = self.webhook(actor, webhook_id)
        view = self.delivery(actor, delivery_id)
        if view.delivery.target_id != webhook.id:
            raise NotFound("delivery")
        if not webhook.is_enabled:
            return Refused(Reason(ReasonCode.WEBHOOK_DISABLED))
        again = view.delivery.to_be_made_again(self._clock.now())
        if not dry_run:
            self._deliveries.make_again(again)
        return attrs.evolve(view, delivery=again)

    def _owner(self, actor: Actor, owner_id: UserId | None) -> User:
        _require_organiser(actor)
        owner_id = owner_id or actor.user_id
        if owner_id is None:
            raise Forbidden("The operator has no events of its own; name whose webhook it is.")
        if not actor.is_user(owner_id) and not actor.is_admin:
            raise Forbidden("Only an admin makes webhooks for somebody else.")
        owner = self._accounts.user(owner_id)
        if owner is None:
            raise NotFound("user")
        if owner.role is Role.ATTENDEE:
            raise Forbidden("Only organisers have webhooks.")
        return owner


def _require_organiser(actor: Actor) -> None:
    if actor.role is Role.ATTENDEE:
        raise Forbidden("Only organisers have webhooks.")


def _too_many() -> Refused:
    return Refused(Reason(ReasonCode.TOO_MANY_WEBHOOKS, {"limit": WEBHOOKS_MAX}))


@attrs.frozen
class Posted:
    """What an address answered."""

    status: int


class NotSent(Exception):
    """An address could not be reached, or may not be; the message says why, in words for its organiser.

    It is of the outside alone: no use case lets it out.
    """


class WebhookSender(Protocol):
    """Sends signed messages to the addresses of webhooks."""

    def post(self, webhook: Webhook, delivery_id: DeliveryId, body: str, now: datetime) -> Posted:
        """Send a message, signed with every secret of the webhook that is good now.

        Raises:
            NotSent: nothing was answered in time, or the address may not be reached.
        """


class WebhookMessenger:
    """Tells webhooks of lines of the journal."""

    def __init__(
        self, webhooks: Webhooks, records: Records, accounts: Accounts, sender: WebhookSender
    ) -> None:
        """Take the ports."""
        self._webhooks = webhooks
        self._records = records
        self._accounts = accounts
        self._sender = sender

    def tell(self, delivery: Delivery, now: datetime) -> Told:
        """Send a line to a webhook, unless that is gone, disabled, or of somebody who organises nothing any more."""
        webhook = self._webhooks.webhook(WebhookId(delivery.target_id))
        line = self._records.journal_line(delivery.event_id, delivery.number)
        if webhook is None or line is None or not webhook.is_enabled:
            return Told(Verdict.NOBODY)
        owner = self._accounts.user(webhook.owner_id)
        if owner is None or owner.role is Role.ATTENDEE:
            return Told(Verdict.NOBODY)
        try:
            answered = self._sender.post(webhook, delivery.id, message_of(line), now)
        except NotSent as error:
            return Told(Verdict.AGAIN, error=str(error))
        if 200 <= answered.status < 300:
            return Told(Verdict.DELIVERED, answered.status)
        wrong = f"The address answered {answered.status}."
        if answered.status != GONE:
            return Told(Verdict.AGAIN, answered.status, wrong)
        # Whoever changed it at this moment wins: then it may be told of the next line, and answer again.
        self._webhooks.replace(webhook, webhook.disabled(now, "it answered 410 Gone"))
        return Told(Verdict.NEVER, answered.status, wrong)
