"""Events in memory: the whole of the storage port for tests, simulations and first steps. Nothing is durable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock, RLock
from typing import TypeVar
from uuid import UUID

import attrs

from evently_core.analytics import Reports
from evently_core.booking import Booking
from evently_core.commands import Key
from evently_core.decision import Decision
from evently_core.documents import fact_document, fact_kind
from evently_core.errors import Conflict, NotFound, StaleLock
from evently_core.event import Event, EventStatus
from evently_core.evolve import EventState
from evently_core.facts import Record
from evently_core.figures import Figures
from evently_core.intake import Settlement
from evently_core.invariants import counts_of, violations
from evently_core.inventory import Answered, Inventory, Needs
from evently_core.memory.intake import MemoryIntake
from evently_core.memory.ledger import Ledger
from evently_core.memory.reports import MemoryReports, Told
from evently_core.paging import CursorKey, Page, PageRequest, page_of
from evently_core.storage import (
    BookingQuery,
    Drift,
    EntryQuery,
    EventQuery,
    EventTransaction,
    JournalLine,
    LineFigures,
    LineLength,
    Records,
    Storage,
    arrival_order,
)
from evently_core.tickets import Arrival, Attendance, tickets_of
from evently_core.values import BookingId, EntryId, EventId, RequestId, TicketTypeId, UserId
from evently_core.waitlist import Place, WaitlistEntry

T = TypeVar("T")


@attrs.define
class _Shelf:
    """One event with all that belongs to it."""

    ledger: Ledger
    next_sequence: int = 1
    journal: list[JournalLine] = attrs.field(factory=list)
    answers: dict[Key, tuple[Answered, datetime]] = attrs.field(factory=dict)
    wake_at: datetime | None = None
    fence: int = 0
    """The newest token that anything was recorded with."""
    figures: list[tuple[datetime, Mapping[str, Figures]]] = attrs.field(factory=list)
    """What each decision added, in the order they were made."""
    waits: Counter[int] = attrs.field(factory=Counter)
    lock: Lock = attrs.field(factory=Lock)

    @property
    def state(self) -> EventState:
        """All there is of the event."""
        return self.ledger.state


class MemoryStorage:
    """All events of a process. Threads may share it; each event has a lock of its own."""

    def __init__(self, intake: MemoryIntake | None = None) -> None:
        """Start with nothing; ``intake`` keeps the requests that are decided later."""
        self._shelves: dict[EventId, _Shelf] = {}
        self._creations: dict[Key, tuple[Answered, datetime]] = {}
        self._guard = RLock()
        self.intake = intake or MemoryIntake()
        """Requests that are decided later."""
        self.reports: Reports = MemoryReports(self._told)

    def _told(self) -> Iterator[Told]:
        """Yield what there is to be told of every event."""
        for shelf in list(self._shelves.values()):
            with shelf.lock:
                told = _told(shelf) if shelf.state.event is not None else None
            if told is not None:
                yield told

    # -- the storage port -------------------------------------------------------------------------------------

    @contextmanager
    def transaction(
        self, event_id: EventId, now: datetime, fence: int | None = None
    ) -> Iterator[EventTransaction]:
        """Open the transaction of one event and lock it."""
        shelf = self._shelf(event_id)
        with shelf.lock:
            if shelf.state.event is None:
                raise NotFound("event")
            if fence is not None and fence < shelf.fence:
                raise StaleLock(shelf.fence)
            yield _MemoryTransaction(self, shelf, now, fence)

    def create(self, event: Event, record: Record, answer: tuple[Key, Answered] | None) -> None:
        """Add a new event."""
        with self._guard:
            if answer is not None and answer[0] in self._creations:
                raise Conflict("Something was answered under that key meanwhile.")
            shelf = _Shelf(Ledger(EventState(event)))
            shelf.journal.append(_line(event.id, 1, record))
            self._shelves[event.id] = shelf
            if answer is not None:
                self._creations[answer[0]] = (answer[1], record.at)

    def answer(self, key: Key) -> Answered | None:
        """Return what the creation of an event was answered under a key."""
        with self._guard:
            kept = self._creations.get(key)
            return kept[0] if kept else None

    def forget_answers(self, before: datetime) -> int:
        """Drop the answers kept since before a time."""
        with self._guard:
            stores = [self._creations, *(shelf.answers for shelf in self._shelves.values())]
            return sum(_drop(store, before) for store in stores) + self.intake.forget(before)

    def settle(self, event_id: EventId, settlements: Sequence[Settlement]) -> None:
        """Write what came of queued requests about which nothing is decided."""
        self.intake.settle(settlements)

    def due_events(self, now: datetime, limit: int) -> Sequence[EventId]:
        """Return events with lapsed holds, with lines to open or close, or with a pass to go on with."""
        with self._guard:
            moments = [(self._due(shelf), event_id) for event_id, shelf in self._shelves.items()]
        due = sorted(
            (moment, event_id) for moment, event_id in moments if moment is not None and moment <= now
        )
        return [event_id for _, event_id in due[:limit]]

    def next_due(self) -> datetime | None:
        """Return when the next hold lapses or the next line has to be looked at."""
        with self._guard:
            moments = [self._due(shelf) for shelf in self._shelves.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def repair(self, event_id: EventId, now: datetime) -> Sequence[Drift]:
        """Mend nothing: counters cannot drift here, since they are added up at each reading."""
        self._shelf(event_id)
        return []

    @staticmethod
    def _due(shelf: _Shelf) -> datetime | None:
        with shelf.lock:
            moments = (shelf.wake_at, shelf.ledger.next_lapse)
        return min((moment for moment in moments if moment is not None), default=None)

    def _shelf(self, event_id: EventId) -> _Shelf:
        with self._guard:
            shelf = self._shelves.get(event_id)
        if shelf is None:
            raise NotFound("event")
        return shelf

    # -- the records port -------------------------------------------------------------------------------------

    def event(self, event_id: EventId) -> Event | None:
        """Return an event."""
        shelf = self._shelves.get(event_id)
        return shelf.state.event if shelf else None

    def events_named(self, event_ids: Iterable[EventId]) -> Mapping[EventId, Event]:
        """Return these events."""
        return {event_id: event for event_id in event_ids if (event := self.event(event_id))}

    def snapshots(
        self, event_ids: Iterable[EventId], now: datetime, needs: Needs
    ) -> Mapping[EventId, Inventory]:
        """Return a snapshot of each of these events."""
        found = {}
        for event_id in event_ids:
            shelf = self._shelves.get(event_id)
            if shelf is not None and shelf.state.event is not None:
                with shelf.lock:
                    found[event_id] = _inventory(shelf, needs, now)
        return found

    def listed(self, query: EventQuery, page: PageRequest, now: datetime) -> Page[Inventory]:
        """List events with a snapshot each; whatever changed since it was found is seen in both, or in neither."""
        found = self.events(query, page)
        snapshots = self.snapshots([event.id for event in found.items], now, Needs())
        items = [each for each in snapshots.values() if self._matches(each.event, query)]
        return Page(tuple(items), found.next_cursor)

    def events(self, query: EventQuery, page: PageRequest) -> Page[Event]:
        """List events by start, then id."""
        events = [event for event in self._each_event() if self._matches(event, query)]
        return _page(
            events,
            page,
            lambda event: (event.starts_at.isoformat(), str(event.id)),
            lambda parts: (datetime.fromisoformat(str(parts[0])).isoformat(), str(UUID(str(parts[1])))),
        )

    def booking(self, booking_id: BookingId) -> Booking | None:
        """Return a booking as recorded."""
        found = (shelf.state.bookings.get(booking_id) for shelf in list(self._shelves.values()))
        return next((booking for booking in found if booking is not None), None)

    def bookings_by_reference(self, reference: str, limit: int = 10) -> Sequence[Booking]:
        """Return the bookings of that reference."""
        return [booking for booking in self._each_booking() if booking.reference == reference][:limit]

    def bookings(self, query: BookingQuery, page: PageRequest) -> Page[Booking]:
        """List bookings, as they read at the query's time."""
        read = [booking.as_read_at(query.now) for booking in self._each_booking()]
        found = [
            booking
            for booking in read
            if query.event_id in (None, booking.event_id)
            and query.user_id in (None, booking.user_id)
            and query.status in (None, booking.status)
        ]
        return _page(found, page, lambda booking: (str(booking.id),), _id_of)

    def entry(self, entry_id: EntryId) -> WaitlistEntry | None:
        """Return an entry as recorded."""
        found = (shelf.state.entries.get(entry_id) for shelf in list(self._shelves.values()))
        return next((entry for entry in found if entry is not None), None)

    def entries(self, query: EntryQuery, page: PageRequest) -> Page[WaitlistEntry]:
        """List entries."""
        found = [
            entry
            for entry in self._each_entry()
            if query.event_id in (None, entry.event_id)
            and query.user_id in (None, entry.user_id)
            and query.ticket_type_id in (None, entry.ticket_type_id)
            and query.status in (None, entry.status)
            and (entry.is_waiting or not query.in_line)
        ]
        if query.in_line:
            return _page(found, page, lambda e: e.order, lambda parts: (int(parts[0]), int(parts[1])))
        return _page(found, page, lambda entry: (str(entry.id),), _id_of)

    def offers(self, entry_ids: Iterable[EntryId]) -> Mapping[EntryId, tuple[Booking, ...]]:
        """Return the offers made of these entries, oldest first."""
        wanted = set(entry_ids)
        found: dict[EntryId, tuple[Booking, ...]] = {}
        for shelf in list(self._shelves.values()):
            for entry_id in shelf.state.entries.keys() & wanted:
                with shelf.lock:
                    offers = shelf.ledger.offers(entry_id)
                if offers:
                    found[entry_id] = tuple(sorted(offers, key=lambda booking: booking.id))
        return found

    def places(self, entries: Sequence[WaitlistEntry]) -> Mapping[EntryId, Place]:
        """Return the places of those of these entries that wait."""
        return {entry.id: self._place(entry) for entry in entries if entry.is_waiting}

    def _place(self, entry: WaitlistEntry) -> Place:
        line = [
            other
            for other in self._each_entry()
            if (other.event_id, other.ticket_type_id) == (entry.event_id, entry.ticket_type_id)
            and other.is_waiting
        ]
        ahead = [other.missing for other in line if other.order < entry.order]
        return Place(1 + len(ahead), sum(ahead))

    def line_figures(self, longest: int) -> LineFigures:
        """Return how long the lines are."""
        lengths: dict[EventId, tuple[int, int]] = {}
        for entry in self._each_entry():
            if entry.is_waiting and entry.missing > 0:
                entries, seats = lengths.get(entry.event_id, (0, 0))
                lengths[entry.event_id] = (entries + 1, seats + entry.missing)
        found = [LineLength(event_id, *length) for event_id, length in lengths.items()]
        found.sort(key=lambda line: (-line.entries, line.event_id))
        return LineFigures(
            sum(line.entries for line in found), sum(line.seats for line in found), found[:longest]
        )

    def waiting_entries(self, event_id: EventId, user_id: UserId) -> Sequence[WaitlistEntry]:
        """Return the entries with which a user waits for an event."""
        return [
            entry
            for entry in self._each_entry()
            if entry.event_id == event_id and entry.user_id == user_id and entry.is_waiting
        ]

    def answered(self, event_id: EventId, keys: Iterable[Key]) -> Mapping[Key, Answered]:
        """Return what is kept under these keys of an event."""
        shelf = self._shelves.get(event_id)
        return _kept_under(keys, shelf) if shelf else {}

    def settlements(self, request_ids: Iterable[RequestId]) -> Mapping[RequestId, Settlement]:
        """Return what came of those of these queued requests that are settled."""
        return self.intake.settlements(request_ids)

    def journal(
        self, event_id: EventId, page: PageRequest, *, newest_first: bool = False
    ) -> Page[JournalLine]:
        """List the journal of an event, in the order things happened, or from its end."""
        shelf = self._shelves.get(event_id)
        lines = list(shelf.journal) if shelf else []
        if not newest_first:
            return _page(lines, page, lambda line: (line.number,), lambda parts: (int(parts[0]),))
        before = page.after(lambda parts: int(parts[0]))
        older = [line for line in reversed(lines) if before is None or line.number < before]
        return page_of(older[: page.limit + 1], page.limit, lambda line: (line.number,))

    def people(self, event_id: EventId, user_ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of these users who ever had a booking or an entry of an event."""
        shelf = self._shelves.get(event_id)
        if shelf is None:
            return frozenset()
        booked = {booking.user_id for booking in shelf.state.bookings.values()}
        waited = {entry.user_id for entry in shelf.state.entries.values()}
        return frozenset((booked | waited) & set(user_ids))

    def journal_line(self, event_id: EventId, number: int) -> JournalLine | None:
        """Return one line of the journal of an event."""
        shelf = self._shelves.get(event_id)
        return shelf.journal[number - 1] if shelf and 1 <= number <= len(shelf.journal) else None

    def allocations(self, event_id: EventId) -> Sequence[Booking]:
        """Return every booking of an event as recorded."""
        shelf = self._shelf(event_id)
        with shelf.lock:
            return list(shelf.state.bookings.values())

    def journals(self) -> Mapping[EventId, Sequence[JournalLine]]:
        """Return the journals of all events, also of those that were deleted."""
        with self._guard:
            return {event_id: list(shelf.journal) for event_id, shelf in self._shelves.items()}

    def arrivals(self, event_id: EventId, page: PageRequest) -> Page[Arrival]:
        """List who is in, the latest first."""
        shelf = self._shelves.get(event_id)
        found = [arrival for arrival in (shelf.state.arrivals.values() if shelf else ()) if arrival.is_in]
        after = page.after(_arrival_order_of)
        newest_first = sorted(found, key=arrival_order, reverse=True)
        behind = [arrival for arrival in newest_first if after is None or arrival_order(arrival) < after]
        return page_of(behind[: page.limit + 1], page.limit, arrival_order)

    def arrivals_on(self, booking: Booking) -> Sequence[Arrival]:
        """Return who came in on the seats of a booking."""
        state = self._shelf(booking.event_id).state
        return [arrival for _, arrival in sorted(state.arrivals.items()) if arrival.booking_id == booking.id]

    def attendance(self, event_id: EventId) -> Mapping[TicketTypeId, Attendance]:
        """Return, by ticket type, how many are expected and how many came in."""
        state = self._shelf(event_id).state
        assert state.event is not None
        return {
            kind.id: Attendance(
                sum(len(tickets_of(b)) for b in state.bookings.values() if b.ticket_type_id == kind.id),
                sum(a.is_in for a in state.arrivals.values() if a.ticket_type_id == kind.id),
            )
            for kind in state.event.ticket_types
        }

    def drifts(self, event_id: EventId | None = None) -> Sequence[Drift]:
        """Return the rules that are broken; counters cannot drift, since they are added up at each reading."""
        ids = list(self._shelves) if event_id is None else [event_id]
        return [
            Drift(event_id=each, what=text, recorded="", true="")
            for each in ids
            for text in violations(self._shelf(each).state)
        ]

    def _each_event(self) -> Iterator[Event]:
        for shelf in list(self._shelves.values()):
            if shelf.state.event is not None:
                yield shelf.state.event

    def _each_booking(self) -> Iterator[Booking]:
        for shelf in list(self._shelves.values()):
            yield from list(shelf.state.bookings.values())

    def _each_entry(self) -> Iterator[WaitlistEntry]:
        for shelf in list(self._shelves.values()):
            yield from list(shelf.state.entries.values())

    def _matches(self, event: Event, query: EventQuery) -> bool:
        words = f"{event.title}\n{event.venue}\n{event.description}".casefold()
        visible = (
            event.status is not EventStatus.DRAFT or query.all_drafts or event.organiser_id == query.drafts_of
        )
        return (
            visible
            and (query.text is None or query.text.casefold() in words)
            and (query.statuses is None or event.status in query.statuses)
            and (query.starts_from is None or event.starts_at >= query.starts_from)
            and (query.starts_before is None or event.starts_at < query.starts_before)
            and query.organiser_id in (None, event.organiser_id)
            and (not query.only_available or self._has_seats(event, query.now))
        )

    def _has_seats(self, event: Event, now: datetime | None) -> bool:
        state = self._shelves[event.id].state
        lapsed = any(now is not None and b.has_lapsed(now) for b in list(state.bookings.values()))
        return lapsed or counts_of(state).free > 0


class _MemoryTransaction:
    """One event under its lock; what is recorded shows when it is committed."""

    def __init__(self, storage: MemoryStorage, shelf: _Shelf, now: datetime, fence: int | None) -> None:
        self._storage = storage
        self._shelf = shelf
        self._now = now
        self._fence = fence
        self._pending: list[Callable[[], None]] = []
        self._settlements: list[Settlement] = []

    def inventory(self, needs: Needs) -> Inventory:
        """Return the snapshot a decision needs."""
        event = self._shelf.state.event
        assert event is not None, "a deleted event has no transaction"
        inventory = _inventory(self._shelf, needs, self._now)
        return attrs.evolve(inventory, queued=self._storage.intake.queued(event.id))

    def record(self, decision: Decision) -> None:
        """Take note of what a decision says."""
        self._pending.append(lambda: _write(self._shelf, decision, self._now))

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Take note of what came of queued requests."""
        self._settlements += settlements

    def delete(self, record: Record) -> None:
        """Remove the event, and write the record of it."""

        def write() -> None:
            event = self._shelf.state.event
            assert event is not None
            self._shelf.journal.append(_line(event.id, len(self._shelf.journal) + 1, record))
            self._shelf.state.event = None

        self._pending.append(write)

    def commit(self) -> None:
        """Make it so."""
        if self._settlements:
            self._storage.intake.settle(self._settlements)
            self._settlements.clear()
        for write in self._pending:
            write()
        if self._pending and self._fence is not None:
            self._shelf.fence = self._fence
        self._pending.clear()


def _inventory(shelf: _Shelf, needs: Needs, now: datetime) -> Inventory:
    return shelf.ledger.snapshot(
        needs,
        now,
        next_sequence=shelf.next_sequence,
        wake_at=shelf.wake_at,
        answers=_kept_under(needs.keys, shelf),
    )


def _kept_under(keys: Iterable[Key], shelf: _Shelf) -> dict[Key, Answered]:
    return {key: kept[0] for key in keys if (kept := shelf.answers.get(key))}


def _write(shelf: _Shelf, decision: Decision, now: datetime) -> None:
    shelf.ledger.write(decision)
    event = shelf.state.event
    assert event is not None
    for record in decision.journal:
        shelf.journal.append(_line(event.id, len(shelf.journal) + 1, record))
    if decision.figures:
        shelf.figures.append((now, decision.figures))
    shelf.waits.update(decision.waits)
    shelf.next_sequence = decision.next_sequence
    shelf.wake_at = decision.wake_at
    shelf.answers.update((key, (answered, now)) for key, answered in decision.answered.items())


def _line(event_id: EventId, number: int, record: Record) -> JournalLine:
    return JournalLine(
        event_id=event_id,
        number=number,
        at=record.at,
        kind=fact_kind(record.fact),
        actor_id=record.actor.user_id,
        actor=record.actor.name,
        cause=record.cause,
        reason=record.reason,
        data=fact_document(record.fact),
    )


def _arrival_order_of(parts: Sequence[str | int]) -> CursorKey:
    at, booking_id, seat = parts
    return (
        datetime.fromisoformat(str(at)).isoformat(timespec="microseconds"),
        str(UUID(str(booking_id))),
        int(seat),
    )


def _told(shelf: _Shelf) -> Told:
    assert shelf.state.event is not None
    counts = counts_of(shelf.state)
    return Told(
        event=shelf.state.event,
        taken=counts.taken,
        waiting=counts.waiting,
        figures=tuple(shelf.figures),
        waits=dict(shelf.waits),
        journal=tuple(shelf.journal),
    )


def _drop(answers: dict[Key, tuple[Answered, datetime]], before: datetime) -> int:
    old = [key for key, (_, at) in answers.items() if at < before and not key.is_lasting]
    for key in old:
        del answers[key]
    return len(old)


def _id_of(parts: Sequence[str | int]) -> CursorKey:
    return (str(UUID(str(parts[0]))),)


def _page(
    found: list[T],
    page: PageRequest,
    key: Callable[[T], CursorKey],
    parse: Callable[[Sequence[str | int]], CursorKey],
) -> Page[T]:
    after = page.after(parse)
    behind = sorted((thing for thing in found if after is None or key(thing) > after), key=key)
    return page_of(behind[: page.limit + 1], page.limit, key)


_: type[Storage] = MemoryStorage
_also: type[Records] = MemoryStorage
