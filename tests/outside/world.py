"""Organisers, events and webhooks over stores in memory, a real sender, and a clock that can be moved."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from evently_core.accounts import Act, ActId, ActKind, Answered, User
from evently_core.deliveries import Channel, Delivery, TargetId, WorkerId
from evently_core.memory.accounts import MemoryAccounts
from evently_core.memory.basics import random_secret
from evently_core.memory.deliveries import MemoryDeliveries, MemoryWebhooks
from evently_core.memory.storage import MemoryStorage
from evently_core.services.delivering import Courier, Messenger, Planner
from evently_core.services.webhooks import WebhookMessenger, WebhookService
from evently_core.testing.storage_contract import House
from evently_core.values import Actor, Role, UserId
from evently_core.webhooks import AddressRules, Webhook
from evently_wiring.outgoing import HttpWebhooks

ANY = AddressRules(private=True, plain_http=True)


class World:
    """A house whose organisers have accounts and webhooks."""

    def __init__(self, mailed: Collection[str] = ()) -> None:
        self.storage, self.webhooks, self.accounts = MemoryStorage(), MemoryWebhooks(), MemoryAccounts()
        self.deliveries = MemoryDeliveries(self.storage, self.webhooks)
        self.house = House(self.storage)
        self.clock = self.house.clock
        self.clock.set(
            datetime.now(UTC).replace(microsecond=0)
        )  # whoever verifies a signature looks at the time
        self.sender = HttpWebhooks(ANY, answer_seconds=60)
        self.messengers: dict[Channel, Messenger] = {
            Channel.WEBHOOK: WebhookMessenger(self.webhooks, self.storage, self.accounts, self.sender)
        }
        self.planner = Planner(self.deliveries, self.webhooks, self.clock, self.house.ids, mailed=mailed)
        self.service = WebhookService(
            self.webhooks,
            self.deliveries,
            self.accounts,
            self.clock,
            self.house.ids,
            ANY,
            new_secret=random_secret,
        )
        self.numbers = count(1)
        self.organiser = self.user(self.house.organiser)

    def courier(self, chance: float = 0.5) -> Courier:
        """Return somebody who delivers."""
        worker = WorkerId(UUID(int=10**6 + next(self.numbers)))
        courier = Courier(self.deliveries, self.messengers, self.clock, worker, chance=lambda: chance)
        courier.beat()
        return courier

    def user(self, actor: Actor) -> Actor:
        """Give somebody an account."""
        assert actor.user_id is not None
        self.accounts.add(
            User(
                id=actor.user_id,
                email=f"user{actor.user_id.int}@example.org",
                name=f"User {actor.user_id.int}",
                role=actor.role,
                created_at=self.clock.now(),
            ),
            "hash",
        )
        return actor

    def demote(self, actor: Actor) -> None:
        """Make an attendee of an organiser."""
        assert actor.user_id is not None
        act = Act(
            id=ActId(self.house.ids.new()),
            kind=ActKind.ROLE_SET,
            actor_id=None,
            actor_name="operator",
            user_id=actor.user_id,
            at=self.clock.now(),
        )
        assert self.accounts.set_role(actor.user_id, Role.ATTENDEE, instead_of=actor.role, act=act)

    def hook(self, url: str, owner: Actor | None = None, **how: Any) -> Webhook:
        """Add a webhook."""
        added = self.service.add(owner or self.organiser, url, **how)
        assert isinstance(added, Answered)
        return added.value

    def work(self, courier: Courier | None = None) -> None:
        """Plan and deliver all there is to do now."""
        courier = courier or self.courier()
        while self.planner.plan():
            pass
        while courier.deliver():
            pass

    def told(self, webhook: Webhook) -> list[Delivery]:
        """Return the deliveries to a webhook, oldest first."""
        return list(self.deliveries.of_target(TargetId(webhook.id), None, 10_000))[::-1]

    def pass_by(self, **span: int) -> datetime:
        """Let time go by."""
        return self.clock.advance(timedelta(**span))


def other_organiser(number: int = 9_500) -> Actor:
    return Actor(UserId(UUID(int=number)), Role.ORGANISER)
