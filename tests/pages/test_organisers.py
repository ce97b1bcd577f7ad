"""What somebody who organises events does on the pages."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from evently_core.values import Role
from evently_wiring.crowd import Crowd
from evently_wiring.worker import working
from tests.pages.site import PASSWORD, Site, Visit


def taken(page: Page) -> int:
    """Return how many seats the board says are taken."""
    words = page.get_by_role("region", name="Seats").locator("dd").first.inner_text()
    return int(words.split()[0])


def test_a_rush_arrives_on_the_board_and_a_larger_capacity_is_set_after_reading_who_gets_in(
    site: Site, visitor: Visit
) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    event = site.event(olga, title="Opening Night", capacity=20, publish=False)
    page = visitor().log_in(olga, "/app/organise")
    page.get_by_role("link", name="Opening Night").click()
    expect(page.get_by_text("Only you can see this draft.")).to_be_visible()
    with working([Crowd(site.application, PASSWORD, organiser_id=olga.id, haste=4).job()]):
        page.get_by_role("button", name="Publish").click()
        journal = page.get_by_role("region", name="Journal")
        expect(journal.get_by_text(re.compile("books \\d seats?")).first).to_be_visible()
        expect(page.get_by_role("region", name="Line").get_by_role("row").nth(3)).to_be_visible()
    expect(
        page.get_by_role("img", name=re.compile("Seats taken and parties waiting over time"))
    ).to_be_visible()

    first_in_line = page.get_by_role("region", name="Line").get_by_role("cell").nth(1).inner_text()
    panel = page.get_by_role("form", name="Capacity")
    panel.get_by_label("Seats in all").fill("30")
    panel.get_by_role("button", name="Preview").click()
    plan = panel.get_by_role("status")
    expect(plan).to_contain_text(re.compile(r"With 30 seats, \d+ part(y gets|ies get) in\."))
    expect(plan.get_by_role("listitem").first).to_contain_text(first_in_line)
    assert site.application.evently.events.view(None, event.id).event.capacity == 20, "nothing is changed yet"
    panel.get_by_role("button", name="Set the capacity to 30").click()
    expect(page.get_by_text(re.compile(r"\d+ part(y|ies) got in\."))).to_be_visible()
    expect(journal.get_by_text(re.compile("gets from the line")).first).to_be_visible()
    assert taken(page) > 20, "the line was served"
    assert site.application.evently.records.drifts(event.id) == []


def test_a_capacity_below_what_is_taken_is_refused_in_the_preview_already(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, capacity=5)
    site.book(event, ana, 4)
    page = visitor().log_in(olga, f"/app/organise/{event.id}")
    page.get_by_label("Seats in all").fill("3")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("alert")).to_contain_text("More seats are taken than that")


def test_an_attendee_is_told_that_the_board_is_not_for_them(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga)
    page = visitor().log_in(ana, f"/app/organise/{event.id}")
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()
