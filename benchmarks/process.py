"""P11: what importing the core takes."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.bench import Figure, Ground, Verdict

_IMPORT = """
import time, sys
start = time.perf_counter()
import evently_core
package = time.perf_counter()
from evently_core import Book, Evently, in_memory
print((package - start) * 1000, (time.perf_counter() - start) * 1000)
foreign = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
foreign -= {"evently_core", "attr", "attrs", "__main__", "_distutils_hack", "sitecustomize"}
assert not [name for name in foreign if not name.startswith("_")], foreign
"""


def importing(ground: Ground) -> list[Verdict]:
    """P11: importing the core in a fresh process; it brings attrs and the standard library only.

    A name of the package is loaded with its first use, so the use cases are measured too.
    """
    command = [sys.executable, "-c", _IMPORT]
    # As everywhere but in a container that forbids it, the compiled modules are there from the second time on.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    runs = []
    for _ in range(10):
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        runs.append([float(part) for part in ran.stdout.split()])
    package, use_cases = (
        Figure(name=name, unit="ms", runs=tuple(column[1:]))
        for name, column in zip(
            ("import evently_core", "with the use cases"), zip(*runs, strict=True), strict=True
        )
    )
    return [
        Verdict(
            bar="P11",
            what="import evently_core: ≤ 60 ms",
            measured=f"{package} ({package.spread}); with all use cases {use_cases} ({use_cases.spread})",
            holds=package.median <= 60,
            figures=(package, use_cases),
        )
    ]
