"""What people do with bookings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from evently_core.booking import Booking, BookingStatus
from evently_core.commands import Book, Cancel, Command, Confirm, Reduce
from evently_core.errors import NotFound
from evently_core.outcomes import Admitted, BookingChanged, Outcome, Refused, Rejected
from evently_core.paging import Page, PageRequest
from evently_core.ports import Clock
from evently_core.services.decisions import CommandPort, Decisions
from evently_core.services.events import EventService
from evently_core.storage import BookingQuery, Records
from evently_core.values import Actor, BookingId, EventId, UserId


class BookingService:
    """The use cases around bookings."""

    def __init__(
        self, records: Records, desk: CommandPort, decisions: Decisions, events: EventService, clock: Clock
    ) -> None:
        """Take the ports; commands go to ``desk``, dry runs to ``decisions``."""
        self._records = records
        self._desk = desk
        self._decisions = decisions
        self._events = events
        self._clock = clock

    def book(self, event_id: EventId, request: Book, *, dry_run: bool = False) -> Admitted | Refused:
        """Ask for seats: book them, or a part of them, or join the line, as the request allows.

        Raises:
            NotFound: there is no such event or ticket type, or the asker may not know of it.
        """
        outcome = self._carry_out(event_id, request, dry_run=dry_run)
        assert isinstance(outcome, Admitted | Refused), outcome
        return outcome

    def foresee(self, event_id: EventId, requests: Sequence[Book]) -> Sequence[Admitted | Refused | Rejected]:
        """Return what these requests would be answered, one after another; nothing is recorded.

        Raises:
            NotFound: there is no such event.
        """
        outcomes = self._decisions.foresee_many(event_id, requests).outcomes
        return [outcome for outcome in outcomes if isinstance(outcome, Admitted | Refused | Rejected)]

    def confirm(
        self,
        actor: Actor,
        booking_id: BookingId,
        payment_reference: str | None = None,
        *,
        dry_run: bool = False,
    ) -> BookingChanged | Refused:
        """Make a held booking one's own."""
        command = Confirm(actor=actor, booking_id=booking_id, payment_reference=payment_reference)
        return self._change(booking_id, command, dry_run=dry_run)

    def cancel(
        self, actor: Actor, booking_id: BookingId, reason: str | None = None, *, dry_run: bool = False
    ) -> BookingChanged | Refused:
        """Give all seats of a booking back; who waits for them is served in the same transaction."""
        return self._change(
            booking_id, Cancel(actor=actor, booking_id=booking_id, reason=reason), dry_run=dry_run
        )

    def reduce(
        self,
        actor: Actor,
        booking_id: BookingId,
        quantity: int,
        reason: str | None = None,
        *,
        dry_run: bool = False,
    ) -> BookingChanged | Refused:
        """Give some seats of a booking back, so that ``quantity`` remain."""
        command = Reduce(actor=actor, booking_id=booking_id, quantity=quantity, reason=reason)
        return self._change(booking_id, command, dry_run=dry_run)

    def _change(self, booking_id: BookingId, command: Command, *, dry_run: bool) -> BookingChanged | Refused:
        booking = self._records.booking(booking_id)
        if booking is None:
            raise NotFound("booking")
        outcome = self._carry_out(booking.event_id, command, dry_run=dry_run)
        assert isinstance(outcome, BookingChanged | Refused), outcome
        return outcome

    def _carry_out(self, event_id: EventId, command: Command, *, dry_run: bool) -> Outcome:
        outcome = self._decisions.plan(event_id, command) if dry_run else self._desk.submit(event_id, command)
        if isinstance(outcome, Rejected):
            raise outcome.error
        return outcome

    # -- reading ----------------------------------------------------------------------------------------------

    def booking(self, actor: Actor, booking_id: BookingId) -> Booking:
        """Return a booking as it reads now: to its owner, the organiser of its event, and admins."""
        booking = self._records.booking(booking_id)
        if booking is None or not self._may_read(actor, booking):
            raise NotFound("booking")
        return booking.as_read_at(self._clock.now())

    def by_reference(self, actor: Actor, reference: str, event_id: EventId | None = None) -> Booking:
        """Return the booking of that reference.

        Raises:
            NotFound: there is none, the actor may not read it, or several events share it and none is named.
        """
        found = [
            booking
            for booking in self._records.bookings_by_reference(reference)
            if event_id in (None, booking.event_id) and self._may_read(actor, booking)
        ]
        if len(found) != 1:
            raise NotFound("booking")
        return found[0].as_read_at(self._clock.now())

    def _may_read(self, actor: Actor, booking: Booking) -> bool:
        if actor.is_admin or actor.is_user(booking.user_id):
            return True
        event = self._records.event(booking.event_id)
        return event is not None and actor.may_organise(event.organiser_id)

    def own(
        self,
        actor: Actor,
        page: PageRequest,
        *,
        event_id: EventId | None = None,
        status: BookingStatus | None = None,
    ) -> Page[Booking]:
        """List the actor's own bookings."""
        if actor.user_id is None:
            return Page(())
        return self._listed(page, user_id=actor.user_id, event_id=event_id, status=status)

    def of_event(
        self, actor: Actor, event_id: EventId, page: PageRequest, *, status: BookingStatus | None = None
    ) -> Page[Booking]:
        """List the bookings of an event for its organiser."""
        self._events.organised(actor, event_id)
        return self._listed(page, event_id=event_id, status=status)

    def _listed(
        self,
        page: PageRequest,
        *,
        user_id: UserId | None = None,
        event_id: EventId | None = None,
        status: BookingStatus | None = None,
    ) -> Page[Booking]:
        now: datetime = self._clock.now()
        return self._records.bookings(
            BookingQuery(now=now, user_id=user_id, event_id=event_id, status=status), page
        )
