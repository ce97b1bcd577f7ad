"""Run by Alembic for each command; the connection comes from whoever called it."""

from __future__ import annotations

from alembic import context

from evently_postgres import (  # noqa: F401  # each module of tables registers its own
    account_tables,
    delivery_tables,
    event_tables,
    figure_tables,
    intake_tables,
)
from evently_postgres.metadata import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # One by one, so that a migration may leave its transaction to build an index without a lock.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
