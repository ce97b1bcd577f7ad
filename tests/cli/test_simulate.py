from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from evently_cli.main import evently

SMALL = ["simulate", "--people", "40", "--seats", "20"]


def test_policies_are_shown_side_by_side() -> None:
    told = CliRunner().invoke(evently, [*SMALL, "--seed", "7"]).stdout
    for word in ("strict", "limit 3", "no line", "in full", "passed over", "parties of 4"):
        assert word in told
    assert told == CliRunner().invoke(evently, [*SMALL, "--seed", "7"]).stdout
    assert told != CliRunner().invoke(evently, [*SMALL, "--seed", "8"]).stdout


def test_programs_get_every_figure() -> None:
    run = CliRunner().invoke(evently, [*SMALL, "--party-sizes", "1:1,3:1", "--json"])
    answer = json.loads(run.stdout)
    assert (answer["people"], answer["seats"], answer["party_sizes"]) == (40, 20, {"1": 1, "3": 1})
    assert len(answer["policies"]) == 6
    for policy in answer["policies"]:
        assert policy["seats_sold"] + policy["seats_empty"] == 20
        assert sum(policy["people"].values()) == 40
        assert sum(each["came"] for each in policy["people_by_party_size"].values()) == 40


@pytest.mark.parametrize("sizes", ["many", "1", "1:2:3", ""])
def test_party_sizes_that_nobody_can_read_are_wrong_usage(sizes: str) -> None:
    run = CliRunner().invoke(evently, ["simulate", "--party-sizes", sizes])
    assert run.exit_code == 2
    assert "1:60,2:30,4:10" in run.stderr
