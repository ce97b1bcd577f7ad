from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from evently_core import Actor, Evently, NewEvent, NewTicketType, Policy, Role, UserId
from evently_core.services.events import EventAnswer
from evently_core.values import EventId
from tests.races.books import mistakes, overtakings
from tests.races.crowd import open_evently
from tests.servers import MakeDatabase

PROCESSES = 8
THREADS = 8
MOVES = 12

pytestmark = pytest.mark.race


def rush(evently: Evently, organiser: Actor) -> EventId:
    """Publish an event with fewer seats than the crowd will ask for, in two lines, strictly in order."""
    starts_at = datetime.now(UTC) + timedelta(days=3)
    drafted = evently.events.create(
        organiser,
        NewEvent(
            title="Rush",
            timezone="UTC",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            capacity=60,
            ticket_types=[NewTicketType(name="Floor"), NewTicketType(name="Box", capacity=15)],
            policy=Policy(bypass_limit=0),
        ),
    )
    assert isinstance(drafted, EventAnswer)
    evently.events.publish(organiser, drafted.view.event.id)
    return drafted.view.event.id


def test_eight_processes_of_eight_threads_keep_the_books_right(make_database: MakeDatabase) -> None:
    url = make_database()
    organiser = Actor(UserId(uuid4()), Role.ORGANISER)
    with open_evently(url) as evently:
        event_id = rush(evently, organiser)
    crowd = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.races.crowd",
                url,
                str(event_id),
                str(organiser.user_id),
                str(number),
                str(THREADS),
                str(MOVES),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    answers = {"granted": 0, "waits": 0, "refused": 0, "errors": 0}
    complaints = ""
    for process in crowd:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        complaints += err
        for name, count in json.loads(out).items():
            answers[name] += count

    assert answers["errors"] == 0, complaints
    assert min(answers["granted"], answers["waits"], answers["refused"]) > 20, answers
    assert mistakes(url) == []
    assert overtakings(url, event_id) == []
    with open_evently(url) as evently:
        assert evently.records.drifts(event_id) == []
