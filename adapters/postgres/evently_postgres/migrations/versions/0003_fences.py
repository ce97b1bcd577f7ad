"""Fencing tokens: a lock that lost its lease cannot write."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS: tuple[str, ...] = (
    # The default makes it a change of the catalogue alone: no row is touched, and who does not know of it goes on.
    "ALTER TABLE events ADD COLUMN fence BIGINT NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
