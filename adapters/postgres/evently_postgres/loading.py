"""Loading an inventory: a fixed number of queries, sent together, whatever the batch and the lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any

import attrs
import psycopg
from psycopg import Cursor

from evently_core.booking import Booking
from evently_core.commands import Key
from evently_core.documents import outcome_from
from evently_core.event import Event
from evently_core.inventory import Answered, ClassKey, Front, Inventory, Needs
from evently_core.values import EventId, TicketTypeId, UserId
from evently_core.waitlist import Tally, WaitlistEntry
from evently_postgres.arrays import array
from evently_postgres.rows import (
    ARRIVAL,
    BOOKING,
    ENTRY,
    EVENT,
    TICKET_TYPE,
    Row,
    arrival_from,
    booking_from,
    entry_from,
    event_from,
    utc,
)

_BOOKING = ", ".join(BOOKING)
_ENTRY = ", ".join(ENTRY)

_COUNTERS = "SELECT version, next_sequence, journal_head, waiting, wake_at, max_per_user, fence FROM events"
# Who waits for the lock sees the queue as it was when they came: whoever was accepted later is not before them.
_QUEUED = """
SELECT accepted - coalesce((SELECT decided FROM queue_heads WHERE event_id = %(event)s), 0)
FROM queue_tails WHERE event_id = %(event)s
"""
_LOCKED = f"{_COUNTERS.replace(' FROM', f', ({_QUEUED}) FROM')} WHERE id = %(event)s FOR UPDATE"
_UNLOCKED = f"{_COUNTERS.replace(' FROM', ', NULL FROM')} WHERE id = %(event)s"

_TAKEN = "SELECT id, taken FROM ticket_types WHERE event_id = %(event)s"

_EVENT = f"SELECT {', '.join(EVENT)} FROM events WHERE id = ANY(%(events)s)"
_KINDS = f"SELECT {', '.join(TICKET_TYPE)} FROM ticket_types WHERE event_id = ANY(%(events)s) ORDER BY event_id, ordinal"

_DUE = f"SELECT {_BOOKING} FROM bookings WHERE event_id = %(event)s AND status = 'held' AND expires_at <= %(now)s"

ANSWERED = """
SELECT scope, key, fingerprint, outcome FROM answers
WHERE event_id = %(event)s AND (scope, key) IN (SELECT * FROM unnest(%(scopes)s::text[], %(keys)s::text[]))
"""

_BOOKINGS = f"""
SELECT {_BOOKING} FROM bookings WHERE event_id = %(event)s AND id = ANY(%(bookings)s::uuid[])
UNION
SELECT {_BOOKING} FROM bookings
WHERE event_id = %(event)s AND entry_id = ANY(%(entries)s::uuid[]) AND origin = 'waitlist'
"""
_HOLDS = f"SELECT {_BOOKING} FROM bookings WHERE event_id = %(event)s AND status = 'held'"
_LIVE = f"SELECT {_BOOKING} FROM bookings WHERE event_id = %(event)s AND status IN ('held', 'confirmed')"

# The entries that are named, and those of the bookings that are named.
_ENTRIES = f"""
SELECT {_ENTRY} FROM waitlist_entries WHERE event_id = %(event)s AND id = ANY(
    %(entries)s::uuid[]
    || ARRAY(SELECT entry_id FROM bookings WHERE event_id = %(event)s AND id = ANY(%(bookings)s::uuid[]))
)
"""
_ENTRIES_OF_DUE = f"""
SELECT {_ENTRY} FROM waitlist_entries WHERE event_id = %(event)s AND id = ANY(%(entries)s::uuid[])
"""
_WAITING_OF_USERS = f"""
SELECT {_ENTRY} FROM waitlist_entries
WHERE event_id = %(event)s AND user_id = ANY(%(users)s::uuid[]) AND status = 'waiting' AND asked > 0
"""
_ENTRIES_OF_HOLDS = f"""
SELECT {_ENTRY} FROM waitlist_entries
WHERE event_id = %(event)s
  AND id IN (SELECT entry_id FROM bookings WHERE event_id = %(event)s AND status = 'held')
"""
_LIVE_ENTRIES = f"""
SELECT {_ENTRY} FROM waitlist_entries WHERE event_id = %(event)s AND (
    status IN ('waiting', 'offered')
    OR id IN (SELECT entry_id FROM bookings WHERE event_id = %(event)s AND status IN ('held', 'confirmed'))
)
"""
_WHOLE_LINES = f"""
SELECT {_ENTRY} FROM waitlist_entries
WHERE event_id = %(event)s AND ticket_type_id = ANY(%(lines)s::uuid[]) AND status = 'waiting' AND least > 0
"""

_ARRIVALS = f"""
SELECT {", ".join(ARRIVAL)} FROM check_ins WHERE event_id = %(event)s AND booking_id = ANY(%(bookings)s::uuid[])
"""

_SEATS_OF = """
SELECT user_id, sum(seats)::bigint FROM (
    SELECT user_id, quantity AS seats FROM bookings
    WHERE event_id = %(event)s AND user_id = ANY(%(users)s::uuid[])
      AND status IN ('held', 'confirmed') AND quantity > 0
    UNION ALL
    SELECT user_id, missing FROM waitlist_entries
    WHERE event_id = %(event)s AND user_id = ANY(%(users)s::uuid[]) AND status = 'waiting' AND asked > 0
) AS theirs GROUP BY user_id
"""

_TALLIES = """
SELECT ticket_type_id, priority, sum(entries)::int, sum(seats)::bigint FROM line_buckets
WHERE event_id = %(event)s AND entries > 0 GROUP BY ticket_type_id, priority
"""

# From one class to the next by the index, without reading the entries between them; then each class's head.
_FRONTS = f"""
WITH RECURSIVE class AS (
    (SELECT ticket_type_id, least FROM waitlist_entries
     WHERE event_id = %(event)s AND status = 'waiting' AND least > 0 ORDER BY ticket_type_id, least LIMIT 1)
    UNION ALL
    SELECT next.ticket_type_id, next.least FROM class, LATERAL (
        SELECT ticket_type_id, least FROM waitlist_entries
        WHERE event_id = %(event)s AND status = 'waiting' AND least > 0
          AND (ticket_type_id, least) > (class.ticket_type_id, class.least)
        ORDER BY ticket_type_id, least LIMIT 1
    ) AS next
)
SELECT {", ".join(f"head.{name}" for name in ENTRY)} FROM class, LATERAL (
    SELECT {_ENTRY} FROM waitlist_entries
    WHERE event_id = %(event)s AND status = 'waiting' AND least > 0
      AND ticket_type_id = class.ticket_type_id AND least = class.least
    ORDER BY priority DESC, sequence LIMIT %(depth)s
) AS head ORDER BY head.ticket_type_id, head.least, head.priority DESC, head.sequence
"""


class Drawings:
    """Events as their organisers have set them, by version: what never changes without its version."""

    def __init__(self, size_max: int = 4096) -> None:
        """Keep at most so many."""
        self._size_max = size_max
        self._kept: dict[EventId, Event] = {}
        self._guard = Lock()

    def of(
        self, connection: psycopg.Connection[Any], versions: Mapping[EventId, int]
    ) -> Mapping[EventId, Event]:
        """Return events of these versions; those that are not kept come from the database, all in one go."""
        found = {}
        for event_id, version in versions.items():
            kept = self._kept.get(event_id)
            if kept is not None and kept.version == version:
                found[event_id] = kept
        missing = [event_id for event_id in versions if event_id not in found]
        if missing:
            loaded = {event.id: event for event in load_events(connection, missing)}
            self._keep(loaded)
            found.update(loaded)
        return found

    def _keep(self, events: Mapping[EventId, Event]) -> None:
        with self._guard:
            for event_id, event in events.items():
                while len(self._kept) >= self._size_max:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[event_id] = event


def load_events(connection: psycopg.Connection[Any], event_ids: Iterable[EventId]) -> list[Event]:
    """Return events as they are set; unknown ids are left out."""
    named = {"events": list(event_ids)}
    rows = connection.execute(_EVENT, named).fetchall()
    kinds: dict[EventId, list[Row]] = defaultdict(list)
    for kind in connection.execute(_KINDS, named):
        kinds[kind[0]].append(kind)
    return [event_from(row, kinds[row[0]]) for row in rows if kinds[row[0]]]


def load_inventories(
    connection: psycopg.Connection[Any],
    drawings: Drawings,
    event_ids: Iterable[EventId],
    needs: Needs,
    now: datetime,
    *,
    locking_in: Callable[[], None] | None = None,
) -> dict[EventId, Loaded]:
    """Return the inventories of these events, in a fixed number of round trips; unknown ids are left out.

    ``now`` is when a hold counts as due. With ``locking_in``, which sends for the beginning of a transaction,
    everybody else is held off who would decide about them.
    """
    loaders = [_Loader(connection, event_id, needs, now) for event_id in event_ids]
    with connection.pipeline():
        if locking_in is not None:
            locking_in()
        for loader in loaders:
            loader.ask(locking=locking_in is not None)
    loaders = [loader for loader in loaders if loader.is_there()]
    if any(loader.wants_more for loader in loaders):
        with connection.pipeline():
            for loader in loaders:
                loader.ask_more()
    events = drawings.of(connection, {loader.event_id: loader.version for loader in loaders})
    return {
        loader.event_id: Loaded(loader.inventory(events[loader.event_id]), loader.journal_head, loader.fence)
        for loader in loaders
    }


@attrs.frozen
class Loaded:
    """An inventory, the newest number of the event's journal, and the newest token that has written."""

    inventory: Inventory
    journal_head: int
    fence: int


class _Loader:
    """Loads the inventory of one event: asks, asks for what follows from the answers, and reads them."""

    def __init__(
        self, connection: psycopg.Connection[Any], event_id: EventId, needs: Needs, now: datetime
    ) -> None:
        self._connection = connection
        self.event_id = event_id
        self._needs = needs
        self._now = now
        self._fronts: Iterable[Row] = ()
        self._tallies: Iterable[Row] = ()
        self._waiting_of: Iterable[Row] = ()
        self._seats_of: Iterable[Row] = ()
        self._entries_of_due: Iterable[Row] = ()
        self._arrivals: Iterable[Row] = ()

    def ask(self, *, locking: bool) -> None:
        """Send for what can be asked for at once."""
        self._counters = self._send(_LOCKED if locking else _UNLOCKED)
        self._taken = self._send(_TAKEN)
        self._due = self._send(_DUE)
        self._named = self._send_named(self._needs)
        if self._needs.arrivals:
            self._arrivals = self._send(_ARRIVALS, bookings=array(self._needs.arrivals))

    def is_there(self) -> bool:
        """Read the counters, and tell whether there is such an event."""
        row = self._counters.fetchone()
        if row is None:
            return False
        (
            self.version,
            self._next_sequence,
            self.journal_head,
            self._waiting,
            wake_at,
            limit,
            self.fence,
            queued,
        ) = row
        self._queued = queued or 0
        self._wake_at = utc(wake_at)
        self._lapsed = [booking_from(found) for found in self._due]
        self._counts_seats = limit is not None or self._needs.seats_of_users
        return True

    @property
    def wants_more(self) -> bool:
        """Whether the first answers raise more questions."""
        return bool(self._waiting or self._lapsed or (self._counts_seats and self._needs.users))

    def ask_more(self) -> None:
        """Send for what there is to be asked, now that it is known who waits and what has lapsed."""
        users = self._needs.users
        if self._waiting:
            self._fronts = self._send(_FRONTS, depth=self._needs.depth + 1)
            self._tallies = self._send(_TALLIES)
            if users:
                self._waiting_of = self._send(_WAITING_OF_USERS, users=array(users))
        if users and self._counts_seats:
            self._seats_of = self._send(_SEATS_OF, users=array(users))
        if self._lapsed:
            linked = array([booking.entry_id for booking in self._lapsed])
            self._entries_of_due = self._send(_ENTRIES_OF_DUE, entries=linked)

    def inventory(self, event: Event) -> Inventory:
        """Return what was asked for."""
        bookings, entries, answered = self._named()
        bookings.update((booking.id, booking) for booking in self._lapsed)
        waiting = [entry_from(found) for found in self._waiting_of]
        entries.update((entry.id, entry) for entry in waiting)
        entries.update((entry.id, entry) for entry in map(entry_from, self._entries_of_due))
        return Inventory(
            event=event,
            needs=self._needs,
            taken={row[0]: row[1] for row in self._taken},
            next_sequence=self._next_sequence,
            wake_at=self._wake_at,
            fronts=_fronts(self._fronts, self._needs.depth),
            tallies=_tallies(self._tallies),
            due=tuple(self._lapsed),
            bookings=bookings,
            entries=entries,
            seats_of=_seats_of(self._needs.users, self._seats_of) if self._counts_seats else None,
            waiting_of={(entry.user_id, entry.ticket_type_id): entry.id for entry in waiting},
            answered=answered,
            queued=self._queued,
            arrivals={arrival.place: arrival for arrival in map(arrival_from, self._arrivals)},
        )

    def _send(self, query: str, **more: Any) -> Cursor[Any]:
        return self._connection.execute(
            query, {"event": self.event_id, "now": self._now, **more}, prepare=True
        )

    def _send_named(
        self, needs: Needs
    ) -> Callable[[], tuple[dict[Any, Booking], dict[Any, WaitlistEntry], dict[Key, Answered]]]:
        """Send for what the commands name; the returned function reads the answers once they are there."""
        named = {"bookings": array(needs.bookings), "entries": array(needs.entries)}
        booked: list[Cursor[Any]] = []
        entered: list[Cursor[Any]] = []
        keyed: Cursor[Any] | None = None
        if needs.bookings or needs.entries:
            booked.append(self._send(_BOOKINGS, **named))
            entered.append(self._send(_ENTRIES, **named))
        if needs.live_bookings:
            booked.append(self._send(_LIVE))
            entered.append(self._send(_LIVE_ENTRIES))
        elif needs.holds:
            booked.append(self._send(_HOLDS))
            entered.append(self._send(_ENTRIES_OF_HOLDS))
        if needs.whole_lines:
            entered.append(self._send(_WHOLE_LINES, lines=array(needs.whole_lines)))
        if needs.keys:
            keys = list(needs.keys)
            keyed = self._send(
                ANSWERED, scopes=array([key.scope for key in keys]), keys=array([key.value for key in keys])
            )

        def read() -> tuple[dict[Any, Booking], dict[Any, WaitlistEntry], dict[Key, Answered]]:
            bookings = {booking.id: booking for cursor in booked for booking in map(booking_from, cursor)}
            entries = {entry.id: entry for cursor in entered for entry in map(entry_from, cursor)}
            answered = {
                Key(scope, key): Answered(bytes(fingerprint), outcome_from(outcome))
                for scope, key, fingerprint, outcome in keyed or ()
            }
            return bookings, entries, answered

        return read


def _fronts(cursor: Iterable[Row], depth: int) -> dict[ClassKey, Front]:
    """Return the head of each class, of rows that go one entry further."""
    classes: dict[ClassKey, list[WaitlistEntry]] = defaultdict(list)
    for row in cursor:
        entry = entry_from(row)
        classes[entry.ticket_type_id, entry.least].append(entry)
    return {key: Front(tuple(entries[:depth]), len(entries) <= depth) for key, entries in classes.items()}


def _tallies(cursor: Iterable[Row]) -> dict[TicketTypeId, dict[int, Tally]]:
    tallies: dict[TicketTypeId, dict[int, Tally]] = defaultdict(dict)
    for ticket_type_id, priority, entries, seats in cursor:
        tallies[ticket_type_id][priority] = Tally(entries, seats)
    return dict(tallies)


def _seats_of(users: Iterable[UserId], cursor: Iterable[Row]) -> Mapping[UserId, int]:
    return {**dict.fromkeys(users, 0), **{row[0]: row[1] for row in cursor}}
