"""Webhooks in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from evently_core.accounts import Answered, AnswerKey
from evently_core.documents import document_of, restored
from evently_core.values import UserId
from evently_core.webhooks import Webhook, WebhookId, Webhooks
from evently_postgres.account_answers import begin_answer, keep_answer, kept_answer
from evently_postgres.delivery_tables import deliveries, delivery_lanes, webhooks
from evently_postgres.engine import reading, transaction


class _TooMany(Exception):
    """Undoes the transaction: that there are too many is not kept, it is over when another one is removed."""


class PostgresWebhooks:
    """Where organisers want to be told. Threads and processes may share it."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine

    def add(self, webhook: Webhook, most: int, key: AnswerKey | None = None) -> Answered[Webhook] | None:
        """Add a webhook and the answer under the key, in one transaction."""
        try:
            return self._add(webhook, most, key)
        except _TooMany:
            return None

    def _add(self, webhook: Webhook, most: int, key: AnswerKey | None) -> Answered[Webhook]:
        with transaction(self._engine) as connection:
            if key is not None and not begin_answer(connection, key, webhook.created_at):
                return Answered(restored(Webhook, kept_answer(connection, key)["webhook"]), replayed=True)
            if _count_of(connection, webhook.owner_id) >= most:
                raise _TooMany
            connection.execute(insert(webhooks).values(_columns(webhook)))
            if key is not None:
                keep_answer(connection, key, {"webhook": document_of(webhook)})
        return Answered(webhook)

    def webhook(self, webhook_id: WebhookId) -> Webhook | None:
        """Return a webhook."""
        found = self._read(select(webhooks).where(webhooks.c.id == webhook_id))
        return found[0] if found else None

    def of_owner(self, owner_id: UserId) -> Sequence[Webhook]:
        """Return the webhooks of somebody, oldest first."""
        return self.of_owners([owner_id])

    def page(self, after: WebhookId | None, limit: int) -> Sequence[Webhook]:
        """Return webhooks of everybody in the order of their ids."""
        query = select(webhooks).order_by(webhooks.c.id).limit(limit)
        return self._read(query if after is None else query.where(webhooks.c.id > after))

    def of_owners(self, owner_ids: Sequence[UserId]) -> Sequence[Webhook]:
        """Return the webhooks of these people, oldest first."""
        return self._read(select(webhooks).where(webhooks.c.owner_id.in_(owner_ids)).order_by(webhooks.c.id))

    def any_enabled(self) -> bool:
        """Tell whether anything may have to be sent."""
        query = select(webhooks.c.id).where(webhooks.c.disabled_at.is_(None)).limit(1)
        with reading(self._engine) as connection:
            return connection.execute(query).first() is not None

    def replace(self, before: Webhook, after: Webhook) -> bool:
        """Put one state of a webhook in the place of another, if that is still its state."""
        was = [webhooks.c[name].is_not_distinct_from(value) for name, value in _columns(before).items()]
        with transaction(self._engine) as connection:
            changed = connection.execute(update(webhooks).where(*was).values(_columns(after)))
            return changed.rowcount == 1

    def remove(self, webhook_id: WebhookId) -> None:
        """Remove a webhook and its deliveries."""
        with transaction(self._engine) as connection:
            connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
            connection.execute(delete(delivery_lanes).where(delivery_lanes.c.target_id == webhook_id))
            connection.execute(delete(deliveries).where(deliveries.c.target_id == webhook_id))

    def _read(self, query: Any) -> list[Webhook]:
        with reading(self._engine) as connection:
            return [_webhook(row) for row in connection.execute(query)]


def _count_of(connection: Connection, owner_id: UserId) -> int:
    """Return how many webhooks somebody has; nobody adds one for the same person before this transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(owner_id), 0))))
    count = select(func.count()).select_from(webhooks).where(webhooks.c.owner_id == owner_id)
    return int(connection.execute(count).scalar_one())


def _columns(webhook: Webhook) -> dict[str, Any]:
    return attrs.asdict(webhook) | {"types": list(webhook.types)}


def _webhook(row: Row[*tuple[Any, ...]]) -> Webhook:
    return Webhook(**{**row._mapping, "types": tuple(row.types)})


_: type[Webhooks] = PostgresWebhooks
