"""What somebody who wants seats does on the pages."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from evently_core.event import Policy
from evently_core.values import OPERATOR, Actor, Role
from tests.pages.site import PASSWORD, PHONE, Site, Visit


def test_on_a_phone_a_party_gets_a_part_and_sees_its_place_in_line_move(site: Site, visitor: Visit) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Night of the Trio", capacity=6)
    held = site.book(event, ana, 4)

    page = visitor(viewport=PHONE, has_touch=True, is_mobile=True).go("/app/register")
    page.get_by_label("Name").fill("Hugo")
    page.get_by_label("E-mail").fill(f"hugo.{event.id}@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.get_by_role("link", name="Night of the Trio").click()
    expect(page.get_by_role("heading", name="Night of the Trio")).to_be_focused()

    page.get_by_role("spinbutton", name="Seats").fill("10")
    page.get_by_role("spinbutton", name="Seats").press("Tab")
    page.get_by_label("Take fewer").check()
    panel = page.get_by_role("form", name="Book")
    expect(panel.get_by_text("2 now, 8 wait at place 1")).to_be_visible()
    panel.get_by_role("button", name="Book 2, wait for 8").click()
    expect(panel.get_by_role("status")).to_contain_text("2 now, 8 wait at place 1")

    mine = page.get_by_role("region", name="Yours")
    expect(mine.get_by_role("article", name="Place in line")).to_contain_text("You are next.")
    mine.get_by_role("button", name="Why do I wait?").click()
    expect(mine.get_by_text("No seat is free", exact=False)).to_be_visible()

    # The organiser lets somebody else go first, and then seats come free: the place moves by itself.
    entry = site.book(event, ben, 4, waiting=True).entry
    assert entry is not None
    site.application.evently.waitlist.move(Actor(olga.id, olga.role), entry.id, 50, "A friend of the band")
    expect(mine.get_by_role("article", name="Place in line")).to_contain_text(
        "1 party with 4 seats ahead of you"
    )
    assert held.booking is not None
    site.application.evently.bookings.cancel(OPERATOR, held.booking.id, "Ana is ill")
    expect(mine.get_by_role("article", name="Place in line")).to_contain_text("You are next.")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_offer_is_accepted_before_its_time_is_over(site: Site, visitor: Visit) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Pottery", capacity=2, policy=Policy(offer_window=timedelta(hours=2)))
    held = site.book(event, ana, 2)
    site.book(event, ben, 2, waiting=True)

    page = visitor().log_in(ben, "/app/bookings")
    expect(page.get_by_role("article", name="Place in line")).to_contain_text("You are next.")
    assert held.booking is not None
    site.application.evently.bookings.cancel(
        Actor(ana.id, ana.role), held.booking.id
    )  # it is offered in the same moment
    offer = page.get_by_role("group", name="Offer")
    expect(offer).to_contain_text(re.compile(r"2 seats are yours if you want\.\s*Answer within 1 h 59 min"))
    offer.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").get_by_text("The seats are yours.")).to_be_visible()
    expect(page.get_by_role("article", name=re.compile("Booking EVT-"))).to_contain_text("Booked")


def test_a_refusal_says_why_and_what_to_do(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Reading", capacity=3, policy=Policy(max_per_user=2))
    page = visitor().log_in(ana, f"/app/events/{event.id}")
    page.get_by_role("spinbutton", name="Seats").fill("3")
    page.get_by_role("spinbutton", name="Seats").press("Tab")
    page.get_by_role("button", name="Book 3 seats").click()
    expect(page.get_by_role("alert")).to_have_text("One person may have 2 seats at most at this event.")


def test_seats_are_given_back_in_parts_and_then_all(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    site.book(site.event(olga, title="Regatta"), ana, 4)
    page = visitor().log_in(ana, "/app/bookings")
    booking = page.get_by_role("article", name=re.compile("Booking EVT-"))
    booking.get_by_role("button", name="Give some back").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Seats that remain, of 4").fill("1")
    dialog.get_by_role("button", name="Give the rest back").click()
    expect(booking).to_contain_text("1 seat ")
    booking.get_by_role("button", name="Give it back").click()
    page.get_by_role("dialog").get_by_role("button", name="Give back").click()
    expect(page.get_by_text("You have no seats and wait for none.")).to_be_visible()


def test_a_wrong_field_is_named_beside_it(site: Site, visitor: Visit) -> None:
    page = visitor().go("/app/register")
    page.get_by_role("button", name="Make an account").click()
    for name in ("Name", "E-mail", "Password"):
        expect(page.get_by_label(name)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_be_focused()


class TestSession:
    def test_a_reload_and_another_tab_stay_logged_in_and_a_log_out_ends_both(
        self, site: Site, visitor: Visit
    ) -> None:
        ana = site.user("Ana")
        page = visitor().log_in(ana)
        name = page.get_by_role("banner").get_by_role("link", name="Ana")
        page.reload()
        expect(name).to_be_visible()
        other = page.context.new_page()
        other.goto(site.address)
        expect(other.get_by_role("banner").get_by_role("link", name="Ana")).to_be_visible()
        other.reload()  # exchanges the token that both tabs share
        expect(other.get_by_role("banner").get_by_role("link", name="Ana")).to_be_visible()
        page.reload()
        expect(name).to_be_visible()
        page.get_by_role("banner").get_by_role("link", name="Ana").click()
        page.get_by_role("button", name="Log out", exact=True).click()
        expect(page.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()
        expect(other.get_by_role("banner").get_by_role("link", name="Log in")).to_be_visible()

    def test_nothing_is_stored_but_the_refresh_token_of_this_tab(self, site: Site, visitor: Visit) -> None:
        page = visitor().log_in(site.user("Ana"))
        stored = page.evaluate("[Object.keys(sessionStorage), Object.keys(localStorage), document.cookie]")
        assert stored == [["evently.session"], [], ""]

    def test_a_page_for_members_asks_to_log_in_and_leads_on_to_itself_and_nowhere_else(
        self, site: Site, visitor: Visit
    ) -> None:
        ana = site.user("Ana")
        somebody = visitor()
        page = somebody.go("/app/bookings")
        page.wait_for_url("**/app/log-in?to=%2Fapp%2Fbookings")
        page.get_by_label("E-mail").fill(ana.email)
        page.get_by_label("Password").fill("wrong horse")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("E-mail and password do not belong together.")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="My bookings")).to_be_visible()

        elsewhere = visitor()
        elsewhere.go("/app/log-in?to=//example.org/")
        elsewhere.page.get_by_label("E-mail").fill(ana.email)
        elsewhere.page.get_by_label("Password").fill(PASSWORD)
        elsewhere.page.get_by_role("main").get_by_role("button", name="Log in").click()
        elsewhere.page.wait_for_url(f"{site.address}/")


def test_whatever_an_organiser_writes_stays_text(site: Site, visitor: Visit) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    event = site.event(olga, title=f"Evil {evil}", venue=evil, description=evil)
    page = visitor().go(f"/app/events/{event.id}")
    expect(page.get_by_role("heading", name=f"Evil {evil}")).to_be_visible()
    assert page.locator("main img, main script").count() == 0


def test_a_server_that_is_away_for_a_while_is_told_of_and_nothing_is_lost(site: Site, visitor: Visit) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Pottery", capacity=2, policy=Policy(offer_window=timedelta(hours=2)))
    held = site.book(event, ana, 2).booking
    site.book(event, ben, 2, waiting=True)
    assert held is not None
    site.application.evently.bookings.cancel(Actor(ana.id, ana.role), held.id)
    page = visitor().log_in(ben, "/app/bookings")
    offer = page.get_by_role("group", name="Offer")
    expect(offer).to_be_visible()
    page.context.set_offline(True)
    offer.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.context.set_offline(False)
    offer.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("article", name=re.compile("Booking EVT-"))).to_contain_text("Booked")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_who_waits_in_a_line_is_not_asked_for_another_party_of_it(site: Site, visitor: Visit) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Jazz", capacity=2)
    site.book(event, ana, 2)
    site.book(event, ben, 2, waiting=True)
    page = visitor().log_in(ben, f"/app/events/{event.id}")
    panel = page.get_by_role("form", name="Book")
    expect(panel).to_contain_text("You wait in this line.")
    expect(panel.get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Leave the line").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(panel.get_by_role("button", name="Join the waitlist")).to_be_visible()
