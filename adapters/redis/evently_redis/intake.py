"""The intake in Redis: a stream for each event, out of which one consumer at a time is served, first in, first out.

What was accepted survives the death of every process, that of Redis too if it writes before it answers
(``appendonly yes`` and ``appendfsync always``). It does not survive the loss of Redis' data: who wants that keeps
the intake in PostgreSQL.

A request is given out at least once. That it is decided once is up to the store, which settles each in the
transaction that decides it; here the settled ones are only taken off the stream.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import attrs

from evently_core.commands import Key
from evently_core.documents import seat_request_json
from evently_core.errors import Unavailable
from evently_core.intake import (
    DEPTH_MAX,
    Acceptance,
    Asked,
    Intake,
    QueuedRequest,
    QueueFigures,
    QueueFull,
    Receipt,
    Waiting,
    reused,
)
from evently_core.values import EventId, RequestId, UserId
from evently_redis.connection import RedisLink, Script
from evently_redis.keys import Keys

PARTITIONS = 16
"""Over how many slots of a cluster the events are spread. It stays as it is while anything waits."""
LEASE = timedelta(seconds=4)
"""How long a claim outlives its process. Who takes longer over a batch may meet somebody else at it, and then finds
out when it is to be settled."""
_CANDIDATES = 4
"""How many events of a partition to try to claim, those first that have not had their turn for longest."""

# Where a command is sent again because a connection broke, its requests may have come in with the first one.
_ACCEPT = Script("""
local stream, counts, waiting, keys, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local event, most, now = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local accepted = tonumber(redis.call('HGET', counts, event .. ' accepted') or '0')
local decided = tonumber(redis.call('HGET', counts, event .. ' decided') or '0')
local before_all, answers = accepted, {}
for place = 4, #ARGV, 5 do
    local id, user, key, fingerprint, command = unpack(ARGV, place, place + 4)
    local before = redis.call('HGET', waiting, id)
    local same = key ~= '' and redis.call('HGET', keys, event .. ' ' .. key)
    if before then
        answers[#answers + 1] = {'accepted', id, cjson.decode(before)[3] - decided - 1}
    elseif same then
        local first, its = unpack(cjson.decode(same))
        if its ~= fingerprint then
            answers[#answers + 1] = {'reused'}
        else
            answers[#answers + 1] = {'same', first, cjson.decode(redis.call('HGET', waiting, first))[3] - decided - 1}
        end
    elseif accepted - decided >= most then
        answers[#answers + 1] = {'full'}
    else
        accepted = accepted + 1
        redis.call('XADD', stream, '*', 'id', id, 'user', user, 'sequence', accepted, 'at', now, 'command', command)
        redis.call('HSET', waiting, id, cjson.encode({event, user, accepted, key}))
        if key ~= '' then redis.call('HSET', keys, event .. ' ' .. key, cjson.encode({id, fingerprint})) end
        answers[#answers + 1] = {'accepted', id, accepted - decided - 1}
    end
end
redis.call('HINCRBY', counts, 'accepted', accepted - before_all)
redis.call('HSET', counts, event .. ' accepted', accepted)
redis.call('ZADD', turns, 'NX', redis.call('HINCRBY', counts, 'turns', 1), event)
return answers
""")

# First what was given out before and not settled, then what is new: the stream's order is the order accepted.
_CLAIM = Script("""
local lease, stream, turns, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local owner, lease_ms, limit, event = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
if redis.call('EXISTS', lease) == 1 then return {} end
if redis.call('XLEN', stream) == 0 then
    redis.call('ZREM', turns, event)
    return {}
end
redis.call('SET', lease, owner, 'PX', lease_ms)
redis.call('ZADD', turns, 'XX', redis.call('HINCRBY', counts, 'turns', 1), event)
redis.pcall('XGROUP', 'CREATE', stream, 'drain', '0')
local function read(from, count)
    if count < 1 then return {} end
    local found = redis.call('XREADGROUP', 'GROUP', 'drain', 'one', 'COUNT', count, 'STREAMS', stream, from)
    return found and found[1] and found[1][2] or {}
end
local again = read('0', limit)
return {again, read('>', limit - #again)}
""")

_SETTLED = Script("""
local lease, stream, counts, waiting, keys, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local owner, event = ARGV[1], ARGV[2]
local decided = 0
for place = 3, #ARGV, 2 do
    local entry, id = ARGV[place], ARGV[place + 1]
    if redis.call('XACK', stream, 'drain', entry) == 1 then
        redis.call('XDEL', stream, entry)
        local known = redis.call('HGET', waiting, id)
        local key = known and cjson.decode(known)[4] or ''
        if key ~= '' then redis.call('HDEL', keys, event .. ' ' .. key) end
        redis.call('HDEL', waiting, id)
        decided = decided + 1
    end
end
if decided > 0 then
    redis.call('HINCRBY', counts, 'decided', decided)
    redis.call('HINCRBY', counts, event .. ' decided', decided)
end
if redis.call('XLEN', stream) == 0 then
    redis.call('DEL', stream)
    redis.call('ZREM', turns, event)
end
if redis.call('GET', lease) == owner then redis.call('DEL', lease) end
return decided
""")


@attrs.frozen
class _Partition:
    """The keys of one partition: one slot of a cluster, so that a script may touch them together."""

    keys: Keys
    number: int

    def named(self, what: str) -> str:
        """Return the name of one of its keys."""
        return self.keys.tagged(f"queue-{self.number}", what)

    def stream(self, event_id: EventId) -> str:
        """Return where the requests for an event are, in order."""
        return self.named(f"requests:{event_id}")

    def lease(self, event_id: EventId) -> str:
        """Return where it says who is at the requests for an event."""
        return self.named(f"lease:{event_id}")

    @property
    def counts(self) -> str:
        """How many requests of each event were accepted, how many decided, and how many turns were given."""
        return self.named("counts")

    @property
    def waiting(self) -> str:
        """Each request that waits: its event, its asker, its sequence and its key."""
        return self.named("waiting")

    @property
    def known(self) -> str:
        """Which request waits under a key, and what it asks for."""
        return self.named("keys")

    @property
    def turns(self) -> str:
        """The events that have requests, by the number of their last turn: a count, for clocks differ."""
        return self.named("turns")


class RedisIntake:
    """The requests of all events, on one Redis or a cluster. Threads and processes may share it."""

    def __init__(
        self,
        link: RedisLink,
        keys: Keys | None = None,
        *,
        depth_max: int = DEPTH_MAX,
        lease: timedelta = LEASE,
    ) -> None:
        """Take a way to the server, best one that leaves alone who does not answer; at most ``depth_max`` requests wait for one event."""
        self._link = link
        self._partitions = [_Partition(keys or Keys(), number) for number in range(PARTITIONS)]
        self._depth_max = depth_max
        self._lease_ms = lease // timedelta(milliseconds=1)
        self._served_last = 0

    def _partition_of(self, event_id: EventId) -> _Partition:
        return self._partitions[event_id.int % PARTITIONS]

    # -- accepting ----------------------------------------------------------------------------------------------

    def accept(self, event_id: EventId, asked: Sequence[Asked]) -> Sequence[Acceptance]:
        """Accept requests for one event, behind all that were accepted before."""
        part = self._partition_of(event_id)
        keys = [part.stream(event_id), part.counts, part.waiting, part.known, part.turns]
        now = _milliseconds(min((each.at for each in asked), default=datetime.now(UTC)))
        arguments: list[str | int] = [str(event_id), self._depth_max, now]
        for each in asked:
            command = each.command
            arguments += [
                str(each.id),
                str(command.user_id),
                _key_text(command.key),
                "" if command.key is None else command.fingerprint().hex(),
                seat_request_json(command),
            ]
        return [_acceptance(*answer) for answer in self._link.run(_ACCEPT, keys, *arguments)]

    # -- deciding -----------------------------------------------------------------------------------------------

    @contextmanager
    def claim(self, limit: int) -> Iterator[Sequence[QueuedRequest]]:
        """Give the next requests of an event that nobody else is at."""
        claim = self._claimed(limit)
        if claim is None:
            yield ()
            return
        settled = False
        try:
            yield claim.requests
            settled = True
        finally:
            self._end(claim, settled=settled)

    def _claimed(self, limit: int) -> _Claim | None:
        for part, event_id in self._candidates():
            owner = uuid4().hex
            keys = [part.lease(event_id), part.stream(event_id), part.turns, part.counts]
            found = self._link.run(_CLAIM, keys, owner, self._lease_ms, limit, str(event_id))
            if found:
                self._served_last = part.number
                again, new = found
                entries = [(entry, True) for entry in again] + [(entry, False) for entry in new]
                return _Claim(
                    event_id,
                    owner,
                    [entry[0] for entry, _ in entries],
                    [_request(event_id, entry[1], redelivered=redelivered) for entry, redelivered in entries],
                )
        return None

    def _candidates(self) -> Iterator[tuple[_Partition, EventId]]:
        """Yield events that have requests: partition by partition, and those first whose turn it is."""
        first = self._served_last + 1
        parts = [self._partitions[number % PARTITIONS] for number in range(first, first + PARTITIONS)]
        with self._link.client() as client, client.pipeline(transaction=False) as pipeline:
            for part in parts:
                pipeline.zrange(part.turns, 0, _CANDIDATES - 1)
            found = pipeline.execute()
        for part, events in zip(parts, found, strict=True):
            for event in events:
                yield part, EventId(UUID(event))

    def _end(self, claim: _Claim, *, settled: bool) -> None:
        """Take settled requests off the stream, and let others at it."""
        part, event_id = self._partition_of(claim.event_id), claim.event_id
        keys = [
            part.lease(event_id),
            part.stream(event_id),
            part.counts,
            part.waiting,
            part.known,
            part.turns,
        ]
        done = zip(claim.entries, claim.requests, strict=True) if settled else ()
        pairs = [text for entry, request in done for text in (entry, str(request.id))]
        self._link.run(_SETTLED, keys, claim.owner, str(event_id), *pairs)

    # -- reading ------------------------------------------------------------------------------------------------

    def find(self, request_id: RequestId) -> Waiting | None:
        """Return a request that waits. Its event is not known, so every partition is asked, all at once."""
        with self._link.client() as client:
            with client.pipeline(transaction=False) as pipeline:
                for part in self._partitions:
                    pipeline.hget(part.waiting, str(request_id))
                found = pipeline.execute()
            for part, text in zip(self._partitions, found, strict=True):
                if text is not None:
                    event, user, sequence, _ = json.loads(text)
                    decided: Any = client.hget(part.counts, f"{event} decided")
                    return Waiting(user_id=UserId(UUID(user)), ahead=max(0, sequence - int(decided or 0) - 1))
        return None

    def unseen(self, event_id: EventId) -> int:
        """Return how many requests for an event wait: the store knows of none.

        Where Redis is away the answer is 0: that those who were accepted come first is not worth that nobody is
        served any more.
        """
        counts = self._partition_of(event_id).counts
        try:
            with self._link.client() as client:
                found: Any = client.hmget(counts, [f"{event_id} accepted", f"{event_id} decided"])
        except Unavailable:
            return 0
        accepted, decided = (int(each or 0) for each in found)
        return max(0, accepted - decided)

    def figures(self) -> QueueFigures:
        """Return what there is to know about the queue as a whole."""
        with self._link.client() as client, client.pipeline(transaction=False) as pipeline:
            for part in self._partitions:
                pipeline.hlen(part.waiting)
                pipeline.zrange(part.turns, 0, -1)
                pipeline.hmget(part.counts, ["accepted", "decided"])
            found = pipeline.execute()
        events = [
            (part, EventId(UUID(event)))
            for part, names in zip(self._partitions, found[1::3], strict=True)
            for event in names
        ]
        return QueueFigures(
            depth=sum(found[::3]),
            events=len(events),
            oldest=self._oldest(events),
            accepted=sum(int(accepted or 0) for accepted, _ in found[2::3]),
            decided=sum(int(decided or 0) for _, decided in found[2::3]),
        )

    def _oldest(self, events: Sequence[tuple[_Partition, EventId]]) -> datetime | None:
        with self._link.client() as client, client.pipeline(transaction=False) as pipeline:
            for part, event_id in events:
                pipeline.xrange(part.stream(event_id), count=1)
            heads = pipeline.execute() if events else []
        return min((_moment(head[0][1]["at"]) for head in heads if head), default=None)


@attrs.frozen
class _Claim:
    """Requests that were given out: whose they are, and where they are in the stream."""

    event_id: EventId
    owner: str
    entries: list[str]
    requests: list[QueuedRequest]


def _request(event_id: EventId, fields: Sequence[str], *, redelivered: bool) -> QueuedRequest:
    """Return a request of its entry, in which names and values alternate."""
    value = dict(zip(fields[::2], fields[1::2], strict=True))
    return QueuedRequest(
        id=RequestId(UUID(value["id"])),
        event_id=event_id,
        user_id=UserId(UUID(value["user"])),
        sequence=int(value["sequence"]),
        document=json.loads(value["command"]),
        redelivered=redelivered,
    )


def _acceptance(what: str, request_id: str = "", ahead: int = 0) -> Acceptance:
    match what:
        case "full":
            return QueueFull()
        case "reused":
            return reused()
    return Receipt(id=RequestId(UUID(request_id)), ahead=max(0, ahead), replayed=what == "same")


def _key_text(key: Key | None) -> str:
    """Return a key as one text, from which no other key differs only in where it is cut."""
    return "" if key is None else json.dumps([key.scope, key.value])


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


_: type[Intake] = RedisIntake
