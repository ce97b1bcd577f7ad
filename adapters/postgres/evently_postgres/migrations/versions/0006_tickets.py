"""A code for every seat, and who is in."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE check_ins (
        event_id UUID NOT NULL,
        booking_id UUID NOT NULL,
        seat INTEGER NOT NULL,
        ticket_type_id UUID NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        undone_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT check_ins_pkey PRIMARY KEY (event_id, booking_id, seat),
        CONSTRAINT check_ins_event_id_booking_id_fkey FOREIGN KEY (event_id, booking_id)
            REFERENCES bookings (event_id, id) ON DELETE CASCADE,
        CONSTRAINT check_ins_seat_check CHECK (seat > 0)
    )
    """,
    """
    CREATE INDEX check_ins_event_id_at_booking_id_seat_idx ON check_ins (event_id, at, booking_id, seat)
    WHERE undone_at IS NULL
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
