"""Tickets to show and to print: their QR codes as SVG and as PDF."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import attrs
import segno
from markupsafe import escape

from evently_core.event import Event
from evently_core.services.tickets import TicketView

if TYPE_CHECKING:
    from fpdf import FPDF

# Of a card of the SVG, in pixels.
_WIDTH, _HEIGHT, _QR, _MARGIN = 720, 300, 260, 20
_TEXT_X = _QR + 2 * _MARGIN

# Of a page of the PDF, in millimetres: A6, which is a quarter of a sheet and fits a pocket.
_PAGE = (105, 148)
_PAGE_MARGIN = 9
_PAGE_QR = 70


@attrs.frozen
class _Face:
    """What stands on a ticket."""

    title: str
    lines: tuple[str, ...]
    code: str

    @classmethod
    def of(cls, event: Event, ticket: TicketView) -> _Face:
        kind = event.ticket_type(ticket.booking.ticket_type_id)
        assert kind is not None, "a ticket type never goes away"
        seat = f"{kind.name}, seat {ticket.seat} of {ticket.booking.quantity}"
        lines = (_when(event), event.venue, seat, ticket.booking.reference)
        return cls(event.title, tuple(line for line in lines if line), ticket.code)


def _when(event: Event) -> str:
    zone = ZoneInfo(event.timezone)
    starts, ends = event.starts_at.astimezone(zone), event.ends_at.astimezone(zone)
    until = f"{ends:%H:%M %Z}" if ends.date() == starts.date() else f"{_day(ends)}, {ends:%H:%M %Z}"
    return f"{_day(starts)}, {starts:%H:%M} – {until}"  # noqa: RUF001  # a dash between two times is what it means


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def ticket_svg(event: Event, tickets: Sequence[TicketView]) -> str:
    """Return these tickets as one SVG image, below each other."""
    cards = [
        _card(_Face.of(event, ticket), place * (_HEIGHT + _MARGIN)) for place, ticket in enumerate(tickets)
    ]
    height = len(cards) * (_HEIGHT + _MARGIN) - _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="system-ui, sans-serif">'
        f"<title>{escape(event.title)}</title>{''.join(cards)}</svg>"
    )


def _card(face: _Face, top: int) -> str:
    title = textwrap.wrap(face.title, 24, max_lines=2, placeholder=" …")
    rows = [(line, 26, 700) for line in title]
    rows += [
        (line, 18, 400)
        for text in face.lines
        for line in textwrap.wrap(text, 44, max_lines=2, placeholder=" …")
    ]
    y, texts = top + _MARGIN + 34, []
    for line, size, weight in rows:
        texts.append(
            f'<text x="{_TEXT_X}" y="{y}" font-size="{size}" font-weight="{weight}">{escape(line)}</text>'
        )
        y += size + 12
    qr = segno.make_qr(face.code, error="m").svg_inline(border=4, omitsize=True)
    placed = f'<svg x="{_MARGIN}" y="{top + _MARGIN}" width="{_QR}" height="{_QR}" role="img" '
    return (
        f'<rect x="1" y="{top + 1}" width="{_WIDTH - 2}" height="{_HEIGHT - 2}" rx="12" fill="#fff" stroke="#999"/>'
        f"{qr.replace('<svg ', placed, 1)}{''.join(texts)}"
    )


def ticket_pdf(event: Event, tickets: Sequence[TicketView]) -> bytes:
    """Return these tickets as a PDF, one on each page.

    Its fonts are those every reader has, which know the scripts of Western Europe: other letters lose their accents
    or become question marks. The SVG shows whatever the reader's own fonts know.
    """
    from fpdf import FPDF  # slow to load, and few print their tickets

    pdf = FPDF(format=_PAGE)
    pdf.core_fonts_encoding = "cp1252"
    pdf.set_margin(_PAGE_MARGIN)
    pdf.set_auto_page_break(auto=False)
    pdf.set_title(_western(event.title))
    pdf.set_creator("Evently")
    for ticket in tickets:
        _print(pdf, _Face.of(event, ticket))
    return bytes(pdf.output())


def _print(pdf: FPDF, face: _Face) -> None:
    pdf.add_page()
    pdf.set_font("helvetica", "B", 15)
    for line in textwrap.wrap(_western(face.title), 32, max_lines=2, placeholder=" ..."):
        pdf.cell(0, 7, line, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", "", 9.5)
    for text in face.lines:
        for line in textwrap.wrap(_western(text), 52, max_lines=2, placeholder=" ..."):
            pdf.cell(0, 4.6, line, new_x="LMARGIN", new_y="NEXT")
    left, top = (_PAGE[0] - _PAGE_QR) / 2, _PAGE[1] - _PAGE_MARGIN - 16 - _PAGE_QR
    matrix = segno.make_qr(face.code, error="m").matrix
    module = _PAGE_QR / len(matrix)
    for row, column, length in _runs(matrix):
        pdf.rect(left + column * module, top + row * module, length * module, module, style="F")
    pdf.set_xy(_PAGE_MARGIN, top + _PAGE_QR + 3)
    pdf.set_font("courier", "", 7)
    for line in textwrap.wrap(face.code, 40):
        pdf.cell(0, 3, line, align="C", new_x="LMARGIN", new_y="NEXT")


def _runs(matrix: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Yield the dark runs of a QR code: row, first column, length."""
    for row, modules in enumerate(matrix):
        start: int | None = None
        for column, dark in enumerate([*modules, 0]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                yield row, start, column - start
                start = None


_STROKED = str.maketrans("ŁłĐđĦħı", "LlDdHhi")  # letters of one piece, which Unicode does not take apart


def _western(text: str) -> str:
    """Return a text in the letters of the PDF's fonts."""
    return "".join(_western_letter(letter) for letter in text.translate(_STROKED))


def _western_letter(letter: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    for known in (letter, plain):
        encoded = known.encode("cp1252", "ignore")
        if encoded:
            return encoded.decode("cp1252")
    return "?"
