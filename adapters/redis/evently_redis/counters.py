"""Counters that all processes share."""

from __future__ import annotations

from evently_core.counting import Counted, Counters
from evently_redis.connection import RedisLink, Script
from evently_redis.keys import Keys

_COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
""")


class RedisCounters:
    """Counts in Redis, in one round trip; Redis forgets what is over."""

    def __init__(self, link: RedisLink, keys: Keys | None = None) -> None:
        """Count over a link, under keys with a prefix of this installation."""
        self._link = link
        self._keys = keys or Keys()

    def count(self, name: str, seconds: int) -> Counted:
        """Count once more.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        count, left = self._link.run(_COUNT, [self._keys.tagged(name, "count")], seconds * 1000)
        return Counted(count, left / 1000)


_: type[Counters] = RedisCounters
