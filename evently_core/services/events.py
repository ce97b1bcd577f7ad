"""What organisers do with events, and what everybody may read of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs

from evently_core.commands import (
    AddTicketType,
    Advance,
    ChangeEvent,
    ChangeTicketType,
    Command,
    Key,
    fingerprint_of,
)
from evently_core.errors import Conflict, Forbidden, InvalidValue, NotFound
from evently_core.event import Event, EventStatus, Policy, Step, TicketType
from evently_core.explain import SeatCount, Seats, Standing, seats, standings
from evently_core.facts import EventCreated, EventDeleted, Record
from evently_core.inventory import Answered, Inventory, LoadMore, Needs
from evently_core.outcomes import EventSettled, Outcome, Refused, Rejected
from evently_core.paging import Page, PageRequest
from evently_core.ports import Clock, Ids
from evently_core.reasons import Reason, ReasonCode
from evently_core.services.decisions import CommandPort, Decisions
from evently_core.storage import EventQuery, JournalLine, Records, Storage
from evently_core.values import Actor, EventId, Money, PoolId, Role, TicketTypeId, UserId

T = TypeVar("T")

GENERAL_ADMISSION = "General admission"
"""The ticket type of an event that names none."""

NO_CURRENCY_NAMED = "EUR"


@attrs.frozen
class EventView:
    """An event with its seats as they read now."""

    event: Event
    seats: Seats
    as_of: datetime
    """When the seats were read."""


@attrs.frozen
class EventAnswer:
    """What a change of an event came to: the event now, who got in because of it, who still waits."""

    view: EventView
    settled: EventSettled
    dry_run: bool = False

    @property
    def replayed(self) -> bool:
        """Tell whether this was answered before under the same key."""
        return self.settled.replayed


@attrs.frozen(kw_only=True)
class NewTicketType:
    """A ticket type to be: all that `TicketType` says but its id."""

    name: str
    price: Money = attrs.field(factory=lambda: Money(0, NO_CURRENCY_NAMED))
    capacity: int | None = None
    min_per_booking: int = 1
    max_per_booking: int | None = None
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None

    def under(self, ticket_type_id: TicketTypeId) -> TicketType:
        """Return it with its id."""
        return TicketType(id=ticket_type_id, **attrs.asdict(self, recurse=False))


@attrs.frozen(kw_only=True)
class NewEvent:
    """An event to be: a draft. Without ticket types it gets one for everybody, at ``price``."""

    title: str
    timezone: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    description: str = ""
    venue: str = ""
    booking_opens_at: datetime | None = None
    booking_closes_at: datetime | None = None
    policy: Policy = attrs.field(factory=Policy)
    ticket_types: Sequence[NewTicketType] = ()
    price: Money = attrs.field(factory=lambda: Money(0, NO_CURRENCY_NAMED))

    def kinds(self) -> Sequence[NewTicketType]:
        """Return what it sells."""
        return self.ticket_types or (NewTicketType(name=GENERAL_ADMISSION, price=self.price),)


class EventService:
    """The use cases around events."""

    def __init__(
        self,
        storage: Storage,
        records: Records,
        desk: CommandPort,
        decisions: Decisions,
        clock: Clock,
        ids: Ids,
    ) -> None:
        """Take the ports; commands go to ``desk``, dry runs to ``decisions``."""
        self._storage = storage
        self._records = records
        self._desk = desk
        self._decisions = decisions
        self._clock = clock
        self._ids = ids

    # -- organising -------------------------------------------------------------------------------------------

    def create(
        self,
        actor: Actor,
        new: NewEvent,
        *,
        organiser_id: UserId | None = None,
        key: Key | None = None,
        dry_run: bool = False,
    ) -> EventAnswer | Refused:
        """Draw up an event as a draft.

        Raises:
            Forbidden: the actor is no organiser.
            InvalidValue: a value is wrong.
        """
        owner = organiser_id if actor.is_admin and organiser_id is not None else actor.user_id
        if actor.role not in (Role.ORGANISER, Role.ADMIN):
            raise Forbidden("Only organisers may create events.")
        if owner is None:
            raise InvalidValue("organiser_id", "required", "Say whose event it is.")
        fingerprint = fingerprint_of(
            "create_event", attrs.asdict(new, recurse=False) | {"organiser_id": owner}
        )
        if key is not None and (kept := self._storage.answer(key)) is not None:
            return self._replayed_creation(kept, fingerprint)
        event = self._draft(new, owner)
        settled = EventSettled(event)
        if dry_run:
            return EventAnswer(
                EventView(event, seats_if_nobody_booked(event), event.created_at), settled, dry_run
            )
        record = Record(EventCreated(event), actor, "create_event", event.created_at)
        try:
            self._storage.create(event, record, (key, Answered(fingerprint, settled)) if key else None)
        except Conflict:
            # The same key was answered while this one was on its way; that answer counts.
            kept = self._storage.answer(key) if key else None
            if kept is None:
                raise
            return self._replayed_creation(kept, fingerprint)
        return EventAnswer(EventView(event, seats_if_nobody_booked(event), event.created_at), settled)

    def _draft(self, new: NewEvent, owner: UserId) -> Event:
        now = self._clock.now()
        kinds = tuple(kind.under(TicketTypeId(self._ids.new())) for kind in new.kinds())
        fields = attrs.asdict(
            new, recurse=False, filter=lambda field, _: field.name not in ("ticket_types", "price")
        )
        event = Event(
            id=EventId(self._ids.new()),
            organiser_id=owner,
            ticket_types=kinds,
            created_at=now,
            updated_at=now,
            **fields,
        )
        event.require_bookable(lambda pool: 0)
        return event

    @staticmethod
    def _replayed_creation(kept: Answered, fingerprint: bytes) -> EventAnswer | Refused:
        if kept.fingerprint != fingerprint:
            return Refused(Reason(ReasonCode.IDEMPOTENCY_KEY_REUSED))
        assert isinstance(kept.outcome, EventSettled)
        settled = attrs.evolve(kept.outcome, replayed=True)
        return EventAnswer(
            EventView(settled.event, seats_if_nobody_booked(settled.event), settled.event.created_at), settled
        )

    def change(
        self,
        actor: Actor,
        event_id: EventId,
        changes: Mapping[str, Any],
        *,
        policy: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
        reason: str | None = None,
        dry_run: bool = False,
    ) -> EventAnswer | Refused:
        """Set fields of an event; with ``dry_run`` only say who would get in."""
        command = ChangeEvent(
            actor=actor,
            changes=changes,
            policy=policy or {},
            expected_version=expected_version,
            reason=reason,
        )
        return self._carry_out(event_id, command, dry_run=dry_run)

    def add_ticket_type(
        self,
        actor: Actor,
        event_id: EventId,
        new: NewTicketType,
        *,
        key: Key | None = None,
        dry_run: bool = False,
    ) -> EventAnswer | Refused:
        """Sell one more kind of ticket; it is the last of the event's ticket types."""
        kind = new.under(TicketTypeId(self._ids.new()))
        return self._carry_out(
            event_id, AddTicketType(actor=actor, key=key, ticket_type=kind), dry_run=dry_run
        )

    def change_ticket_type(
        self,
        actor: Actor,
        event_id: EventId,
        ticket_type_id: TicketTypeId,
        changes: Mapping[str, Any],
        *,
        expected_version: int | None = None,
        reason: str | None = None,
        dry_run: bool = False,
    ) -> EventAnswer | Refused:
        """Set fields of a ticket type; with ``dry_run`` only say who would get in."""
        command = ChangeTicketType(
            actor=actor,
            ticket_type_id=ticket_type_id,
            changes=changes,
            expected_version=expected_version,
            reason=reason,
        )
        return self._carry_out(event_id, command, dry_run=dry_run)

    def publish(self, actor: Actor, event_id: EventId, *, dry_run: bool = False) -> EventAnswer | Refused:
        """Open the event to the public."""
        return self._carry_out(event_id, Advance(actor=actor, step=Step.PUBLISH), dry_run=dry_run)

    def cancel(
        self, actor: Actor, event_id: EventId, reason: str | None, *, dry_run: bool = False
    ) -> EventAnswer | Refused:
        """Cancel the event, every booking and every line of it."""
        return self._carry_out(
            event_id, Advance(actor=actor, step=Step.CANCEL, reason=reason), dry_run=dry_run
        )

    def complete(self, actor: Actor, event_id: EventId, *, dry_run: bool = False) -> EventAnswer | Refused:
        """Say that the event is over; its lines close."""
        return self._carry_out(event_id, Advance(actor=actor, step=Step.COMPLETE), dry_run=dry_run)

    def delete(self, actor: Actor, event_id: EventId) -> Refused | None:
        """Throw a draft away that nobody ever booked; None when it is gone."""
        now = self._clock.now()
        with self._storage.transaction(event_id, now) as transaction:
            event = transaction.inventory(Needs()).event
            self._require_organiser(actor, event)
            if event.status is not EventStatus.DRAFT:
                return Refused(Reason(ReasonCode.EVENT_NOT_DRAFT, {"status": event.status}))
            transaction.delete(Record(EventDeleted(event.title), actor, "delete_event", now))
            transaction.commit()
        return None

    def _carry_out(self, event_id: EventId, command: Command, *, dry_run: bool) -> EventAnswer | Refused:
        outcome = self._decisions.plan(event_id, command) if dry_run else self._desk.submit(event_id, command)
        settled = settled_or_refused(outcome)
        if isinstance(settled, Refused):
            return settled
        return EventAnswer(self._view_after(settled.event), settled, dry_run)

    def _view_after(self, event: Event) -> EventView:
        """Return the event as a change leaves it, recorded or not."""
        now = self._clock.now()
        if event.status is EventStatus.CANCELLED:
            return EventView(event, seats_if_nobody_booked(event), now)
        return self._looked_at(event.id, lambda inventory: _viewed(_with(inventory, event), now), now)

    # -- reading ----------------------------------------------------------------------------------------------

    def view(self, actor: Actor | None, event_id: EventId) -> EventView:
        """Return an event with its seats; ``actor`` None is anybody."""
        self._readable(actor, event_id)
        now = self._clock.now()
        return self._looked_at(event_id, lambda inventory: _viewed(inventory, now), now)

    def views(self, actor: Actor | None, query: EventQuery, page: PageRequest) -> Page[EventView]:
        """List the events that the asker may read, each with its seats of the same moment.

        Where only events with free seats are asked for, a page may be short of one whose seats are on their way to
        those who wait for them.
        """
        drafts_of = actor.user_id if actor is not None and actor.role is Role.ORGANISER else None
        all_drafts = actor is not None and actor.is_admin
        now = self._clock.now()
        asked = attrs.evolve(query, drafts_of=drafts_of, all_drafts=all_drafts, now=now)
        found = self._records.listed(asked, page, now)
        views = [self._view_of(inventory, now) for inventory in found.items]
        return Page(
            tuple(view for view in views if view.seats.total.free or not query.only_available),
            found.next_cursor,
        )

    def journal(
        self, actor: Actor, event_id: EventId, page: PageRequest, *, newest_first: bool = False
    ) -> Page[JournalLine]:
        """List what happened, by whom and why; from the beginning, or from the end."""
        self._organised(actor, event_id)
        return self._records.journal(event_id, page, newest_first=newest_first)

    def people(self, actor: Actor, event_id: EventId, user_ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of these users whose names the organiser of an event may know.

        They are those who ever had a booking of it, or waited for one.
        """
        self._organised(actor, event_id)
        return self._records.people(event_id, user_ids)

    def explain(self, actor: Actor, event_id: EventId, user_id: UserId) -> tuple[Standing, ...]:
        """Return, line by line, where a user stands and why no seat was offered."""
        event = self._readable(actor, event_id)
        if not actor.is_user(user_id):
            self._require_organiser(actor, event)
        waiting = self._records.waiting_entries(event_id, user_id)
        places = self._records.places(waiting)
        by_kind = {entry.ticket_type_id: entry for entry in waiting}
        now = self._clock.now()
        return self._looked_at(event_id, lambda inventory: standings(inventory, now, by_kind, places), now)

    def organised(self, actor: Actor, event_id: EventId) -> Event:
        """Return an event the actor organises.

        Raises:
            NotFound: the actor may not read it.
            Forbidden: the actor may read it, but it is somebody else's.
        """
        return self._organised(actor, event_id)

    def _organised(self, actor: Actor, event_id: EventId) -> Event:
        event = self._readable(actor, event_id)
        self._require_organiser(actor, event)
        return event

    def _readable(self, actor: Actor | None, event_id: EventId) -> Event:
        event = self._records.event(event_id)
        if event is None:
            raise NotFound("event")
        if event.status is EventStatus.DRAFT and (
            actor is None or not actor.may_organise(event.organiser_id)
        ):
            raise NotFound("event")
        return event

    @staticmethod
    def _require_organiser(actor: Actor, event: Event) -> None:
        if actor.may_organise(event.organiser_id):
            return
        if event.status is EventStatus.DRAFT:
            raise NotFound("event")
        raise Forbidden("Only the organiser of the event may do that.")

    def _view_of(self, inventory: Inventory, now: datetime) -> EventView:
        """Return an event with its seats, of a snapshot that is taken anew if it does not go deep enough."""
        viewed = _viewed(inventory, now)
        if isinstance(viewed, LoadMore):
            return self._looked_at(inventory.event.id, lambda deeper: _viewed(deeper, now), now)
        return viewed

    def _looked_at(self, event_id: EventId, look: Callable[[Inventory], T | LoadMore], now: datetime) -> T:
        """Look at a snapshot of an event, as deep as it takes."""
        needs = Needs()
        while True:
            inventory = self._records.snapshots([event_id], now, needs).get(event_id)
            if inventory is None:
                raise NotFound("event")
            seen = look(inventory)
            if not isinstance(seen, LoadMore):
                return seen
            needs = needs.and_also(seen)


def _viewed(inventory: Inventory, now: datetime) -> EventView | LoadMore:
    """Return an event with its seats, both of one snapshot."""
    counted = seats(inventory, now)
    return counted if isinstance(counted, LoadMore) else EventView(inventory.event, counted, now)


def _with(inventory: Inventory, event: Event) -> Inventory:
    """Return a snapshot with the event as it is to be, unless somebody changed it further meanwhile."""
    return attrs.evolve(inventory, event=event) if event.version > inventory.event.version else inventory


def seats_if_nobody_booked(event: Event) -> Seats:
    """Return the seats of an event that nobody has booked yet, or that was cancelled for everybody."""
    capacities = event.capacities()

    def free(pools: Iterable[PoolId]) -> SeatCount:
        least = min(capacities[pool] for pool in pools)
        return SeatCount(taken=0, free=least, available=least, waiting=0)

    return Seats(
        free([event.total_pool]), {kind.id: free(event.pools_of(kind)) for kind in event.ticket_types}
    )


def settled_or_refused(outcome: Outcome) -> EventSettled | Refused:
    """Return the answer to a command about an event, raising what the asker did wrong."""
    if isinstance(outcome, Rejected):
        raise outcome.error
    assert isinstance(outcome, EventSettled | Refused), outcome
    return outcome
