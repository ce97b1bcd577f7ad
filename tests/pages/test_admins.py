"""What an admin does on the pages."""

from __future__ import annotations

from playwright.sync_api import expect

from evently_core.values import OPERATOR, Role
from tests.pages.site import Site, Visit


def test_somebody_is_made_an_organiser_and_organises(site: Site, visitor: Visit) -> None:
    ada, ana = site.user("Ada", Role.ADMIN), site.user("Ana")
    page = visitor().log_in(ada, "/app/admin/users")
    page.get_by_role("row").filter(has_text=ana.email).get_by_role("combobox").select_option("organiser")
    page.get_by_role("dialog").get_by_role("button", name="Set the role").click()
    expect(page.get_by_text("Ana is an organiser now.")).to_be_visible()
    assert site.application.accounts.user(OPERATOR, ana.id).role is Role.ORGANISER
    hers = visitor().log_in(ana)
    hers.get_by_role("navigation", name="Main").get_by_role("link", name="Organise").click()
    expect(hers.get_by_role("heading", name="My events")).to_be_visible()


def test_a_role_stays_if_one_thinks_again(site: Site, visitor: Visit) -> None:
    ada, ana = site.user("Ada", Role.ADMIN), site.user("Ana")
    page = visitor().log_in(ada, "/app/admin/users")
    role = page.get_by_role("row").filter(has_text=ana.email).get_by_role("combobox")
    role.select_option("admin")
    page.get_by_role("dialog").get_by_role("button", name="Leave it").click()
    expect(role).to_have_value("attendee")
    assert site.application.accounts.user(OPERATOR, ana.id).role is Role.ATTENDEE


def test_the_state_of_the_system_is_told(site: Site, visitor: Visit) -> None:
    page = visitor().log_in(site.user("Ada", Role.ADMIN), "/app/admin")
    expect(page.get_by_role("heading", name="Everything is well")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Keeps everything")).to_contain_text("ok")
    expect(page.get_by_role("heading", name="Live processes")).to_be_visible()


def test_a_session_is_ended_from_another_device(site: Site, visitor: Visit) -> None:
    ana = site.user("Ana")
    phone = visitor().log_in(ana)
    page = visitor().log_in(ana, "/app/account")
    sessions = page.get_by_role("region", name="Signed in").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    sessions.get_by_role("button", name="End it").click()
    expect(sessions).to_have_count(1)
    phone.goto(site.address + "/app/bookings")
    expect(phone.get_by_role("heading", name="Log in")).to_be_visible()
