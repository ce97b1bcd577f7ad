"""Writing to people: each line of the journal that concerns somebody, on the occasions there are letters for."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from evently_core.accounts import User
from evently_core.booking import Booking
from evently_core.deliveries import Delivery, DeliveryId
from evently_core.documents import restored
from evently_core.event import Event
from evently_core.letters import (
    Letter,
    Occasion,
    Pages,
    letter_about_booking,
    letter_about_waiting,
    occasion_of,
)
from evently_core.ports import Accounts
from evently_core.services.delivering import Told, Verdict
from evently_core.storage import JournalLine, Records
from evently_core.values import BookingId, UserId
from evently_core.waitlist import WaitlistEntry


class NotMailed(Exception):
    """A letter was not taken; the message says why. It is of the outside alone: no use case lets it out.

    ``for_good`` tells that it will not be taken later either, such as when there is no such mailbox.
    """

    def __init__(self, message: str, *, status: int | None = None, for_good: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.for_good = for_good


class MailSender(Protocol):
    """Sends letters."""

    def send(self, letter: Letter, delivery_id: DeliveryId, now: datetime) -> int:
        """Send a letter, the same one under the same id each time; return what the server answered.

        Raises:
            NotMailed: it was not taken.
        """


class MailMessenger:
    """Tells people of lines of the journal by mail."""

    def __init__(
        self, records: Records, accounts: Accounts, sender: MailSender, pages: Pages | None = None
    ) -> None:
        """Take the ports, and where letters lead to; None: nowhere."""
        self._records = records
        self._accounts = accounts
        self._sender = sender
        self._pages = pages

    def tell(self, delivery: Delivery, now: datetime) -> Told:
        """Write to somebody, unless there is nobody or nothing to write about any more."""
        letter = self._letter(delivery, now)
        if letter is None:
            return Told(Verdict.NOBODY)
        try:
            return Told(Verdict.DELIVERED, self._sender.send(letter, delivery.id, now))
        except NotMailed as error:
            verdict = Verdict.NEVER if error.for_good else Verdict.AGAIN
            return Told(verdict, error.status, str(error))

    def _letter(self, delivery: Delivery, now: datetime) -> Letter | None:
        user = self._accounts.user(UserId(delivery.target_id))
        event = self._records.event(delivery.event_id)
        line = self._records.journal_line(delivery.event_id, delivery.number)
        occasion = None if line is None else occasion_of(line)
        if user is None or event is None or line is None or occasion is None:
            return None
        if occasion is Occasion.WAITING:
            return self._about_waiting(user, event, line)
        booking = self._booking(line)
        if booking is None or (occasion in (Occasion.HELD, Occasion.OFFERED) and booking.has_lapsed(now)):
            return None  # too late to answer it
        return letter_about_booking(occasion, user, event, booking, line.reason, self._pages)

    def _about_waiting(self, user: User, event: Event, line: JournalLine) -> Letter:
        entry = restored(WaitlistEntry, line.data["entry"])
        now = self._records.entry(entry.id)
        places = self._records.places([now]) if now is not None else {}
        return letter_about_waiting(user, event, entry, places.get(entry.id), self._pages)

    def _booking(self, line: JournalLine) -> Booking | None:
        """Return the booking a line is about: as it was granted, or as it is."""
        if "booking" in line.data:
            return restored(Booking, line.data["booking"])
        return self._records.booking(BookingId(UUID(line.data["booking_id"])))
