"""Demo data: a few events and people, a sold-out event with a line, offers and a hold, and how it came to that."""

from __future__ import annotations

import random
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from evently_core.accounts import User
from evently_core.booking import Booking, BookingStatus
from evently_core.commands import Book, JoinWaitlist
from evently_core.event import Event, Policy
from evently_core.memory.basics import FixedClock
from evently_core.outcomes import Admitted
from evently_core.paging import PageRequest
from evently_core.services.events import EventAnswer, NewEvent, NewTicketType
from evently_core.values import OPERATOR, Actor, EntryId, Money, Role
from evently_wiring.application import Application, open_application
from evently_wiring.settings import Settings

PASSWORD = "evently demo"  # noqa: S105  # everybody is told
_PEOPLE = ("Ana", "Ben", "Cleo", "Dag", "Eve", "Finn", "Gita", "Hugo")
_OTHERS = ("Ida", "Jan", "Kim", "Lou", "Mia", "Nils", "Orla", "Paul", "Quinn", "Rita", "Sven", "Tara")
"""They are there so that a large event has more than a handful of people."""


class NotFresh(Exception):
    """There is data already, and the demo never touches what is somebody's; the message says what to do."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} holds data already, and the demo leaves that alone. Name another --data-dir."
        )


@attrs.frozen
class Demo:
    """What was made up."""

    admin: User
    organiser: User
    attendees: tuple[User, ...]
    sold_out: Event
    roomy: Event
    nearly_full: Event
    to_publish: Event
    """A draft: once it is published, people rush to it (see `crowd`)."""


def require_fresh(data_dir: Path) -> None:
    """See to it that no server ever ran on a data directory.

    Raises:
        NotFresh: one did.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise NotFresh(str(data_dir))


def fill(settings: Settings, url: str) -> Demo:
    """Make up events, people and their last four weeks in an empty database.

    Raises:
        NotFresh: it is not empty.
    """
    clock = FixedClock(datetime.now(UTC))
    with open_application(settings, url, pool_size=2, clock=clock) as application:
        if application.accounts.users(OPERATOR).items:
            raise NotFresh("The database")
        return _Story(application, clock).tell()


class _Story:
    """Tells the demo's story through the use cases, as doors do, and at the times at which it happened."""

    def __init__(self, application: Application, clock: FixedClock) -> None:
        self._accounts = application.accounts
        self._evently = application.evently
        self._clock = clock
        self._now = clock.now()
        self._chance = random.Random(11)  # noqa: S311  # a story that is made up keeps no secrets
        self._ago(days=28.5)
        self._admin = self._person("Ada", Role.ADMIN)
        self._organiser = self._person("Olga", Role.ORGANISER)
        self._people = tuple(self._person(name, Role.ATTENDEE) for name in _PEOPLE + _OTHERS)

    def tell(self) -> Demo:
        sold_out = self._sold_out_with_a_line()
        roomy = self._roomy()
        self._over()
        self._with_offers_and_a_hold()
        nearly_full = self._nearly_full()
        to_publish = self._to_publish()
        self._draft()
        named = self._people[: len(_PEOPLE)]
        return Demo(self._admin, self._organiser, named, sold_out, roomy, nearly_full, to_publish)

    def _ago(self, **time: float) -> None:
        """Go to a time before now; that of one event only ever goes on."""
        self._clock.set(self._now - timedelta(**time))

    def _person(self, name: str, role: Role) -> User:
        email = f"{name.lower()}@example.org"
        return self._accounts.create_user(OPERATOR, email, PASSWORD, name, role).value

    @property
    def _olga(self) -> Actor:
        return Actor(self._organiser.id, Role.ORGANISER)

    def _as(self, person: int) -> Actor:
        return Actor(self._people[person].id, Role.ATTENDEE)

    def _event(
        self, days: int, hours: int, *, timezone: str, at: int = 20, publish: bool = True, **fields: Any
    ) -> Event:
        """Make an event that begins in so many days ``at`` an hour of its zone, and takes some hours."""
        day = (self._now + timedelta(days=days)).astimezone(ZoneInfo(timezone))
        starts_at = day.replace(hour=at, minute=0, second=0, microsecond=0)
        new = NewEvent(
            starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), timezone=timezone, **fields
        )
        drafted = self._evently.events.create(self._olga, new)
        assert isinstance(drafted, EventAnswer), drafted
        if publish:
            self._evently.events.publish(self._olga, drafted.view.event.id)
        return drafted.view.event

    def _book(
        self, event: Event, person: int, quantity: int, kind: int = 0, *, joining: bool = False
    ) -> Booking | None:
        actor = self._as(person)
        answer = self._evently.bookings.book(
            event.id,
            Book(
                actor=actor,
                user_id=self._people[person].id,
                ticket_type_id=event.ticket_types[kind].id,
                quantity=quantity,
                accept_partial=joining,
                join_waitlist=joining,
            ),
        )
        return answer.booking if isinstance(answer, Admitted) else None

    def _wait(self, event: Event, person: int, quantity: int) -> EntryId:
        actor = self._as(person)
        request = JoinWaitlist(actor=actor, user_id=self._people[person].id, quantity=quantity)
        answer = self._evently.waitlist.join(event.id, request)
        assert isinstance(answer, Admitted), answer
        assert answer.entry is not None, "whoever joins a line waits in it"
        return answer.entry.id

    def _sold_out_with_a_line(self) -> Event:
        self._ago(days=25)
        event = self._event(
            14, 3, title="Night of the Trio", timezone="Europe/Berlin", capacity=10, venue="Kleine Halle, Berlin",
            description="Two sets, one break. Ten seats, and a line.", price=Money(2_500, "EUR"),
        )  # fmt: skip
        for person, (days, quantity) in enumerate(((20, 4), (16, 3), (9, 3))):
            self._ago(days=days)
            self._book(event, person, quantity)
        self._ago(days=6)
        self._wait(event, 3, 2)
        self._ago(days=3)
        self._book(event, 4, 4, joining=True)
        self._ago(days=1)
        self._wait(event, 5, 1)
        return event

    def _roomy(self) -> Event:
        self._ago(days=28)
        event = self._event(
            30, 8, title="Harbour Festival", timezone="Europe/Lisbon", capacity=500, venue="Doca, Lisbon",
            description="A day by the water.",
            ticket_types=(
                NewTicketType(name="Floor", price=Money(4_000, "EUR")),
                NewTicketType(name="Balcony", price=Money(7_500, "EUR"), capacity=40, max_per_booking=4),
            ),
        )  # fmt: skip
        booked: list[Booking] = []
        for hours in sorted((self._chance.uniform(1, 27 * 24) for _ in range(70)), reverse=True):
            self._ago(hours=hours)
            person, quantity = self._chance.randrange(len(self._people)), self._chance.choice((1, 2, 2, 3, 4))
            booking = self._book(event, person, quantity, kind=self._chance.random() < 0.2)
            if booking is not None:
                booked.append(booking)
            if self._chance.random() < 0.1:
                self._give_back(booked.pop(self._chance.randrange(len(booked))))
        return event

    def _give_back(self, booking: Booking) -> None:
        self._evently.bookings.cancel(Actor(booking.user_id, Role.ATTENDEE), booking.id)

    def _over(self) -> None:
        """Tell of an event that is over: sold out, with a line that was served, and most came."""
        self._ago(days=24)
        event = self._event(
            -4, 3, title="Autumn Jam", timezone="Europe/Berlin", capacity=20, venue="Kleine Halle, Berlin",
            description="Bring an instrument.", price=Money(1_000, "EUR"),
        )  # fmt: skip
        booked = []
        for person, (days, quantity) in enumerate(((22, 4), (21, 2), (18, 4), (15, 2), (14, 4), (11, 4))):
            self._ago(days=days)
            booked.append(self._book(event, person, quantity))
        for person, hours, quantity in ((6, 240, 2), (7, 228, 3)):
            self._ago(hours=hours)
            self._wait(event, person, quantity)
        for number, hours in ((1, 192), (4, 156)):
            self._ago(hours=hours)
            booking = booked[number]
            assert booking is not None, "there was room for all of them"
            self._give_back(booking)
        self._ago(days=4)
        for booking in self._evently.bookings.of_event(self._olga, event.id, PageRequest()).items:
            if booking.status is BookingStatus.CONFIRMED:
                self._let_in(booking, all_but=self._chance.randrange(2))
        self._ago(days=3)
        self._evently.events.complete(self._olga, event.id)

    def _let_in(self, booking: Booking, *, all_but: int) -> None:
        tickets = self._evently.tickets.of_booking(Actor(booking.user_id, Role.ATTENDEE), booking.id).items
        codes = [(ticket.code, None) for ticket in tickets[all_but:]]
        if codes:
            self._evently.tickets.check_in(self._olga, booking.event_id, codes)

    def _with_offers_and_a_hold(self) -> None:
        self._ago(days=12)
        event = self._event(
            7, 2, at=10, title="Pottery for Beginners", timezone="America/New_York", capacity=4, venue="Studio 5, Brooklyn",
            description="Seats are held for half an hour; who waits gets an offer for two hours.",
            price=Money(6_000, "USD"),
            policy=Policy(hold_for=timedelta(minutes=30), offer_window=timedelta(hours=2)),
        )  # fmt: skip
        first = self._held(event, 2, 4)
        self._evently.bookings.confirm(self._as(2), first.id)
        self._ago(days=7)
        accepting, declining = self._wait(event, 5, 2), self._wait(event, 3, 2)
        self._ago(days=5)
        self._give_back(first)
        self._ago(days=5, hours=-1)
        self._evently.waitlist.accept(self._as(5), accepting)
        self._evently.waitlist.decline(self._as(3), declining)
        self._ago(minutes=4)
        [accepted] = [
            booking
            for booking in self._evently.bookings.of_event(OPERATOR, event.id, PageRequest()).items
            if booking.status is BookingStatus.CONFIRMED
        ]
        self._give_back(accepted)
        self._ago(minutes=3)
        held = self._held(event, 0, 4)
        self._wait(event, 6, 2)
        self._wait(event, 7, 2)
        self._ago(minutes=0)
        self._evently.bookings.reduce(OPERATOR, held.id, 2, "Ana needs two seats only")

    def _held(self, event: Event, person: int, quantity: int) -> Booking:
        booking = self._book(event, person, quantity)
        assert booking is not None, "nobody else has these seats"
        return booking

    def _nearly_full(self) -> Event:
        self._ago(days=13)
        event = self._event(
            10, 1, at=12, title="Chamber Music at Noon", timezone="Europe/Vienna", capacity=12, venue="Palais, Vienna",
            description="Two seats are left: ask for more, and see what is had at once and what waits.",
            price=Money(1_200, "EUR"),
        )  # fmt: skip
        for person, (days, quantity) in enumerate(((12, 4), (8, 4), (2, 2))):
            self._ago(days=days)
            self._book(event, person, quantity)
        return event

    def _to_publish(self) -> Event:
        self._ago(hours=2)
        return self._event(
            21, 3, publish=False, title="Opening Night", timezone="Europe/Berlin", capacity=120,
            venue="Schauspielhaus, Hamburg", description="The first night of the season. Everybody wants to be there.",
            price=Money(3_500, "EUR"),
        )  # fmt: skip

    def _draft(self) -> None:
        self._event(
            60, 2, publish=False, title="Reading in the Dark", timezone="Asia/Tokyo", capacity=30,
            venue="Jimbocho, Tokyo", description="Still a draft.", price=Money(1_500, "JPY"),
        )  # fmt: skip


def introduction(demo: Demo, address: str, data_dir: Path) -> str:
    """Return who may log in, and three things to try."""
    login = (
        f"curl -s {address}/api/v1/auth/login -H 'Content-Type: application/json' "
        f"""-d '{{"email": "hugo@example.org", "password": "{PASSWORD}"}}'"""
    )
    return f"""\
Evently's demo answers on {address} (API: {address}/api/v1/docs)

Log in as ({PASSWORD!r} is everybody's password)
  ada@example.org    admin
  olga@example.org   organiser
  ana, ben, cleo, dag, eve, finn, gita, hugo @example.org

Three things to try
1. Watch a rush: log in as olga, open "{demo.to_publish.title}" under Organise and publish it. Then raise its
   capacity after reading who would get in: {address}/app/organise/{demo.to_publish.id}
2. Ask for more than there is: log in as hugo, best on a phone or in a narrow window, and ask for ten seats of
   "{demo.nearly_full.title}": {address}/app/events/{demo.nearly_full.id}
   See the place in line move: as ana, in a private window, give seats back under My bookings. In the line of 1. it
   moves by itself.
3. Check somebody in: log in as ana, open a ticket under My bookings, save it as PDF; as olga, scan or type its code:
   {address}/app/organise/{demo.nearly_full.id}/check-in

The same from a terminal
1. See the event that is sold out, and how many wait:
   curl -s '{address}/api/v1/events?q=Trio'
2. Ask for ten of its seats as Hugo, and read the place in line and why:
   TOKEN=$({login} | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')
   curl -s {address}/api/v1/bookings -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
     -d '{{"event_id": "{demo.sold_out.id}", "quantity": 10, "accept_partial": true, "join_waitlist": true}}'
3. Find out who would get in with five more chairs; nothing is changed:
   EVENTLY_DATA_DIR={shlex.quote(str(data_dir))} evently events set-capacity {demo.sold_out.id} 15 --dry-run

Stop with Ctrl-C."""
