"""Statements that go out together: one round trip for several, where that is safe and pays."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg

SMALL = 32
"""Up to how many things a batch is small: what is sent for it fits the buffers of any socket."""


def together(connection: psycopg.Connection[Any], size: int) -> AbstractContextManager[object]:
    """Let the statements of a block go out in one round trip, if the batch of this size is small.

    A large batch goes statement by statement: its round trips weigh little beside its rows, and a pipeline
    whose statements fill the buffers of the socket can wait for ever (both sides write, and nobody reads).
    """
    return connection.pipeline() if size <= SMALL else nullcontext()
