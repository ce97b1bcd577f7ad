"""Who is written to about what: over a real connection to a mail server on this machine."""

from __future__ import annotations

import html
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import pytest

import evently_flask_api
from evently_core import letters
from evently_core.deliveries import Channel, Delivery, DeliveryState, TargetId
from evently_core.event import Event, Policy
from evently_core.outcomes import BookingChanged
from evently_core.services.events import NewTicketType
from evently_core.services.mailing import MailMessenger
from evently_core.values import Money, UserId
from evently_flask_api.calendars import event_calendar
from evently_wiring.delivering import OWN_PAGE
from evently_wiring.mail import SmtpMail, SmtpServer
from evently_wiring.settings import InvalidSettings, Mail, Settings
from tests.outside.receivers import Mailed, MailReceiver
from tests.outside.world import World

SENDER = "Evently <tickets@example.org>"


class Town(World):
    """A world in which people are written to."""

    def __init__(
        self, mailbox: MailReceiver, url: str | None = None, *, pages: letters.Pages | None = None
    ) -> None:
        super().__init__(mailed=letters.KINDS)
        self.mailbox = mailbox
        self.messengers[Channel.MAIL] = MailMessenger(
            self.storage,
            self.accounts,
            SmtpMail(SmtpServer.at(url or mailbox.url), SENDER, event_calendar),
            pages,
        )
        for number in range(1, 5):
            self.user(self.house.person(number))

    def letters(self, person: int) -> list[Mailed]:
        """Deliver what there is, and return what somebody got."""
        self.work()
        return [mailed for mailed in self.mailbox.mailed if mailed.to == f"user{10_000 + person}@example.org"]

    def subjects(self, person: int) -> list[str]:
        return [mailed.subject for mailed in self.letters(person)]

    def deliveries_to(self, person: int) -> list[Delivery]:
        target = TargetId(UUID(int=10_000 + person))
        return list(self.deliveries.of_target(target, None, 100))[::-1]


@pytest.fixture
def town(mailbox: MailReceiver) -> Town:
    return Town(mailbox)


def concert(town: Town, **fields: object) -> Event:
    return town.house.published(
        title="Jazz & more",
        venue="The <Cellar>",
        ticket_types=(NewTicketType(name="Floor", price=Money(2_500, "EUR")),),
        **fields,
    )


def test_who_books_is_told_in_words_in_html_and_with_the_event_for_the_calendar(town: Town) -> None:
    event = concert(town)
    booking = town.house.booked(event, 1, 2)
    [mailed] = town.letters(1)
    assert mailed.subject == "Booked: Jazz & more"
    assert mailed.sender == "tickets@example.org"
    assert (str(mailed.letter["From"]), str(mailed.letter["To"])) == (
        SENDER,
        "User 10001 <user10001@example.org>",
    )
    assert mailed.letter["Auto-Submitted"] == "auto-generated"
    assert mailed.kinds == ["text/plain", "text/html", "text/calendar"]
    text, html = mailed.part("text/plain"), mailed.part("text/html")
    for said in (
        "Hello User 10001,",
        "2 seats are yours.",
        booking.reference,
        "50.00 EUR",
        "Jazz & more",
        "The <Cellar>",
    ):
        assert said in text
    assert "Jazz &amp; more" in html
    assert "The &lt;Cellar&gt;" in html
    assert booking.reference in html
    [entry] = icalendar.Calendar.from_ical(mailed.part("text/calendar")).walk("VEVENT")
    assert (str(entry["summary"]), entry.decoded("dtstart")) == ("Jazz & more", event.starts_at)


def test_times_read_as_they_do_where_the_event_is(town: Town) -> None:
    event = concert(town)
    town.house.booked(event, 1)
    [mailed] = town.letters(1)
    zone = event.starts_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert f"{zone:%H:%M} {zone:%Z}" in mailed.part("text/plain")


def test_who_waits_is_told_of_the_place_and_then_of_the_seats(town: Town) -> None:
    event = concert(town, capacity=1)
    booking = town.house.booked(event, 1)
    town.house.waits(event, 2)
    town.house.waits(event, 3)
    assert "You are the first in line." in town.letters(2)[0].part("text/plain")
    waiting = town.letters(3)[0]
    assert waiting.subject == "Waiting: Jazz & more"
    assert "You are number 2 in line, behind 1 seat." in waiting.part("text/plain")
    assert waiting.kinds == ["text/plain", "text/html"], "who has no seat has nothing for the calendar"
    town.house.bookings.cancel(town.house.person(1), booking.id)
    assert town.subjects(1) == ["Booked: Jazz & more", "Cancelled: Jazz & more"]
    assert town.subjects(2) == ["Waiting: Jazz & more", "You are in: Jazz & more"]
    assert "text/calendar" in town.letters(2)[1].kinds
    assert "text/calendar" not in town.letters(1)[1].kinds


def test_an_offer_says_until_when_and_its_acceptance_is_confirmed(town: Town) -> None:
    event = concert(town, capacity=1, policy=Policy(offer_window=timedelta(hours=2)))
    booking = town.house.booked(event, 1)
    entry = town.house.waits(event, 2).entry
    assert entry is not None
    town.house.bookings.cancel(town.house.person(1), booking.id)
    assert town.subjects(2) == ["Waiting: Jazz & more", "Seats for you: Jazz & more"]
    assert "Accept them until" in town.letters(2)[1].part("text/plain")
    town.house.waitlist.accept(town.house.person(2), entry.id)
    assert town.subjects(2)[2:] == ["Booked: Jazz & more"]


def test_who_declines_an_offer_is_told_nothing_more(town: Town) -> None:
    event = concert(town, capacity=1, policy=Policy(offer_window=timedelta(hours=2)))
    booking = town.house.booked(event, 1)
    entry = town.house.waits(event, 2).entry
    assert entry is not None
    town.house.bookings.cancel(town.house.person(1), booking.id)
    town.house.waitlist.decline(town.house.person(2), entry.id)
    assert town.subjects(2) == ["Waiting: Jazz & more", "Seats for you: Jazz & more"]


def test_an_offer_that_lapsed_before_it_could_be_told_is_not_told(town: Town) -> None:
    event = concert(town, capacity=1, policy=Policy(offer_window=timedelta(hours=2)))
    booking = town.house.booked(event, 1)
    town.house.waits(event, 2)
    town.house.bookings.cancel(town.house.person(1), booking.id)
    town.pass_by(hours=2)
    assert town.subjects(2) == ["Waiting: Jazz & more"]
    assert town.deliveries_to(2)[-1].state is DeliveryState.DROPPED


def test_a_hold_says_until_when_to_confirm_it(town: Town) -> None:
    event = concert(town, policy=Policy(hold_for=timedelta(minutes=10)))
    booking = town.house.booked(event, 1)
    assert town.subjects(1) == ["Held for you: Jazz & more"]
    assert "Confirm them until" in town.letters(1)[0].part("text/plain")
    town.house.bookings.confirm(town.house.person(1), booking.id)
    assert town.subjects(1) == ["Held for you: Jazz & more", "Booked: Jazz & more"]


def test_everybody_is_told_why_an_event_was_cancelled(town: Town) -> None:
    event = concert(town)
    town.house.booked(event, 1)
    town.house.booked(event, 2)
    town.house.events.cancel(town.house.organiser, event.id, "The singer\nis ill.")
    for person in (1, 2):
        cancelled = town.letters(person)[-1]
        assert cancelled.subject == "Cancelled: Jazz & more"
        assert "The reason: The singer is ill." in cancelled.part("text/plain")


def test_what_somebody_typed_on_two_lines_becomes_no_header(town: Town) -> None:
    event = town.house.published(title="Jazz", venue="The Cellar\r\nBcc: everybody@example.org")
    town.house.booked(event, 1)
    [mailed] = town.letters(1)
    assert mailed.letter["Bcc"] is None
    assert "The Cellar Bcc: everybody@example.org\n" in mailed.part("text/plain")


def test_letters_lead_to_where_seats_and_places_are_seen_and_offers_answered(mailbox: MailReceiver) -> None:
    town = Town(mailbox, pages=letters.Pages("https://tickets.example.org/a&b/app/bookings"))
    event = concert(town, capacity=1, policy=Policy(offer_window=timedelta(hours=2)))
    booking = town.house.booked(event, 1)
    entry = town.house.waits(event, 2).entry
    assert entry is not None
    town.house.bookings.cancel(town.house.person(1), booking.id)
    answer = town.house.waitlist.accept(town.house.person(2), entry.id)
    assert isinstance(answer, BookingChanged)
    own = "https://tickets.example.org/a&b/app/bookings"
    booked, cancelled = town.letters(1)
    waiting, offered, accepted = town.letters(2)
    for mailed, name, address in (
        (booked, "Your tickets", f"{own}/{booking.id}"),
        (waiting, "Your place in line", own),
        (offered, "Accept or decline them", own),
        (accepted, "Your tickets", f"{own}/{answer.booking.id}"),
    ):
        assert mailed.part("text/plain").endswith(f"\n{name}: {address}\n"), mailed.subject
        assert f'<a href="{html.escape(address)}">{name}</a>' in mailed.part("text/html")
    assert "http" not in cancelled.part("text/plain") + cancelled.part("text/html")


def test_who_is_let_in_at_once_is_led_to_the_tickets_and_who_has_to_confirm_to_where_that_is_done(
    mailbox: MailReceiver,
) -> None:
    town = Town(mailbox, pages=letters.Pages("https://tickets.example.org/app/bookings"))
    event = concert(town, capacity=1)
    booking = town.house.booked(event, 1)
    town.house.waits(event, 2)
    town.house.bookings.cancel(town.house.person(1), booking.id)
    assert "Your tickets: https://tickets.example.org/app/bookings/" in town.letters(2)[1].part("text/plain")
    town.house.booked(concert(town, policy=Policy(hold_for=timedelta(minutes=9))), 3)
    held = town.letters(3)[0].part("text/plain")
    assert held.endswith("\nConfirm your seats: https://tickets.example.org/app/bookings\n")


def test_letters_have_no_links_where_nobody_says_how_the_pages_are_reached(town: Town) -> None:
    town.house.booked(concert(town), 1)
    [mailed] = town.letters(1)
    assert "href" not in mailed.part("text/html")


def test_the_pages_that_letters_lead_to_are_there() -> None:
    places = files(evently_flask_api).joinpath("pages/app/main.js").read_text()
    assert f'["{OWN_PAGE}", ' in places
    assert f'["{OWN_PAGE}/:id", ' in places


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://tickets.example.org", "https://tickets.example.org"),
        ("http://10.0.0.1:8000/evently/", "http://10.0.0.1:8000/evently"),
    ],
)
def test_the_setting_says_how_the_pages_are_reached(text: str, found: str) -> None:
    assert Settings.from_environment({"EVENTLY_PUBLIC_URL": text}).public_url == found


@pytest.mark.parametrize(
    "text", ["tickets.example.org", "ftp://example.org", "https://", "https://a b.org", "https://a.org/?x=1"]
)
def test_an_address_that_nobody_reaches_is_named(text: str) -> None:
    with pytest.raises(InvalidSettings, match="EVENTLY_PUBLIC_URL is where people find the pages"):
        Settings.from_environment({"EVENTLY_PUBLIC_URL": text})


def test_who_has_no_account_any_more_is_not_written_to(town: Town) -> None:
    town.house.booked(concert(town), 99)
    town.work()
    assert town.mailbox.mailed == []
    [delivery] = town.deliveries_to(99)
    assert delivery.state is DeliveryState.DROPPED


def test_a_letter_is_tried_again_and_stays_the_same(town: Town, mailbox: MailReceiver) -> None:
    event = concert(town)
    town.house.booked(event, 1)
    mailbox.answers["RCPT"] = "451 come again"
    assert town.letters(1) == []
    [delivery] = town.deliveries_to(1)
    [attempt] = town.deliveries.attempts([delivery.id])[delivery.id]
    assert (attempt.status, delivery.state) == (451, DeliveryState.PENDING)
    del mailbox.answers["RCPT"]
    town.pass_by(seconds=5)
    [mailed] = town.letters(1)
    assert str(mailed.letter["Message-ID"]) == f"<{delivery.id}@example.org>"


def test_a_mailbox_that_is_not_there_is_not_tried_again_and_holds_nobody_up(
    town: Town, mailbox: MailReceiver
) -> None:
    event = concert(town)
    town.house.booked(event, 1)
    mailbox.answers["RCPT"] = "550 no such mailbox"
    assert town.letters(1) == []
    [delivery] = town.deliveries_to(1)
    assert delivery.state is DeliveryState.FAILED
    mailbox.answers.clear()
    town.house.booked(event, 2)
    assert town.subjects(2) == ["Booked: Jazz & more"]


def test_a_server_that_is_away_is_waited_for(mailbox: MailReceiver) -> None:
    town = Town(mailbox, "smtp://127.0.0.1:1")
    town.house.booked(concert(town), 1)
    town.work()
    [delivery] = town.deliveries_to(1)
    [attempt] = town.deliveries.attempts([delivery.id])[delivery.id]
    assert (delivery.state, attempt.error) == (DeliveryState.PENDING, "The mail server cannot be reached.")


def test_a_server_may_want_a_password(mailbox: MailReceiver) -> None:
    mailbox.extensions.append("AUTH PLAIN")
    town = Town(mailbox, f"smtp://ada:a%20secret@127.0.0.1:{mailbox.port}")
    town.house.booked(concert(town), 1)
    assert town.subjects(1) == ["Booked: Jazz & more"]
    assert len(mailbox.log_ins) == 1


def test_a_name_in_any_script_arrives(town: Town) -> None:
    town.accounts.change(UserId(UUID(int=10_001)), name="Zoë 王")
    town.house.booked(concert(town), 1)
    [mailed] = town.letters(1)
    assert str(mailed.letter["To"]) == "Zoë 王 <user10001@example.org>"
    assert "Hello Zoë 王," in mailed.part("text/plain")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 25, False)),
        ("smtp://a:s3cret@mail.example.org", SmtpServer("mail.example.org", 587, False, "a", "s3cret")),
        ("smtps://a:s3%40cret@mail.example.org", SmtpServer("mail.example.org", 465, True, "a", "s3@cret")),
        ("smtp://localhost:1025/", SmtpServer("localhost", 1025, False)),
    ],
)
def test_the_setting_names_the_server(url: str, server: SmtpServer) -> None:
    found = Settings.from_environment(
        {"EVENTLY_SMTP_URL": url, "EVENTLY_MAIL_FROM": "Tickets <t@example.org>"}
    )
    assert found.mail == Mail(server, "Tickets <t@example.org>")
    assert server.password is None or server.password not in repr(found)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"EVENTLY_SMTP_URL": "smtp://mail.example.org"}, "go together"),
        ({"EVENTLY_MAIL_FROM": "t@example.org"}, "go together"),
        ({"EVENTLY_SMTP_URL": "http://mail.example.org", "EVENTLY_MAIL_FROM": "t@example.org"}, "smtp://"),
        ({"EVENTLY_SMTP_URL": "smtp://mail.example.org", "EVENTLY_MAIL_FROM": "nobody"}, "is an e-mail"),
    ],
)
def test_settings_of_mail_that_cannot_be_are_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        Settings.from_environment(environment)


def test_nobody_is_written_to_unless_it_is_set() -> None:
    assert Settings(data_dir=Path("unused")).mail is None
