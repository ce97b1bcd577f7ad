"""What is told to the outside, and whether it arrived."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE outbox (
        event_id UUID NOT NULL,
        first BIGINT NOT NULL,
        last BIGINT NOT NULL,
        CONSTRAINT outbox_pkey PRIMARY KEY (event_id, first),
        CONSTRAINT outbox_lines_check CHECK (last >= first AND first > 0)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
    """,
    """
    CREATE TABLE webhooks (
        id UUID NOT NULL,
        owner_id UUID NOT NULL,
        url TEXT NOT NULL,
        types TEXT[] NOT NULL,
        description TEXT NOT NULL,
        secret TEXT NOT NULL,
        old_secret TEXT,
        old_secret_until TIMESTAMP WITH TIME ZONE,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        disabled_at TIMESTAMP WITH TIME ZONE,
        disabled_because TEXT,
        CONSTRAINT webhooks_pkey PRIMARY KEY (id),
        CONSTRAINT webhooks_url_check CHECK (char_length(url) BETWEEN 1 AND 2000)
    )
    """,
    "CREATE INDEX webhooks_owner_id_id_idx ON webhooks (owner_id, id)",
    """
    CREATE TABLE deliveries (
        event_id UUID NOT NULL,
        target_id UUID NOT NULL,
        number BIGINT NOT NULL,
        id UUID NOT NULL,
        channel TEXT NOT NULL,
        kind TEXT NOT NULL,
        planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        give_up_at TIMESTAMP WITH TIME ZONE NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        done_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT deliveries_pkey PRIMARY KEY (event_id, target_id, number),
        CONSTRAINT deliveries_counts_check CHECK (number > 0 AND attempts >= 0),
        CONSTRAINT deliveries_channel_check CHECK (channel IN ('webhook', 'mail')),
        CONSTRAINT deliveries_state_check CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
        CONSTRAINT deliveries_done_at_check CHECK ((state = 'pending') = (done_at IS NULL))
    )
    """,
    "CREATE INDEX deliveries_done_at_idx ON deliveries (done_at) WHERE done_at IS NOT NULL",
    "CREATE INDEX deliveries_id_idx ON deliveries (id)",
    "CREATE INDEX deliveries_pending_idx ON deliveries (event_id, target_id, number) WHERE state = 'pending'",
    "CREATE INDEX deliveries_target_id_id_idx ON deliveries (target_id, id)",
    """
    CREATE TABLE delivery_attempts (
        event_id UUID NOT NULL,
        target_id UUID NOT NULL,
        number BIGINT NOT NULL,
        attempt INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        ms INTEGER NOT NULL,
        status INTEGER,
        error TEXT,
        CONSTRAINT delivery_attempts_pkey PRIMARY KEY (event_id, target_id, number, attempt),
        CONSTRAINT delivery_attempts_event_id_target_id_number_fkey FOREIGN KEY(event_id, target_id, number) REFERENCES deliveries (event_id, target_id, number) ON DELETE CASCADE,
        CONSTRAINT delivery_attempts_counts_check CHECK (attempt > 0 AND ms >= 0)
    )
    """,
    """
    CREATE TABLE delivery_lanes (
        event_id UUID NOT NULL,
        target_id UUID NOT NULL,
        channel TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        held_by UUID,
        CONSTRAINT delivery_lanes_pkey PRIMARY KEY (event_id, target_id)
    )
     WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
    """,
    "CREATE INDEX delivery_lanes_due_at_idx ON delivery_lanes (due_at)",
    "CREATE INDEX delivery_lanes_target_id_idx ON delivery_lanes (target_id)",
    """
    CREATE TABLE delivery_workers (
        id UUID NOT NULL,
        alive_until TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT delivery_workers_pkey PRIMARY KEY (id)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
