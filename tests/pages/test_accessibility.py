"""Whoever cannot see or has no mouse can use the pages: checked by axe, and by the keyboard."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from evently_core.accounts import User
from evently_core.values import Role
from tests.pages.site import DESK, PHONE, Site, Visit

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    """Return what axe finds wrong, with the elements it is wrong of."""
    found = Axe().run(page, options={"runOnly": list(rules)}).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


TABS = ["", "/people", "/check-in", "/figures", "/edit"]
"""The pages about one's event."""


@attrs.frozen
class Look:
    """A kind of screen, somebody before it past whose policy axe gets in, and what axe is asked."""

    screen: dict[str, int]
    scheme: str
    rules: Sequence[str]

    def faults(self, visitor: Visit, paths: Sequence[str], user: User | None = None) -> list[str]:
        """Return what is wrong with these pages."""
        somebody = visitor(viewport=self.screen, color_scheme=self.scheme, bypass_csp=True)
        if user is not None:
            somebody.log_in(user)
        found = []
        for path in paths:
            page = somebody.go(path)
            expect(page.locator("main h1")).to_be_visible()
            found += [f"{path}: {fault}" for fault in violations(page, self.rules)]
        return found


look = pytest.mark.parametrize(
    "look",
    [
        pytest.param(Look(DESK, "light", RULES), id="wide"),
        pytest.param(Look(PHONE, "light", RULES), id="narrow"),
        pytest.param(Look(DESK, "dark", ["color-contrast"]), id="dark"),
    ],
)


@look
def test_the_pages_for_everybody_have_no_fault_that_axe_finds(site: Site, visitor: Visit, look: Look) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz", capacity=2)
    site.book(event, ana, 2)
    paths = ["/", f"/app/events/{event.id}", "/app/log-in", "/app/register", "/app/nowhere"]
    assert look.faults(visitor, paths) == []


@look
def test_the_pages_of_an_attendee_have_no_fault_that_axe_finds(
    site: Site, visitor: Visit, look: Look
) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Jazz", capacity=5)
    site.book(event, ana, 4)
    booked = site.book(event, ben, 1).booking
    assert booked is not None
    tickets = f"/app/bookings/{booked.id}"
    site.book(event, ben, 3, waiting=True)
    assert (
        look.faults(visitor, ["/app/bookings", tickets, f"/app/events/{event.id}", "/app/account"], ben) == []
    )


@look
def test_the_pages_of_an_organiser_have_no_fault_that_axe_finds(
    site: Site, visitor: Visit, look: Look
) -> None:
    olga, ana, ben = site.user("Olga", Role.ORGANISER), site.user("Ana"), site.user("Ben")
    event = site.event(olga, title="Jazz", capacity=5)
    site.book(event, ana, 4)
    site.book(event, ben, 3, waiting=True)
    others = ["/app/figures", "/app/organise", "/app/organise/new", "/app/organise/webhooks"]
    tabs = [f"/app/organise/{event.id}{tab}" for tab in TABS]
    assert look.faults(visitor, [*others, *tabs], olga) == []


@look
def test_the_pages_of_an_admin_have_no_fault_that_axe_finds(site: Site, visitor: Visit, look: Look) -> None:
    assert look.faults(visitor, ["/app/admin", "/app/admin/users"], site.user("Ada", Role.ADMIN)) == []


@look
def test_a_dialog_has_no_fault_that_axe_finds_and_holds_the_focus(
    site: Site, visitor: Visit, look: Look
) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz", capacity=2)
    site.book(event, ana, 1)
    somebody = visitor(viewport=look.screen, color_scheme=look.scheme, bypass_csp=True)
    page = somebody.log_in(olga, f"/app/organise/{event.id}/people")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.click()
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_visible()
    assert violations(page, look.rules) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cancel).to_be_focused()


def test_a_fault_would_be_found(site: Site, visitor: Visit) -> None:
    page = visitor(bypass_csp=True).go("/app/log-in")
    expect(page.locator("main h1")).to_be_visible()
    page.evaluate("document.querySelector('label').remove()")
    assert any("label" in violation for violation in violations(page))


def test_everything_can_be_done_by_the_keyboard(site: Site, visitor: Visit) -> None:
    olga, ana = site.user("Olga", Role.ORGANISER), site.user("Ana")
    event = site.event(olga, title="Jazz", capacity=2)
    page = visitor().log_in(ana, f"/app/events/{event.id}")
    expect(page.get_by_role("heading", name="Jazz")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Book 1 seat":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="1 seat now")).to_be_visible()


@pytest.mark.parametrize("width", [360, 768])
def test_nothing_sticks_out_of_a_narrow_screen(site: Site, visitor: Visit, width: int) -> None:
    ada, ana, ben = site.user("Ada", Role.ADMIN), site.user("Ana"), site.user("Ben" * 12)
    event = site.event(ada, title="Donaudampfschifffahrtsgesellschaft" * 3, venue="Donau" * 20, capacity=2)
    booking = site.book(event, ana, 2).booking
    site.book(event, ben, 1, waiting=True)
    assert booking is not None
    for user, paths in [
        (
            ana,
            ["/", "/app/bookings", f"/app/bookings/{booking.id}", f"/app/events/{event.id}", "/app/account"],
        ),
        (
            ada,
            [
                "/app/organise",
                "/app/organise/new",
                "/app/organise/webhooks",
                "/app/admin",
                "/app/admin/users",
            ],
        ),
        (ada, [f"/app/organise/{event.id}{tab}" for tab in TABS]),
    ]:
        somebody = visitor(viewport={"width": width, "height": 740})
        somebody.log_in(user)
        for path in paths:
            page = somebody.go(path)
            expect(page.locator("main h1")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
