"""A process of the crowd: some threads that want all sorts of things of one event, at the same time."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid5

from evently_core import Actor, Admitted, Book, Evently, JoinWaitlist, Key, Refused, Role, UserId
from evently_core.booking import Booking
from evently_core.errors import EventlyError
from evently_core.memory.basics import AlwaysYes, RandomIds, SystemClock
from evently_core.values import EventId, TicketTypeId
from evently_core.waitlist import WaitlistEntry
from evently_postgres.engine import make_engine
from evently_postgres.storage import PostgresStorage
from evently_redis.connection import REST, RedisLink
from evently_redis.locks import TIMEOUT, RedisEventLock

NAMESPACE = UUID(int=7)


@contextmanager
def open_evently(url: str, redis_url: str = "") -> Iterator[Evently]:
    """The use cases over a database, with a lock on this Redis in front of each event."""
    lock = RedisEventLock(RedisLink(redis_url, timeout=TIMEOUT, rest=REST / 10)) if redis_url else AlwaysYes()
    engine = make_engine(url, pool_size=10)
    try:
        yield Evently.over(PostgresStorage(engine), SystemClock(), RandomIds(), lock=lock)
    finally:
        engine.dispose()


class Person:
    """Somebody who books, joins, cancels, reduces and leaves, as chance has it; or an organiser who adds seats."""

    def __init__(self, evently: Evently, event_id: EventId, organiser: Actor, seed: str) -> None:
        self.evently = evently
        self.event_id = event_id
        self.organiser = organiser
        self.chance = random.Random(seed)
        self.seed = seed
        self.bookings: list[Booking] = []
        self.entries: list[WaitlistEntry] = []
        event = evently.records.event(event_id)
        assert event is not None
        self.kinds: list[TicketTypeId] = [kind.id for kind in event.ticket_types]
        self.answers = {"granted": 0, "waits": 0, "refused": 0, "errors": 0}

    def live(self, moves: int) -> dict[str, int]:
        acts = [self.ask] * 6 + [self.wait, self.cancel, self.cancel, self.reduce, self.leave, self.move]
        for number in range(moves):
            self.number = number
            try:
                self.chance.choice(acts)()
            except EventlyError as error:
                self.answers["errors"] += 1
                print(type(error).__name__, error, file=sys.stderr)
        return self.answers

    def somebody(self) -> Actor:
        return Actor(UserId(uuid5(NAMESPACE, f"{self.seed}/{self.chance.randrange(6)}")), Role.ATTENDEE)

    def ask(self) -> None:
        actor = self.somebody()
        assert actor.user_id is not None
        request = Book(
            actor=actor,
            user_id=actor.user_id,
            ticket_type_id=self.chance.choice(self.kinds),
            quantity=self.chance.randint(1, 4),
            accept_partial=self.chance.random() < 0.5,
            join_waitlist=self.chance.random() < 0.6,
            key=Key(str(actor.user_id), f"{self.seed}/{self.number}"),
        )
        self.note(self.evently.bookings.book(self.event_id, request))
        if self.chance.random() < 0.2:
            again = self.evently.bookings.book(self.event_id, request)
            assert again.replayed, "the same key has one effect"

    def wait(self) -> None:
        actor = self.somebody()
        assert actor.user_id is not None
        kind = self.chance.choice(self.kinds)
        quantity = self.chance.randint(1, 4)
        request = JoinWaitlist(actor=actor, user_id=actor.user_id, ticket_type_id=kind, quantity=quantity)
        self.note(self.evently.waitlist.join(self.event_id, request))

    def note(self, answer: Admitted | Refused) -> None:
        if isinstance(answer, Refused):
            self.answers["refused"] += 1
            return
        if answer.booking is not None:
            self.answers["granted"] += 1
            self.bookings.append(answer.booking)
        if answer.entry is not None:
            self.answers["waits"] += 1
            self.entries.append(answer.entry)

    def cancel(self) -> None:
        if self.bookings:
            booking = self.bookings.pop(self.chance.randrange(len(self.bookings)))
            self.evently.bookings.cancel(Actor(booking.user_id, Role.ATTENDEE), booking.id)

    def reduce(self) -> None:
        for booking in self.bookings[-2:]:
            if booking.quantity > 1:
                self.evently.bookings.reduce(Actor(booking.user_id, Role.ATTENDEE), booking.id, 1)

    def leave(self) -> None:
        if self.entries:
            entry = self.entries.pop(self.chance.randrange(len(self.entries)))
            self.evently.waitlist.leave(Actor(entry.user_id, Role.ATTENDEE), entry.id)

    def move(self) -> None:
        if self.chance.random() < 0.3:
            capacity = self.evently.events.view(None, self.event_id).event.capacity
            self.evently.events.change(self.organiser, self.event_id, {"capacity": capacity + 1})
        elif self.entries:
            entry = self.chance.choice(self.entries)
            self.evently.waitlist.move(
                self.organiser, entry.id, self.chance.randint(-1, 1), "as chance has it"
            )


def main(
    url: str, event_id: str, organiser_id: str, seed: str, threads: str, moves: str, redis_url: str = ""
) -> None:
    organiser = Actor(UserId(UUID(organiser_id)), Role.ORGANISER)
    with open_evently(url, redis_url) as evently, ThreadPoolExecutor(int(threads)) as pool:
        people = [
            Person(evently, EventId(UUID(event_id)), organiser, f"{seed}-{n}") for n in range(int(threads))
        ]
        answers = list(pool.map(lambda person: person.live(int(moves)), people))
    print(json.dumps({name: sum(each[name] for each in answers) for name in answers[0]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
