"""A house for one event without any store: `decide` over a whole state, loaded bit by bit as it asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any
from uuid import UUID

import attrs

from evently_core.booking import Booking, Origin
from evently_core.commands import (
    Accept,
    Advance,
    Book,
    Cancel,
    ChangeEvent,
    ChangeTicketType,
    Command,
    Confirm,
    Decline,
    JoinWaitlist,
    Key,
    Leave,
    Move,
    Reduce,
    Sweep,
)
from evently_core.decide import decide
from evently_core.decision import Decision
from evently_core.event import Event, EventStatus, OnSilence, Policy, Step, TicketType
from evently_core.evolve import EventState, fold
from evently_core.facts import Granted, Record
from evently_core.figures import Figures
from evently_core.inventory import Answered, LoadMore, Needs, needs_of
from evently_core.memory.snapshot import snapshot_of
from evently_core.outcomes import (
    Admitted,
    BookingChanged,
    EntryChanged,
    EventSettled,
    Outcome,
    Refused,
    Rejected,
)
from evently_core.testing.storage_contract import START
from evently_core.values import SYSTEM, Actor, EventId, Money, Role, TicketTypeId, UserId
from evently_core.waitlist import WaitlistEntry
from tests.core.naive import Answer, Booked, Kind, Naive, Say, Venue, Waiter

ORGANISER = Actor(UserId(UUID(int=9_000)), Role.ORGANISER)
LOADS_MAX = 50
"""A decision that asks for more so often never comes to an end."""


def at(minute: int) -> datetime:
    """Return the instant of a minute of the plain model."""
    return START + timedelta(minutes=minute)


def minute_of(moment: datetime) -> int:
    """Return the minute of an instant."""
    return round((moment - START) / timedelta(minutes=1))


def person(number: int) -> Actor:
    """Return one of the attendees."""
    return Actor(UserId(UUID(int=10_000 + number)), Role.ATTENDEE)


def user(number: int) -> UserId:
    """Return the id of one of the attendees."""
    return UserId(UUID(int=10_000 + number))


def kind_id(name: str) -> TicketTypeId:
    """Return the id of a ticket type of the plain model, where no store gave it another."""
    return TicketTypeId(UUID(int=500 + sum(ord(letter) for letter in name)))


def ticket_type_of(name: str, kind: Kind) -> TicketType:
    """Return a ticket type of the plain model as the core has it."""
    return TicketType(id=kind_id(name), name=name, **ticket_type_fields(attrs.asdict(kind)))


def event_of(venue: Venue) -> Event:
    """Return an event of the plain model as the core has it."""
    fields, policy = event_fields(attrs.asdict(venue, recurse=False))
    return Event(
        id=EventId(UUID(int=400)),
        organiser_id=UserId(UUID(int=9_000)),
        title="Concert",
        timezone="Europe/Berlin",
        ticket_types=tuple(ticket_type_of(name, kind) for name, kind in venue.kinds.items()),
        created_at=START,
        updated_at=START,
        status=EventStatus(venue.status),
        policy=Policy(**policy),
        **fields,
    )


def _moment(minute: int | None) -> datetime | None:
    return None if minute is None else at(minute)


def _span(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def _same(value: Any) -> Any:
    return value


_KIND_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "own": ("capacity", _same),
    "price": ("price", lambda cents: Money(cents, "EUR")),
    "min_party": ("min_per_booking", _same),
    "max_party": ("max_per_booking", _same),
    "opens": ("sales_open_at", _moment),
    "closes": ("sales_close_at", _moment),
}
_EVENT_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "seats": ("capacity", _same),
    "starts": ("starts_at", _moment),
    "ends": ("ends_at", _moment),
    "opens": ("booking_opens_at", _moment),
    "closes": ("booking_closes_at", _moment),
}
_POLICY_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "max_party": ("max_per_booking", _same),
    "per_user": ("max_per_user", _same),
    "hold_for": ("hold_for", _span),
    "cancel_until": ("cancel_until", _moment),
    "waitlist": ("waitlist_enabled", _same),
    "max_entries": ("max_entries", _same),
    "offer_window": ("offer_window", _span),
    "bypass": ("bypass_limit", _same),
    "requeue": ("on_silence", lambda yes: OnSilence.REQUEUE if yes else OnSilence.DROP),
}


def _translated(words: dict[str, Any], names: dict[str, tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    return {names[word][0]: names[word][1](value) for word, value in words.items() if word in names}


def ticket_type_fields(words: dict[str, Any]) -> dict[str, Any]:
    """Return fields of a ticket type for words of the plain model."""
    return _translated(words, _KIND_FIELDS)


def event_fields(words: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return fields of an event, and of its policy, for words of the plain model."""
    return _translated(words, _EVENT_FIELDS), _translated(words, _POLICY_FIELDS)


# -- what is said, in the core's words ------------------------------------------------------------------------


def command_of(
    say: Say,
    bookings: Sequence[Booking],
    entries: Sequence[WaitlistEntry],
    kinds: Callable[[str], TicketTypeId] = kind_id,
) -> Command:
    """Return the command that says the same; bookings and entries are given in the order they came to be in."""
    args = dict(say.args)
    key = None if say.key is None else Key("somebody", say.key)
    by = ORGANISER if args.pop("organiser", False) else None
    reason = "the organiser says so" if by else None
    if "booking" in args:
        booking = bookings[args.pop("booking")]
        actor = by or Actor(booking.user_id, Role.ATTENDEE)
        common: dict[str, Any] = {"actor": actor, "booking_id": booking.id, "key": key}
        match say.what:
            case "confirm":
                return Confirm(**common)
            case "cancel":
                return Cancel(**common, reason=reason)
            case _:
                return Reduce(**common, quantity=args["seats"], reason=reason)
    if "entry" in args:
        entry = entries[args.pop("entry")]
        if say.what == "move":
            return Move(
                actor=ORGANISER, entry_id=entry.id, priority=args["priority"], reason="a friend", key=key
            )
        kinds_of_command: dict[str, type[Accept | Decline | Leave]] = {
            "accept": Accept,
            "decline": Decline,
            "leave": Leave,
        }
        return kinds_of_command[say.what](
            actor=Actor(entry.user_id, Role.ATTENDEE), entry_id=entry.id, key=key
        )
    match say.what:
        case "book" | "join_waitlist":
            asker = person(args["user"])
            asked: dict[str, Any] = {
                "actor": asker,
                "user_id": asker.user_id,
                "ticket_type_id": kinds(args["kind"]),
                "quantity": args["seats"],
                "accept_partial": args.get("part", False),
                "key": key,
            }
            if say.what == "join_waitlist":
                return JoinWaitlist(**asked)
            return Book(**asked, join_waitlist=args.get("join", False))
        case "set" if args.get("kind") is not None:
            name = args.pop("kind")
            return ChangeTicketType(
                actor=ORGANISER, ticket_type_id=kinds(name), changes=ticket_type_fields(args), key=key
            )
        case "set":
            args.pop("kind", None)
            changes, policy = event_fields(args)
            return ChangeEvent(actor=ORGANISER, changes=changes, policy=policy, key=key)
        case "advance":
            return Advance(actor=ORGANISER, step=Step(args["step"]), reason="it rains", key=key)
        case "sweep":
            return Sweep(actor=SYSTEM, key=key)
    raise AssertionError(say)


# -- what is answered and what is so, in the plain model's words ------------------------------------------------


def answer_of(outcome: Outcome, bookings: Sequence[Booking], entries: Sequence[WaitlistEntry]) -> Answer:
    """Return an outcome as the plain model gives it."""
    booking_numbers = {booking.id: number for number, booking in enumerate(bookings)}
    entry_numbers = {entry.id: number for number, entry in enumerate(entries)}
    match outcome:
        case Refused(reason):
            return ("refused", str(reason.code))
        case Rejected():
            return ("rejected",)
        case Admitted(booking, entry, place, why):
            number = None if booking is None else booking_numbers[booking.id]
            where = None
            if entry is not None:
                assert place is not None
                where = (entry_numbers[entry.id], place.position, place.seats_ahead)
            granted = booking.quantity if booking else 0
            return ("admitted", number, granted, where, None if why is None else str(why.code))
        case BookingChanged(booking):
            return ("booking", booking_numbers[booking.id], str(booking.status), booking.quantity)
        case EntryChanged(entry):
            return ("entry", entry_numbers[entry.id], str(entry.status))
        case EventSettled(_, granted, _, waiting):
            return ("settled", granted, waiting)
    raise AssertionError(outcome)


def plain_booking(
    booking: Booking, name_of: Callable[[TicketTypeId], str], entries: Sequence[WaitlistEntry]
) -> Booked:
    """Return a booking as the plain model has it."""
    numbers = {entry.id: number for number, entry in enumerate(entries)}
    return Booked(
        user=booking.user_id.int - 10_000,
        kind=name_of(booking.ticket_type_id),
        seats=booking.quantity,
        price=booking.unit_price.amount,
        cancel_until=minute_of(booking.cancel_until),
        expires=None if booking.expires_at is None else minute_of(booking.expires_at),
        entry=None if booking.entry_id is None else numbers[booking.entry_id],
        waited=booking.origin is Origin.WAITLIST,
        status=str(booking.status),
    )


EntryFacts = tuple[int, str, int, int, bool, int, int, int, int, str, bool, int]


def plain_entry(entry: WaitlistEntry, name_of: Callable[[TicketTypeId], str]) -> EntryFacts:
    """Return what there is to compare of an entry of the core."""
    return (
        entry.user_id.int - 10_000,
        name_of(entry.ticket_type_id),
        entry.missing,
        entry.least if entry.is_waiting else 0,
        entry.accept_partial,
        entry.unit_price.amount,
        entry.sequence,
        entry.priority,
        entry.passed_over,
        str(entry.status),
        entry.requeued,
        entry.open_offers,
    )


def plain_waiter(waiter: Waiter, open_offers: int) -> EntryFacts:
    """Return what there is to compare of an entry of the plain model."""
    return (
        waiter.user,
        waiter.kind,
        waiter.missing,
        waiter.least if waiter.status == "waiting" else 0,
        waiter.part,
        waiter.price,
        waiter.place,
        waiter.priority,
        waiter.over,
        waiter.status,
        waiter.requeued,
        open_offers,
    )


def passed_over(journal: Sequence[Record], core: CoreHouse) -> list[tuple[int, tuple[int, ...]]]:
    """Return each grant with the entries it passed over, by number."""
    bookings = {booking_id: number for number, booking_id in enumerate(core.state.bookings)}
    entries = {entry_id: number for number, entry_id in enumerate(core.state.entries)}
    return [
        (bookings[record.fact.booking.id], tuple(entries[name] for name in record.fact.passed_over))
        for record in journal
        if isinstance(record.fact, Granted)
    ]


@attrs.define
class CoreHouse:
    """One event in memory, decided by the core; what is recorded is also folded from the journal."""

    state: EventState
    depth: int | None = 1
    """How much of each class is loaded at first; None is what the use cases load."""
    grants_max: int | None = None
    next_sequence: int = 1
    wake_at: datetime | None = None
    answers: dict[Key, Answered] = attrs.field(factory=dict)
    journal: list[Record] = attrs.field(factory=list)
    figures: dict[str, Figures] = attrs.field(factory=dict)
    """All that decisions added, by currency."""
    waits: Counter[int] = attrs.field(factory=Counter)
    folded: EventState = attrs.field(init=False)
    transactions: int = 0
    last_id: int = 0

    def __attrs_post_init__(self) -> None:
        """Start the second opinion from the same event."""
        self.folded = EventState(self.state.event)

    @classmethod
    def of(cls, venue: Venue, **how: Any) -> CoreHouse:
        """Return a house for an event of the plain model."""
        return cls(EventState(event_of(venue)), **how)

    def bookings(self) -> list[Booking]:
        """Return all bookings in the order they came to be in."""
        return list(self.state.bookings.values())

    def entries(self) -> list[WaitlistEntry]:
        """Return all entries in the order they came to be in."""
        return list(self.state.entries.values())

    def tell(self, commands: Sequence[Command], minute: int) -> list[Outcome]:
        """Have commands decided and recorded, in as many transactions as it takes."""
        answered: list[Outcome] = []
        while True:
            decision = self._transact(commands[len(answered) :], minute)
            answered.extend(decision.outcomes)
            while not decision.settled:
                decision = self._transact([], minute)
                if answered and isinstance(answered[-1], EventSettled):
                    answered[-1] = answered[-1].and_then(decision.opening)
            if len(answered) == len(commands):
                return answered

    def _transact(self, commands: Sequence[Command], minute: int) -> Decision:
        self.transactions += 1
        decision = self.plan(commands, minute)
        self._record(decision)
        return decision

    def plan(self, commands: Sequence[Command], minute: int) -> Decision:
        """Have commands decided without recording anything."""
        needs = needs_of(commands)
        if self.depth is not None:
            needs = attrs.evolve(needs, depth=self.depth)
        for _ in range(LOADS_MAX):
            decision = decide(
                self._inventory(needs, minute), commands, at(minute), self._ids(), grants_max=self.grants_max
            )
            if not isinstance(decision, LoadMore):
                return decision
            wider = needs.and_also(decision)
            assert wider != needs, "it asks for what it was given"
            needs = wider
        raise AssertionError("it never has enough")

    def _inventory(self, needs: Needs, minute: int) -> Any:
        return snapshot_of(
            self.state,
            needs,
            at(minute),
            next_sequence=self.next_sequence,
            wake_at=self.wake_at,
            answers=self.answers,
        )

    def _ids(self) -> Iterator[UUID]:
        """Count on from the last id that was recorded, so that a decision tried twice takes the same ids."""
        number = self.last_id
        while True:
            number += 1
            yield UUID(int=number)

    def _record(self, decision: Decision) -> None:
        if decision.event is not None:
            self.state.event = decision.event.after
        self.state.bookings.update((change.after.id, change.after) for change in decision.bookings)
        self.state.entries.update((change.after.id, change.after) for change in decision.entries)
        self.next_sequence, self.wake_at = decision.next_sequence, decision.wake_at
        self.answers.update(decision.answered)
        self.journal.extend(decision.journal)
        for currency, figures in decision.figures.items():
            self.figures[currency] = self.figures.get(currency, Figures()).plus(figures)
        self.waits.update(decision.waits)
        self.last_id = max(
            [self.last_id, *(each.int for each in (*self.state.bookings, *self.state.entries))]
        )
        fold(self.folded, decision.journal)


def names_of(event: Event) -> Callable[[TicketTypeId], str]:
    """Return what tells the name of a ticket type."""
    names = {kind.id: kind.name for kind in event.ticket_types}
    return names.__getitem__


@attrs.define
class Both:
    """The core and the plain model, told the same."""

    naive: Naive
    core: CoreHouse
    beginning: Event
    told: list[tuple[int, Command]] = attrs.field(factory=list)
    answers: list[Outcome] = attrs.field(factory=list)

    @classmethod
    def of(cls, venue: Venue, **how: Any) -> Both:
        """Return both with the same event."""
        return cls(Naive(attrs.evolve(venue)), CoreHouse.of(venue, **how), event_of(venue))

    def command(self, say: Say) -> Command:
        """Return what is said as a command of the core."""
        return command_of(say, self.core.bookings(), self.core.entries())

    def say(self, say: Say) -> None:
        """Tell both, and expect the same answer."""
        core = self.core
        command = self.command(say)
        [outcome] = core.tell([command], self.naive.now)
        self.told.append((self.naive.now, command))
        self.answers.append(outcome)
        expected = self.naive.do(say)
        found = answer_of(outcome, core.bookings(), core.entries())
        assert found == expected, (say, found, expected)

    def agree(self) -> None:
        """Expect that both have come to the same state."""
        core, naive = self.core, self.naive
        assert core.state.event is not None
        name_of = names_of(core.state.event)
        _same_lists([plain_booking(b, name_of, core.entries()) for b in core.bookings()], naive.bookings)
        _same_lists(
            [plain_entry(entry, name_of) for entry in core.entries()],
            [plain_waiter(entry, len(naive.open_offers(entry))) for entry in naive.entries],
        )
        _same_lists(passed_over(core.journal, core), naive.passed)


def _same_lists(found: Sequence[object], expected: Sequence[object]) -> None:
    pairs = zip_longest(found, expected)
    different = [(number, ours, theirs) for number, (ours, theirs) in enumerate(pairs) if ours != theirs]
    assert not different, different
