"""A rush tells the same story for the same seed, and every policy keeps its promise in it."""

from __future__ import annotations

import pytest

from evently_core.errors import InvalidValue
from evently_core.memory.simulation import PEOPLE_MAX, RULES, Ending, Fate, Rule, Rush, rush, simulate

SIZES = {1: 60, 2: 30, 4: 10}
STRICT, PARTS, LIMITED, _, UNLIMITED, NO_LINE = RULES


def test_the_same_seed_tells_the_same_story() -> None:
    one, same, other = (rush(60, SIZES, seed=seed) for seed in (5, 5, 6))
    assert one == same
    assert one != other
    for rule in RULES:
        assert simulate(one, 30, rule) == simulate(same, 30, rule)


def test_a_large_rush_is_over_before_anybody_has_lost_patience() -> None:
    """Each request costs the same, however many came before: at a cost that grows, this takes minutes."""
    ending = simulate(rush(10_000, SIZES, seed=2), 8_000, PARTS)
    assert ending.sold == 8_000
    assert sum(ending.count(fate) for fate in Fate) == 10_000


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_seat_and_every_party_is_accounted_for(rule: Rule) -> None:
    coming = rush(80, SIZES, giving_back=30, seed=3)
    ending = simulate(coming, 40, rule)
    assert ending.sold + ending.empty == 40
    assert ending.empty >= 0
    assert tuple(size for size, _ in ending.fates) == coming.parties
    assert sum(ending.count(fate) for fate in Fate) == 80
    assert sum(ending.of_size(size) for size in SIZES) == 80
    in_full = sum(size for size, fate in ending.fates if fate is Fate.ALL)
    assert in_full <= ending.sold <= in_full + sum(size for size, fate in ending.fates if fate is Fate.PART)


def ends(parties: tuple[int, ...], steps: tuple[int, ...], seats: int, rule: Rule) -> Ending:
    return simulate(Rush(parties, steps), seats, rule)


def test_whoever_is_first_is_passed_over_as_often_as_the_policy_says_and_not_more() -> None:
    # Four have a seat each, a party of four waits, then singles; one after the other the four give up.
    parties = (1, 1, 1, 1, 4, 1, 1, 1, 1)
    steps = (*range(9), 0, 1, 2, 3)
    strict = ends(parties, steps, 4, STRICT)
    assert (strict.fates[4], strict.passed_over, strict.empty) == ((4, Fate.ALL), 0, 0)
    limited = ends(parties, steps, 4, LIMITED)
    assert (limited.fates[4], limited.passed_over, limited.empty) == ((4, Fate.WAITS), 3, 1)
    assert [fate for _, fate in limited.fates[5:]] == [Fate.ALL, Fate.ALL, Fate.ALL, Fate.WAITS]
    unlimited = ends(parties, steps, 4, UNLIMITED)
    assert (unlimited.passed_over, unlimited.people_passed_over, unlimited.from_the_line) == (4, 1, 4)
    parts = ends(parties, steps, 4, PARTS)
    assert (parts.fates[4], parts.passed_over, parts.from_the_line) == ((4, Fate.ALL), 0, 4)


def test_without_a_line_whoever_comes_too_late_is_turned_away_and_seats_given_back_stay_empty() -> None:
    ending = ends((1, 1, 1), (0, 1, 2, 0), 2, NO_LINE)
    assert [fate for _, fate in ending.fates] == [Fate.GAVE_BACK, Fate.ALL, Fate.TURNED_AWAY]
    assert ending.empty == 1


def test_a_party_that_gives_up_has_nothing_left_and_waits_no_more() -> None:
    ending = ends((2, 3, 1), (0, 1, 1, 2), 4, PARTS)  # two of the three had a seat, one waited
    assert [fate for _, fate in ending.fates] == [Fate.ALL, Fate.GAVE_BACK, Fate.ALL]
    assert ending.sold == 3


@pytest.mark.parametrize(
    ("people", "sizes", "giving_back"),
    [(0, SIZES, 10), (PEOPLE_MAX + 1, SIZES, 10), (5, {}, 10), (5, {0: 1}, 10), (5, {1: 0}, 10), (5, {1: -1}, 10), (5, SIZES, 101)],
)  # fmt: skip
def test_a_rush_that_cannot_be_is_refused(people: int, sizes: dict[int, int], giving_back: int) -> None:
    with pytest.raises(InvalidValue):
        rush(people, sizes, giving_back=giving_back)
