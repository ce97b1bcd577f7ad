"""Stories: a line for what somebody says, an arrow, and everything that comes of it.

People are named; a ticket type is named where the event has several. The clock stands at minute 0 until time
passes. A story says

    ana asks 10, part, join              takes a part, and waits for the rest
    ana queues for 2 vip                 waits, and nothing else
    ana confirms / cancels / declines / accepts / leaves / reduces to 2
    the organiser cancels ana / reduces ana to 1 / moves ana to 5
    seats = 4, vip own = 2               the organiser sets something, in the words of the plain model
    publish / complete / cancel the event
    5 minutes pass, and somebody looks

and behind the arrow the answer, then who got what because of it, past whom, what lapsed and what ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.facts import (
    Cancelled,
    EntryEnded,
    Granted,
    HoldShortened,
    Lapsed,
    Record,
    Requeued,
)
from evently_core.invariants import violations
from evently_core.outcomes import (
    Admitted,
    BookingChanged,
    EntryChanged,
    EventSettled,
    Outcome,
    Refused,
    Rejected,
)
from evently_core.reasons import Reason
from evently_core.values import EntryId, UserId
from tests.core.house import CoreHouse, command_of, minute_of, user
from tests.core.naive import Kind, Say, Venue

PEOPLE = ["ana", "ben", "cara", "dan", "eve", "finn", "gus", "hal", "ida", "jon", "kim", "leo", "mia", "noa"]

_WORDS: list[tuple[str, Callable[[Story, re.Match[str]], Say]]] = []


def tell(venue: Venue, text: str) -> CoreHouse:
    """Tell a story of an event and expect that all comes as it says; return the house as it is then."""
    story = Story(CoreHouse.of(venue))
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    found = [story.line(line) for line in lines]
    expected = [tuple(" ".join(part.split()) for part in line.partition("->")[::2]) for line in lines]
    assert found == expected, "\n".join(f"{said:40} -> {what}" for said, what in found)
    return story.house


def event(seats: int, **how: Any) -> Venue:
    """Return an event with one ticket type, or with those given as ``kinds``."""
    kinds = how.pop("kinds", {"floor": Kind()})
    return Venue(seats=seats, kinds=kinds, starts=1000, ends=1180, **how)


@attrs.define
class Story:
    """A house, a clock, and a person who reads the journal aloud."""

    house: CoreHouse
    minute: int = 0
    read: int = 0

    def line(self, line: str) -> tuple[str, str]:
        """Say what stands before the arrow; return it with what came of it."""
        said, _, expected = (part.strip() for part in line.partition("->"))
        waits = re.fullmatch(r"(\d+) minutes? pass(, and somebody looks)?", said)
        if waits:
            self.minute += int(waits[1])
            if not waits[2]:
                return said, ""
            say = Say("sweep", {})
        else:
            say = self._understood(said)
        command = command_of(say, self.house.bookings(), self.house.entries())
        [outcome] = self.house.tell([command], self.minute)
        assert violations(self.house.state) == []
        assert self.house.folded == self.house.state, "the journal says something else than what was recorded"
        told = [self._answer(outcome, expected), *self._consequences(say)]
        return " ".join(said.split()), "; ".join(part for part in told if part)

    # -- understanding ----------------------------------------------------------------------------------------

    def _understood(self, said: str) -> Say:
        for pattern, word in _WORDS:
            match = re.fullmatch(pattern, said)
            if match:
                return word(self, match)
        raise AssertionError(f"nobody understands {said!r}")

    def kind(self, name: str | None) -> str:
        assert self.house.state.event is not None
        return name or self.house.state.event.ticket_types[0].name

    def booking_of(self, name: str) -> int:
        """Return the newest booking of a person, one with seats before any other."""
        own = [(b.takes_seats, n) for n, b in enumerate(self.house.bookings()) if b.user_id == who(name)]
        return max(own)[1]

    def entry_of(self, name: str) -> int:
        """Return the newest entry of a person, one that is not over before any other."""
        return max(
            (not entry.is_over, number)
            for number, entry in enumerate(self.house.entries())
            if entry.user_id == who(name)
        )[1]

    # -- telling ----------------------------------------------------------------------------------------------

    def _answer(self, outcome: Outcome, expected: str) -> str:
        match outcome:
            case Admitted(booking, entry, place, reason):
                parts = [] if booking is None else [_seats(booking, "booked")]
                if entry is not None and place is not None:
                    verb = "waits" if entry.missing == 1 else "wait"
                    parts.append(f"{entry.missing} {verb} at {place.position} {_why(reason, expected)}")
                elif reason is not None:
                    parts.append(f"the rest is refused {_why(reason, expected)}")
                return ", ".join(parts)
            case Refused(reason):
                return f"refused {_why(reason, expected)}"
            case Rejected(error):
                return f"rejected ({type(error).__name__})"
            case BookingChanged(booking):
                return _seats(booking, str(booking.status))
            case EntryChanged(entry):
                return str(entry.status)
            case EventSettled():
                return ""
        raise AssertionError(outcome)

    def _consequences(self, say: Say) -> list[str]:
        news, self.read = self.house.journal[self.read :], len(self.house.journal)
        return [text for record in news if (text := self._consequence(record, say))]

    def _consequence(self, record: Record, say: Say) -> str | None:
        match record.fact:
            case Granted(booking, passed_over):
                past = f" past {', '.join(self._whose(each) for each in passed_over)}" if passed_over else ""
                if booking.origin is Origin.DIRECT:
                    return f"it goes{past}" if past else None
                return f"{name_of(booking.user_id)} {_gets(booking)}{past}"
            case Lapsed(booking_id, freed):
                return f"{self._owner(booking_id)}'s {freed} lapse"
            case Cancelled(booking_id, freed) if say.what == "advance":
                return f"{self._owner(booking_id)}'s {freed} are cancelled"
            case HoldShortened(booking_id, expires_at):
                return f"{self._owner(booking_id)}'s hold ends at {minute_of(expires_at)}"
            case EntryEnded(entry_id, status) if say.what != "leave":
                return f"{self._whose(entry_id)}'s wait is over ({status})"
            case Requeued(entry_id, _, returned):
                return f"{self._whose(entry_id)}'s {returned} go to the end"
        return None

    def _owner(self, booking_id: Any) -> str:
        return name_of(self.house.state.bookings[booking_id].user_id)

    def _whose(self, entry_id: EntryId) -> str:
        return name_of(self.house.state.entries[entry_id].user_id)


def who(name: str) -> UserId:
    """Return the id of a person."""
    return user(PEOPLE.index(name))


def name_of(user_id: UserId) -> str:
    """Return the name of a person."""
    return PEOPLE[user_id.int - user(0).int]


def _seats(booking: Booking, word: str) -> str:
    if booking.status is BookingStatus.HELD:
        assert booking.expires_at is not None
        return f"{booking.quantity} held until {minute_of(booking.expires_at)}"
    return f"{booking.quantity} {word}"


def _gets(booking: Booking) -> str:
    if booking.status is BookingStatus.HELD:
        assert booking.expires_at is not None
        return f"is offered {booking.quantity} until {minute_of(booking.expires_at)}"
    return f"gets {booking.quantity}"


def _why(reason: Reason | None, expected: str) -> str:
    """Return a reason in parentheses, with those of its figures that the story mentions."""
    assert reason is not None
    figures = [
        f"{name} {value}" for name, value in reason.figures.items() if re.search(rf"\b{name} ", expected)
    ]
    return f"({', '.join([reason.code, *figures])})"


def _word(pattern: str) -> Callable[[Callable[[Story, re.Match[str]], Say]], None]:
    return lambda word: _WORDS.append((pattern, word))


@_word(r"(\w+) (asks|queues for) (\d+)(?: (\w+))?((?:, (?:part|join|key \w+))*)")
def _asks(story: Story, said: re.Match[str]) -> Say:
    args: dict[str, Any] = {
        "user": PEOPLE.index(said[1]),
        "kind": story.kind(said[4]),
        "seats": int(said[3]),
        "part": "part" in said[5],
    }
    key = re.search(r"key (\w+)", said[5])
    if said[2] == "asks":
        return Say("book", args | {"join": "join" in said[5]}, key[1] if key else None)
    return Say("join_waitlist", args, key[1] if key else None)


@_word(r"(\w+) (confirms|cancels)")
def _about_booking(story: Story, said: re.Match[str]) -> Say:
    return Say(said[2].removesuffix("s"), {"booking": story.booking_of(said[1])})


@_word(r"(\w+) reduces to (\d+)")
def _reduces(story: Story, said: re.Match[str]) -> Say:
    return Say("reduce", {"booking": story.booking_of(said[1]), "seats": int(said[2])})


@_word(r"(\w+) (accepts|declines|leaves)")
def _about_entry(story: Story, said: re.Match[str]) -> Say:
    return Say(said[2].removesuffix("s"), {"entry": story.entry_of(said[1])})


@_word(r"the organiser (cancels|reduces) (\w+)(?: to (\d+))?")
def _organiser(story: Story, said: re.Match[str]) -> Say:
    args: dict[str, Any] = {"booking": story.booking_of(said[2]), "organiser": True}
    if said[3]:
        args["seats"] = int(said[3])
    return Say(said[1].removesuffix("s"), args)


@_word(r"the organiser moves (\w+) to (-?\d+)")
def _moves(story: Story, said: re.Match[str]) -> Say:
    return Say("move", {"entry": story.entry_of(said[1]), "priority": int(said[2])})


@_word(r"(?:(\w+) )?(\w+) = (-?\w+)")
def _sets(story: Story, said: re.Match[str]) -> Say:
    values = {"none": None, "yes": True, "no": False}
    value = values[said[3]] if said[3] in values else int(said[3])
    return Say("set", {**({"kind": said[1]} if said[1] else {}), said[2]: value})


@_word(r"(publish|complete|cancel) the event")
def _advances(story: Story, said: re.Match[str]) -> Say:
    return Say("advance", {"step": said[1]})
