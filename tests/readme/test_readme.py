"""What the README shows is run, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.test_serve import Server, folder, server  # noqa: F401  # fixtures that tests name

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MARK = "=== next ==="


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found, f"the README shows no {language}"
    return found[1]


def test_the_example_of_the_core_is_ten_lines_and_says_what_the_readme_says() -> None:
    example = ROOT / "examples" / "ten_lines.py"
    shown = block("python")
    assert example.read_text().endswith(shown)
    statements = [line for line in shown.splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(statements) <= 10
    done = subprocess.run(
        [sys.executable, str(example)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert f"`{done.stdout.strip()}`" in README


def walk() -> Iterator[tuple[str, str]]:
    """Yield each command of the walk with what the README shows as its output."""
    command, output = "", list[str]()
    for line in block("console").splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line[2:], []
        else:
            output.append(line)
    yield command, "\n".join(output)


def alike(output: str) -> str:
    """Leave out what differs each time: ids, times, references."""
    for pattern, name in (
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r"EVT-[0-9A-Z]{10}", "REFERENCE"),
        (r'"request_id": "[0-9a-f]+"', '"request_id": ""'),
    ):
        output = re.sub(pattern, name, output)
    return output.strip()


@pytest.mark.crash
def test_the_walk_works_as_printed(server: Server) -> None:  # noqa: F811  # the fixture
    server.start()
    commands = list(walk())
    script = "".join(f"{command}\necho '{MARK}'\n" for command, _ in commands)
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    script = script.replace(".venv/bin/evently", f"{sys.executable} -m evently_cli.main")
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "EVENTLY_DATA_DIR": str(server.folder),
        },
    )
    outputs = done.stdout.split(MARK)
    for (command, shown), printed in zip(commands, outputs, strict=False):
        assert alike(printed) == alike(shown), (command, done.stderr)
    assert len(outputs) == len(commands) + 1
