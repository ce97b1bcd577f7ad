"""``evently openapi``: the description of the API."""

from __future__ import annotations

import json
from pathlib import Path

import click

from evently_cli.failures import WRONG_USAGE, fail


@click.command(epilog="Example: evently openapi openapi.json")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def openapi(file: Path | None) -> None:
    """Write the OpenAPI document into FILE, or to standard output."""
    from evently_wiring.application import api_description

    text = json.dumps(api_description(), indent=2)
    if file is None:
        click.echo(text)
        return
    try:
        file.write_text(text + "\n")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}.", WRONG_USAGE)
    click.echo(f"Written to {file}.")
