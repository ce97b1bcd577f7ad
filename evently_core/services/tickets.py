"""What people do with tickets: read their codes, show them at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from evently_core.booking import Booking
from evently_core.commands import CheckIn, Command, Key, UndoCheckIn
from evently_core.errors import Forbidden, NotFound
from evently_core.event import Event
from evently_core.outcomes import DoorAnswer, Outcome, Refused, Rejected
from evently_core.paging import LIMIT_MAX, Page, PageRequest, page_of
from evently_core.ports import TicketSeal
from evently_core.services.bookings import BookingService
from evently_core.services.decisions import CommandPort, Decisions
from evently_core.services.events import EventService
from evently_core.storage import Records
from evently_core.tickets import Arrival, Attendance, Scan, Ticket, opened, tickets_of
from evently_core.values import Actor, BookingId, EventId, TicketTypeId

EVERY_TICKET = PageRequest(LIMIT_MAX)
"""All tickets of any but the largest bookings."""


@attrs.frozen
class TicketView:
    """The ticket of one seat, and since when somebody is in with it."""

    booking: Booking
    seat: int
    code: str
    checked_in_at: datetime | None = None


@attrs.frozen
class ArrivalView:
    """Somebody who is in, and the code of the seat."""

    arrival: Arrival
    code: str


@attrs.frozen
class AttendanceView:
    """How many are expected at an event, and how many are in."""

    event: Event
    by_ticket_type: Mapping[TicketTypeId, Attendance]

    @property
    def total(self) -> Attendance:
        """All ticket types together."""
        counts = self.by_ticket_type.values()
        return Attendance(sum(c.expected for c in counts), sum(c.arrived for c in counts))


class TicketService:
    """The use cases around tickets and check-ins."""

    def __init__(
        self,
        records: Records,
        desk: CommandPort,
        decisions: Decisions,
        events: EventService,
        bookings: BookingService,
        seal: TicketSeal,
    ) -> None:
        """Take the ports; commands go to ``desk``, dry runs to ``decisions``."""
        self._records = records
        self._desk = desk
        self._decisions = decisions
        self._events = events
        self._bookings = bookings
        self._seal = seal

    # -- reading ----------------------------------------------------------------------------------------------

    def of_booking(
        self, actor: Actor, booking_id: BookingId, page: PageRequest = EVERY_TICKET
    ) -> Page[TicketView]:
        """List the tickets of a booking to its owner, by seat; only a confirmed one has any.

        Raises:
            NotFound: the actor may not read the booking.
            Forbidden: the actor may read it, but it is somebody else's: whoever has a code may come in.
        """
        booking = self._bookings.booking(actor, booking_id)
        if not (actor.is_user(booking.user_id) or actor.is_admin):
            raise Forbidden("Only the one whose booking it is may have its tickets.")
        after = page.after(lambda parts: max(0, int(parts[0]))) or 0
        seats = tickets_of(booking)[after : after + page.limit + 1]
        came = {arrival.seat: arrival.at for arrival in self._records.arrivals_on(booking) if arrival.is_in}
        views = [
            TicketView(booking, seat, self._code(Ticket(booking.event_id, booking.id, seat)), came.get(seat))
            for seat in seats
        ]
        return page_of(views, page.limit, lambda view: (view.seat,))

    def arrivals(self, actor: Actor, event_id: EventId, page: PageRequest) -> Page[ArrivalView]:
        """List who is in, the latest first, to the organiser."""
        self._events.organised(actor, event_id)
        found = self._records.arrivals(event_id, page)
        views = [
            ArrivalView(arrival, self._code(Ticket(event_id, arrival.booking_id, arrival.seat)))
            for arrival in found.items
        ]
        return Page(tuple(views), found.next_cursor)

    def attendance(self, actor: Actor, event_id: EventId) -> AttendanceView:
        """Return how many are expected and how many are in, to the organiser."""
        event = self._events.organised(actor, event_id)
        return AttendanceView(event, self._records.attendance(event_id))

    def public_keys(self) -> Sequence[bytes]:
        """Return the raw Ed25519 keys with which a door without a network tells our codes from others."""
        return self._seal.public_keys()

    # -- at the door ------------------------------------------------------------------------------------------

    def check_in(
        self,
        actor: Actor,
        event_id: EventId,
        codes: Sequence[tuple[str, datetime | None]],
        *,
        key: Key | None = None,
        dry_run: bool = False,
    ) -> DoorAnswer | Refused:
        """Let in who shows these codes, and say of each what came of it; ``Refused`` is about the key.

        A code comes with the time it was shown if that was noted without a network, else with None. Codes with
        their times may be handed in any number of times; what was noted once is noted.

        Raises:
            NotFound: there is no such event, or the actor may not know of it.
            Forbidden: it is somebody else's event.
            InvalidValue: there are no codes, or too many at a time.
        """
        scans = tuple(Scan(code, self._genuine(code), at) for code, at in codes)
        command = CheckIn(actor=actor, key=key, scans=scans)
        return self._carry_out(event_id, command, dry_run=dry_run)

    def check_in_one(
        self,
        actor: Actor,
        event_id: EventId,
        code: str,
        *,
        key: Key | None = None,
        dry_run: bool = False,
    ) -> ArrivalView | Refused:
        """Let in who shows a code, or say why not."""
        answer = self.check_in(actor, event_id, [(code, None)], key=key, dry_run=dry_run)
        if isinstance(answer, Refused):
            return answer
        [scanned] = answer.scanned
        if scanned.arrival is None:
            assert scanned.reason is not None, "who is not let in is told why"
            return Refused(scanned.reason)
        return ArrivalView(scanned.arrival, scanned.code)

    def undo(
        self,
        actor: Actor,
        code: str,
        *,
        event_id: EventId | None = None,
        reason: str | None = None,
        dry_run: bool = False,
    ) -> Arrival:
        """Take back that somebody came in with a code; a second time changes nothing.

        Raises:
            NotFound: it is no code of ours, not one of that event, or nobody came in with it.
            Forbidden: it is somebody else's event.
        """
        ticket = self._genuine(code)
        if ticket is None or event_id not in (None, ticket.event_id):
            raise NotFound("ticket")
        command = UndoCheckIn(actor=actor, ticket=ticket, code=code, reason=reason)
        answer = self._carry_out(ticket.event_id, command, dry_run=dry_run)
        assert isinstance(answer, DoorAnswer), answer
        [scanned] = answer.scanned
        assert scanned.arrival is not None
        return scanned.arrival

    def _carry_out(self, event_id: EventId, command: Command, *, dry_run: bool) -> DoorAnswer | Refused:
        outcome: Outcome
        outcome = self._decisions.plan(event_id, command) if dry_run else self._desk.submit(event_id, command)
        if isinstance(outcome, Rejected):
            raise outcome.error
        assert isinstance(outcome, DoorAnswer | Refused), outcome
        return outcome

    def _code(self, ticket: Ticket) -> str:
        return ticket.code(self._seal.seal(ticket.content()))

    def _genuine(self, code: str) -> Ticket | None:
        """Return what a code says, if we sealed it."""
        found = opened(code)
        if found is None:
            return None
        ticket, seal = found
        return ticket if self._seal.is_genuine(ticket.content(), seal) else None
