"""The lock in front of an event, in Redis: an owner, a lease that is renewed, and a token that rises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Lock, Thread
from uuid import uuid4

import attrs

from evently_core.errors import Unavailable
from evently_core.ports import EventLock
from evently_core.values import EventId
from evently_redis.connection import RedisLink, Script
from evently_redis.keys import Keys

LEASE = timedelta(seconds=2)
"""How long a lock outlives a holder that is gone."""
WAIT = timedelta(milliseconds=500)
"""How long somebody waits for the lock, before going on without."""
TIMEOUT = timedelta(milliseconds=250)
"""How long an answer of the server may take: a courtesy must not cost more than it saves."""
_REMEMBERED = timedelta(days=1)
"""How long the newest token of an event is kept; the time of the server is above it then anyway."""
_LISTEN = timedelta(milliseconds=100)
"""How long to listen for the end of a hold, before looking whether it just ended without a word."""

# A token is the server's time in microseconds, or one above the last where the clock went back: so it is above the
# earlier ones, too, when the server has lost its data. The owner is asked for again when an answer got lost.
_TAKE = Script("""
local owner = redis.call('GET', KEYS[1])
local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
if owner == ARGV[1] and newest > 0 then return newest end
if owner then return 0 end
local time = redis.call('TIME')
local token = math.max(newest + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', token), 'PX', ARGV[3])
redis.call('DEL', KEYS[3])
return token
""")
_RENEW = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")
# One word for one who waits; it is left for a moment to whoever is about to listen.
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('RPUSH', KEYS[3], 'free')
return redis.call('PEXPIRE', KEYS[3], ARGV[2])
""")
_RISE = Script("""
local newest = tonumber(redis.call('GET', KEYS[2]) or '0')
if newest >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
""")


@attrs.frozen
class _Hold:
    """One hold of a lock: who owns it, and under which keys."""

    keys: tuple[str, str, str]
    """The owner, the newest token, and where the end of a hold is told."""
    owner: str = attrs.field(factory=lambda: uuid4().hex)


class RedisEventLock:
    """Locks of events on one Redis. Threads may share it.

    Whoever holds one long has it renewed by a thread of its own, until the process ends or stands still; then it
    is free after the lease. Where the server does not answer everybody goes on.
    """

    def __init__(
        self,
        link: RedisLink,
        keys: Keys | None = None,
        *,
        lease: timedelta = LEASE,
        wait: timedelta = WAIT,
    ) -> None:
        """Take a way to the server, best one with a short ``TIMEOUT`` and a ``rest``, and what may be waited."""
        self._link = link
        self._keys = keys or Keys()
        self._lease_ms = _milliseconds(lease)
        self._wait = wait.total_seconds()
        self._renewal = _Renewal(self._renew, lease.total_seconds() / 3)

    @contextmanager
    def hold(self, event_id: EventId) -> Iterator[int | None]:
        """Hold the lock of an event for the block, and give its token; None if it is not to be had in time."""
        hold = _Hold(self._keys_of(event_id))
        token = self._taken(hold)
        if token is None:
            yield None
            return
        with self._renewal.of(hold):
            try:
                yield token
            finally:
                self._ask(_RELEASE, hold.keys, hold.owner, self._lease_ms)

    def rise_above(self, event_id: EventId, token: int) -> None:
        """Give tokens above this one from now on."""
        self._ask(_RISE, self._keys_of(event_id), token, _milliseconds(_REMEMBERED))

    def close(self) -> None:
        """End the renewing; what is held is free after the lease."""
        self._renewal.close()

    def _keys_of(self, event_id: EventId) -> tuple[str, str, str]:
        owner, fence, free = (
            self._keys.of_event(event_id, what) for what in ("lock", "lock-fence", "lock-free")
        )
        return owner, fence, free

    def _taken(self, hold: _Hold) -> int | None:
        """Take the lock, or wait for it, and return the token."""
        deadline = time.monotonic() + self._wait
        while (token := self._take(hold)) == 0:
            left = deadline - time.monotonic()
            if left <= 0 or not self._listen(hold, min(left, _LISTEN.total_seconds())):
                return None
        return token

    def _take(self, hold: _Hold) -> int | None:
        """Return the token; 0 if somebody else has the lock, None if the server does not answer."""
        return self._ask(_TAKE, hold.keys, hold.owner, self._lease_ms, _milliseconds(_REMEMBERED))

    def _listen(self, hold: _Hold, seconds: float) -> bool:
        """Wait until a hold ends, or for some time; False if the server does not answer."""
        try:
            with self._link.client() as client:
                client.blpop([hold.keys[2]], seconds)
        except Unavailable:
            return False
        return True

    def _renew(self, hold: _Hold) -> None:
        self._ask(_RENEW, hold.keys, hold.owner, self._lease_ms)

    def _ask(self, script: Script, keys: tuple[str, ...], *arguments: str | int) -> int | None:
        """Run a script; None if the server does not answer."""
        try:
            return int(self._link.run(script, keys, *arguments))
        except Unavailable:
            return None


class _Renewal:
    """A thread that renews what is held long. It starts with the first hold, and mostly sleeps."""

    def __init__(self, renew: Callable[[_Hold], object], every: float) -> None:
        self._renew = renew
        self._every = every
        self._held: set[_Hold] = set()
        self._guard = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    @contextmanager
    def of(self, hold: _Hold) -> Iterator[None]:
        """Have a hold renewed while the block runs."""
        with self._guard:
            self._held.add(hold)
            if self._thread is None or not self._thread.is_alive():  # a fork leaves threads behind
                self._thread = Thread(target=self._work, name="lock-renewal", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                self._held.discard(hold)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()

    def _work(self) -> None:
        while not self._closed.wait(self._every):
            with self._guard:
                held = tuple(self._held)
            for hold in held:
                self._renew(hold)


def _milliseconds(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


_: type[EventLock] = RedisEventLock
