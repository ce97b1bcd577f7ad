"""The curves, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygal
from pygal.style import CleanStyle


def draw(folder: Path, drawn: dict[str, Any]) -> None:
    """Draw what was measured into a folder."""
    if "clients" in drawn:
        clients = sorted(next(iter(drawn["clients"].values())))
        for what, field in (("bookings a second", "per_second"), ("p99 in ms", "p99_ms")):
            _line(
                folder / f"clients-{field}.svg",
                f"One hot event: {what} against clients",
                clients,
                {
                    name: [getattr(loads[n], field) for n in clients]
                    for name, loads in drawn["clients"].items()
                },
            )
    if "batches" in drawn:
        batches = sorted(drawn["batches"])
        values = {"bookings a second": [drawn["batches"][size] for size in batches]}
        _line(folder / "batches.svg", "Bookings a second against the size of the batch", batches, values)
    if "lengths" in drawn:
        lengths = sorted(next(iter(drawn["lengths"].values())))
        values = {name: [costs[length] for length in lengths] for name, costs in drawn["lengths"].items()}
        _line(folder / "lines.svg", "Milliseconds against the length of the line", lengths, values)


def _line(path: Path, title: str, labels: list[int], values: dict[str, list[float]]) -> None:
    chart = pygal.Line(
        title=title,
        style=CleanStyle,
        js=[],
        width=800,
        height=420,
        range=(0, max(max(line) for line in values.values()) * 1.05),
        value_formatter=lambda value: f"{value:,.1f}" if value < 100 else f"{value:,.0f}",
        disable_xml_declaration=True,  # so that it is text, which is written as UTF-8
    )
    chart.x_labels = [f"{label:,}" for label in labels]
    for name, line in values.items():
        chart.add(name, line)
    path.write_text(chart.render() + "\n")
