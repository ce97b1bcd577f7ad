"""``evently simulate``: a rush that never happened, under one policy after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from evently_cli.desk import json_option, progress, show
from evently_core.memory.simulation import RULES, Ending, Fate, Rush, rush, simulate
from evently_core.values import SEATS_MAX

_FATES = {
    Fate.ALL: "in full",
    Fate.PART: "in part",
    Fate.WAITS: "wait",
    Fate.TURNED_AWAY: "refused",
}


class _Sizes(click.ParamType[dict[int, int]]):
    name = "SIZE:SHARE,…"

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> dict[int, int]:
        if isinstance(value, dict):
            return value
        try:
            pairs = [each.split(":") for each in str(value).split(",")]
            return {int(size): int(share) for size, share in pairs}
        except ValueError:
            self.fail(f"{value!r} names no parties; write 1:60,2:30,4:10.", param, context)


@click.command(
    name="simulate", epilog="Example: evently simulate --people 400 --seats 250 --party-sizes 1:50,6:50"
)
@click.option("--people", type=int, default=300, show_default=True, help="How many parties come.")
@click.option("--seats", type=click.IntRange(0, SEATS_MAX), default=200, show_default=True)
@click.option(
    "--party-sizes",
    type=_Sizes(),
    default="1:60,2:30,4:10",
    show_default=True,
    help="Sizes with their shares.",
)
@click.option(
    "--giving-back", type=int, default=20, show_default=True, help="Of a hundred, who give up later."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same rush.")
@json_option
def simulate_command(
    people: int, seats: int, party_sizes: dict[int, int], giving_back: int, seed: int, as_json: bool
) -> None:
    """Let the same rush come under one policy after the other.

    Nothing is stored, and no database is needed. "limit 3" lets the first of a line be passed over three times,
    "no limit" gives every seat to whoever fits; with "parts" everybody takes what there is and waits for the rest.
    """
    coming = rush(people, party_sizes, giving_back=giving_back, seed=seed)
    with progress(RULES, "Simulating") as rules:
        endings = [simulate(coming, seats, rule) for rule in rules]
    if as_json:
        asked = {"people": people, "seats": seats, "giving_back": giving_back, "seed": seed}
        sizes = {str(size): share for size, share in party_sizes.items()}
        policies = [_shape(ending, party_sizes) for ending in endings]
        show(
            {**asked, "party_sizes": sizes, "seats_asked": sum(coming.parties), "policies": policies},
            as_json=True,
        )
        return
    _tell(coming, seats, endings, sorted(party_sizes))


def _shape(ending: Ending, sizes: Mapping[int, int]) -> dict[str, Any]:
    return {
        "policy": ending.rule.name,
        "bypass_limit": ending.rule.bypass_limit,
        "accept_partial": ending.rule.accept_partial,
        "waitlist": ending.rule.waitlist,
        "people": {fate.value: ending.count(fate) for fate in Fate},
        "people_by_party_size": {
            str(size): {
                "came": ending.of_size(size),
                **{fate.value: ending.count(fate, size) for fate in Fate},
            }
            for size in sizes
        },
        "seats_sold": ending.sold,
        "seats_empty": ending.empty,
        "seats_from_the_line": ending.from_the_line,
        "times_passed_over": ending.passed_over,
        "people_passed_over": ending.people_passed_over,
    }


def _tell(coming: Rush, seats: int, endings: Sequence[Ending], sizes: Sequence[int]) -> None:
    gave_up = max(ending.count(Fate.GAVE_BACK) for ending in endings)
    click.echo(
        f"{len(coming.parties)} parties ask for {sum(coming.parties)} of {seats} seats; "
        f"up to {gave_up} of them give up later.\n"
    )
    columns = ("policy", *_FATES.values(), "empty", "passed over")
    rows = [
        (
            ending.rule.name,
            *(ending.count(fate) for fate in _FATES),
            ending.empty,
            f"{ending.passed_over} times, {ending.people_passed_over} parties" if ending.passed_over else 0,
        )
        for ending in endings
    ]
    show(None, as_json=False, columns=columns, rows=rows)
    click.echo("\nOf each size of party, how many have all they asked for:\n")
    columns = ("policy", *(f"parties of {size}" for size in sizes))
    rows = [
        (ending.rule.name, *(f"{ending.count(Fate.ALL, size)} of {_stayed(ending, size)}" for size in sizes))
        for ending in endings
    ]
    show(None, as_json=False, columns=columns, rows=rows)


def _stayed(ending: Ending, size: int) -> int:
    return ending.of_size(size) - ending.count(Fate.GAVE_BACK, size)
