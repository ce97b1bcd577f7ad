"""`evently analytics`, typed: the same figures as the API's, with curves and bars for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.test_commands import Terminal
from tests.servers import MakeDatabase


@pytest.fixture
def terminal(make_database: MakeDatabase) -> Terminal:
    """Ana books two seats of three, gives one back, and Ben waits for three."""
    terminal = Terminal(make_database())
    terminal.user("Olga", "organiser")
    terminal.user("Ana")
    terminal.user("Ben")
    terminal.event(capacity=3, price="2500")
    booked = terminal.json("bookings", "book", "Jazz", "--for", "ana@example.org", "--quantity", "2")
    terminal.run("bookings", "reduce", booked["booking"]["reference"], "1", "--as", "ana@example.org")
    terminal.run("waitlist", "join", "Jazz", "--for", "ben@example.org", "--quantity", "3")
    return terminal


def test_the_overview_is_that_of_whoever_acts(terminal: Terminal) -> None:
    everything = terminal.json("analytics", "overview")
    assert (everything["seats_sold"], everything["waiting"], everything["users"]) == (1, 3, 3)
    assert everything["revenue"] == [{"amount": 2500, "currency": "EUR"}]
    assert terminal.json("analytics", "overview", "--as", "olga@example.org")["users"] is None
    shown = terminal.run("analytics", "overview").output
    assert "1 of 3  33%" in shown
    assert "1 for 3 seats" in shown
    assert "25.00 EUR" in shown
    assert "organisers" in terminal.run("analytics", "overview", "--as", "ana@example.org", code=1).stderr


def test_revenue_is_drawn_by_day_and_by_month(terminal: Terminal) -> None:
    shown = terminal.run("analytics", "revenue").output
    assert "█" in shown
    assert "25.00 EUR in all" in shown
    months = terminal.json("analytics", "revenue", "--interval", "month")
    assert months["items"][-1]["seats_sold"] == 1
    assert "Nothing was taken in" in terminal.run("analytics", "revenue", "--to", "2020-01-01").output
    assert "no day" in terminal.run("analytics", "revenue", "--from", "soon", code=2).stderr
    assert (
        "to is not"
        in terminal.run(
            *(["analytics", "revenue", "--from", "2020-02-01", "--to", "2020-01-01"]), code=2
        ).stderr
    )


def test_events_are_ranked(terminal: Terminal) -> None:
    terminal.event("Swing", capacity=1)
    terminal.run("bookings", "book", "Swing", "--for", "ana@example.org")
    for sort, first in (("revenue", "Jazz"), ("utilisation", "Swing")):
        ranked = terminal.json("analytics", "events", "--sort", sort)["items"]
        assert ranked[0]["title"] == first
    assert "100%" in terminal.run("analytics", "events").output


def test_one_event_is_shown_in_depth(terminal: Terminal) -> None:
    found = terminal.json("analytics", "event", "Jazz")
    assert (found["freed"], found["refilled"], found["joined"], found["median_wait_seconds"]) == (
        1,
        0,
        1,
        None,
    )
    shown = terminal.run("analytics", "event", "Jazz").output
    assert "1 of 3" in shown
    assert "nobody was served yet" in shown
    assert "▂" in shown or "█" in shown


def test_users_are_counted_by_day(terminal: Terminal) -> None:
    today = datetime.now(UTC).date()
    found = terminal.json("analytics", "users", "--from", str(today - timedelta(days=1)))
    assert (found["users"], found["registrations"]) == (3, 3)
    assert sum(day["active_users"] for day in found["days"]) == 1, "the operator is no user"
    assert "registered" in terminal.run("analytics", "users").output
