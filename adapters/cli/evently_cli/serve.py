"""``evently serve`` and ``evently demo``."""

from __future__ import annotations

import os
from pathlib import Path

import attrs
import click

from evently_wiring.application import Application, FirstAdmin
from evently_wiring.serving import serve as serve_until_told
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
@click.option("--no-worker", is_flag=True, help="Leave the sweeping of lapsed holds to another process.")
def serve(host: str, port: int, workers: int, data_dir: Path | None, no_worker: bool) -> None:
    """Serve the API until SIGTERM or Ctrl-C.

    Without EVENTLY_DATABASE_URL a PostgreSQL of its own is started on the data directory.
    """
    settings = _settings(data_dir)
    serve_until_told(
        settings,
        host=host,
        port=port,
        workers=workers,
        sweep=not no_worker,
        ready=lambda address: click.echo(f"Evently answers on {address} (API: {address}/api/v1/docs)"),
        greet=_greet,
    )


@click.command(epilog="Example: evently demo --port 8001")
@_port
@_data_dir
def demo(port: int, data_dir: Path | None) -> None:
    """Serve fresh demo data: events, people, a sold-out event with a line.

    The data goes into a folder of its own; one that has been used is not used again.
    """
    import tempfile

    from evently_wiring.demo import fill, introduction

    folder = data_dir or Path(tempfile.mkdtemp(prefix="evently-demo-"))
    folder.chmod(0o755)
    settings = attrs.evolve(_settings(folder), database_url=None)
    os.environ["EVENTLY_DATA_DIR"] = str(folder)
    words: list[str] = []

    def prepare(application: Application) -> None:
        words.append(introduction(fill(application), f"http://127.0.0.1:{port}"))

    serve_until_told(
        settings,
        host="127.0.0.1",
        port=port,
        workers=1,
        sweep=True,
        ready=lambda address: click.echo(words[0] if words else f"Evently answers on {address}"),
        greet=lambda admin: None,
        prepare=prepare,
    )


def _settings(data_dir: Path | None) -> Settings:
    if data_dir is not None:
        os.environ["EVENTLY_DATA_DIR"] = str(data_dir.absolute())
    return Settings.from_environment()


def _greet(admin: FirstAdmin) -> None:
    click.echo(f"The first admin is {admin.user.email}.")
    if admin.generated_password is not None:
        click.echo(f"Its password is {admin.generated_password} and will not be shown again.")
