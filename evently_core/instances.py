"""The processes that are at work, as they tell of themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import attrs

BEAT_EVERY = timedelta(seconds=1)
LIVE_FOR = timedelta(seconds=4)
"""How long after its last beat a process is believed to live: three may be missed."""


class InstanceKind(StrEnum):
    """What a process is for."""

    API = "api"
    WORKER = "worker"


@attrs.frozen(kw_only=True)
class Instance:
    """A process, as of its last beat."""

    name: str
    """What it says in ``X-Instance-Id``, in sessions and in the log; no other process has it now."""
    kind: InstanceKind
    version: str
    """Of Evently."""
    host: str
    pid: int
    started_at: datetime
    last_beat_at: datetime
    requests: int = 0
    """How many it has answered."""
