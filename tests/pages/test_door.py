"""Tickets, and the door where they are shown."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from evently_core.values import Role
from tests.pages.site import Site, Visit


def codes_in(pdf: Path) -> list[str]:
    """Return the codes that stand below the QR codes of a printed ticket, one a page."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf.read_bytes(), re.DOTALL):
        if stream.startswith(b"x"):
            page = zlib.decompress(stream).decode("cp1252")
            lines = re.findall(r"\((.*?)(?<!\\)\) Tj", page)
            found.append("".join(line for line in lines if re.fullmatch("[A-Z2-7]{10,40}", line)))
    return [code for code in found if code]


def show(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_label("Code").press("Enter")


def test_somebody_comes_in_once_by_the_code_of_the_printed_ticket(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz")
    site.book(event, ana, 2)

    attendee = visitor().log_in(ana, "/app/bookings")
    attendee.get_by_role("link", name="Tickets").click()
    expect(attendee.get_by_role("img", name=re.compile("Tickets with their QR codes"))).to_be_visible()
    with attendee.expect_download() as saved:
        attendee.get_by_role("button", name="Save as PDF").click()
    assert re.fullmatch(r"EVT-\w{10}\.pdf", saved.value.suggested_filename)
    codes = codes_in(saved.value.path())
    assert len(codes) == 2

    door = visitor().log_in(olga, f"/app/organise/{event.id}/check-in")
    verdict = door.locator(".verdict")
    show(door, codes[1])
    expect(verdict).to_contain_text("Welcome, Ana")
    expect(verdict).to_contain_text("seat 2")
    expect(door.get_by_label("Code")).to_be_focused()
    expect(door.get_by_role("region", name="Who is in")).to_contain_text("1 of 2")
    show(door, codes[1])
    expect(door.get_by_role("alert")).to_contain_text("In already")

    attendee.get_by_text("Codes to copy or to type").click()
    expect(attendee.get_by_role("listitem").filter(has_text="Seat 2")).to_contain_text("In since")

    door.get_by_role("button", name="Undo").click()
    door.get_by_role("dialog").get_by_label("Reason").fill("It was his brother")
    door.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(door.get_by_role("region", name="Who is in")).to_contain_text("0 of 2")


def test_a_wrong_ticket_is_refused_by_its_reason(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event, other = site.event(olga, title="Jazz"), site.event(olga, title="Swing")
    booking = site.book(other, ana, 1).booking
    assert booking is not None
    attendee = visitor().log_in(ana, f"/app/bookings/{booking.id}")
    attendee.get_by_text("Codes to copy or to type").click()
    code = attendee.get_by_role("listitem").locator("code").inner_text()
    door = visitor().log_in(olga, f"/app/organise/{event.id}/check-in")
    show(door, code)
    expect(door.get_by_role("alert")).to_contain_text("This ticket is for another event.")
    show(door, "AEA2EDM3I5JHPEEKSS655RFR36")
    expect(door.get_by_role("alert")).to_contain_text("This is no ticket of ours.")


def test_the_next_code_may_be_typed_before_the_last_is_answered(site: Site, visitor: Visit) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    event = site.event(olga, title="Jazz")
    door = visitor().log_in(olga, f"/app/organise/{event.id}/check-in")
    held: list[Route] = []
    door.route(re.compile("/check-ins$"), lambda route: held.append(route))
    show(door, "AEA2EDM3I5JHPEEKSS655RFR36")
    while not held:
        door.wait_for_timeout(20)
    door.get_by_label("Code").press_sequentially("NEXT")
    with door.expect_response(re.compile(r"/check-ins\?limit=")):
        held[0].continue_()
    expect(door.get_by_role("alert")).to_contain_text("This is no ticket of ours.")
    door.wait_for_timeout(300)
    expect(door.get_by_label("Code")).to_have_value("NEXT")


def test_the_camera_reads_a_ticket_where_the_browser_can(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz")
    booking = site.book(event, ana, 1).booking
    assert booking is not None
    attendee = visitor().log_in(ana, f"/app/bookings/{booking.id}")
    attendee.get_by_text("Codes to copy or to type").click()
    code = attendee.get_by_role("listitem").locator("code").inner_text()

    # Debian's Chromium has a camera that is made up, and no reader of codes: one that always sees this ticket.
    reader = "window.BarcodeDetector = class { async detect() { return [{ rawValue: CODE }]; } };"
    somebody = visitor(permissions=["camera"])
    somebody.page.add_init_script(reader.replace("CODE", repr(code)))
    door = somebody.log_in(olga, f"/app/organise/{event.id}/check-in")
    door.get_by_role("button", name="Use the camera").click()
    expect(door.locator(".verdict")).to_contain_text("Welcome, Ana")
    expect(door.locator("#finder")).to_be_visible()
    door.wait_for_timeout(1_500)
    expect(door.locator(".verdict")).to_contain_text(
        "Welcome, Ana"
    )  # still before the camera, and not shown again
    door.get_by_role("button", name="Close the camera").click()
    expect(door.locator("#finder")).to_have_count(0)
