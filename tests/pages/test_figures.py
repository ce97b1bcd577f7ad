"""What an organiser reads of all events, and of one in depth."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from evently_core.event import Policy
from evently_core.values import Actor, Money, Role
from tests.pages.site import Site, Visit


def test_the_figures_of_an_event_tell_what_it_sold_and_how_its_line_was_served(
    site: Site, visitor: Visit
) -> None:
    olga, ana, ben, cleo = site.user("Olga", Role.ORGANISER), *map(site.user, ("Ana", "Ben", "Cleo"))
    event = site.event(olga, title="Jazz", capacity=4, price=Money(2_500, "EUR"))
    site.book(event, ana, 2)
    given_back = site.book(event, ben, 2).booking
    site.book(event, cleo, 1, waiting=True)
    assert given_back is not None
    site.application.evently.bookings.cancel(Actor(ben.id, ben.role), given_back.id)

    page = visitor().log_in(olga, f"/app/organise/{event.id}/figures")
    sales = page.get_by_role("region", name="Sales")
    expect(sales).to_contain_text("75%")
    expect(sales).to_contain_text("3 of 4")
    expect(sales).to_contain_text("€75.00")
    expect(sales).to_contain_text("1 (33.3%)")
    line = page.get_by_role("region", name="The line")
    expect(line).to_contain_text("1 (100%)")
    expect(line).to_contain_text("0 parties, 0 seats")
    expect(page.get_by_role("region", name="Seats that came free")).to_contain_text("50%")
    expect(page.get_by_role("region", name="Offers")).to_contain_text("without being asked")
    expect(page.get_by_role("img", name=re.compile("3 of 4 are sold"))).to_be_visible()
    page.get_by_text("As a table").click()
    row = page.get_by_role("region", name="As a table").get_by_role("row").nth(1)
    expect(row.get_by_role("cell")).to_have_text(["3", "0", "0", "€75.00"])


def test_an_event_of_which_nothing_is_known_says_so_in_words(site: Site, visitor: Visit) -> None:
    olga = site.user("Olga", Role.ORGANISER)
    event = site.event(olga, policy=Policy(offer_window=timedelta(hours=1)))
    page = visitor().log_in(olga, f"/app/organise/{event.id}/figures")
    expect(page.get_by_role("region", name="Day by day")).to_contain_text("Nothing has happened yet.")
    expect(page.get_by_role("region", name="The line")).to_contain_text("Nobody has waited yet.")
    expect(page.get_by_role("region", name="Offers")).to_contain_text("No offer was made yet.")


def test_all_events_are_summed_in_their_currencies_and_ranked(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    jazz = site.event(olga, title="Jazz", capacity=50, price=Money(1_500, "JPY"))
    tea = site.event(olga, title="Tea", capacity=4, price=Money(250, "EUR"))
    site.book(jazz, ana, 5)
    site.book(tea, ana, 4)
    page = visitor().log_in(olga, "/app/figures")
    overview = page.get_by_role("region", name="Overview")
    expect(overview).to_contain_text("9 of 54")
    expect(overview).to_contain_text("€10.00")
    expect(overview).to_contain_text(re.compile(r"(JP)?¥7,500"))
    sales = page.get_by_role("region", name="Sales")
    expect(sales.get_by_role("img", name="Taken in by day, in EUR")).to_be_visible()
    expect(sales.get_by_role("img", name="Taken in by day, in JPY")).to_be_visible()

    rows = page.get_by_role("region", name="Events ranked").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Jazz")
    page.get_by_label("The greatest first by").select_option("utilisation")
    expect(rows.nth(1)).to_contain_text("Tea")
    expect(rows.nth(1)).to_contain_text("100%")
    rows.nth(1).get_by_role("link").click()
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    expect(page.get_by_role("link", name="Figures", exact=True).last).to_have_attribute(
        "aria-current", "page"
    )


def test_the_days_are_chosen_and_days_that_there_are_not_are_refused_beside_their_field(
    site: Site, visitor: Visit
) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    site.book(site.event(olga, title="Jazz", price=Money(2_500, "EUR")), ana, 2)
    page = visitor().log_in(olga, "/app/figures")
    sales = page.get_by_role("region", name="Sales")
    expect(sales.get_by_role("status")).to_contain_text("€50.00 for 2 seats")
    sales.get_by_role("link", name="12 months").click()
    expect(sales.get_by_role("img", name="Taken in by month, in EUR")).to_be_visible()
    expect(sales.get_by_label("By", exact=True)).to_have_value("month")
    page.reload()
    expect(sales.get_by_role("img", name="Taken in by month, in EUR")).to_be_visible()

    sales.get_by_label("From", exact=True).fill("2031-05-02")
    sales.get_by_label("To", exact=True).fill("2031-05-01")
    sales.get_by_role("button", name="Show").click()
    expect(sales.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(sales.get_by_label("To", exact=True)).to_be_focused()
    sales.get_by_label("To", exact=True).fill("2031-05-03")
    sales.get_by_label("By", exact=True).select_option("day")
    sales.get_by_role("button", name="Show").click()
    expect(sales.get_by_role("status")).to_have_text("Nothing was sold in these days.")
    expect(page).to_have_url(f"{site.address}/app/figures?from=2031-05-02&to=2031-05-03&interval=day")


def test_an_admin_reads_of_accounts_and_an_organiser_of_who_came_to_the_own_events(
    site: Site, visitor: Visit
) -> None:
    olga, ana, ada = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ada", Role.ADMIN)
    site.book(site.event(olga), ana, 1)
    hers = visitor().log_in(olga, "/app/figures").get_by_role("region", name="People")
    hers.get_by_text("As a table").click()
    expect(hers.get_by_role("cell", name="1", exact=True)).to_have_count(1)
    theirs = visitor().log_in(ada, "/app/figures").get_by_role("region", name="People")
    expect(theirs).to_contain_text("accounts")


def test_who_has_no_event_is_led_to_a_first_one(site: Site, visitor: Visit) -> None:
    page = visitor().log_in(site.user("Olga", Role.ORGANISER), "/app/figures")
    page.get_by_role("main").get_by_role("link", name="New event").click()
    expect(page.get_by_role("heading", name="New event")).to_be_visible()
