"""Random histories of one event: what it is like, and what people say about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from tests.core.naive import Kind, Naive, Say, Venue

KINDS = "ABT"
SMALL = st.integers(0, 8)
MOMENT = st.sampled_from([None, 3, 10, 20, 30])

Change = tuple[dict[str, Any], dict[str, st.SearchStrategy[Any]]]


@attrs.frozen
class Histories:
    """A kind of histories: how often which command is given, and which figures change."""

    words: Sequence[str]
    changes: Sequence[Change]
    limits: bool
    """Whether there may be windows, holds, offers and limits."""
    people: int
    kinds: str = KINDS
    party_max: int = 5

    @st.composite
    @staticmethod
    def _venues(draw: st.DrawFn, self: Histories) -> Venue:
        pooled = draw(st.sampled_from(["", "AB", "A", "ABT"]))
        seats = draw(SMALL)

        def kind(own: int | None) -> Kind:
            least = draw(st.sampled_from([1, 1, 2, 3]))
            return Kind(own, draw(st.integers(0, 3)), min(least, seats or least, own or least))

        kinds = {name: kind(draw(SMALL) if name in pooled else None) for name in self.kinds}
        venue = Venue(seats=seats, kinds=kinds, bypass=draw(st.integers(0, 3)), starts=60, ends=90)
        if not self.limits:
            return venue
        return attrs.evolve(
            venue,
            hold_for=draw(st.sampled_from([0, 0, 5])),
            offer_window=draw(st.sampled_from([0, 5, 9])),
            requeue=draw(st.booleans()),
            per_user=draw(st.sampled_from([None, None, 6])),
            max_entries=draw(st.sampled_from([None, None, 4])),
            closes=draw(st.sampled_from([None, 30])),
            status=draw(st.sampled_from([*["published"] * 9, "draft"])),
        )

    def venues(self) -> st.SearchStrategy[Venue]:
        """One pool for all, a pool for each, or both mixed."""
        return self._venues(self)

    @st.composite
    @staticmethod
    def _says(draw: st.DrawFn, self: Histories, naive: Naive) -> Say:
        what = draw(st.sampled_from(self.words))
        if (what in ABOUT_BOOKINGS and not naive.bookings) or (what in ABOUT_ENTRIES and not naive.entries):
            what = "book"
        args = draw(self._args(self, naive, what))
        key = draw(st.sampled_from([None, None, None, "k1", "k2"])) if self.limits else None
        return Say(what, args, key)

    def says(self, naive: Naive) -> st.SearchStrategy[Say]:
        """Return commands that may make sense for an event as it is."""
        return self._says(self, naive)

    @st.composite
    @staticmethod
    def _args(draw: st.DrawFn, self: Histories, naive: Naive, what: str) -> dict[str, Any]:
        if what in ABOUT_BOOKINGS:
            args: dict[str, Any] = {"booking": draw(st.integers(0, len(naive.bookings) - 1))}
            if what != "confirm":
                args["organiser"] = draw(st.booleans())
            if what == "reduce":
                args["seats"] = draw(st.integers(1, 4))
            return args
        if what in ABOUT_ENTRIES:
            args = {"entry": draw(st.integers(0, len(naive.entries) - 1))}
            if what == "move":
                args["priority"] = draw(st.integers(-2, 1))
            return args
        if what == "set":
            named, drawn = draw(st.sampled_from(self.changes))
            return {**named, **{name: draw(values) for name, values in drawn.items()}}
        if what == "advance":
            return {"step": draw(st.sampled_from(["publish", "publish", "complete", "cancel"]))}
        if what == "sweep":
            return {}
        args = {
            "user": draw(st.integers(0, self.people - 1)),
            "kind": draw(st.sampled_from(self.kinds)),
            "seats": draw(st.integers(1, self.party_max)),
            "part": draw(st.booleans()),
        }
        if what == "book":
            args["join"] = draw(st.booleans())
        return args


ABOUT_BOOKINGS = ("confirm", "cancel", "reduce")
ABOUT_ENTRIES = ("accept", "decline", "leave", "move")

_OF_EVENT: list[Change] = [
    ({}, {"bypass": st.integers(0, 3)}),
    ({}, {"hold_for": st.sampled_from([0, 4])}),
    ({}, {"offer_window": st.sampled_from([0, 4, 8])}),
    ({}, {"requeue": st.booleans()}),
    ({}, {"per_user": st.sampled_from([None, 4, 8])}),
    ({}, {"max_entries": st.sampled_from([None, 2])}),
    ({}, {"max_party": st.integers(2, 6)}),
    ({}, {"waitlist": st.booleans()}),
    ({}, {"cancel_until": MOMENT}),
    ({}, {"opens": MOMENT, "closes": MOMENT}),
    ({}, {"starts": st.sampled_from([15, 40, 60])}),
]
_CAPACITIES: list[Change] = [
    *[({}, {"seats": SMALL})] * 5,
    *[({"kind": name}, {"own": SMALL}) for name in "AB"],
]
_OF_KINDS: list[Change] = [
    change
    for name in KINDS
    for change in (
        ({"kind": name}, {"own": st.none()}),
        ({"kind": name}, {"min_party": st.integers(1, 3)}),
        ({"kind": name}, {"max_party": st.sampled_from([None, 3])}),
        ({"kind": name}, {"price": st.integers(0, 9)}),
        ({"kind": name}, {"opens": MOMENT, "closes": MOMENT}),
    )
]

WHOLE_LIFE = Histories(
    words=[
        *["book"] * 10,
        *["join_waitlist"] * 2,
        *["cancel"] * 4,
        *["reduce"] * 2,
        *["confirm"] * 2,
        *["accept", "decline", "leave"],
        *["move"] * 2,
        *["set"] * 4,
        "sweep",
        "advance",
    ],
    changes=[*_CAPACITIES, *_OF_KINDS, *_OF_EVENT],
    limits=True,
    people=6,
)
"""All that can happen to an event, with its clock, limits, holds and offers."""

LINES = Histories(
    words=[*["book"] * 10, *["cancel"] * 3, *["reduce"] * 2, "leave", *["move"] * 5, *["set"] * 3],
    changes=[*_CAPACITIES, ({}, {"bypass": st.integers(0, 3)})],
    limits=False,
    people=30,
    kinds="AB",
    party_max=3,
)
"""Many who wait, in several tiers, and little else: what the order of the lines is tried on."""
