"""The dashboard of the example asks for what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "examples" / "behind-nginx" / "grafana.json"
PARTS = re.compile(r"_(count|sum|bucket)$")  # of a histogram


def test_every_figure_on_the_dashboard_is_documented() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {
        PARTS.sub("", name)
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"evently_\w+", target["expr"])
    }
    documented = set(re.findall(r"`(evently_\w+)`", (ROOT / "docs" / "api.md").read_text()))
    assert len(asked) > 5
    assert asked <= documented
