"""Takes the screenshots of `docs/`: `evently demo`, then `python -m tests.pages.screenshots [ADDRESS]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from evently_wiring.demo import PASSWORD
from tests.pages.site import PHONE

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE: dict[str, Any] = {"viewport": {"width": 1200, "height": 820}}
NARROW: dict[str, Any] = {"viewport": PHONE, "device_scale_factor": 1.5}
DARK: dict[str, Any] = {"color_scheme": "dark"}


class Album:
    """Everybody's screens, one picture after another."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address

    @contextmanager
    def screen(self, who: str, **look: Any) -> Iterator[Page]:
        """Give the screen of somebody who is logged in."""
        context = self._browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **look)
        page = context.new_page()
        page.goto(f"{self._address}/app/log-in")
        page.get_by_label("E-mail").fill(f"{who}@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Upcoming events").wait_for()
        yield page
        context.close()

    def keep(self, page: Page, name: str, *, top: bool = False) -> None:
        """Keep what is on the screen."""
        if top:
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(800)
        Image.open(BytesIO(page.screenshot())).save(FOLDER / f"{name}.webp", quality=82, method=6)

    def take(self) -> None:
        with self.screen("olga", **WIDE) as page:
            page.get_by_role("link", name="Organise").click()
            page.get_by_role("heading", name="My events").wait_for()
            page.get_by_role("link", name="Opening Night").click()
            page.get_by_role("button", name="Publish").click()
            page.get_by_role("region", name="Line").get_by_role("row").nth(6).wait_for(timeout=120_000)
            page.wait_for_timeout(8_000)
            self.keep(page, "board", top=True)
            page.get_by_label("Seats in all").fill("132")
            page.get_by_role("button", name="Preview").click()
            page.get_by_role("form", name="Capacity").scroll_into_view_if_needed()
            page.get_by_role("button", name="Set the capacity to 132").scroll_into_view_if_needed()
            self.keep(page, "capacity")
            page.get_by_role("link", name="People", exact=True).click()
            page.get_by_role("region", name="The line").wait_for()
            self.keep(page, "people", top=True)
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Figures").click()
            page.get_by_role("img", name="Taken in by day, in EUR").wait_for()
            self.keep(page, "figures", top=True)
            page.get_by_role("link", name="Pottery for Beginners").click()
            page.get_by_role("region", name="Day by day").get_by_role("img").wait_for()
            self.keep(page, "event-figures", top=True)
        with self.screen("hugo", **WIDE) as page:
            self.keep(page, "events")
        with self.screen("hugo", **NARROW, **DARK) as page:
            page.get_by_role("link", name="Chamber Music at Noon").click()
            page.get_by_role("spinbutton", name="Seats").fill("10")
            page.get_by_role("spinbutton", name="Seats").press("Tab")
            page.get_by_label("Take fewer").check()
            page.get_by_text("2 now, 8 wait at place 1").scroll_into_view_if_needed()
            page.get_by_role("button", name="Book 2, wait for 8").scroll_into_view_if_needed()
            self.keep(page, "booking")
            page.get_by_role("button", name="Book 2, wait for 8").click()
            page.get_by_role("article", name="Place in line").wait_for()
            page.get_by_role("region", name="Yours").scroll_into_view_if_needed()
            page.evaluate("document.querySelector('[aria-labelledby=own-h]').scrollIntoView()")
            self.keep(page, "place-in-line")
        with self.screen("gita", **NARROW) as page:
            page.get_by_role("link", name="My bookings").click()
            page.get_by_role("group", name="Offer").wait_for()
            self.keep(page, "offer")
        with self.screen("ben", **NARROW) as page:
            page.get_by_role("link", name="My bookings").click()
            page.get_by_role("link", name="Tickets").first.click()
            page.get_by_role("img", name="Tickets").wait_for()
            code = page.locator("code.wrap").first.text_content() or ""
            self.keep(page, "tickets")
        with self.screen("olga", **NARROW, **DARK) as page:
            page.get_by_role("link", name="Organise").click()
            page.get_by_role("heading", name="My events").wait_for()
            page.get_by_role("link", name="Chamber Music at Noon").click()
            page.get_by_role("link", name="Check-in").click()
            page.get_by_label("Code").fill(code)
            page.get_by_label("Code").press("Enter")
            page.get_by_text("Welcome").wait_for()
            self.keep(page, "door", top=True)


def main() -> None:
    """Take them all."""
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=sandbox)
        Album(browser, address).take()
        browser.close()


if __name__ == "__main__":
    main()
