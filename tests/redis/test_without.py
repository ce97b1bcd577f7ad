"""Where the extra ``redis`` is not installed, all but Redis works."""

import subprocess
import sys

import pytest

# What a machine without redis-py looks like to whoever imports it.
WITHOUT = "import sys; sys.modules['redis'] = None; sys.path[:0] = {path!r}; "


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT.format(path=sys.path) + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "module",
    ["evently_cli.main", "evently_wiring.answering", "evently_wiring.serving", "evently_wiring.worker"],
)
def test_nothing_else_needs_it(module: str) -> None:
    done = run(f"import {module}")
    assert done.returncode == 0, done.stderr


def test_whoever_asks_for_redis_is_told_what_to_install() -> None:
    done = run(
        "from evently_wiring.settings import Settings; "
        "Settings.from_environment({'EVENTLY_REDIS_URL': 'redis://10.0.0.1'})"
    )
    assert done.returncode != 0
    assert "EVENTLY_REDIS_URL needs the extra: pip install 'evently-core[redis]'." in done.stderr
