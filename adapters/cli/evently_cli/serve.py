"""``evently serve``, ``evently demo`` and ``evently worker``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

if TYPE_CHECKING:
    from evently_wiring.application import Application
    from evently_wiring.settings import Settings

_port = click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)
_data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the embedded server keeps its data.",
)


@click.command(epilog="Example: evently serve --port 8080 --data-dir ./data")
@click.option("--host", default="127.0.0.1", show_default=True)
@_port
@click.option(
    "--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that answer."
)
@_data_dir
@click.option("--no-worker", is_flag=True, help="Leave what nobody asks for to `evently worker`.")
def serve(host: str, port: int, workers: int, data_dir: Path | None, no_worker: bool) -> None:
    """Serve the API until SIGTERM or Ctrl-C.

    Without EVENTLY_DATABASE_URL a PostgreSQL of its own is started on the data directory.
    """
    from evently_wiring.serving import serve as serve_until_told

    settings = _settings(data_dir)
    serve_until_told(
        settings,
        host=host,
        port=port,
        workers=workers,
        work=not no_worker,
        prepare=lambda application: _greet_first_admin(application, settings),
        ready=lambda address: click.echo(f"Evently answers on {address} (API: {address}/api/v1/docs)"),
    )


@click.command(epilog="Example: evently demo --port 8001")
@_port
@_data_dir
def demo(port: int, data_dir: Path | None) -> None:
    """Serve fresh demo data: events, people, a sold-out event with a line, and a crowd.

    The crowd rushes to whatever event is published and nobody has booked yet.

    The data goes into a folder of its own: --data-dir, which must be new or empty, or a temporary one that is
    gone when the demo ends.
    """
    from evently_wiring.crowd import Crowd
    from evently_wiring.demo import PASSWORD, fill, introduction, require_fresh
    from evently_wiring.serving import serve as serve_until_told

    with _folder(data_dir) as folder:
        require_fresh(folder)
        settings = attrs.evolve(
            _settings(folder), database_url=None, redis_url=None
        )  # never on what somebody uses
        words: list[str] = []

        def prepare(application: Application) -> None:
            words.append(introduction(fill(settings, application.url), f"http://127.0.0.1:{port}", folder))

        serve_until_told(
            settings,
            host="127.0.0.1",
            port=port,
            workers=1,
            work=True,
            prepare=prepare,
            ready=lambda _: click.echo(words[0]),
            more_jobs=lambda application: [Crowd(application, PASSWORD).job()],
        )


@click.command(epilog="Example: evently worker")
@_data_dir
def worker(data_dir: Path | None) -> None:
    """Do what nobody asks for, until SIGTERM or Ctrl-C.

    The seats of lapsed holds move on, lines open and close, and what is kept for a while only is forgotten. Any
    number of workers may run at once; `evently serve` does the same work beside the API, unless told not to.
    """
    from evently_wiring.worker import run_worker

    run_worker(_settings(data_dir), ready=lambda name: click.echo(f"{name} is at work."))


@contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        yield data_dir.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="evently-demo-"))
    folder.chmod(0o755)  # started by root, PostgreSQL runs as somebody else
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(data_dir: Path | None) -> Settings:
    from evently_wiring.settings import Settings

    if data_dir is not None:
        os.environ["EVENTLY_DATA_DIR"] = str(data_dir.absolute())
    return Settings.from_environment()


def _greet_first_admin(application: Application, settings: Settings) -> None:
    from evently_wiring.application import NoAdmin, ensure_first_admin

    try:
        admin = ensure_first_admin(application, settings)
    except NoAdmin as error:
        click.echo(str(error), err=True)  # served all the same: one can be made at any time
        return
    if admin is not None:
        click.echo(f"The first admin is {admin.user.email}.")
    if admin is not None and admin.generated_password is not None:
        click.echo(f"Its password is {admin.generated_password} and will not be shown again.")
