"""``evently demo`` as a newcomer runs it: what it prints to try is tried."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.serving.test_serve import folder, free_port, until  # noqa: F401  # a fixture that tests name

pytestmark = [pytest.mark.crash]

PROGRAM = (sys.executable, "-m", "evently_cli.main")


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
    return clean | {"PYTHONPATH": os.pathsep.join(sys.path)} | more


def told_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Stop with"):
            return "".join(lines)
    raise AssertionError(f"it ended: {''.join(lines)}")


def things_to_try(told: str) -> list[str]:
    """Return the commands behind each number, as they stand there."""
    parts = re.split(
        r"^\d\. .*\n", told.split("The same from a terminal\n")[1].split("Stop with")[0], flags=re.MULTILINE
    )
    evently = " ".join(PROGRAM)
    return [part.replace(" evently events", f" {evently} events") for part in parts[1:]]


def test_what_the_demo_says_to_try_works_and_its_data_is_never_mixed_with_other(folder: Path) -> None:  # noqa: F811  # a fixture that the tests name
    port, data = free_port(), folder / "data"  # a folder that is not there yet
    with subprocess.Popen(
        [*PROGRAM, "demo", "--port", str(port), "--data-dir", str(data)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            told = told_by(process)
            tried = [
                subprocess.run(
                    ["bash", "-euc", command], env=environment(), capture_output=True, text=True, check=True
                ).stdout
                for command in things_to_try(told)
            ]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=120) == 0
    [event] = json.loads(tried[0])["items"]
    assert (event["seats_free"], event["waiting"]) == (0, 3)
    answer = json.loads(tried[1])
    assert (answer["outcome"], answer["waitlist_entry"]["position"]) == ("waitlisted", 4)
    assert "dag@example.org (2), eve@example.org (3)" in tried[2]
    assert "nothing was changed" in tried[2]

    again = subprocess.run(
        [*PROGRAM, "demo", "--port", str(port), "--data-dir", str(data)],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 1
    assert "Name another --data-dir" in again.stderr


def test_a_demo_told_of_no_folder_leaves_none_and_touches_no_database_that_is_set() -> None:
    temporary = Path(tempfile.mkdtemp(prefix="evently-test-"))
    temporary.chmod(0o755)
    with subprocess.Popen(
        [*PROGRAM, "demo", "--port", str(free_port())],
        env=environment(TMPDIR=str(temporary), EVENTLY_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            assert "olga@example.org" in told_by(process)
        finally:
            process.terminate()
            assert process.wait(timeout=120) == 0
    until(lambda: not list(temporary.glob("evently-demo-*")))
    temporary.rmdir()


@pytest.mark.parametrize("after", [0.3, 0.8, 1.6])
def test_told_to_stop_while_it_starts_it_leaves_nothing_running(folder: Path, after: float) -> None:  # noqa: F811  # a fixture that the test names
    with subprocess.Popen(
        [*PROGRAM, "serve", "--port", str(free_port()), "--data-dir", str(folder)],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=after)
        process.terminate()
        assert process.wait(timeout=120) in (0, -signal.SIGTERM)  # the latter: before it was even loaded
    # The fixture waits until no server runs on the folder.
