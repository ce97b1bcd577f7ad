from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from evently_core import Actor, Evently, NewEvent, NewTicketType, Policy, Role, UserId
from evently_core.services.events import EventAnswer
from evently_core.values import EventId
from tests.races.books import mistakes, overtakings
from tests.races.crowd import open_evently
from tests.redis_servers import MakeRedis
from tests.servers import MakeDatabase

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


def start(
    url: str, event_id: EventId, organiser: Actor, processes: int, threads: int, redis_url: str = ""
) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.races.crowd",
                url,
                str(event_id),
                str(organiser.user_id),
                str(number),
                str(threads),
                str(MOVES),
                redis_url,
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]


@pytest.mark.parametrize(("processes", "threads"), [(1, 64), (4, 16), (8, 8)])
def test_threads_of_one_and_of_many_processes_keep_the_books_right(
    make_database: MakeDatabase, processes: int, threads: int
) -> None:
    """They meet at the desk of their process, and in the database. With the lock that always says yes."""
    url = make_database()
    organiser = Actor(UserId(uuid4()), Role.ORGANISER)
    with open_evently(url) as evently:
        event_id = rush(evently, organiser)
    require_right_books(url, event_id, start(url, event_id, organiser, processes, threads))


def test_a_lock_whose_server_dies_and_forgets_again_and_again_spoils_nothing(
    make_database: MakeDatabase, make_redis: MakeRedis
) -> None:
    url, server = make_database(), make_redis()
    organiser = Actor(UserId(uuid4()), Role.ORGANISER)
    with open_evently(url) as evently:
        event_id = rush(evently, organiser)
    crowd = start(url, event_id, organiser, 3, 8, server.url)
    while any(process.poll() is None for process in crowd):
        time.sleep(0.3)
        server.kill()  # nothing of it was on a disk
        server.start()
        time.sleep(0.7)
        server.flush()
    require_right_books(url, event_id, crowd)
    with psycopg.connect(url) as connection:
        [(fence,)] = connection.execute("SELECT fence FROM events WHERE id = %s", (event_id,))
    assert fence > 0, "nobody ever had the lock"


def require_right_books(url: str, event_id: EventId, crowd: list[subprocess.Popen[str]]) -> None:
    answers = {"granted": 0, "waits": 0, "refused": 0, "errors": 0}
    complaints = ""
    for process in crowd:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        complaints += err
        for name, count in json.loads(out).items():
            answers[name] += count

    assert answers["errors"] == 0, complaints
    assert min(answers["granted"], answers["waits"], answers["refused"]) > 10, answers
    assert mistakes(url) == []
    assert overtakings(url, event_id) == []
    with open_evently(url) as evently:
        assert evently.records.drifts(event_id) == []
