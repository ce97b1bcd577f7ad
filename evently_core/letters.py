"""What people are told by mail: on which occasions, and in which words. All texts are here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from html import escape
from zoneinfo import ZoneInfo

import attrs

from evently_core.accounts import User
from evently_core.booking import Booking, BookingStatus, Origin
from evently_core.event import Event
from evently_core.presentation import money_text
from evently_core.storage import JournalLine
from evently_core.waitlist import Place, WaitlistEntry

KINDS = frozenset({"granted", "joined", "confirmed", "cancelled"})
"""The kinds of lines of the journal that somebody may be told of by mail."""


class Occasion(StrEnum):
    """Why somebody is written to."""

    BOOKED = "booked"
    HELD = "held"
    """Seats are held for a confirmation."""
    WAITING = "waiting"
    OFFERED = "offered"
    PROMOTED = "promoted"
    """Seats came to somebody who waited, for good."""
    CANCELLED = "cancelled"


HAS_SEATS = frozenset({Occasion.BOOKED, Occasion.HELD, Occasion.OFFERED, Occasion.PROMOTED})
"""With these comes the event for one's calendar."""


@attrs.frozen
class Pages:
    """The addresses of the pages for letters to lead to."""

    own: str
    """Where somebody sees the own seats, offers and places in line; the page of one booking is under it."""

    def booking(self, booking: Booking) -> str:
        """Return where the tickets of a booking are."""
        return f"{self.own}/{booking.id}"


Link = tuple[str, str]
"""What a link is called, and where it leads to."""


@attrs.frozen(kw_only=True)
class Letter:
    """What is sent to one person, as plain text and as HTML that say the same."""

    to: User
    subject: str
    text: str
    html: str
    event: Event | None = None
    """For the calendar; None: nothing is attached."""


def occasion_of(line: JournalLine) -> Occasion | None:
    """Return on which occasion a line of the journal is; None if nobody is written to about it."""
    match line.kind:
        case "granted":
            booking = line.data["booking"]
            held = booking["status"] == BookingStatus.HELD
            if booking["origin"] == Origin.WAITLIST:
                return Occasion.OFFERED if held else Occasion.PROMOTED
            return Occasion.HELD if held else Occasion.BOOKED
        case "joined":
            return Occasion.WAITING
        case "confirmed":
            return Occasion.BOOKED
        case "cancelled":
            return None if line.cause == "decline" else Occasion.CANCELLED  # who declines an offer knows it
    return None


def letter_about_booking(
    occasion: Occasion,
    user: User,
    event: Event,
    booking: Booking,
    reason: str | None,
    pages: Pages | None = None,
) -> Letter:
    """Return the letter about somebody's seats; ``reason`` is why they were cancelled, if it was said.

    It leads to where they can be seen, or answered, if there are ``pages``.
    """
    seats = _seats(booking.quantity)
    until = None if booking.expires_at is None else _moment(booking.expires_at, event)
    title = _one_line(event.title)
    match occasion:
        case Occasion.HELD:
            subject, first = f"Held for you: {title}", f"{seats} are held for you."
            then = [f"Confirm them until {until}, or they go to somebody else."]
        case Occasion.OFFERED:
            subject, first = f"Seats for you: {title}", f"You waited, and {seats} are on offer to you now."
            then = [f"Accept them until {until}, or they go to the next in line."]
        case Occasion.PROMOTED:
            subject, first = f"You are in: {title}", f"You waited, and {seats} are yours now."
            then = []
        case Occasion.CANCELLED:
            subject, first = f"Cancelled: {title}", f"Your booking of {seats} is cancelled."
            then = [] if reason is None else [f"The reason: {_one_line(reason)}"]
        case _:
            subject, first = f"Booked: {title}", f"{seats} are yours."
            then = []
    facts = [("Booking", booking.reference), ("Seats", str(booking.quantity)), *_price(booking)]
    with_seats = event if occasion in HAS_SEATS else None
    link = None if pages is None else _link(occasion, booking, pages)
    return _letter(user, subject, event, [first, *then], facts, with_seats, link)


def _link(occasion: Occasion, booking: Booking, pages: Pages) -> Link | None:
    match occasion:
        case Occasion.HELD:
            return "Confirm your seats", pages.own
        case Occasion.OFFERED:
            return "Accept or decline them", pages.own
        case Occasion.BOOKED | Occasion.PROMOTED:
            return "Your tickets", pages.booking(booking)
    return None


def letter_about_waiting(
    user: User, event: Event, entry: WaitlistEntry, place: Place | None, pages: Pages | None = None
) -> Letter:
    """Return the letter about somebody's place in a line; ``place`` None: it is not known any more."""
    first = f"You wait for {_seats(entry.asked)}."
    then = ["You are told as soon as seats come free for you."]
    if place is not None and place.position == 1:
        then.insert(0, "You are the first in line.")
    elif place is not None:
        then.insert(0, f"You are number {place.position} in line, behind {_seats(place.seats_ahead)}.")
    facts = [("Seats you wait for", str(entry.asked))]
    subject = f"Waiting: {_one_line(event.title)}"
    link = None if pages is None else ("Your place in line", pages.own)
    return _letter(user, subject, event, [first, *then], facts, None, link)


def _letter(
    user: User,
    subject: str,
    event: Event,
    sentences: Sequence[str],
    facts: Sequence[tuple[str, str]],
    with_seats: Event | None,
    link: Link | None,
) -> Letter:
    where = [("Where", _one_line(event.venue))] if event.venue.strip() else []
    about = [("Event", _one_line(event.title)), ("When", _moment(event.starts_at, event)), *where, *facts]
    greeting = f"Hello {_one_line(user.name)},"
    return Letter(
        to=user,
        subject=subject,
        text=_plain(greeting, sentences, about, link),
        html=_html(subject, greeting, sentences, about, link),
        event=with_seats,
    )


def _plain(
    greeting: str, sentences: Sequence[str], about: Sequence[tuple[str, str]], link: Link | None
) -> str:
    width = max(len(name) for name, _ in about) + 2
    table = "\n".join(f"{name + ':':{width}}{value}" for name, value in about)
    way = "" if link is None else f"\n{link[0]}: {link[1]}\n"
    return f"{greeting}\n\n{chr(10).join(sentences)}\n\n{table}\n{way}"


_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1c1b1a;background:#ffffff">
<p>{greeting}</p>
{sentences}
<table style="border-collapse:collapse;margin-top:16px">
{rows}
</table>
{way}</body>
</html>
"""
_ROW = (
    '<tr><th scope="row" style="text-align:left;padding:4px 24px 4px 0;font-weight:400;color:#6b6862">{name}</th>'
    '<td style="padding:4px 0">{value}</td></tr>'
)


_WAY = '<p style="margin-top:24px"><a href="{address}">{name}</a></p>\n'


def _html(
    subject: str,
    greeting: str,
    sentences: Sequence[str],
    about: Sequence[tuple[str, str]],
    link: Link | None,
) -> str:
    return _PAGE.format(
        subject=escape(subject),
        greeting=escape(greeting),
        sentences="\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences),
        rows="\n".join(_ROW.format(name=escape(name), value=escape(value)) for name, value in about),
        way="" if link is None else _WAY.format(name=escape(link[0]), address=escape(link[1])),
    )


def _seats(quantity: int) -> str:
    return "1 seat" if quantity == 1 else f"{quantity} seats"


def _price(booking: Booking) -> list[tuple[str, str]]:
    return [("Total", money_text(booking.total))] if booking.total.amount else []


def _moment(moment: datetime, event: Event) -> str:
    """Return a time as it reads where the event is."""
    local = moment.astimezone(ZoneInfo(event.timezone))
    return f"{local:%A}, {local.day} {local:%B %Y}, {local:%H:%M %Z}"


def _one_line(text: str) -> str:
    """Return a text without line breaks: what somebody typed must not become a header of its own."""
    return " ".join(text.split())
