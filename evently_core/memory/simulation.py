"""A rush that never happened: the same people come to the same event under one policy after the other.

Everything goes through the use cases over the in-memory store, so what is compared is what would be so. Chance
comes from a seed: the same seed tells the same story, on every machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import attrs

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.commands import Book
from evently_core.errors import InvalidValue
from evently_core.event import Policy
from evently_core.evently import Evently
from evently_core.memory.basics import FixedClock, SequentialIds
from evently_core.memory.storage import MemoryStorage
from evently_core.outcomes import Admitted
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.values import OPERATOR, Actor, BookingId, EntryId, EventId, Role, UserId

PEOPLE_MAX = 100_000
"""The largest rush: it takes a few minutes."""
_MORNING = datetime(2030, 1, 1, 9, tzinfo=UTC)
_SOON = timedelta(seconds=1)
_ORGANISER = UserId(UUID(int=PEOPLE_MAX + 1))
"""Nobody of the parties, whose ids count from one."""


@attrs.frozen
class Rule:
    """A way to let people in, by the name under which it is compared."""

    name: str
    bypass_limit: int = 0
    accept_partial: bool = False
    waitlist: bool = True


RULES = (
    Rule("strict"),
    Rule("strict, parts", accept_partial=True),
    Rule("limit 3", bypass_limit=3),
    Rule("limit 3, parts", bypass_limit=3, accept_partial=True),
    Rule("no limit", bypass_limit=1_000_000),
    Rule("no line", waitlist=False),
)
"""What is compared unless something else is named."""


@attrs.frozen
class Rush:
    """Who comes, with how many, and who changes their mind: parties by arrival, and steps in order.

    A step is the number of a party: the first time it comes up the party asks, the second time it gives up all it
    has and waits no more.
    """

    parties: tuple[int, ...]
    steps: tuple[int, ...]


def rush(people: int, sizes: Mapping[int, int], *, giving_back: int = 20, seed: int = 1) -> Rush:
    """Make up a rush: ``people`` parties whose sizes have these weights.

    About ``giving_back`` of a hundred change their mind, each at some time after asking.

    Raises:
        InvalidValue: a figure is out of range.
    """
    _require(1 <= people <= PEOPLE_MAX, "people", f"Between 1 and {PEOPLE_MAX} people come.")
    _require(0 <= giving_back <= 100, "giving_back", "giving_back is a share of a hundred.")
    positive = bool(sizes) and all(size >= 1 and weight >= 0 for size, weight in sizes.items())
    _require(
        positive and any(sizes.values()), "party_sizes", "Every party has a size and a share, as in 2:30."
    )
    chance = random.Random(seed)  # noqa: S311  # a story that is made up keeps no secrets
    parties = chance.choices(list(sizes), list(sizes.values()), k=people)
    asking = [(float(number), number) for number in range(people)]
    minded = [number for number in range(people) if chance.randrange(100) < giving_back]
    giving_up = [(chance.uniform(number, people), number) for number in minded]
    in_order = sorted(asking + giving_up, key=lambda moment: moment[0])
    return Rush(tuple(parties), tuple(number for _, number in in_order))


class Fate(StrEnum):
    """How it ended for a party."""

    ALL = "all"
    """It has every seat it asked for."""
    PART = "part"
    """It has some of them; the rest waits, or was refused."""
    WAITS = "waits"
    TURNED_AWAY = "turned_away"
    GAVE_BACK = "gave_back"


@attrs.frozen(kw_only=True)
class Ending:
    """What a rush came to under one rule."""

    rule: Rule
    seats: int
    sold: int
    """Seats that are taken in the end."""
    fates: tuple[tuple[int, Fate], ...]
    """Of each party, in the order they came: its size, and how it ended."""
    passed_over: int
    """How often a grant went past somebody who waited before."""
    people_passed_over: int
    """How many different parties that happened to."""
    from_the_line: int
    """Seats of those who waited for them, in the end."""

    @property
    def empty(self) -> int:
        """Seats nobody has in the end."""
        return self.seats - self.sold

    def count(self, fate: Fate, size: int | None = None) -> int:
        """Return for how many parties, of this size or of any, it ended so."""
        return sum(fate is found and size in (None, asked) for asked, found in self.fates)

    def of_size(self, size: int) -> int:
        """Return how many parties of this size came."""
        return sum(asked == size for asked, _ in self.fates)


def simulate(rush: Rush, seats: int, rule: Rule) -> Ending:
    """Let a rush come to an event with so many seats, and return what it came to."""
    return _Evening(rush, seats, rule).end()


@attrs.define
class _Party:
    """What a party got hold of."""

    actor: Actor
    booking: BookingId | None = None
    entry: EntryId | None = None
    is_gone: bool = False


class _Evening:
    """One event, one rule, one rush."""

    def __init__(self, rush: Rush, seats: int, rule: Rule) -> None:
        self._rush, self._seats, self._rule = rush, seats, rule
        self._clock = FixedClock(_MORNING)
        self._store = MemoryStorage()
        self._evently = Evently.over(self._store, self._clock, SequentialIds())
        self._event_id = self._published()
        self._parties: dict[int, _Party] = {}

    def _published(self) -> EventId:
        new = NewEvent(
            title="Rush",
            timezone="UTC",
            starts_at=_MORNING + timedelta(days=30),
            ends_at=_MORNING + timedelta(days=31),
            capacity=self._seats,
            policy=Policy(
                max_per_booking=max(self._rush.parties),
                bypass_limit=self._rule.bypass_limit,
                waitlist_enabled=self._rule.waitlist,
            ),
        )
        drafted = self._evently.events.create(OPERATOR, new, organiser_id=_ORGANISER)
        assert isinstance(drafted, EventAnswer), drafted
        published = self._evently.events.publish(OPERATOR, drafted.view.event.id)
        assert isinstance(published, EventAnswer), published
        return published.view.event.id

    def end(self) -> Ending:
        """Let everybody come, and count."""
        for number in self._rush.steps:
            self._clock.advance(_SOON)
            if number in self._parties:
                self._give_back(self._parties[number])
            else:
                self._parties[number] = self._ask(number)
        return self._counted()

    def _ask(self, number: int) -> _Party:
        user_id = UserId(UUID(int=number + 1))
        actor = Actor(user_id, Role.ATTENDEE)
        answer = self._evently.bookings.book(
            self._event_id,
            Book(
                actor=actor,
                user_id=user_id,
                quantity=self._rush.parties[number],
                accept_partial=self._rule.accept_partial,
                join_waitlist=self._rule.waitlist,
            ),
        )
        if not isinstance(answer, Admitted):
            return _Party(actor)
        booking, entry = answer.booking, answer.entry
        return _Party(actor, booking.id if booking else None, entry.id if entry else None)

    def _give_back(self, party: _Party) -> None:
        party.is_gone = party.booking is not None or party.entry is not None
        if party.entry is not None:
            self._evently.waitlist.leave(party.actor, party.entry)
        for booking_id in [party.booking, *self._later_bookings(party)]:
            if booking_id is not None:
                self._evently.bookings.cancel(party.actor, booking_id)

    def _later_bookings(self, party: _Party) -> list[BookingId]:
        """Return what a party got by waiting."""
        if party.entry is None:
            return []
        return [booking.id for booking in self._store.offers([party.entry]).get(party.entry, ())]

    def _counted(self) -> Ending:
        seats_of: Counter[UserId] = Counter()
        from_the_line = 0
        for booking in self._confirmed():
            seats_of[booking.user_id] += booking.quantity
            from_the_line += booking.quantity if booking.origin is Origin.WAITLIST else 0
        passed_over = [
            entry
            for line in self._store.journals()[self._event_id]
            for entry in line.data.get("passed_over", ())
        ]
        parties = sorted(self._parties.items())
        return Ending(
            rule=self._rule,
            seats=self._seats,
            sold=seats_of.total(),
            fates=tuple(self._fate(number, party, seats_of) for number, party in parties),
            passed_over=len(passed_over),
            people_passed_over=len(set(passed_over)),
            from_the_line=from_the_line,
        )

    def _confirmed(self) -> list[Booking]:
        made = self._store.allocations(self._event_id)
        return [booking for booking in made if booking.status is BookingStatus.CONFIRMED]

    def _fate(self, number: int, party: _Party, seats_of: Mapping[UserId, int]) -> tuple[int, Fate]:
        asked = self._rush.parties[number]
        assert party.actor.user_id is not None
        has = seats_of.get(party.actor.user_id, 0)
        if party.is_gone:
            return asked, Fate.GAVE_BACK
        if has:
            return asked, Fate.ALL if has == asked else Fate.PART
        return asked, Fate.WAITS if party.entry is not None else Fate.TURNED_AWAY


def _require(holds: bool, field: str, message: str) -> None:
    if not holds:
        raise InvalidValue(field, "out_of_range", message)
