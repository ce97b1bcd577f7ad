"""The demo's crowd comes when an event is published, and plays by the rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from evently_core.event import EventStatus
from evently_core.services.events import EventAnswer, NewEvent
from evently_core.values import OPERATOR, Actor, Role
from evently_wiring.application import open_application
from evently_wiring.crowd import SECOND_THOUGHTS_SECONDS, Crowd
from evently_wiring.settings import Settings
from tests.servers import MakeDatabase


def test_it_waits_for_an_event_to_be_published_and_then_wants_more_than_there_is(
    make_database: MakeDatabase,
) -> None:
    url = make_database()
    with open_application(Settings.from_environment({}), url, pool_size=2) as application:
        olga = application.accounts.create_user(
            OPERATOR, "olga@example.org", "correct horse", "Olga", Role.ORGANISER
        ).value
        events, actor, start = application.evently.events, Actor(olga.id, olga.role), datetime.now(UTC)
        times: dict[str, Any] = {"starts_at": start + timedelta(days=1), "ends_at": start + timedelta(days=2)}
        drafted = events.create(actor, NewEvent(title="Opening", timezone="UTC", capacity=12, **times))
        assert isinstance(drafted, EventAnswer)
        event = drafted.view.event
        crowd = Crowd(application, "correct horse")
        crowd.work()
        assert len(application.accounts.users(OPERATOR).items) == 1, "nobody comes for a draft"

        events.publish(actor, event.id)
        pauses = [crowd.work() for _ in range(40)]
        view = events.view(actor, event.id)
        assert view.event.status is EventStatus.PUBLISHED
        assert view.seats.total.available == 0, "what is not taken is set aside for somebody who waits"
        assert view.seats.total.waiting > 0
        assert pauses[:3] == sorted(pauses[:3], reverse=True), "they come ever faster"
        assert SECOND_THOUGHTS_SECONDS in pauses, "after the rush some give their seats back"
        assert application.evently.records.drifts() == []
        people = len(application.accounts.users(OPERATOR).items)
        crowd.work()
        assert len(application.accounts.users(OPERATOR).items) == people, "it goes home when all have asked"
