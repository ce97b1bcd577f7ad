"""Two people who have never seen Evently run `evently demo`, and do what it tells them to try."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.site import PHONE, Visitor
from tests.pages.test_door import codes_in, show
from tests.serving.test_serve import free_port, until

RUSH_MS = 120_000
"""How long it may take until more want seats than there are."""


@attrs.frozen
class Demo:
    """What `evently demo` printed."""

    told: str

    @property
    def address(self) -> str:
        return self._found(r"answers on (\S+)")

    @property
    def organiser(self) -> str:
        return self._found(r"(\S+@\S+) +organiser")

    def somebody(self, name: str) -> str:
        assert re.search(rf"\b{name}\b.*@example\.org", self.told)
        return f"{name}@example.org"

    @property
    def password(self) -> str:
        return self._found(r"'(.*)' is everybody's password")

    def place(self, thing: int) -> str:
        """Return where one of the things to try begins, below the address."""
        said = re.split(r"^\d\. ", self.told, flags=re.MULTILINE)[thing]
        found = re.search(rf"{re.escape(self.address)}(/\S+)", said)
        assert found, said
        return found[1]

    def _found(self, pattern: str) -> str:
        found = re.search(pattern, self.told)
        assert found, f"{pattern} in {self.told}"
        return found[1]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """`evently demo` as somebody runs it who has set nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLY_")}
    with tempfile.TemporaryDirectory(prefix="evently-test-") as folder:
        Path(folder).chmod(0o755)  # started by root, PostgreSQL runs as somebody else
        said = Path(folder, "said")
        with said.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "evently_cli.main", "demo", "--port", str(free_port())],
                env=environment | {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": folder},
                stdout=out, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            until(lambda: "Stop with" in said.read_text() or process.poll() is not None, seconds=180)
            yield Demo(said.read_text())
        finally:
            process.terminate()
            assert process.wait(timeout=45) == 0


@pytest.fixture
def visits(browser: Browser, demo: Demo) -> Iterator[list[Visitor]]:
    """Who came; at the end no page may have complained."""
    visits: list[Visitor] = []
    yield visits
    complaints = [complaint for visitor in visits for complaint in visitor.complaints]
    for visitor in visits:
        visitor.leave()
    assert complaints == []


@attrs.frozen
class World:
    """The demo, and the browsers before it."""

    browser: Browser
    demo: Demo
    visits: list[Visitor]

    def log_in(self, email: str, **context: object) -> Page:
        """Open the address that was printed, and log in as somebody who was named."""
        visitor = Visitor(self.browser, self.demo.address, **context)
        self.visits.append(visitor)
        page = visitor.go("/")
        page.get_by_role("banner").get_by_role("link", name="Log in").click()
        visitor.say_who(email, self.demo.password)
        expect(page.get_by_role("heading", name="Upcoming events")).to_be_visible()
        return page


@pytest.fixture
def world(browser: Browser, demo: Demo, visits: list[Visitor]) -> World:
    return World(browser, demo, visits)


def test_an_organiser_watches_a_rush_lets_more_people_in_and_checks_one_in_by_a_printed_ticket(
    world: World,
) -> None:
    board = world.log_in(world.demo.organiser)
    board.get_by_role("navigation", name="Main").get_by_role("link", name="Organise").click()
    board.get_by_role("link", name="Opening Night").click()
    assert board.url == world.demo.address + world.demo.place(1)
    board.get_by_role("button", name="Publish").click()
    journal = board.get_by_role("region", name="Journal")
    expect(journal.get_by_text(re.compile(r"books \d seats?")).first).to_be_visible()

    ana = world.log_in(world.demo.somebody("ana"))
    ana.get_by_role("link", name="My bookings").click()
    mine = ana.get_by_role("region", name="Chamber Music at Noon")
    mine.get_by_role("link", name="Tickets").click()
    with ana.expect_download() as saved:
        ana.get_by_role("button", name="Save as PDF").click()
    code = codes_in(saved.value.path())[0]

    line = board.get_by_role("region", name="Line").get_by_role("row")
    expect(line.nth(4)).to_be_visible(timeout=RUSH_MS)
    capacity = board.get_by_role("form", name="Capacity")
    capacity.get_by_label("Seats in all").fill("128")
    capacity.get_by_role("button", name="Preview").click()
    expect(capacity.get_by_role("status")).to_contain_text(
        re.compile(r"With 128 seats, \d+ part(y gets|ies get) in\.")
    )
    first = capacity.get_by_role("listitem").first.locator("span").first.inner_text()
    capacity.get_by_role("button", name="Set the capacity to 128").click()
    expect(board.get_by_text(re.compile(r"\d+ part(y|ies) got in\."))).to_be_visible()
    expect(board.get_by_role("region", name="Seats", exact=True)).to_contain_text("of 128")
    served = journal.get_by_role("listitem").filter(has_text=first).filter(has_text="gets from the line")
    expect(served.first).to_be_visible()

    board.goto(world.demo.address + world.demo.place(3))
    expect(board.get_by_role("heading", name="Chamber Music at Noon")).to_be_visible()
    show(board, code)
    expect(board.locator(".verdict")).to_contain_text("Welcome, Ana")


def test_an_attendee_on_a_narrow_screen_books_a_part_and_sees_the_place_in_line_move(world: World) -> None:
    narrow = {**PHONE, "width": 360}
    hugo = world.log_in(world.demo.somebody("hugo"), viewport=narrow, has_touch=True, is_mobile=True)
    hugo.goto(world.demo.address + world.demo.place(2))
    panel = hugo.get_by_role("form", name="Book")
    panel.get_by_role("spinbutton", name="Seats").fill("10")
    panel.get_by_role("spinbutton", name="Seats").press("Tab")
    panel.get_by_label("Take fewer").check()
    expect(panel.get_by_text("2 now, 8 wait at place 1")).to_be_visible()
    panel.get_by_role("button", name="Book 2, wait for 8").click()
    expect(panel.get_by_role("status")).to_contain_text("2 now, 8 wait at place 1")
    place = hugo.get_by_role("article", name="Place in line")
    expect(place).to_contain_text("You are next.")

    # Somebody comes behind, and the organiser has a reason to let them go first.
    eve = world.log_in(world.demo.somebody("eve"))
    eve.goto(world.demo.address + world.demo.place(2))
    eve.get_by_role("button", name="Join the waitlist").click()
    expect(eve.get_by_role("article", name="Place in line")).to_contain_text("1 party with 8 seats ahead")
    olga = world.log_in(world.demo.organiser)
    olga.goto(world.demo.address + world.demo.place(3).replace("check-in", "people"))
    row = olga.get_by_role("region", name="The line").get_by_role("row").filter(has_text="Eve")
    row.get_by_role("button", name="Move").click()
    olga.get_by_role("dialog").get_by_label("Priority").fill("10")
    olga.get_by_role("dialog").get_by_label("Reason").fill("She turns the pages")
    olga.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(place).to_contain_text("1 party with 1 seat ahead of you")

    # Seats are given back: Eve gets the first, and what is left of Hugo's party moves up and shrinks.
    ana = world.log_in(world.demo.somebody("ana"))
    ana.get_by_role("link", name="My bookings").click()
    mine = ana.get_by_role("region", name="Chamber Music at Noon")
    mine.get_by_role("button", name="Give all back").click()
    ana.get_by_role("dialog").get_by_role("button", name="Give back").click()
    expect(place).to_contain_text("You are next.")
    expect(place).to_contain_text("5 seats waiting")
    assert hugo.evaluate("document.documentElement.scrollWidth") <= narrow["width"]
