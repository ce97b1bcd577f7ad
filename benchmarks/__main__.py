"""``python -m benchmarks [--quick] [--only P1,P4]``: measure, print a table, write JSON and curves."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.table import Table

from benchmarks import booking, curves, figures, lines, process, rest
from benchmarks.bench import Ground, Verdict
from evently_postgres.migrations import upgrade
from evently_wiring.embedded import EmbeddedPostgres

OUT = Path(__file__).parent.parent / "docs" / "performance"
PAGE = OUT.with_suffix(".md")
LOAD_BEFORE = os.getloadavg()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: under three minutes")
    parser.add_argument("--only", default="", help="which bars to measure, such as P1,P4")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON and the curves go")
    chosen = parser.parse_args()
    only = set(filter(None, chosen.only.upper().split(",")))
    drawn: dict[str, Any] = {}
    verdicts: list[Verdict] = []
    with ExitStack() as stack:
        url = os.environ.get("EVENTLY_BENCH_DATABASE_URL")
        if url is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evently-bench-")))
            folder.chmod(0o755)
            url = stack.enter_context(EmbeddedPostgres(folder)).url
        upgrade(url)
        ground = Ground(url=url, quick=chosen.quick)
        for bar, measure in _measures(ground, drawn).items():
            if not only or bar in only:
                started = time.monotonic()
                verdicts += measure()
                print(f"{bar} measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
    verdicts.sort(key=lambda verdict: int(verdict.bar[1:]))
    _print(verdicts)
    _write(chosen.out, verdicts, drawn, quick=chosen.quick)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _measures(ground: Ground, drawn: dict[str, Any]) -> dict[str, Callable[[], list[Verdict]]]:
    def hot() -> list[Verdict]:
        verdicts, drawn["clients"] = booking.hot_event(ground)
        return verdicts

    def queue() -> list[Verdict]:
        verdicts, drawn["batches"] = booking.queue(ground)
        return verdicts

    def length() -> list[Verdict]:
        verdicts, drawn["lengths"] = lines.lines(ground)
        return verdicts

    return {
        "P11": lambda: process.importing(ground),
        "P4": lambda: booking.core(ground),
        "P3": lambda: booking.lone(ground),
        "P2": queue,
        "P1": hot,
        "P5": lambda: rest.whole_stack(ground),
        "P9": lambda: booking.many_events(ground),
        "P6": length,  # and P7, in the same lines
        "P8": lambda: figures.figures(ground),
        "P10": lambda: rest.memory(ground),
    }


def _print(verdicts: list[Verdict]) -> None:
    table = Table("bar", "what", "measured", "")
    for verdict in verdicts:
        table.add_row(
            verdict.bar, verdict.what, verdict.measured, "holds" if verdict.holds else "[red]missed[/red]"
        )
    Console(width=160).print(table)


def _write(folder: Path, verdicts: list[Verdict], drawn: dict[str, Any], *, quick: bool) -> None:
    """Write what was measured: figures for programs, a table for people, and the curves."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["nox", "-s", "bench", *(["--", *sys.argv[1:]] if sys.argv[1:] else [])]),
        "machine": _machine(),
        "load_average_before": LOAD_BEFORE,
        "quick": quick,
    }
    document = {**about, "verdicts": [attrs.asdict(verdict) for verdict in verdicts], "curves": drawn}
    (folder / "figures.json").write_text(json.dumps(document, indent=1, default=attrs.asdict) + "\n")
    rows = [
        f"| {verdict.bar} | {verdict.what} | {verdict.measured} | {'holds' if verdict.holds else '**missed**'} |"
        for verdict in verdicts
    ]
    told = (
        f"`{about['command']}`, {about['at']}, {about['machine']}, load average before {LOAD_BEFORE[0]:.1f}"
    )
    table = "\n".join(["| bar | what | measured | |", "|---|---|---|---|", *rows, "", told])
    (folder / "table.md").write_text(table + "\n")
    curves.draw(folder, drawn)
    if folder == OUT and not quick:
        _put_into_page(table)


def _put_into_page(table: str) -> None:
    before, begin, rest = PAGE.read_text().partition("<!-- table -->")
    _, end, after = rest.partition("<!-- /table -->")
    PAGE.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def _machine() -> str:
    [model, *_] = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] or [platform.processor()]
    return f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
