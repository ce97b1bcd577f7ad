"""P10 and P11: what a process weighs after many bookings, and what importing the core takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.bench import Figure, Ground, Verdict, evently_on, published, request

_IMPORT = """
import time, sys
start = time.perf_counter()
import evently_core
print((time.perf_counter() - start) * 1000)
foreign = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
foreign -= {"evently_core", "attr", "attrs", "__main__", "_distutils_hack", "sitecustomize"}
assert not [name for name in foreign if not name.startswith("_")], foreign
"""


def memory(ground: Ground) -> list[Verdict]:
    """P10: the resident memory of a process after 10,000 bookings and after many more."""
    more = 40_000 if ground.quick else 200_000
    with evently_on(ground) as (evently, _):
        event = published(evently)

        def book(count: int) -> float:
            for start in range(0, count, 500):
                evently.decisions.decide_many(event, [request(start + n) for n in range(500)])
            return _resident()

        first = book(10_000)
        last = book(more - 10_000)
    growth = Figure(name="memory", unit="×", runs=(last / first,))
    return [
        Verdict(
            bar="P10",
            what=f"memory after {more:,} bookings: ≤ 1.2 × after 10,000",
            measured=f"{first:.0f} MB, then {last:.0f} MB, {growth}",
            holds=growth.median <= 1.2,
            figures=(growth,),
        )
    ]


def _resident() -> float:
    """Return the resident memory of this process in megabytes."""
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def importing(ground: Ground) -> list[Verdict]:
    """P11: importing the core in a fresh process; it brings attrs and the standard library only."""
    command = [sys.executable, "-c", _IMPORT]
    runs = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(9)
    ]
    figure = Figure(name="import evently_core", unit="ms", runs=tuple(runs[1:]))
    return [
        Verdict(
            bar="P11",
            what="import evently_core: ≤ 60 ms",
            measured=f"{figure} ({figure.spread})",
            holds=figure.median <= 60,
            figures=(figure,),
        )
    ]
