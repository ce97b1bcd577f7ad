"""The tables of figures: what is added up in the transaction of what happens, so that nobody adds it up to read it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from evently_core.figures import FIGURES
from evently_postgres.metadata import metadata

# Each booking updates a row or two of its event: their next versions find room beside them.
_HOT = {"fillfactor": 50}

event_figures = Table(
    "event_figures",
    metadata,
    Column("event_id", Uuid, nullable=False),
    # A day of the event's own zone; that of -infinity holds all days together.
    Column("day", Date, nullable=False),
    Column("currency", Text, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in FIGURES),
    PrimaryKeyConstraint("event_id", "day", "currency"),
    postgresql_with=_HOT,
)
# All events of some days, and what all events come to.
Index("event_figures_day_event_id_idx", event_figures.c.day, event_figures.c.event_id)

event_waits = Table(
    "event_waits",
    metadata,
    Column("event_id", Uuid, nullable=False),
    # The number of a logarithmic step: how long an entry waited until it was served.
    Column("wait", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    PrimaryKeyConstraint("event_id", "wait"),
    CheckConstraint("wait >= 0", name="wait"),
    postgresql_with=_HOT,
)

event_users = Table(
    "event_users",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("user_id", Uuid, nullable=False),
    PrimaryKeyConstraint("event_id", "day", "user_id"),
)
# Days come in their order, so that the smallest of indexes finds them; a booking hardly feels it.
Index("event_users_day_idx", event_users.c.day, postgresql_using="brin")
