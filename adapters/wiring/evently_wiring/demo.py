"""Demo data: a few events and people, a sold-out event with a line, offers and a hold."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

from evently_core.accounts import User
from evently_core.commands import Book, JoinWaitlist
from evently_core.event import Event, Policy
from evently_core.paging import PageRequest
from evently_core.services.events import EventAnswer, NewEvent, NewTicketType
from evently_core.values import OPERATOR, Actor, Money, Role
from evently_wiring.application import Application

PASSWORD = "evently demo"  # noqa: S105  # everybody is told
_PEOPLE = ("Ana", "Ben", "Cleo", "Dag", "Eve", "Finn", "Gita", "Hugo")


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


def fill(application: Application) -> Demo:
    """Make up events and people in an empty database.

    Raises:
        NotFresh: it is not empty.
    """
    if application.accounts.users(OPERATOR).items:
        raise NotFresh("The database")
    return _Story(application).tell()


class _Story:
    """Tells the demo's story through the use cases, as doors do."""

    def __init__(self, application: Application) -> None:
        self._accounts = application.accounts
        self._evently = application.evently
        self._admin = self._person("Ada", Role.ADMIN)
        self._organiser = self._person("Olga", Role.ORGANISER)
        self._people = tuple(self._person(name, Role.ATTENDEE) for name in _PEOPLE)
        self._now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def tell(self) -> Demo:
        sold_out = self._sold_out_with_a_line()
        roomy = self._roomy()
        self._with_offers_and_a_hold()
        nearly_full = self._nearly_full()
        to_publish = self._to_publish()
        self._draft()
        return Demo(self._admin, self._organiser, self._people, sold_out, roomy, nearly_full, to_publish)

    def _person(self, name: str, role: Role) -> User:
        email = f"{name.lower()}@example.org"
        return self._accounts.create_user(OPERATOR, email, PASSWORD, name, role).value

    def _event(self, days: int, hours: int, *, publish: bool = True, **fields: Any) -> Event:
        starts_at = self._now + timedelta(days=days)
        new = NewEvent(starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), **fields)
        organiser = Actor(self._organiser.id, Role.ORGANISER)
        drafted = self._evently.events.create(organiser, new)
        assert isinstance(drafted, EventAnswer), drafted
        if publish:
            self._evently.events.publish(organiser, drafted.view.event.id)
        return drafted.view.event

    def _book(
        self, event: Event, person: int, quantity: int, kind: int = 0, *, joining: bool = False
    ) -> None:
        user = self._people[person]
        self._evently.bookings.book(
            event.id,
            Book(
                actor=Actor(user.id, user.role),
                user_id=user.id,
                ticket_type_id=event.ticket_types[kind].id,
                quantity=quantity,
                accept_partial=joining,
                join_waitlist=joining,
            ),
        )

    def _wait(self, event: Event, person: int, quantity: int) -> None:
        user = self._people[person]
        request = JoinWaitlist(actor=Actor(user.id, user.role), user_id=user.id, quantity=quantity)
        self._evently.waitlist.join(event.id, request)

    def _sold_out_with_a_line(self) -> Event:
        event = self._event(
            14, 3, title="Night of the Trio", timezone="Europe/Berlin", capacity=10, venue="Kleine Halle, Berlin",
            description="Two sets, one break. Ten seats, and a line.", price=Money(2_500, "EUR"),
        )  # fmt: skip
        for person, quantity in enumerate((4, 3, 3)):
            self._book(event, person, quantity)
        self._wait(event, 3, 2)
        self._book(event, 4, 4, joining=True)
        self._wait(event, 5, 1)
        return event

    def _roomy(self) -> Event:
        event = self._event(
            30, 8, title="Harbour Festival", timezone="Europe/Lisbon", capacity=500, venue="Doca, Lisbon",
            description="A day by the water.",
            ticket_types=(
                NewTicketType(name="Floor", price=Money(4_000, "EUR")),
                NewTicketType(name="Balcony", price=Money(7_500, "EUR"), capacity=40, max_per_booking=4),
            ),
        )  # fmt: skip
        for person in range(len(self._people)):
            self._book(event, person, 1 + person % 4, person % 2)
        return event

    def _with_offers_and_a_hold(self) -> None:
        event = self._event(
            7, 2, title="Pottery for Beginners", timezone="America/New_York", capacity=4, venue="Studio 5, Brooklyn",
            description="Seats are held for half an hour; who waits gets an offer for two hours.",
            price=Money(6_000, "USD"),
            policy=Policy(hold_for=timedelta(minutes=30), offer_window=timedelta(hours=2)),
        )  # fmt: skip
        self._book(event, 0, 4)
        self._wait(event, 6, 2)
        self._wait(event, 7, 2)
        [booking] = self._evently.bookings.of_event(OPERATOR, event.id, PageRequest()).items
        self._evently.bookings.reduce(OPERATOR, booking.id, 2, "Ana needs two seats only")

    def _nearly_full(self) -> Event:
        event = self._event(
            10, 1, title="Chamber Music at Noon", timezone="Europe/Vienna", capacity=12, venue="Palais, Vienna",
            description="Two seats are left: ask for more, and see what is had at once and what waits.",
            price=Money(1_200, "EUR"),
        )  # fmt: skip
        for person, quantity in enumerate((4, 4, 2)):
            self._book(event, person, quantity)
        return event

    def _to_publish(self) -> Event:
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
2. Ask for more than there is: log in as hugo, best on a phone or in a narrow window, ask for ten seats of
   "{demo.nearly_full.title}", and see your place in line: {address}/app/events/{demo.nearly_full.id}
3. Check somebody in: log in as ana, open a ticket under My bookings; as olga, scan or type its code:
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
