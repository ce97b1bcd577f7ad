"""Events, what they sell, bookings, lines, the journal, and the answers kept under keys."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE events (
        id UUID NOT NULL,
        organiser_id UUID NOT NULL,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        venue TEXT NOT NULL,
        timezone TEXT NOT NULL,
        starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
        status TEXT NOT NULL,
        capacity INTEGER NOT NULL,
        booking_opens_at TIMESTAMP WITH TIME ZONE,
        booking_closes_at TIMESTAMP WITH TIME ZONE,
        max_per_booking INTEGER NOT NULL,
        max_per_user INTEGER,
        hold_for INTERVAL NOT NULL,
        cancel_until TIMESTAMP WITH TIME ZONE,
        waitlist_enabled BOOLEAN NOT NULL,
        max_entries INTEGER,
        offer_window INTERVAL NOT NULL,
        bypass_limit INTEGER NOT NULL,
        on_silence TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        taken INTEGER DEFAULT 0 NOT NULL,
        waiting INTEGER DEFAULT 0 NOT NULL,
        next_sequence BIGINT DEFAULT 1 NOT NULL,
        journal_head BIGINT DEFAULT 0 NOT NULL,
        wake_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT events_pkey PRIMARY KEY (id),
        CONSTRAINT events_capacity_check CHECK (taken >= 0 AND taken <= capacity),
        CONSTRAINT events_waiting_check CHECK (waiting >= 0),
        CONSTRAINT events_ends_at_check CHECK (ends_at > starts_at),
        CONSTRAINT events_status_check CHECK (status IN ('draft', 'published', 'completed', 'cancelled')),
        CONSTRAINT events_on_silence_check CHECK (on_silence IN ('drop', 'requeue')),
        CONSTRAINT events_bypass_limit_check CHECK (bypass_limit >= 0)
    )
     WITH (fillfactor = 50)
    """,
    "CREATE INDEX events_organiser_id_starts_at_id_idx ON events (organiser_id, starts_at, id)",
    "CREATE INDEX events_starts_at_id_idx ON events (starts_at, id)",
    "CREATE INDEX events_wake_at_idx ON events (wake_at) WHERE wake_at IS NOT NULL",
    """
    CREATE TABLE ticket_types (
        event_id UUID NOT NULL,
        id UUID NOT NULL,
        ordinal INTEGER NOT NULL,
        name TEXT NOT NULL,
        amount BIGINT NOT NULL,
        currency TEXT NOT NULL,
        capacity INTEGER,
        min_per_booking INTEGER NOT NULL,
        max_per_booking INTEGER,
        sales_open_at TIMESTAMP WITH TIME ZONE,
        sales_close_at TIMESTAMP WITH TIME ZONE,
        taken INTEGER DEFAULT 0 NOT NULL,
        CONSTRAINT ticket_types_pkey PRIMARY KEY (event_id, id),
        CONSTRAINT ticket_types_event_id_fkey FOREIGN KEY(event_id) REFERENCES events (id) ON DELETE CASCADE,
        CONSTRAINT ticket_types_event_id_ordinal_key UNIQUE (event_id, ordinal),
        CONSTRAINT ticket_types_capacity_check CHECK (taken >= 0 AND (capacity IS NULL OR taken <= capacity)),
        CONSTRAINT ticket_types_amount_check CHECK (amount >= 0),
        CONSTRAINT ticket_types_currency_check CHECK (currency ~ '^[A-Z]{3}$')
    )
     WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE waitlist_entries (
        event_id UUID NOT NULL,
        id UUID NOT NULL,
        ticket_type_id UUID NOT NULL,
        user_id UUID NOT NULL,
        asked INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        least INTEGER NOT NULL,
        accept_partial BOOLEAN NOT NULL,
        amount BIGINT NOT NULL,
        currency TEXT NOT NULL,
        status TEXT NOT NULL,
        priority INTEGER NOT NULL,
        sequence BIGINT NOT NULL,
        passed_over INTEGER NOT NULL,
        open_offers INTEGER NOT NULL,
        requeued BOOLEAN NOT NULL,
        joined_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT waitlist_entries_pkey PRIMARY KEY (event_id, id),
        CONSTRAINT waitlist_entries_event_id_ticket_type_id_fkey FOREIGN KEY(event_id, ticket_type_id) REFERENCES ticket_types (event_id, id) ON DELETE CASCADE,
        CONSTRAINT waitlist_entries_seats_check CHECK (asked > 0 AND missing >= 0),
        CONSTRAINT waitlist_entries_sequence_check CHECK (sequence > 0),
        CONSTRAINT waitlist_entries_least_check CHECK (least >= 1 AND (status <> 'waiting' OR least <= missing)),
        CONSTRAINT waitlist_entries_missing_check CHECK ((status <> 'waiting' OR missing > 0) AND (status <> 'served' OR missing = 0)),
        CONSTRAINT waitlist_entries_status_check CHECK (status IN ('waiting', 'offered', 'served', 'left', 'lapsed', 'closed')),
        CONSTRAINT waitlist_entries_priority_check CHECK (priority BETWEEN -100 AND 100),
        CONSTRAINT waitlist_entries_counts_check CHECK (passed_over >= 0 AND open_offers >= 0)
    )
    """,
    "CREATE UNIQUE INDEX waitlist_entries_event_id_sequence_key ON waitlist_entries (event_id, sequence) WHERE sequence > 0",
    "CREATE INDEX waitlist_entries_class_idx ON waitlist_entries (event_id, ticket_type_id, least, priority DESC, sequence) WHERE status = 'waiting' AND least > 0",
    "CREATE UNIQUE INDEX waitlist_entries_event_id_user_id_ticket_type_id_key ON waitlist_entries (event_id, user_id, ticket_type_id) WHERE status = 'waiting' AND asked > 0",
    "CREATE INDEX waitlist_entries_id_idx ON waitlist_entries (id)",
    "CREATE INDEX waitlist_entries_user_id_id_idx ON waitlist_entries (user_id, id)",
    "CREATE INDEX waitlist_entries_line_idx ON waitlist_entries (event_id, ticket_type_id, (-priority), sequence) WHERE status = 'waiting' AND missing > 0",
    "CREATE INDEX waitlist_entries_event_id_status_id_idx ON waitlist_entries (event_id, status, id) WHERE status <> 'waiting'",
    """
    CREATE TABLE bookings (
        event_id UUID NOT NULL,
        id UUID NOT NULL,
        reference TEXT NOT NULL,
        ticket_type_id UUID NOT NULL,
        user_id UUID NOT NULL,
        quantity INTEGER NOT NULL,
        amount BIGINT NOT NULL,
        currency TEXT NOT NULL,
        status TEXT NOT NULL,
        origin TEXT NOT NULL,
        entry_id UUID,
        expires_at TIMESTAMP WITH TIME ZONE,
        cancel_until TIMESTAMP WITH TIME ZONE NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        confirmed_at TIMESTAMP WITH TIME ZONE,
        cancelled_at TIMESTAMP WITH TIME ZONE,
        payment_reference TEXT,
        CONSTRAINT bookings_pkey PRIMARY KEY (event_id, id),
        CONSTRAINT bookings_event_id_ticket_type_id_fkey FOREIGN KEY(event_id, ticket_type_id) REFERENCES ticket_types (event_id, id) ON DELETE CASCADE,
        CONSTRAINT bookings_event_id_entry_id_fkey FOREIGN KEY(event_id, entry_id) REFERENCES waitlist_entries (event_id, id) ON DELETE CASCADE,
        CONSTRAINT bookings_quantity_check CHECK (quantity > 0),
        CONSTRAINT bookings_amount_check CHECK (amount >= 0),
        CONSTRAINT bookings_status_check CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
        CONSTRAINT bookings_origin_check CHECK (origin IN ('direct', 'waitlist')),
        CONSTRAINT bookings_entry_id_check CHECK (origin <> 'waitlist' OR entry_id IS NOT NULL),
        CONSTRAINT bookings_expires_at_check CHECK (status <> 'held' OR expires_at IS NOT NULL),
        CONSTRAINT bookings_confirmed_at_check CHECK (status <> 'confirmed' OR confirmed_at IS NOT NULL),
        CONSTRAINT bookings_cancelled_at_check CHECK (status <> 'cancelled' OR cancelled_at IS NOT NULL)
    )
    """,
    "CREATE UNIQUE INDEX bookings_event_id_reference_key ON bookings (event_id, reference) WHERE quantity > 0",
    "CREATE INDEX bookings_event_id_entry_id_idx ON bookings (event_id, entry_id) WHERE entry_id IS NOT NULL",
    "CREATE INDEX bookings_event_id_expires_at_idx ON bookings (event_id, expires_at) WHERE status = 'held'",
    "CREATE INDEX bookings_event_id_user_id_idx ON bookings (event_id, user_id) WHERE status IN ('held', 'confirmed') AND quantity > 0",
    "CREATE INDEX bookings_expires_at_idx ON bookings (expires_at) WHERE status = 'held' AND amount >= 0",
    "CREATE INDEX bookings_id_idx ON bookings (id)",
    "CREATE INDEX bookings_reference_idx ON bookings (reference)",
    "CREATE INDEX bookings_event_id_status_id_idx ON bookings (event_id, status, id) WHERE status <> 'confirmed'",
    "CREATE INDEX bookings_user_id_id_idx ON bookings (user_id, id)",
    """
    CREATE TABLE line_buckets (
        event_id UUID NOT NULL,
        ticket_type_id UUID NOT NULL,
        priority INTEGER NOT NULL,
        bucket BIGINT NOT NULL,
        entries INTEGER NOT NULL,
        seats BIGINT NOT NULL,
        CONSTRAINT line_buckets_pkey PRIMARY KEY (event_id, ticket_type_id, priority, bucket),
        CONSTRAINT line_buckets_event_id_ticket_type_id_fkey FOREIGN KEY(event_id, ticket_type_id) REFERENCES ticket_types (event_id, id) ON DELETE CASCADE,
        CONSTRAINT line_buckets_counts_check CHECK (entries >= 0 AND seats >= entries)
    )
     WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE journal (
        event_id UUID NOT NULL,
        number BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        kind TEXT NOT NULL,
        actor_id UUID,
        actor TEXT NOT NULL,
        cause TEXT NOT NULL,
        reason TEXT,
        data JSONB NOT NULL,
        CONSTRAINT journal_pkey PRIMARY KEY (event_id, number),
        CONSTRAINT journal_number_check CHECK (number > 0)
    )
    """,
    """
    CREATE TABLE answers (
        event_id UUID NOT NULL,
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint BYTEA NOT NULL,
        outcome JSONB NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT answers_pkey PRIMARY KEY (event_id, scope, key)
    )
    """,
    "CREATE INDEX answers_answered_at_idx ON answers (answered_at)",
    """
    CREATE TABLE creation_answers (
        scope TEXT NOT NULL,
        key TEXT NOT NULL,
        fingerprint BYTEA NOT NULL,
        outcome JSONB NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT creation_answers_pkey PRIMARY KEY (scope, key)
    )
    """,
    "CREATE INDEX creation_answers_answered_at_idx ON creation_answers (answered_at)",
    # What happened stays written.
    """
    CREATE FUNCTION refuse_to_rewrite_the_journal() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the journal is append-only';
    END $$
    """,
    """
    CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_the_journal()
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
