"""The tables of events, bookings, lines and the journal, with the database's half of every invariant.

Each key leads with the event's id, and no foreign key leaves the event: one event is one unit of
consistency, so that the tables can be partitioned or distributed by it as they are. Users are another
store's matter, which is why no foreign key points to them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from evently_postgres.metadata import Instant, metadata

BUCKET = 1024
"""How many sequences share a row of `line_buckets`."""

# Rows that every booking updates keep room for their next versions beside them, and so out of the indexes.
_HOT = {"fillfactor": 50}

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organiser_id", Uuid, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("venue", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("booking_opens_at", Instant),
    Column("booking_closes_at", Instant),
    Column("max_per_booking", Integer, nullable=False),
    Column("max_per_user", Integer),
    Column("hold_for", Interval, nullable=False),
    Column("cancel_until", Instant),
    Column("waitlist_enabled", Boolean, nullable=False),
    Column("max_entries", Integer),
    Column("offer_window", Interval, nullable=False),
    Column("bypass_limit", Integer, nullable=False),
    Column("on_silence", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("taken", Integer, nullable=False, server_default=text("0")),
    Column("waiting", Integer, nullable=False, server_default=text("0")),
    Column("next_sequence", BigInteger, nullable=False, server_default=text("1")),
    Column("journal_head", BigInteger, nullable=False, server_default=text("0")),
    Column("wake_at", Instant),
    Column("fence", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("taken >= 0 AND taken <= capacity", name="capacity"),
    CheckConstraint("waiting >= 0", name="waiting"),
    CheckConstraint("ends_at > starts_at", name="ends_at"),
    CheckConstraint("status IN ('draft', 'published', 'completed', 'cancelled')", name="status"),
    CheckConstraint("on_silence IN ('drop', 'requeue')", name="on_silence"),
    CheckConstraint("bypass_limit >= 0", name="bypass_limit"),
    postgresql_with=_HOT,
)
Index("events_starts_at_id_idx", events.c.starts_at, events.c.id)
Index("events_organiser_id_starts_at_id_idx", events.c.organiser_id, events.c.starts_at, events.c.id)
Index("events_wake_at_idx", events.c.wake_at, postgresql_where=text("wake_at IS NOT NULL"))

ticket_types = Table(
    "ticket_types",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("capacity", Integer),
    Column("min_per_booking", Integer, nullable=False),
    Column("max_per_booking", Integer),
    Column("sales_open_at", Instant),
    Column("sales_close_at", Instant),
    Column("taken", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("event_id", "id"),
    ForeignKeyConstraint(["event_id"], ["events.id"], ondelete="CASCADE"),
    UniqueConstraint("event_id", "ordinal"),
    CheckConstraint("taken >= 0 AND (capacity IS NULL OR taken <= capacity)", name="capacity"),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    postgresql_with=_HOT,
)

waitlist_entries = Table(
    "waitlist_entries",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("ticket_type_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("least", Integer, nullable=False),
    Column("accept_partial", Boolean, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("passed_over", Integer, nullable=False),
    Column("open_offers", Integer, nullable=False),
    Column("requeued", Boolean, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("event_id", "id"),
    ForeignKeyConstraint(
        ["event_id", "ticket_type_id"], ["ticket_types.event_id", "ticket_types.id"], ondelete="CASCADE"
    ),
    CheckConstraint("asked > 0 AND missing >= 0", name="seats"),
    CheckConstraint("sequence > 0", name="sequence"),
    CheckConstraint("least >= 1 AND (status <> 'waiting' OR least <= missing)", name="least"),
    CheckConstraint(
        "(status <> 'waiting' OR missing > 0) AND (status <> 'served' OR missing = 0)", name="missing"
    ),
    CheckConstraint("status IN ('waiting', 'offered', 'served', 'left', 'lapsed', 'closed')", name="status"),
    CheckConstraint("priority BETWEEN -100 AND 100", name="priority"),
    CheckConstraint("passed_over >= 0 AND open_offers >= 0", name="counts"),
)
# Each index of an event's entries, but for the primary key, has a condition of its own that always holds. A query
# names it, and with it the index: where the statistics are still of yesterday, the planner would take any of
# them, and sort or filter all there is of the event.
_WAITS_FOR_ASKED = text("status = 'waiting' AND asked > 0")
_WAITS_FOR_LEAST = text("status = 'waiting' AND least > 0")
_WAITS_FOR_MISSING = text("status = 'waiting' AND missing > 0")
Index(
    "waitlist_entries_event_id_sequence_key",
    waitlist_entries.c.event_id,
    waitlist_entries.c.sequence,
    unique=True,
    postgresql_where=text("sequence > 0"),
)
# One waiting entry per user and line.
Index(
    "waitlist_entries_event_id_user_id_ticket_type_id_key",
    waitlist_entries.c.event_id,
    waitlist_entries.c.user_id,
    waitlist_entries.c.ticket_type_id,
    unique=True,
    postgresql_where=_WAITS_FOR_ASKED,
)
# The classes of the lines, from their heads.
Index(
    "waitlist_entries_class_idx",
    waitlist_entries.c.event_id,
    waitlist_entries.c.ticket_type_id,
    waitlist_entries.c.least,
    waitlist_entries.c.priority.desc(),
    waitlist_entries.c.sequence,
    postgresql_where=_WAITS_FOR_LEAST,
)
# The lines in their order, as pages of a list and as places inside of a bucket.
Index(
    "waitlist_entries_line_idx",
    waitlist_entries.c.event_id,
    waitlist_entries.c.ticket_type_id,
    text("(-priority)"),
    waitlist_entries.c.sequence,
    postgresql_where=_WAITS_FOR_MISSING,
)
# Who waits no more, by what they came to.
Index(
    "waitlist_entries_event_id_status_id_idx",
    waitlist_entries.c.event_id,
    waitlist_entries.c.status,
    waitlist_entries.c.id,
    postgresql_where=text("status <> 'waiting'"),
)
Index("waitlist_entries_user_id_id_idx", waitlist_entries.c.user_id, waitlist_entries.c.id)
Index("waitlist_entries_id_idx", waitlist_entries.c.id)

bookings = Table(
    "bookings",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("reference", Text, nullable=False),
    Column("ticket_type_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("entry_id", Uuid),
    Column("expires_at", Instant),
    Column("cancel_until", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("cancelled_at", Instant),
    Column("payment_reference", Text),
    PrimaryKeyConstraint("event_id", "id"),
    ForeignKeyConstraint(
        ["event_id", "ticket_type_id"], ["ticket_types.event_id", "ticket_types.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["event_id", "entry_id"], ["waitlist_entries.event_id", "waitlist_entries.id"], ondelete="CASCADE"
    ),
    CheckConstraint("quantity > 0", name="quantity"),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("status IN ('held', 'confirmed', 'cancelled', 'expired')", name="status"),
    CheckConstraint("origin IN ('direct', 'waitlist')", name="origin"),
    CheckConstraint("origin <> 'waitlist' OR entry_id IS NOT NULL", name="entry_id"),
    CheckConstraint("status <> 'held' OR expires_at IS NOT NULL", name="expires_at"),
    CheckConstraint("status <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed_at"),
    CheckConstraint("status <> 'cancelled' OR cancelled_at IS NOT NULL", name="cancelled_at"),
)
# Here, too, the conditions tell the indexes apart.
Index(
    "bookings_event_id_reference_key",
    bookings.c.event_id,
    bookings.c.reference,
    unique=True,
    postgresql_where=text("quantity > 0"),
)
Index(
    "bookings_event_id_expires_at_idx",
    bookings.c.event_id,
    bookings.c.expires_at,
    postgresql_where=text("status = 'held'"),
)
Index(
    "bookings_expires_at_idx", bookings.c.expires_at, postgresql_where=text("status = 'held' AND amount >= 0")
)
Index(
    "bookings_event_id_user_id_idx",
    bookings.c.event_id,
    bookings.c.user_id,
    postgresql_where=text("status IN ('held', 'confirmed') AND quantity > 0"),
)
# Most bookings are confirmed: they are listed by the primary key.
Index(
    "bookings_event_id_status_id_idx",
    bookings.c.event_id,
    bookings.c.status,
    bookings.c.id,
    postgresql_where=text("status <> 'confirmed'"),
)
Index("bookings_user_id_id_idx", bookings.c.user_id, bookings.c.id)
Index(
    "bookings_event_id_entry_id_idx",
    bookings.c.event_id,
    bookings.c.entry_id,
    postgresql_where=text("entry_id IS NOT NULL"),
)
Index("bookings_id_idx", bookings.c.id)
Index("bookings_reference_idx", bookings.c.reference)

line_buckets = Table(
    "line_buckets",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("ticket_type_id", Uuid, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("bucket", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("seats", BigInteger, nullable=False),
    PrimaryKeyConstraint("event_id", "ticket_type_id", "priority", "bucket"),
    ForeignKeyConstraint(
        ["event_id", "ticket_type_id"], ["ticket_types.event_id", "ticket_types.id"], ondelete="CASCADE"
    ),
    CheckConstraint("entries >= 0 AND seats >= entries", name="counts"),
    postgresql_with=_HOT,
)

check_ins = Table(
    "check_ins",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("booking_id", Uuid, nullable=False),
    Column("seat", Integer, nullable=False),
    Column("ticket_type_id", Uuid, nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    PrimaryKeyConstraint("event_id", "booking_id", "seat"),
    ForeignKeyConstraint(
        ["event_id", "booking_id"], ["bookings.event_id", "bookings.id"], ondelete="CASCADE"
    ),
    CheckConstraint("seat > 0", name="seat"),
)
# Who is in, in the order they came.
Index(
    "check_ins_event_id_at_booking_id_seat_idx",
    check_ins.c.event_id,
    check_ins.c.at,
    check_ins.c.booking_id,
    check_ins.c.seat,
    postgresql_where=text("undone_at IS NULL"),
)

journal = Table(
    "journal",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor_id", Uuid),
    Column("actor", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("reason", Text),
    Column("data", JSONB, nullable=False),
    PrimaryKeyConstraint("event_id", "number"),
    CheckConstraint("number > 0", name="number"),
)

answers = Table(
    "answers",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", JSONB, nullable=False),
    Column("answered_at", Instant, nullable=False),
    PrimaryKeyConstraint("event_id", "scope", "key"),
)
Index("answers_answered_at_idx", answers.c.answered_at)

creation_answers = Table(
    "creation_answers",
    metadata,
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("outcome", JSONB, nullable=False),
    Column("answered_at", Instant, nullable=False),
    PrimaryKeyConstraint("scope", "key"),
)
Index("creation_answers_answered_at_idx", creation_answers.c.answered_at)
