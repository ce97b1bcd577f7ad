"""The tables of users, their sessions, the accounts' journal, and the answers kept under keys."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from evently_postgres.metadata import Instant, metadata

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("char_length(email) BETWEEN 3 AND 254", name="email"),
    CheckConstraint("char_length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("role IN ('attendee', 'organiser', 'admin')", name="role"),
)
Index("users_email_key", func.lower(users.c.email), unique=True)
# Asked at each start; there are few admins, so the index is tiny.
Index("users_admin_idx", users.c.id, postgresql_where=text("role = 'admin'"))

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
    Column("token_id", Uuid, nullable=False),
    Column("rotations", Integer, nullable=False),
    Column("instance", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    CheckConstraint("rotations >= 0", name="rotations"),
    CheckConstraint("expires_at > created_at", name="expires_at"),
)
Index(
    "sessions_user_id_id_idx",
    sessions.c.user_id,
    sessions.c.id,
    postgresql_where=text("ended_at IS NULL"),
)
Index("sessions_expires_at_idx", sessions.c.expires_at)

account_answers = Table(
    "account_answers",
    metadata,
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # Empty only inside the transaction that works it out; whoever comes second waits for that to end.
    Column("answer", JSONB),
    Column("answered_at", Instant, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
)
Index("account_answers_answered_at_idx", account_answers.c.answered_at)

account_acts = Table(
    "account_acts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_name", Text, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("at", Instant, nullable=False),
    Column("details", JSONB, nullable=False),
    CheckConstraint("kind IN ('user_created', 'role_set', 'password_set')", name="kind"),
)
