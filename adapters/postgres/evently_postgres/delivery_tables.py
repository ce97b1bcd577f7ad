"""The tables of what is told to the outside: the outbox, webhooks, deliveries, and who makes which.

Only the outbox is written on the way of a booking, and only added to: who books never waits for who delivers.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from evently_postgres.metadata import Instant, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("event_id", "first"),
    CheckConstraint("last >= first AND first > 0", name="lines"),
    # Rows come and go all the time: what is dead is cleared away before many pile up.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 2000},
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("description", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("disabled_because", Text),
    CheckConstraint("char_length(url) BETWEEN 1 AND 2000", name="url"),
)
Index("webhooks_owner_id_id_idx", webhooks.c.owner_id, webhooks.c.id)

deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("planned_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("give_up_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", Instant),
    PrimaryKeyConstraint("event_id", "target_id", "number"),
    CheckConstraint("number > 0 AND attempts >= 0", name="counts"),
    CheckConstraint("channel IN ('webhook', 'mail')", name="channel"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed', 'dropped')", name="state"),
    CheckConstraint("(state = 'pending') = (done_at IS NULL)", name="done_at"),
)
Index(
    "deliveries_pending_idx",
    deliveries.c.event_id,
    deliveries.c.target_id,
    deliveries.c.number,
    postgresql_where=text("state = 'pending'"),
)
Index("deliveries_target_id_id_idx", deliveries.c.target_id, deliveries.c.id)
Index("deliveries_id_idx", deliveries.c.id)
Index("deliveries_done_at_idx", deliveries.c.done_at, postgresql_where=text("done_at IS NOT NULL"))

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    PrimaryKeyConstraint("event_id", "target_id", "number", "attempt"),
    ForeignKeyConstraint(
        ["event_id", "target_id", "number"],
        ["deliveries.event_id", "deliveries.target_id", "deliveries.number"],
        ondelete="CASCADE",
    ),
    CheckConstraint("attempt > 0 AND ms >= 0", name="counts"),
)

# One row for each lane in which something is to be made; it goes when nothing is any more.
delivery_lanes = Table(
    "delivery_lanes",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("held_by", Uuid),
    PrimaryKeyConstraint("event_id", "target_id"),
    postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 2000},
)
Index("delivery_lanes_due_at_idx", delivery_lanes.c.due_at)
Index("delivery_lanes_target_id_idx", delivery_lanes.c.target_id)

delivery_workers = Table(
    "delivery_workers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("alive_until", Instant, nullable=False),
)
