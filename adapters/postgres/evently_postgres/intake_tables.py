"""The tables of the intake: requests that wait, how far each event's queue has come, and what came of requests.

No foreign key points anywhere: who hands a request in must not wait for a decision that is under way, and what
came of a request about an event that was deleted is to be told too.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from evently_postgres.metadata import Instant, metadata

# The two ends of a queue are rows of their own: who accepts does not wait for who decides.
_HOT = {"fillfactor": 50}

queue_tails = Table(
    "queue_tails",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("accepted", BigInteger, nullable=False),
    CheckConstraint("accepted > 0", name="accepted"),
    postgresql_with=_HOT,
)
"""The sequence of the request that was accepted last."""

queue_heads = Table(
    "queue_heads",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("decided", BigInteger, nullable=False),
    CheckConstraint("decided > 0", name="decided"),
    postgresql_with=_HOT,
)
"""The sequence of the request that was decided last: all before it are decided too."""

booking_requests = Table(
    "booking_requests",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("scope", Text),
    Column("key", Text),
    Column("fingerprint", LargeBinary),
    Column("command", JSONB, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    PrimaryKeyConstraint("event_id", "sequence"),
    CheckConstraint("sequence > 0", name="sequence"),
    CheckConstraint("(key IS NULL) = (scope IS NULL) AND (key IS NULL) = (fingerprint IS NULL)", name="key"),
)
"""The requests that wait, and no others."""
Index("booking_requests_id_idx", booking_requests.c.id)
Index(
    "booking_requests_event_id_scope_key_key",
    booking_requests.c.event_id,
    booking_requests.c.scope,
    booking_requests.c.key,
    unique=True,
    postgresql_where=text("key IS NOT NULL"),
)

settlements = Table(
    "settlements",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", JSONB, nullable=False),
    Column("settled_at", Instant, nullable=False),
    PrimaryKeyConstraint("event_id", "id"),
    CheckConstraint("state IN ('done', 'refused', 'failed')", name="state"),
)
"""What came of each request: written once, and never changed."""
Index("settlements_id_idx", settlements.c.id)
# Rows come in the order of time and go in it: blocks tell enough, and cost a booking next to nothing.
Index("settlements_settled_at_idx", settlements.c.settled_at, postgresql_using="brin")
