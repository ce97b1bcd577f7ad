"""Sessions in Redis: each under a key of its own, changed by scripts in one step, gone by itself when it expires.

A session and the list of its user's sessions may be on two nodes of a cluster. So the list is written first: a
session that is there is always in it, and what is in it without being there is over, or not there yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import cast
from uuid import UUID

import attrs

from evently_core.accounts import SEEN_EVERY, Device, Session, TokenId
from evently_core.ports import Sessions
from evently_core.values import SessionId, UserId
from evently_redis.connection import RedisLink, Script
from evently_redis.keys import Keys

KEPT = timedelta(minutes=1)
"""How long an expired session stays: longer than clocks differ."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_LIST = Script("""
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
""")
_OPEN = Script("""
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return redis.call('PEXPIRE', KEYS[1], ARGV[1])
""")
# A call whose answer was lost on the way, and that comes again, finds its own token.
_REPLACE = Script("""
local now = redis.call('HMGET', KEYS[1], 'token_id', 'ended_at')
if now[2] then return 0 end
if now[1] == ARGV[2] then return 1 end
if now[1] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""")
_SAW = Script("""
local seen = redis.call('HGET', KEYS[1], 'last_seen_at')
if seen and tonumber(ARGV[1]) - tonumber(seen) >= tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'last_seen_at', ARGV[1])
end
return 1
""")
_END = Script("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSETNX', KEYS[1], 'ended_at', ARGV[1])
""")


class RedisSessions:
    """Who is signed in where. Threads may share it."""

    def __init__(self, link: RedisLink, keys: Keys | None = None) -> None:
        """Take a way to the server, and how keys are called."""
        self._link = link
        self._keys = keys or Keys()

    def open(self, session: Session) -> None:
        """Keep a new session."""
        self._list(session)
        self._link.run(_OPEN, [self._key(session.id)], _lifetime_ms(session), *_fields(session))

    def session(self, session_id: SessionId) -> Session | None:
        """Return a session, live or not."""
        with self._link.client() as client:
            told = cast(Mapping[str, str], client.hgetall(self._key(session_id)))  # its answers are decoded
        return _session(session_id, told)

    def replace(self, before: Session, after: Session) -> bool:
        """Put one state of a session in the place of another, if that is still its state."""
        self._list(after)
        tokens = str(before.token_id), str(after.token_id)
        replaced = self._link.run(
            _REPLACE, [self._key(before.id)], *tokens, _lifetime_ms(after), *_fields(after)
        )
        return bool(replaced)

    def saw(self, session_id: SessionId, at: datetime) -> None:
        """Note that a session was in use, unless that was noted within the minute before."""
        self._link.run(_SAW, [self._key(session_id)], _microseconds(at), SEEN_EVERY // _MICROSECOND)

    def end(self, session_id: SessionId, at: datetime) -> None:
        """End a session."""
        self._link.run(_END, [self._key(session_id)], _microseconds(at))

    def end_all(self, user_id: UserId, at: datetime, *, but: SessionId | None = None) -> None:
        """End every session of a user, but for one."""
        for session_id in self._listed(user_id):
            if session_id != but:
                self.end(session_id, at)

    def live(self, user_id: UserId, now: datetime) -> Sequence[Session]:
        """Return the live sessions of a user, newest first."""
        found = (self.session(session_id) for session_id in self._listed(user_id))
        live = [session for session in found if session is not None and session.is_live(now)]
        return sorted(live, key=lambda session: session.id, reverse=True)

    def forget(self, before: datetime) -> int:
        """Do nothing: what expired is gone by itself."""
        return 0

    def _key(self, session_id: SessionId) -> str:
        return self._keys.tagged(str(session_id), "session")

    def _list(self, session: Session) -> None:
        """See that a session is among those of its user for as long as it lives."""
        key = self._keys.tagged(str(session.user_id), "sessions")
        expired = _microseconds(session.last_seen_at - KEPT)
        expires = _microseconds(session.expires_at)
        self._link.run(_LIST, [key], str(session.id), expires, expired, _lifetime_ms(session))

    def _listed(self, user_id: UserId) -> list[SessionId]:
        with self._link.client() as client:
            found = client.zrange(self._keys.tagged(str(user_id), "sessions"), 0, -1)
            return [SessionId(UUID(str(name))) for name in found]


def _fields(session: Session) -> list[str]:
    """Return the names and values under which a session is kept."""
    told = attrs.asdict(session, filter=lambda field, _: field.name not in ("id", "device"))
    told |= attrs.asdict(session.device)
    kept = {name: _kept(value) for name, value in told.items() if value is not None}
    return list(chain.from_iterable(kept.items()))


def _kept(value: object) -> str:
    return str(_microseconds(value)) if isinstance(value, datetime) else str(value)


def _session(session_id: SessionId, told: Mapping[str, str]) -> Session | None:
    if not told:
        return None
    ended_at = told.get("ended_at")
    return Session(
        id=session_id,
        user_id=UserId(UUID(told["user_id"])),
        token_id=TokenId(UUID(told["token_id"])),
        rotations=int(told["rotations"]),
        device=Device(told["instance"], told["address"], told["user_agent"]),
        created_at=_instant(told["created_at"]),
        last_seen_at=_instant(told["last_seen_at"]),
        expires_at=_instant(told["expires_at"]),
        ended_at=None if ended_at is None else _instant(ended_at),
    )


def _lifetime_ms(session: Session) -> int:
    """Return for how long from now a session is kept that was just opened or rotated."""
    return (session.expires_at - session.last_seen_at + KEPT) // timedelta(milliseconds=1)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: str) -> datetime:
    return _EPOCH + int(microseconds) * _MICROSECOND


_: type[Sessions] = RedisSessions
