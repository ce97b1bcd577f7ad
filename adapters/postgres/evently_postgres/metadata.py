"""What all tables share: one register, one way to name constraints, one type for instants."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, MetaData
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)
"""The register of every table. A constraint is named by its table, its columns and its kind."""


class Instant(TypeDecorator[datetime]):
    """A ``timestamptz`` that is UTC in Python, whatever zone the connection speaks (I12)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse an instant without a zone: the server would read it in a zone of its own."""
        assert value is None or value.tzinfo is not None, "an instant needs its zone"
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        return None if value is None else value.astimezone(UTC)
