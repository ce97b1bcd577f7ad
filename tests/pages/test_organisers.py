"""What somebody who organises events does on the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.sync_api import Page, expect

from evently_core.accounts import User
from evently_core.paging import PageRequest
from evently_core.values import OPERATOR, Actor, EventId, Money, Role
from evently_wiring.crowd import Crowd
from evently_wiring.worker import working
from tests.pages.site import PASSWORD, Site, Visit


def taken(page: Page) -> int:
    """Return how many seats the board says are taken."""
    words = page.get_by_role("region", name="Seats").locator("dd").first.inner_text()
    return int(words.split()[0])


def name_of_the_first_in_line(site: Site, organiser: User, event_id: EventId) -> str:
    """Return who is served next."""
    evently = site.application.evently
    [first] = evently.waitlist.of_event(Actor(organiser.id, organiser.role), event_id, PageRequest(1)).items
    return site.application.accounts.user(OPERATOR, first.entry.user_id).name


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

    # The crowd came and went until it was stopped: what the board shows by now may be a moment old.
    first_in_line = name_of_the_first_in_line(site, olga, event.id)
    expect(page.get_by_role("region", name="Line").get_by_role("cell").nth(1)).to_have_text(first_in_line)
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


def test_an_event_is_drawn_up_with_its_times_in_its_own_zone_and_changed(site: Site, visitor: Visit) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    page = visitor().log_in(olga, "/app/organise")
    page.get_by_role("link", name="New event").click()
    page.get_by_label("Title").fill("Tea in Tokyo")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Starts").fill("2040-05-01T20:00")
    page.get_by_label("Ends").fill("2040-05-01T18:00")
    page.get_by_label("Capacity").fill("30")
    page.get_by_label("Price").fill("1500")
    page.get_by_label("Currency").fill("jpy")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_label("Ends")).to_have_attribute("aria-invalid", "true")  # before it starts
    page.get_by_label("Ends").fill("2040-05-01T22:30")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("heading", name="Tea in Tokyo")).to_be_visible()
    expect(page.get_by_text(re.compile("Tue, 1 May 2040, 20:00.22:30, Tokyo time"))).to_be_visible()

    event_id = EventId(UUID(page.url.rsplit("/", 1)[1]))
    made = site.application.evently.events.view(Actor(olga.id, olga.role), event_id).event
    assert made.starts_at == datetime(2040, 5, 1, 11, tzinfo=UTC)
    assert made.ticket_types[0].price == Money(1500, "JPY")

    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Venue").fill("Jimbocho")
    page.get_by_label("Minutes to answer an offer").fill("90")
    page.get_by_label("Why it is changed").fill("The owner called")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Price").fill("2000")
    dialog.get_by_role("button", name="Change").click()
    expect(page.get_by_role("listitem").filter(has_text="General admission")).to_contain_text("2,000")
    changed = site.application.evently.events.view(Actor(olga.id, olga.role), event_id).event
    assert (changed.venue, changed.policy.offer_window) == ("Jimbocho", timedelta(minutes=90))
    assert changed.starts_at == made.starts_at


def test_what_somebody_else_changed_meanwhile_is_not_undone(site: Site, visitor: Visit) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    event = site.event(olga, title="Jazz")
    page = visitor().log_in(olga, f"/app/organise/{event.id}/edit")
    expect(page.get_by_label("Venue")).to_be_visible()
    site.application.evently.events.change(Actor(olga.id, olga.role), event.id, {"title": "Swing"})
    page.get_by_label("Venue").fill("Hall")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("The event was changed meanwhile")
    assert site.application.evently.events.view(None, event.id).event.title == "Swing"


def test_who_waits_is_moved_with_a_reason_and_the_reason_of_a_wait_is_told(
    site: Site, visitor: Visit
) -> None:
    olga, ana, ben, cleo = site.user("Olga", Role.ORGANISER), *map(site.user, ("Ana", "Ben", "Cleo"))
    event = site.event(olga, title="Jazz", capacity=2)
    site.book(event, ana, 2)
    site.book(event, ben, 1, waiting=True)
    site.book(event, cleo, 2, waiting=True)
    page = visitor().log_in(olga, f"/app/organise/{event.id}/people")
    line = page.get_by_role("region", name="The line").get_by_role("row")
    expect(line.nth(1)).to_contain_text("Ben")
    line.nth(2).get_by_role("button", name="Why?").click()
    expect(page.get_by_role("region", name="The line").get_by_role("status")).to_contain_text(
        "No seat is free"
    )
    line.filter(has_text="Cleo").get_by_role("button", name="Move").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Priority").fill("10")
    dialog.get_by_label("Reason").fill("She plays the bass")
    dialog.get_by_role("button", name="Move").click()
    expect(line.nth(1)).to_contain_text("Cleo")
    page.get_by_role("link", name="Board").click()
    journal = page.get_by_role("region", name="Journal")
    expect(journal).to_contain_text(
        "Cleo was moved from priority 0 to 10, by the organiser She plays the bass"
    )


def test_a_booking_is_cancelled_with_a_reason_and_an_event_with_all_of_them(
    site: Site, visitor: Visit
) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Jazz", capacity=4)
    site.book(event, ana, 2)
    site.book(event, ben, 1)
    page = visitor().log_in(olga, f"/app/organise/{event.id}/people")
    bookings = page.get_by_role("region", name="The bookings").get_by_role("row")
    bookings.filter(has_text="Ana").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("No show last time")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the booking").click()
    expect(bookings.filter(has_text="Ana")).to_contain_text("cancelled")

    page.get_by_role("link", name="Board").click()
    page.get_by_role("button", name="Cancel the event").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("The roof leaks")
    page.get_by_role("dialog").get_by_role("button", name="Cancel the event").click()
    expect(page.get_by_role("main").get_by_text("cancelled", exact=True)).to_be_visible()
    assert taken(page) == 0


def test_a_webhook_is_added_its_secret_shown_once_and_what_it_was_told_listed(
    site: Site, visitor: Visit
) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    page = visitor().log_in(olga, "/app/organise/webhooks")
    page.get_by_role("button", name="New webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").fill("no address")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Address").fill("https://example.org/hooks")
    dialog.get_by_role("button", name="Add").click()
    expect(page.get_by_role("status").filter(has_text="whsec_")).to_be_visible()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("whsec_")).to_have_count(0)
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("listitem").get_by_text("off", exact=True)).to_be_visible()
    page.get_by_role("button", name="What it was told").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Nobody is told of anything yet.")).to_be_visible()


def test_a_board_that_stays_open_reads_no_more_than_a_reader_may(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz")
    site.book(event, ana, 2)
    page = visitor().log_in(olga, f"/app/organise/{event.id}")
    expect(page.get_by_role("region", name="Journal")).to_contain_text("Ana books 2 seats")
    reads: list[str] = []
    page.on("request", lambda request: reads.append(request.url))
    page.wait_for_timeout(9_000)
    assert 2 <= len(reads) <= 9 * 1_000 / 900, "1,000 in 15 minutes"
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    page.wait_for_timeout(2_500)
    del reads[:]
    page.wait_for_timeout(4_500)
    assert reads == [], "nobody looks at it"
