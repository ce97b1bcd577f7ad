"""Reading what was recorded: figures, lists in pages, places in lines, the journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from evently_core.booking import Booking, BookingStatus
from evently_core.commands import Key
from evently_core.documents import outcome_from, settled_from
from evently_core.event import Event, EventStatus
from evently_core.intake import Settlement
from evently_core.inventory import Answered, Inventory, Needs
from evently_core.paging import CursorKey, Page, PageRequest, page_of
from evently_core.storage import (
    BookingQuery,
    Drift,
    EntryQuery,
    EventQuery,
    JournalLine,
    LineFigures,
    LineLength,
    arrival_order,
)
from evently_core.tickets import Arrival, Attendance
from evently_core.values import SEATS_MAX, BookingId, EntryId, EventId, RequestId, TicketTypeId, UserId
from evently_core.waitlist import PRIORITY_MAX, Place, WaitlistEntry
from evently_postgres.arrays import array
from evently_postgres.doctor import drifts
from evently_postgres.engine import begin, lent_connection, local_settings, reading
from evently_postgres.event_tables import BUCKET, journal
from evently_postgres.loading import ANSWERED, Drawings, load_events, load_inventories
from evently_postgres.rows import ARRIVAL, BOOKING, ENTRY, Row, arrival_from, booking_from, entry_from, utc

T = TypeVar("T")

_LINES = """
SELECT event_id, sum(entries)::bigint, sum(seats)::bigint,
       (sum(sum(entries)) OVER ())::bigint, (sum(sum(seats)) OVER ())::bigint
FROM line_buckets WHERE entries > 0
GROUP BY event_id ORDER BY 2 DESC, 1 LIMIT %s
"""

_BOOKINGS = f"SELECT {', '.join(BOOKING)} FROM bookings"
_ENTRIES = f"SELECT {', '.join(ENTRY)} FROM waitlist_entries"

_OFFERS = f"{_BOOKINGS} WHERE event_id = ANY(%s) AND entry_id = ANY(%s) AND origin = 'waitlist' ORDER BY id"

_EVENTS_OF_ENTRIES = "SELECT DISTINCT event_id FROM waitlist_entries WHERE id = ANY(%s)"

# What stands before an entry: all tiers above it, the buckets before its own, and its own up to its place.
_PLACES = f"""
SELECT entry.id, 1 + before.entries + inside.entries, before.seats + inside.seats
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::bigint[])
    AS entry (id, event_id, ticket_type_id, priority, sequence),
LATERAL (
    SELECT coalesce(sum(entries), 0)::bigint AS entries, coalesce(sum(seats), 0)::bigint AS seats
    FROM line_buckets AS line
    WHERE line.event_id = entry.event_id AND line.ticket_type_id = entry.ticket_type_id
      AND (line.priority > entry.priority
           OR (line.priority = entry.priority AND line.bucket < entry.sequence / {BUCKET}))
) AS before,
LATERAL (
    SELECT count(*) AS entries, coalesce(sum(missing), 0)::bigint AS seats
    FROM waitlist_entries AS other
    WHERE other.event_id = entry.event_id AND other.status = 'waiting' AND other.missing > 0
      AND -other.priority = -entry.priority
      AND other.sequence >= entry.sequence / {BUCKET} * {BUCKET} AND other.sequence < entry.sequence
      AND other.ticket_type_id = entry.ticket_type_id
) AS inside
"""

JOURNAL = ", ".join(f"journal.{column.name}" for column in journal.columns)
"""The columns of a line, for `line_from`."""
_JOURNAL = f"SELECT {JOURNAL} FROM journal WHERE event_id = %s AND number > %s ORDER BY number LIMIT %s"
_JOURNAL_BACKWARDS = f"""
SELECT {JOURNAL} FROM journal
WHERE event_id = %s AND (%s::bigint IS NULL OR number < %s) ORDER BY number DESC LIMIT %s
"""
_JOURNAL_LINE = f"SELECT {JOURNAL} FROM journal WHERE event_id = %s AND number = %s"
_PEOPLE = """
SELECT asked.user_id FROM unnest(%s::uuid[]) AS asked (user_id)
WHERE EXISTS (SELECT FROM bookings WHERE event_id = %s AND user_id = asked.user_id)
OR EXISTS (SELECT FROM waitlist_entries WHERE event_id = %s AND user_id = asked.user_id)
"""

_SETTLEMENTS = """
SELECT event_id, id, user_id, sequence, outcome, settled_at FROM settlements WHERE id = ANY(%(ids)s::uuid[])
"""

# How a status reads at a time: a hold that has lapsed has expired, swept or not (I9). Statuses stand in the text,
# for the planner picks an index by them.
_READS_AS = {
    BookingStatus.HELD: ("status = 'held' AND expires_at > %(now)s",),
    BookingStatus.EXPIRED: ("status = 'expired'", "status = 'held' AND expires_at <= %(now)s"),
    BookingStatus.CONFIRMED: ("status = 'confirmed'",),
    BookingStatus.CANCELLED: ("status = 'cancelled'",),
}

# The heads of all lines of an event, merged.
_IN_LINE = """
SELECT {columns} FROM ticket_types AS kind, LATERAL (
    SELECT * FROM waitlist_entries
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND status = 'waiting' AND missing > 0
      AND {entries} ORDER BY -priority, sequence LIMIT %(limit)s
) AS entry WHERE {lines} ORDER BY -entry.priority, entry.sequence LIMIT %(limit)s
"""

_ARRIVALS_ON = f"""
SELECT {", ".join(ARRIVAL)} FROM check_ins WHERE event_id = %s AND booking_id = %s ORDER BY seat
"""
_ARRIVALS = f"""
SELECT {", ".join(ARRIVAL)} FROM check_ins WHERE event_id = %(event)s AND undone_at IS NULL AND {{behind}}
ORDER BY at DESC, booking_id DESC, seat DESC LIMIT %(limit)s
"""

# Of the seats taken those that are held are few, for they lapse; the others are confirmed.
_ATTENDANCE = """
SELECT kind.id, kind.taken - held.seats, arrived.seats FROM ticket_types AS kind, LATERAL (
    SELECT coalesce(sum(quantity), 0) AS seats FROM bookings
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND status = 'held'
) AS held, LATERAL (
    SELECT count(*) AS seats FROM check_ins
    WHERE event_id = kind.event_id AND ticket_type_id = kind.id AND undone_at IS NULL
) AS arrived WHERE kind.event_id = %s ORDER BY kind.ordinal
"""

_LAPSED_HOLDS = "SELECT FROM bookings WHERE event_id = events.id AND status = 'held' AND expires_at <= %(now)s::timestamptz"
_COUNTERS = f"""
SELECT id, version, next_sequence, wake_at, waiting > 0 OR EXISTS ({_LAPSED_HOLDS}) FROM events WHERE id = ANY(%(events)s)
"""
_TAKEN = "SELECT event_id, id, taken FROM ticket_types WHERE event_id = ANY(%(events)s)"


class PostgresRecords:
    """What can be read of all events, without any lock."""

    def __init__(self, engine: Engine) -> None:
        """Take an engine for a migrated database."""
        self._engine = engine
        self._settings = local_settings(engine)
        self._drawings = Drawings()

    # -- events -------------------------------------------------------------------------------------------------

    def event(self, event_id: EventId) -> Event | None:
        """Return an event."""
        return self.events_named([event_id]).get(event_id)

    def events_named(self, event_ids: Iterable[EventId]) -> Mapping[EventId, Event]:
        """Return these events."""
        with self._snapshot() as connection:
            return {event.id: event for event in load_events(connection, event_ids)}

    def snapshots(
        self, event_ids: Iterable[EventId], now: datetime, needs: Needs
    ) -> Mapping[EventId, Inventory]:
        """Return a snapshot of each of these events."""
        with self._snapshot() as connection:
            return self._inventories(connection, event_ids, now, needs)

    def _inventories(
        self, connection: psycopg.Connection[Any], event_ids: Iterable[EventId], now: datetime, needs: Needs
    ) -> dict[EventId, Inventory]:
        named = {"events": list(event_ids), "now": now}
        counters = connection.execute(_COUNTERS, named).fetchall()
        busy = [row[0] for row in counters if row[-1] or needs != Needs()]
        loaded = load_inventories(connection, self._drawings, busy, needs, now)
        found = {event_id: each.inventory for event_id, each in loaded.items()}
        quiet = {row[0]: row for row in counters if row[0] not in found}
        taken: dict[EventId, dict[TicketTypeId, int]] = defaultdict(dict)
        for event_id, kind, seats in connection.execute(_TAKEN, {"events": list(quiet)}):
            taken[event_id][kind] = seats
        events = self._drawings.of(connection, {event_id: row[1] for event_id, row in quiet.items()})
        for event_id, (_, _, next_sequence, wake_at, _) in quiet.items():
            # Nobody waits and nothing has lapsed: there is nothing more to know.
            found[event_id] = Inventory(
                event=events[event_id],
                needs=needs,
                taken=taken[event_id],
                next_sequence=next_sequence,
                wake_at=utc(wake_at),
            )
        return found

    def listed(self, query: EventQuery, page: PageRequest, now: datetime) -> Page[Inventory]:
        """List events with a snapshot each, all of one moment."""
        with self._snapshot() as connection:
            found = _event_ids(connection, query, page)
            inventories = self._inventories(connection, found, now, Needs())
        return _page_of_events([inventories[event_id] for event_id in found], page, lambda each: each.event)

    def events(self, query: EventQuery, page: PageRequest) -> Page[Event]:
        """List events by start, then id."""
        with self._snapshot() as connection:
            found = _event_ids(connection, query, page)
            by_id = {event.id: event for event in load_events(connection, found)}
        return _page_of_events([by_id[event_id] for event_id in found], page, lambda event: event)

    # -- bookings -----------------------------------------------------------------------------------------------

    def booking(self, booking_id: BookingId) -> Booking | None:
        """Return a booking as recorded."""
        rows = self._read(f"{_BOOKINGS} WHERE id = %s", (booking_id,))
        return booking_from(rows[0]) if rows else None

    def bookings_by_reference(self, reference: str, limit: int = 10) -> Sequence[Booking]:
        """Return the bookings of that reference."""
        rows = self._read(f"{_BOOKINGS} WHERE reference = %s ORDER BY id LIMIT %s", (reference, limit))
        return [booking_from(row) for row in rows]

    def bookings(self, query: BookingQuery, page: PageRequest) -> Page[Booking]:
        """List bookings, as they read at the query's time."""
        given = _given(query, "event_id", "user_id")
        branches = _READS_AS[query.status] if query.status is not None else ("true",)
        found = self._page_by_id(_BOOKINGS, branches, {**given, "now": query.now}, given, page, booking_from)
        return page_of([booking.as_read_at(query.now) for booking in found], page.limit, _by_id)

    # -- lines --------------------------------------------------------------------------------------------------

    def entry(self, entry_id: EntryId) -> WaitlistEntry | None:
        """Return an entry as recorded."""
        rows = self._read(f"{_ENTRIES} WHERE id = %s", (entry_id,))
        return entry_from(rows[0]) if rows else None

    def entries(self, query: EntryQuery, page: PageRequest) -> Page[WaitlistEntry]:
        """List entries."""
        if query.in_line:
            return self._entries_in_line(query, page)
        given = _given(query, "event_id", "user_id", "ticket_type_id")
        branches = ("true" if query.status is None else f"status = '{query.status}'",)
        found = self._page_by_id(_ENTRIES, branches, given, given, page, entry_from)
        return page_of(found, page.limit, _by_id)

    def _entries_in_line(self, query: EntryQuery, page: PageRequest) -> Page[WaitlistEntry]:
        lines = _given(query, "event_id", "ticket_type_id")
        whose = _given(query, "user_id", "status")
        on_entries = _equal(whose)
        values = {**lines, **whose, "limit": page.limit + 1}
        after = page.after(lambda parts: (_small(parts[0]), _number(parts[1])))
        if after is not None:
            on_entries += " AND (-priority, sequence) > (%(tier)s, %(sequence)s)"
            values.update(tier=after[0], sequence=after[1])
        on_lines = _equal(lines, {"event_id": "kind.event_id", "ticket_type_id": "kind.id"})
        columns = ", ".join(f"entry.{name}" for name in ENTRY)
        rows = self._read(_IN_LINE.format(columns=columns, entries=on_entries, lines=on_lines), values)
        return page_of([entry_from(row) for row in rows], page.limit, lambda entry: entry.order)

    def offers(self, entry_ids: Iterable[EntryId]) -> Mapping[EntryId, tuple[Booking, ...]]:
        """Return the offers made of these entries, oldest first."""
        ids = list(entry_ids)
        if not ids:
            return {}
        events = [row[0] for row in self._read(_EVENTS_OF_ENTRIES, (ids,))]
        made: dict[EntryId, list[Booking]] = defaultdict(list)
        for booking in map(booking_from, self._read(_OFFERS, (events, ids))):
            assert booking.entry_id is not None
            made[booking.entry_id].append(booking)
        return {entry_id: tuple(bookings) for entry_id, bookings in made.items()}

    def places(self, entries: Sequence[WaitlistEntry]) -> Mapping[EntryId, Place]:
        """Return the exact places of those of these entries that wait, without walking their lines."""
        waiting = [entry for entry in entries if entry.is_waiting]
        if not waiting:
            return {}
        columns = (
            [entry.id for entry in waiting],
            [entry.event_id for entry in waiting],
            [entry.ticket_type_id for entry in waiting],
            [entry.priority for entry in waiting],
            [entry.sequence for entry in waiting],
        )
        return {EntryId(row[0]): Place(row[1], row[2]) for row in self._read(_PLACES, columns)}

    def line_figures(self, longest: int) -> LineFigures:
        """Return how long the lines are."""
        rows = self._read(_LINES, (longest,))
        found = [LineLength(EventId(row[0]), row[1], row[2]) for row in rows]
        return LineFigures(rows[0][3] if rows else 0, rows[0][4] if rows else 0, found)

    def waiting_entries(self, event_id: EventId, user_id: UserId) -> Sequence[WaitlistEntry]:
        """Return the entries with which a user waits for an event."""
        statement = f"{_ENTRIES} WHERE event_id = %s AND user_id = %s AND status = 'waiting' AND asked > 0"
        return [entry_from(row) for row in self._read(statement, (event_id, user_id))]

    # -- who is in ----------------------------------------------------------------------------------------------

    def arrivals(self, event_id: EventId, page: PageRequest) -> Page[Arrival]:
        """List who is in, the latest first."""
        after = page.after(
            lambda parts: (
                datetime.fromisoformat(str(parts[0])),
                UUID(str(parts[1])),
                _within(int(parts[2]), 1, SEATS_MAX),
            )
        )
        values = {"event": event_id, "limit": page.limit + 1}
        behind = "true"
        if after is not None:
            behind = "(at, booking_id, seat) < (%(at)s, %(booking)s, %(seat)s)"
            values.update(zip(("at", "booking", "seat"), after, strict=True))
        rows = self._read(_ARRIVALS.format(behind=behind), values)
        return page_of([arrival_from(row) for row in rows], page.limit, arrival_order)

    def arrivals_on(self, booking: Booking) -> Sequence[Arrival]:
        """Return who came in on the seats of a booking."""
        return [arrival_from(row) for row in self._read(_ARRIVALS_ON, (booking.event_id, booking.id))]

    def attendance(self, event_id: EventId) -> Mapping[TicketTypeId, Attendance]:
        """Return, by ticket type, how many are expected and how many came in."""
        rows = self._read(_ATTENDANCE, (event_id,))
        return {TicketTypeId(kind): Attendance(int(expected), arrived) for kind, expected, arrived in rows}

    # -- the journal, and the truth -----------------------------------------------------------------------------

    def answered(self, event_id: EventId, keys: Iterable[Key]) -> Mapping[Key, Answered]:
        """Return what is kept under these keys of an event."""
        wanted = list(keys)
        values = {
            "event": event_id,
            "scopes": array([key.scope for key in wanted]),
            "keys": array([key.value for key in wanted]),
        }
        return {
            Key(scope, key): Answered(bytes(fingerprint), outcome_from(outcome))
            for scope, key, fingerprint, outcome in self._read(ANSWERED, values)
        }

    def settlements(self, request_ids: Iterable[RequestId]) -> Mapping[RequestId, Settlement]:
        """Return what came of those of these queued requests that are settled."""
        return {
            RequestId(request_id): Settlement(
                id=RequestId(request_id),
                event_id=EventId(event_id),
                user_id=UserId(user_id),
                sequence=sequence,
                outcome=settled_from(outcome),
                at=self._utc(at),
            )
            for event_id, request_id, user_id, sequence, outcome, at in self._read(
                _SETTLEMENTS, {"ids": array(request_ids)}
            )
        }

    def journal(
        self, event_id: EventId, page: PageRequest, *, newest_first: bool = False
    ) -> Page[JournalLine]:
        """List the journal of an event, in the order things happened, or from its end."""
        after = page.after(lambda parts: _number(parts[0]))
        if newest_first:
            rows = self._read(_JOURNAL_BACKWARDS, (event_id, after, after, page.limit + 1))
        else:
            rows = self._read(_JOURNAL, (event_id, after or 0, page.limit + 1))
        lines = [line_from(row) for row in rows]
        return page_of(lines, page.limit, lambda line: (line.number,))

    def people(self, event_id: EventId, user_ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of these users who ever had a booking or an entry of an event."""
        rows = self._read(_PEOPLE, (list(user_ids), event_id, event_id))
        return frozenset(UserId(row[0]) for row in rows)

    def journal_line(self, event_id: EventId, number: int) -> JournalLine | None:
        """Return one line of the journal of an event."""
        rows = self._read(_JOURNAL_LINE, (event_id, number))
        return line_from(rows[0]) if rows else None

    def drifts(self, event_id: EventId | None = None) -> Sequence[Drift]:
        """Recompute counters and rules from the allocations, and return what differs."""
        with self._snapshot() as connection:
            return drifts(connection, event_id)

    # -- how ----------------------------------------------------------------------------------------------------

    def _page_by_id(
        self,
        select: str,
        branches: Sequence[str],
        values: Mapping[str, Any],
        given: Mapping[str, Any],
        page: PageRequest,
        make: Callable[[Row], T],
    ) -> list[T]:
        """Return a page by id of what one of the branches finds, and one thing more; each reads an index."""
        after = page.after(lambda parts: UUID(str(parts[0])))
        behind = "true" if after is None else "id > %(after)s"
        found = " UNION ALL ".join(
            f"({select} WHERE {_equal(given)} AND {branch} AND {behind} ORDER BY id LIMIT %(limit)s)"
            for branch in branches
        )
        statement = f"SELECT * FROM ({found}) AS found ORDER BY id LIMIT %(limit)s"
        rows = self._read(statement, {**values, "after": after, "limit": page.limit + 1})
        return [make(row) for row in rows]

    def _read(self, statement: str, values: Any) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.exec_driver_sql(statement, values).all())

    def _connection(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return lent_connection(self._engine)

    @contextmanager
    def _snapshot(self) -> Iterator[psycopg.Connection[Any]]:
        """Lend a connection on which everything is read as of one moment."""
        with self._connection() as connection:
            begin(connection, self._settings, "ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @staticmethod
    def _utc(moment: datetime) -> datetime:
        return moment.astimezone(UTC)


def line_from(row: Row) -> JournalLine:
    """Return the line of the journal that a row is of these columns."""
    at = utc(row[2])
    assert at is not None, "every line has its time"
    return JournalLine(
        event_id=EventId(row[0]),
        number=row[1],
        at=at,
        kind=row[3],
        actor_id=None if row[4] is None else UserId(row[4]),
        actor=row[5],
        cause=row[6],
        reason=row[7],
        data=row[8],
    )


def _event_ids(connection: psycopg.Connection[Any], query: EventQuery, page: PageRequest) -> list[EventId]:
    """Return the events of a page, and one more."""
    conditions, values = _conditions_of(query)
    after = page.after(lambda parts: (datetime.fromisoformat(str(parts[0])), UUID(str(parts[1]))))
    if after is not None:
        conditions.append("(starts_at, id) > (%(after_start)s, %(after_id)s)")
        values.update(after_start=after[0], after_id=after[1])
    values["limit"] = page.limit + 1
    statement = (
        f"SELECT id FROM events WHERE {' AND '.join(conditions)} ORDER BY starts_at, id LIMIT %(limit)s"
    )
    return [EventId(row[0]) for row in connection.execute(statement.encode(), values)]


def _page_of_events(found: list[T], page: PageRequest, event_of: Callable[[T], Event]) -> Page[T]:
    return page_of(
        found, page.limit, lambda each: (event_of(each).starts_at.isoformat(), str(event_of(each).id))
    )


def _conditions_of(query: EventQuery) -> tuple[list[str], dict[str, Any]]:
    """Return what an event has to fulfil, and the values it is held against."""
    values: dict[str, Any] = {"drafts_of": query.drafts_of, "draft": EventStatus.DRAFT.value}
    conditions = [] if query.all_drafts else ["(status <> %(draft)s OR organiser_id = %(drafts_of)s)"]
    if query.text is not None:
        literal = query.text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        values["text"] = f"%{literal}%"
        conditions.append("(title ILIKE %(text)s OR venue ILIKE %(text)s OR description ILIKE %(text)s)")
    if query.statuses is not None:
        values["statuses"] = [status.value for status in query.statuses]
        conditions.append("status = ANY(%(statuses)s)")
    for name, condition in (
        ("starts_from", "starts_at >= %(starts_from)s"),
        ("starts_before", "starts_at < %(starts_before)s"),
        ("organiser_id", "organiser_id = %(organiser_id)s"),
    ):
        value = getattr(query, name)
        if value is not None:
            values[name] = value
            conditions.append(condition)
    if query.only_available:
        values["now"] = query.now
        conditions.append(f"(taken < capacity OR EXISTS ({_LAPSED_HOLDS}))")
    return conditions or ["true"], values


def _given(query: BookingQuery | EntryQuery, *names: str) -> dict[str, Any]:
    """Return what a query asks for, of these fields."""
    return {name: value for name in names if (value := getattr(query, name)) is not None}


def _equal(given: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> str:
    """Return the condition that columns have the given values; they are named alike, unless said otherwise."""
    of = columns or {}
    return " AND ".join([f"{of.get(name, name)} = %({name})s" for name in given]) or "true"


def _by_id(thing: Booking | WaitlistEntry) -> CursorKey:
    return (str(thing.id),)


def _number(part: str | int) -> int:
    return _within(int(part), 0, (1 << 63) - 1)


def _small(part: str | int) -> int:
    return _within(int(part), -PRIORITY_MAX, PRIORITY_MAX)


def _within(number: int, least: int, most: int) -> int:
    """Return a number of a cursor, if it is one that can have been given out."""
    if not least <= number <= most:
        raise ValueError("no such number was ever given out")
    return number
