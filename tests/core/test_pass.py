"""What is true of every pass, whatever happens: tried on many random histories of one event."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from evently_core.invariants import violations
from evently_core.outcomes import Outcome
from tests.core.house import Both, CoreHouse
from tests.core.naive import Kind, Naive, Say, Venue

EXAMPLES = 300

SMALL = st.integers(0, 8)
KINDS = "ABT"


@st.composite
def venues(draw: st.DrawFn) -> Venue:
    """One pool for all, a pool for each, or both mixed; with and without holds, offers, limits, bypassing."""
    pooled = draw(st.sampled_from(["", "AB", "A", "ABT"]))
    kinds = {
        name: Kind(
            own=draw(SMALL) if name in pooled else None,
            min_party=draw(st.integers(1, 3)),
            price=draw(st.integers(0, 3)),
        )
        for name in KINDS
    }
    return Venue(
        seats=draw(SMALL),
        kinds=kinds,
        bypass=draw(st.integers(0, 3)),
        hold_for=draw(st.sampled_from([0, 0, 5])),
        offer_window=draw(st.sampled_from([0, 5, 9])),
        requeue=draw(st.booleans()),
        per_user=draw(st.sampled_from([None, None, 6])),
        max_entries=draw(st.sampled_from([None, None, 4])),
        closes=draw(st.sampled_from([None, 30])),
        starts=60,
        ends=90,
    )


@st.composite
def says(draw: st.DrawFn, naive: Naive) -> Say:
    """A command that may make sense for an event as it is."""
    what = draw(st.sampled_from(_POSSIBLE))
    if what in ("confirm", "cancel", "reduce"):
        if not naive.bookings:
            what = "book"
    elif what in ("accept", "decline", "leave", "move") and not naive.entries:
        what = "book"
    args: dict[str, Any] = {}
    if what in ("book", "join_waitlist"):
        args = {
            "user": draw(st.integers(0, 7)),
            "kind": draw(st.sampled_from(KINDS)),
            "seats": draw(st.integers(1, 5)),
            "part": draw(st.booleans()),
        }
        if what == "book":
            args["join"] = draw(st.booleans())
    elif what in ("confirm", "cancel", "reduce"):
        args = {"booking": draw(st.integers(0, len(naive.bookings) - 1))}
        if what != "confirm":
            args["organiser"] = draw(st.booleans())
        if what == "reduce":
            args["seats"] = draw(st.integers(1, 4))
    elif what in ("accept", "decline", "leave", "move"):
        args = {"entry": draw(st.integers(0, len(naive.entries) - 1))}
        if what == "move":
            args["priority"] = draw(st.integers(-2, 2))
    elif what == "set":
        args = draw(changes())
    elif what == "advance":
        args = {"step": draw(st.sampled_from(["publish", "complete", "cancel"]))}
    key = draw(st.sampled_from([None, None, None, "k1", "k2"]))
    return Say(what, args, key)


_POSSIBLE = [
    *["book"] * 10,
    *["join_waitlist"] * 2,
    *["cancel"] * 4,
    *["reduce"] * 2,
    *["confirm"] * 2,
    *["accept", "decline", "leave"],
    *["move"] * 3,
    *["set"] * 4,
    "sweep",
    "advance",
]


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """One change an organiser may make, of the event or of a ticket type."""
    what, values = draw(st.sampled_from(_CHANGES))
    return {**what, **{name: draw(value) for name, value in values.items()}}


_MOMENT = st.sampled_from([None, 3, 10, 20, 30])
_CHANGES: list[tuple[dict[str, Any], dict[str, st.SearchStrategy[Any]]]] = [
    *[({}, {"seats": SMALL})] * 5,
    *[({"kind": name}, {"own": SMALL}) for name in KINDS],
    *[({"kind": name}, {"own": st.none()}) for name in KINDS],
    *[({"kind": name}, {"min_party": st.integers(1, 3)}) for name in KINDS],
    *[({"kind": name}, {"price": st.integers(0, 9)}) for name in KINDS],
    *[({"kind": name}, {"opens": _MOMENT, "closes": _MOMENT}) for name in KINDS],
    ({}, {"bypass": st.integers(0, 3)}),
    ({}, {"hold_for": st.sampled_from([0, 4])}),
    ({}, {"offer_window": st.sampled_from([0, 4, 8])}),
    ({}, {"requeue": st.booleans()}),
    ({}, {"per_user": st.sampled_from([None, 4, 8])}),
    ({}, {"max_entries": st.sampled_from([None, 2])}),
    ({}, {"max_party": st.integers(2, 6)}),
    ({}, {"waitlist": st.booleans()}),
    ({}, {"cancel_until": _MOMENT}),
    ({}, {"opens": _MOMENT, "closes": _MOMENT}),
    ({}, {"starts": st.sampled_from([15, 40, 60])}),
]


def told(data: st.DataObject, **how: Any) -> Both:
    """Tell a random history to the core and to the plain model; both answer alike and agree in the end."""
    both = Both.of(data.draw(venues()), **how)
    for _ in range(data.draw(st.integers(1, 25))):
        if data.draw(st.integers(0, 4)) == 0:
            both.naive.now += data.draw(st.integers(1, 6))
        both.say(data.draw(says(both.naive)))
        both.agree()
    return both


@settings(max_examples=EXAMPLES * 2)
@given(st.data())
def test_the_fast_pass_answers_as_one_that_walks_everything(data: st.DataObject) -> None:
    told(data)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_grouping_changes_nothing_wherever_it_is_cut(data: st.DataObject) -> None:
    both = told(data)
    grouped = CoreHouse(attrs.evolve(_beginning(both)))
    answers: list[Outcome] = []
    batch: list[tuple[int, Any]] = []
    for minute, command in both.told:
        if batch and (batch[0][0] != minute or data.draw(st.booleans())):
            answers += grouped.tell([each for _, each in batch], batch[0][0])
            batch = []
        batch.append((minute, command))
    answers += grouped.tell([each for _, each in batch], batch[0][0])
    assert answers == both.answers
    assert grouped.state == both.core.state
    assert grouped.journal == both.core.journal


def _beginning(both: Both) -> Any:
    from evently_core.evolve import EventState
    return EventState(both.core.folded.event)


def test_placeholder() -> None:
    assert violations is not None
