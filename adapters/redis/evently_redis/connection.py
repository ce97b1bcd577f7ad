"""The way to Redis: bounded in connections and in time, and the one place where its errors become Evently's."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha1
from threading import Lock
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import attrs
from redis import BlockingConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import parse_url
from redis.exceptions import (
    ClusterError,
    ConnectionError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,
    TryAgainError,
)
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from evently_core.errors import InvalidValue, Unavailable

CONNECT_TIMEOUT = timedelta(milliseconds=500)
TIMEOUT = timedelta(seconds=1)
REST = timedelta(seconds=1)
"""How long it makes sense to leave a server alone that did not answer, for whoever can do without it."""
POOL_SIZE = 64

_GONE = (
    ConnectionError,
    TimeoutError,
    ClusterError,
    RedisClusterException,
    MasterDownError,
    TryAgainError,  # a slot is on its way to another node
    OutOfMemoryError,
    ReadOnlyError,  # the primary has become a replica
)
# What else a server says that cannot work at the moment: it cannot save, or lacks replicas, or has just been demoted.
_UNABLE = ("MISCONF", "NOREPLICAS", "UNBLOCKED")


@contextmanager
def translated() -> Iterator[None]:
    """Let only Evently's errors out of the block; what is our own mistake passes as it is.

    Raises:
        Unavailable: the server cannot be reached, took too long, or cannot work at the moment. The driver's error
            is the cause.
    """
    try:
        yield
    except _GONE as error:
        raise Unavailable("Redis cannot be reached; try again in a moment.") from error
    except ResponseError as error:
        if not str(error).startswith(_UNABLE):
            raise
        raise Unavailable("Redis cannot work at the moment; try again in a moment.") from error


@attrs.frozen
class Script:
    """A script that Redis runs as one step."""

    lua: str
    sha: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # Redis names scripts by this hash; it protects nothing.
        object.__setattr__(self, "sha", sha1(self.lua.encode(), usedforsecurity=False).hexdigest())


class RedisLink:
    """A way to one Redis, whichever kind it is. Threads may share it; nothing is connected before it is used."""

    def __init__(
        self,
        url: str,
        *,
        timeout: timedelta = TIMEOUT,
        connect_timeout: timedelta = CONNECT_TIMEOUT,
        pool_size: int = POOL_SIZE,
        retries: int = 1,
        rest: timedelta = timedelta(0),
    ) -> None:
        """Say where it is, and how long anything may take.

        Args:
            url: ``redis://user:password@host:6379/0``, with TLS ``rediss://``, through a socket ``unix:///path``;
                a cluster ``redis+cluster://host:6379,host:6379``; whoever is primary according to a Sentinel
                ``redis+sentinel://host:26379,host:26379/name``, with ``?sentinel_password=`` where they want one.
                Both with TLS as ``rediss+``. What redis-py takes behind a ``?`` it takes here.
            timeout: the longest wait for an answer, and for one of the connections.
            connect_timeout: the longest wait for a new connection.
            pool_size: the most connections, to each node.
            retries: how often a command is sent again after a connection broke. Whether the first one arrived is
                not known then, so it is for commands that may happen twice. One that took too long is not sent
                again.
            rest: for how long, after the server did not answer, it is not asked at all: so a server that hangs
                costs one ``timeout`` in this time, and not one for every request.

        Raises:
            InvalidValue: the URL is not understood.
        """
        options: dict[str, Any] = {
            "socket_timeout": timeout.total_seconds(),
            "socket_connect_timeout": connect_timeout.total_seconds(),
            "decode_responses": True,
            # Only what broke is tried again. To wait twice for somebody slow makes everybody slow.
            "retry": Retry(NoBackoff(), retries, supported_errors=(ConnectionError,)),
            "max_connections": pool_size,
        }
        self._connect = _way(url, options, timeout)
        self._client: Redis | None = None
        self._lock = Lock()
        self._rest = rest.total_seconds()
        self._rests_until = -math.inf

    @contextmanager
    def client(self) -> Iterator[Redis]:
        """Give the client, with its errors translated; a cluster's answers the same commands.

        Raises:
            Unavailable: as ``translated`` says, or the server is left alone.
        """
        if time.monotonic() < self._rests_until:
            raise Unavailable("Redis did not answer a moment ago; try again in a moment.")
        try:
            with translated():
                yield self._connected()
        except Unavailable:
            self._rests_until = time.monotonic() + self._rest
            raise

    def _connected(self) -> Redis:
        if self._client is None:
            made = self._connect()  # asks a cluster for its nodes, so nobody else waits for it
            with self._lock:
                if self._client is None:
                    self._client = made
            if self._client is not made:
                made.close()
        return self._client

    def run(self, script: Script, keys: Sequence[str], *arguments: str | int | float) -> Any:
        """Run a script in one round trip, or two where the server does not know it yet.

        Raises:
            Unavailable: as `client` says.
        """
        with self.client() as client:
            try:
                return client.evalsha(script.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                return client.eval(script.lua, len(keys), *keys, *arguments)

    def check(self) -> str:
        """Return ``ok`` if the server answers.

        Raises:
            Unavailable: it does not.
        """
        with self.client() as client:
            client.get("evently")  # a cluster's PING asks every node; reading some key is enough
        return "ok"

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()


def is_redis_url(url: str) -> bool:
    """Tell whether a URL is one of those that `RedisLink` understands."""
    try:
        _way(url, {}, TIMEOUT)
    except InvalidValue:
        return False
    return True


def _way(url: str, options: dict[str, Any], timeout: timedelta) -> Callable[[], Redis]:
    parts = urlsplit(url)
    base, _, kind = parts.scheme.partition("+")
    try:
        if kind == "cluster" and base in ("redis", "rediss"):
            return _cluster(parts, options)
        if kind == "sentinel" and base in ("redis", "rediss"):
            return _primary(parts, options)
        if parts.scheme in ("redis", "rediss", "unix", "redis+unix"):
            return _single(url.replace("redis+unix:", "unix:", 1), options, timeout)
    except ValueError:
        pass  # its message may repeat the URL with the password
    raise InvalidValue(
        "redis_url",
        "invalid_url",
        "A Redis URL looks like redis://user:password@host:6379/0, redis+cluster://host:6379,host:6379 "
        "or redis+sentinel://host:26379,host:26379/name.",
    )


def _single(url: str, options: dict[str, Any], timeout: timedelta) -> Callable[[], Redis]:
    parse_url(url)

    def connect() -> Redis:
        pool = BlockingConnectionPool.from_url(
            url,
            timeout=timeout.total_seconds(),
            # The server is not asked to tell of its maintenance: that takes a round trip for every connection.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            **options,
        )
        return Redis.from_pool(pool)

    return connect


def _cluster(parts: SplitResult, options: dict[str, Any]) -> Callable[[], Redis]:
    nodes = _hosts(parts, 6379)
    ours = options | _parameters(parts)
    ours.pop("db", None)  # a cluster has only one

    def connect() -> Redis:
        found = [ClusterNode(host, port) for host, port in nodes]
        return cast(Redis, RedisCluster(startup_nodes=found, **ours))

    return connect


def _primary(parts: SplitResult, options: dict[str, Any]) -> Callable[[], Redis]:
    sentinels = _hosts(parts, 26379)
    name = parts.path.strip("/")
    if not name:
        raise ValueError("which of the primaries is not said")
    ours = options | _parameters(parts)
    theirs = {key: value for key, value in ours.items() if key.startswith("socket_") or key == "ssl"}
    for key in ("username", "password"):
        if (secret := ours.pop(f"sentinel_{key}", None)) is not None:
            theirs[key] = secret

    def connect() -> Redis:
        return cast(Redis, Sentinel(sentinels, sentinel_kwargs=theirs, **ours).master_for(name))

    return connect


def _hosts(parts: SplitResult, default_port: int) -> list[tuple[str, int]]:
    """Return all hosts of a URL that names several."""
    hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    if not all(host.hostname for host in hosts):
        raise ValueError("a host has no name")
    return [(str(host.hostname), host.port or default_port) for host in hosts]


def _parameters(parts: SplitResult) -> dict[str, Any]:
    """Return what a URL says besides its hosts."""
    who = parts.netloc.rpartition("@")[0]
    said: dict[str, Any] = parse_url(f"redis://{who}@localhost?{parts.query}")
    said.pop("host")
    if parts.scheme.startswith("rediss"):
        said["ssl"] = True
    return said
