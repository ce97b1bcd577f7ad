"""Users, their sessions, the accounts' journal, and the answers kept under keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _users()
    _sessions()
    _account_answers()
    _account_acts()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="users_pkey"),
        sa.CheckConstraint("char_length(email) BETWEEN 3 AND 254", name=op.f("users_email_check")),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("users_name_check")),
        sa.CheckConstraint("role IN ('attendee', 'organiser', 'admin')", name=op.f("users_role_check")),
    )
    op.create_index("users_email_key", "users", [sa.text("lower(email)")], unique=True)
    op.create_index("users_admin_idx", "users", ["id"], postgresql_where=sa.text("role = 'admin'"))


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("token_id", sa.Uuid, nullable=False),
        sa.Column("rotations", sa.Integer, nullable=False),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="sessions_pkey"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="sessions_user_id_fkey", ondelete="CASCADE"),
        sa.CheckConstraint("rotations >= 0", name=op.f("sessions_rotations_check")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("sessions_expires_at_check")),
    )
    op.create_index(
        "sessions_user_id_id_idx", "sessions", ["user_id", "id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("sessions_expires_at_idx", "sessions", ["expires_at"])


def _account_answers() -> None:
    op.create_table(
        "account_answers",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("answer", JSONB),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="account_answers_pkey"),
    )
    op.create_index("account_answers_answered_at_idx", "account_answers", ["answered_at"])


def _account_acts() -> None:
    op.create_table(
        "account_acts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="account_acts_pkey"),
        sa.CheckConstraint(
            "kind IN ('user_created', 'role_set', 'password_set')", name=op.f("account_acts_kind_check")
        ),
    )
