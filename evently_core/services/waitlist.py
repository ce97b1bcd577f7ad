"""What people do while they wait, and what organisers do with those who wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from evently_core.booking import Booking, Origin
from evently_core.commands import Accept, Command, Decline, JoinWaitlist, Leave, Move
from evently_core.decision import Change
from evently_core.errors import NotFound
from evently_core.event import Event, EventStatus
from evently_core.outcomes import Admitted, BookingChanged, EntryChanged, Outcome, Refused, Rejected
from evently_core.paging import Page, PageRequest
from evently_core.ports import Clock
from evently_core.services.decisions import CommandPort, Decisions
from evently_core.services.events import EventService
from evently_core.storage import EntryQuery, Records
from evently_core.values import Actor, BookingId, EntryId, EventId, TicketTypeId
from evently_core.waitlist import EntryStatus, Place, WaitlistEntry


@attrs.frozen
class EntryView:
    """An entry as it reads now, with its live place while it waits, and all offers made of it."""

    entry: WaitlistEntry
    place: Place | None
    offers: tuple[Booking, ...] = ()


class WaitlistService:
    """The use cases around the lines."""

    def __init__(
        self, records: Records, desk: CommandPort, decisions: Decisions, events: EventService, clock: Clock
    ) -> None:
        """Take the ports; commands go to ``desk``, dry runs to ``decisions``."""
        self._records = records
        self._desk = desk
        self._decisions = decisions
        self._events = events
        self._clock = clock

    def join(self, event_id: EventId, request: JoinWaitlist, *, dry_run: bool = False) -> Admitted | Refused:
        """Wait for seats that are not there now.

        Raises:
            NotFound: there is no such event or ticket type, or the asker may not know of it.
        """
        outcome = self._carry_out(event_id, request, dry_run=dry_run)
        assert isinstance(outcome, Admitted | Refused), outcome
        return outcome

    def accept(
        self, actor: Actor, entry_id: EntryId, booking_id: BookingId | None = None, *, dry_run: bool = False
    ) -> BookingChanged | Refused:
        """Take the seats on offer."""
        return self._answer(Accept(actor=actor, entry_id=entry_id, booking_id=booking_id), dry_run=dry_run)

    def decline(
        self, actor: Actor, entry_id: EntryId, booking_id: BookingId | None = None, *, dry_run: bool = False
    ) -> BookingChanged | Refused:
        """Turn an offer down."""
        return self._answer(Decline(actor=actor, entry_id=entry_id, booking_id=booking_id), dry_run=dry_run)

    def leave(
        self, actor: Actor, entry_id: EntryId, reason: str | None = None, *, dry_run: bool = False
    ) -> EntryView | Refused:
        """Stop waiting."""
        return self._change(Leave(actor=actor, entry_id=entry_id, reason=reason), dry_run=dry_run)

    def move(
        self, actor: Actor, entry_id: EntryId, priority: int, reason: str, *, dry_run: bool = False
    ) -> EntryView | Refused:
        """Give a waiting entry another priority."""
        command = Move(actor=actor, entry_id=entry_id, priority=priority, reason=reason)
        return self._change(command, dry_run=dry_run)

    def _answer(self, command: Accept | Decline, *, dry_run: bool) -> BookingChanged | Refused:
        outcome = self._carry_out(self._event_of(command.entry_id), command, dry_run=dry_run)
        assert isinstance(outcome, BookingChanged | Refused), outcome
        return outcome

    def _change(self, command: Leave | Move, *, dry_run: bool) -> EntryView | Refused:
        if dry_run:
            return self._foreseen(command)
        outcome = self._carry_out(self._event_of(command.entry_id), command, dry_run=False)
        if isinstance(outcome, Refused):
            return outcome
        assert isinstance(outcome, EntryChanged), outcome
        return self.viewed([self._recorded(command.entry_id)])[0]

    def _foreseen(self, command: Leave | Move) -> EntryView | Refused:
        """Return how the entry would read: with the offers it would have, in the line as it would be."""
        decision = self._decisions.foresee(self._event_of(command.entry_id), command)
        outcome = _or_raised(decision.outcomes[0])
        if isinstance(outcome, Refused):
            return outcome
        assert isinstance(outcome, EntryChanged), outcome
        [view] = self.viewed([outcome.entry])
        offers = {offer.id: offer for offer in view.offers}
        for made in (change.after for change in decision.bookings):
            if made.entry_id == view.entry.id and made.origin is Origin.WAITLIST:
                offers[made.id] = made
        place = view.place and _moved_place(view.place, view.entry, decision.entries)
        return attrs.evolve(view, place=place, offers=tuple(offers.values()))

    def _carry_out(self, event_id: EventId, command: Command, *, dry_run: bool) -> Outcome:
        outcome = self._decisions.plan(event_id, command) if dry_run else self._desk.submit(event_id, command)
        return _or_raised(outcome)

    def _event_of(self, entry_id: EntryId) -> EventId:
        return self._recorded(entry_id).event_id

    def _recorded(self, entry_id: EntryId) -> WaitlistEntry:
        entry = self._records.entry(entry_id)
        if entry is None:
            raise NotFound("waitlist entry")
        return entry

    # -- reading ----------------------------------------------------------------------------------------------

    def entry(self, actor: Actor, entry_id: EntryId) -> EntryView:
        """Return one's own entry with its live place; organisers read theirs by `of_event`."""
        entry = self._recorded(entry_id)
        if not (actor.is_user(entry.user_id) or actor.is_admin):
            raise NotFound("waitlist entry")
        return self.viewed([entry])[0]

    def own(self, actor: Actor, page: PageRequest, *, event_id: EventId | None = None) -> Page[EntryView]:
        """List the actor's own entries."""
        if actor.user_id is None:
            return Page(())
        found = self._records.entries(EntryQuery(user_id=actor.user_id, event_id=event_id), page)
        return Page(tuple(self.viewed(found.items)), found.next_cursor)

    def of_event(
        self,
        actor: Actor,
        event_id: EventId,
        page: PageRequest,
        *,
        ticket_type_id: TicketTypeId | None = None,
        status: EntryStatus | None = None,
    ) -> Page[EntryView]:
        """List who waits for an event, in order, for its organiser; with a ``status``, who came to that instead."""
        self._events.organised(actor, event_id)
        in_line = status in (None, EntryStatus.WAITING)
        query = EntryQuery(
            event_id=event_id,
            ticket_type_id=ticket_type_id,
            status=None if in_line else status,
            in_line=in_line,
        )
        found = self._records.entries(query, page)
        return Page(tuple(self.viewed(found.items)), found.next_cursor)

    def viewed(self, entries: Sequence[WaitlistEntry]) -> list[EntryView]:
        """Return entries as they read now."""
        now = self._clock.now()
        events = self._records.events_named({entry.event_id for entry in entries})
        read = [_as_read(entry, events[entry.event_id], now) for entry in entries]
        places = self._records.places([entry for entry in read if entry.is_waiting])
        offers = self._records.offers([entry.id for entry in read])
        return [
            EntryView(
                entry,
                places.get(entry.id),
                tuple(offer.as_read_at(now) for offer in offers.get(entry.id, ())),
            )
            for entry in read
        ]


def _or_raised(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Rejected):
        raise outcome.error
    return outcome


def _moved_place(place: Place, entry: WaitlistEntry, changes: Iterable[Change[WaitlistEntry]]) -> Place:
    """Return a place that was counted among the recorded entries as it is once these are changed."""
    position, seats_ahead = place.position, place.seats_ahead
    for change in changes:
        for other, sign in ((change.before, -1), (change.after, 1)):
            if other is not None and other.is_ahead_of(entry):
                position, seats_ahead = position + sign, seats_ahead + sign * other.missing
    return Place(position, seats_ahead)


def _as_read(entry: WaitlistEntry, event: Event, now: datetime) -> WaitlistEntry:
    """Return an entry as it reads now: a line whose sales are over is closed, swept or not."""
    if not entry.is_waiting:
        return entry
    kind = event.ticket_type(entry.ticket_type_id)
    assert kind is not None, "a ticket type never goes away"
    over = event.status in (EventStatus.CANCELLED, EventStatus.COMPLETED) or event.sales_close_at(kind) <= now
    return attrs.evolve(entry, status=EntryStatus.CLOSED) if over else entry
