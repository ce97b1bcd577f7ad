"""The live instances in Redis: who beats no more vanishes by the server's own clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from evently_core.instances import LIVE_FOR, Instance, InstanceKind
from evently_core.ports import Instances
from evently_redis.connection import RedisLink, Script
from evently_redis.keys import Keys

# The first key has the last beat of each instance, the second what it told of itself. Both go with the last one.
_BEAT = Script("""
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('PEXPIRE', KEYS[2], ARGV[3])
""")
_LEAVE = Script("""
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
""")
_LIVE = Script("""
local time = redis.call('TIME')
local since = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', since)) do
    redis.call('ZREM', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
end
return redis.call('HVALS', KEYS[2])
""")


class RedisInstances:
    """The instances that share one Redis. Threads may share it."""

    def __init__(self, link: RedisLink, keys: Keys | None = None, *, live_for: timedelta = LIVE_FOR) -> None:
        """Take a way to the server, and how long after its last beat an instance is believed to live."""
        self._link = link
        self._live_ms = live_for // timedelta(milliseconds=1)
        named = keys or Keys()
        self._both = [named.tagged("instances", "beats"), named.tagged("instances", "told")]

    def beat(self, instance: Instance) -> None:
        """Say that an instance lives, and how it is."""
        self._link.run(_BEAT, self._both, instance.name, _told(instance), self._live_ms)

    def leave(self, name: str) -> None:
        """Say that an instance ends."""
        self._link.run(_LEAVE, self._both, name)

    def live(self) -> Sequence[Instance]:
        """Return the instances that beat lately, by name."""
        found = [_instance(told) for told in self._link.run(_LIVE, self._both, self._live_ms)]
        return sorted(found, key=lambda instance: instance.name)


def _told(instance: Instance) -> str:
    return json.dumps(
        {
            "name": instance.name,
            "kind": instance.kind,
            "version": instance.version,
            "host": instance.host,
            "pid": instance.pid,
            "started_at": instance.started_at.isoformat(),
            "last_beat_at": instance.last_beat_at.isoformat(),
            "requests": instance.requests,
        }
    )


def _instance(told: str) -> Instance:
    fields = json.loads(told)
    fields["kind"] = InstanceKind(fields["kind"])
    for name in ("started_at", "last_beat_at"):
        fields[name] = datetime.fromisoformat(fields[name])
    return Instance(**fields)


_: type[Instances] = RedisInstances
