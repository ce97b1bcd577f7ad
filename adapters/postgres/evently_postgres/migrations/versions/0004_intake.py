"""Requests that were accepted and are decided later."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE queue_tails (
        event_id UUID NOT NULL,
        accepted BIGINT NOT NULL,
        CONSTRAINT queue_tails_pkey PRIMARY KEY (event_id),
        CONSTRAINT queue_tails_accepted_check CHECK (accepted > 0)
    )
     WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE queue_heads (
        event_id UUID NOT NULL,
        decided BIGINT NOT NULL,
        CONSTRAINT queue_heads_pkey PRIMARY KEY (event_id),
        CONSTRAINT queue_heads_decided_check CHECK (decided > 0)
    )
     WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE booking_requests (
        event_id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        id UUID NOT NULL,
        user_id UUID NOT NULL,
        scope TEXT,
        key TEXT,
        fingerprint BYTEA,
        command JSONB NOT NULL,
        accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT booking_requests_pkey PRIMARY KEY (event_id, sequence),
        CONSTRAINT booking_requests_sequence_check CHECK (sequence > 0),
        CONSTRAINT booking_requests_key_check CHECK ((key IS NULL) = (scope IS NULL) AND (key IS NULL) = (fingerprint IS NULL))
    )
    """,
    "CREATE INDEX booking_requests_id_idx ON booking_requests (id)",
    "CREATE UNIQUE INDEX booking_requests_event_id_scope_key_key ON booking_requests (event_id, scope, key) WHERE key IS NOT NULL",
    """
    CREATE TABLE settlements (
        event_id UUID NOT NULL,
        id UUID NOT NULL,
        sequence BIGINT NOT NULL,
        user_id UUID NOT NULL,
        state TEXT NOT NULL,
        outcome JSONB NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT settlements_pkey PRIMARY KEY (event_id, id),
        CONSTRAINT settlements_state_check CHECK (state IN ('done', 'refused', 'failed'))
    )
    """,
    "CREATE INDEX settlements_id_idx ON settlements (id)",
    "CREATE INDEX settlements_settled_at_idx ON settlements USING brin (settled_at)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
