"""The demo's crowd: as soon as an event is published, people rush to it, as they do at a real one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

from evently_core.accounts import EmailTaken, User
from evently_core.commands import Book
from evently_core.event import Event, EventStatus
from evently_core.outcomes import Admitted
from evently_core.paging import PageRequest
from evently_core.storage import EventQuery
from evently_core.values import OPERATOR, Actor, BookingId, Role, UserId
from evently_wiring.application import Application
from evently_wiring.worker import Job

LOOKS_SECONDS = 1.0
"""How often the crowd looks for an event that nobody has booked yet."""
PEOPLE_MAX = 400
"""How many come to one event at most."""
TIMES_SOLD = 1.6
"""How many seats the crowd asks for, for each seat that there is."""

SECOND_THOUGHTS_SECONDS = 8.0
"""How often somebody gives seats back after the rush, and somebody else asks for some."""

_FIRST = ("Ada", "Bela", "Chidi", "Dora", "Emre", "Fatou", "Goran", "Hana", "Ines", "Jonas", "Kaya", "Lena",
          "Mateo", "Nadia", "Otis", "Pia", "Quentin", "Rosa", "Sami", "Thea", "Uma", "Viktor", "Wanda", "Yuki")  # fmt: skip
_LAST = ("Adler", "Berg", "Costa", "Duarte", "Ek", "Fontana", "Gupta", "Horvat", "Ito", "Jansen", "Koch", "Lund",
         "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tamm", "Usman", "Vega", "Weiss", "Zafar")  # fmt: skip
_PARTIES = (1, 2, 3, 4, 6)
_WEIGHTS = (30, 40, 8, 16, 6)


class Crowd:
    """People who wait for events to be published, and then all come at once."""

    def __init__(
        self,
        application: Application,
        password: str,
        *,
        organiser_id: UserId | None = None,
        haste: float = 1.0,
    ) -> None:
        """Take the use cases, and everybody's password.

        They come to the events of one organiser, or of anybody; twice as fast as usual with a ``haste`` of 2.0.
        """
        self._accounts = application.accounts
        self._evently = application.evently
        self._password = password
        self._organiser_id = organiser_id
        self._haste = haste
        self._chance = random.Random(7)  # noqa: S311  # a crowd that is made up keeps no secrets
        self._numbers = count(1)
        self._rush: Iterator[float] | None = None

    def job(self) -> Job:
        """Return what it does, a piece at a time."""
        return Job("crowd", self.work)

    def work(self) -> float:
        """Let the next one arrive, or look for an event to rush to; return after how many seconds to go on."""
        if self._rush is None:
            event = self._unbooked()
            if event is None:
                return LOOKS_SECONDS
            self._rush = self._rushing(event)
        pause = next(self._rush, None)
        if pause is None:
            self._rush = None
            return LOOKS_SECONDS
        return pause / self._haste

    def _unbooked(self) -> Event | None:
        """Return an event on sale that nobody has anything of yet."""
        on_sale = EventQuery(
            statuses=frozenset({EventStatus.PUBLISHED}),
            starts_from=datetime.now(UTC),
            organiser_id=self._organiser_id,
            only_available=True,
        )
        views = self._evently.events.views(None, on_sale, PageRequest(100)).items
        untouched = (
            view.event for view in views if view.seats.total.taken == 0 and view.seats.total.waiting == 0
        )
        return next(untouched, None)

    def _rushing(self, event: Event) -> Iterator[float]:
        """Let people arrive, ever faster and then fewer; yield how long it takes until something happens again."""
        asked: int = 0
        had: list[BookingId] = []
        wanted = event.capacity * TIMES_SOLD
        for number in range(PEOPLE_MAX):
            if asked >= wanted:
                break
            asked += self._arrive(event, had)
            if had and self._chance.random() < 0.06:
                self._change_of_mind(had)
            yield max(0.12, 0.9 * 0.93**number) if asked < event.capacity else 0.35
        while had and self._unbooked() is None:
            yield SECOND_THOUGHTS_SECONDS
            self._change_of_mind(had)
            self._arrive(event, [])

    def _arrive(self, event: Event, had: list[BookingId]) -> int:
        """Let somebody register and ask for seats; return for how many, and keep in ``had`` what was booked."""
        quantity = min(self._chance.choices(_PARTIES, _WEIGHTS)[0], event.policy.max_per_booking)
        person = self._newcomer()
        answer = self._evently.bookings.book(
            event.id,
            Book(
                actor=Actor(person.id, person.role),
                user_id=person.id,
                ticket_type_id=self._chance.choice(event.ticket_types).id,
                quantity=quantity,
                accept_partial=self._chance.random() < 0.4,
                join_waitlist=self._chance.random() < 0.9,
            ),
        )
        if isinstance(answer, Admitted) and answer.booking is not None:
            had.append(answer.booking.id)
        return quantity

    def _newcomer(self) -> User:
        while True:
            first, last = self._chance.choice(_FIRST), self._chance.choice(_LAST)
            email = f"{first}.{last}.{next(self._numbers)}@example.org".lower()
            try:
                return self._accounts.create_user(
                    OPERATOR, email, self._password, f"{first} {last}", Role.ATTENDEE
                ).value
            except EmailTaken:
                continue  # somebody who tries the demo is called like that

    def _change_of_mind(self, had: list[BookingId]) -> None:
        """Let somebody give the seats back: they go to who waits."""
        booking_id = had.pop(self._chance.randrange(len(had)))
        booking = self._evently.bookings.booking(OPERATOR, booking_id)
        self._evently.bookings.cancel(Actor(booking.user_id, Role.ATTENDEE), booking_id)
