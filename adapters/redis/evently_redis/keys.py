"""How keys are called in Redis."""

from __future__ import annotations

import attrs

from evently_core.values import EventId

PREFIX = "evently:"


@attrs.frozen
class Keys:
    """Names of keys, all of them under one prefix.

    What stands in braces is all that Redis Cluster looks at to place a key, so that keys with the same tag are
    served by one node, and one script may touch them together.
    """

    prefix: str = PREFIX
    """Sets this installation apart from whoever else uses the same server."""

    def of_event(self, event_id: EventId, what: str) -> str:
        """Return the name of something that belongs to one event."""
        return self.tagged(str(event_id), what)

    def tagged(self, tag: str, what: str) -> str:
        """Return the name of something that belongs together with everything of the same tag."""
        return f"{self.prefix}{{{tag}}}:{what}"
