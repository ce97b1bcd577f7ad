"""The lines while a batch is decided: who waits, in which order, as far as it was loaded."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from evently_core.inventory import ClassKey, Inventory, LoadMore
from evently_core.values import EntryId, TicketTypeId
from evently_core.waitlist import Order, Place, Tally, WaitlistEntry

_Slot = tuple[int, int, EntryId]

FIRST: Order = (-(10**9), 0)
"""Before every place in any line."""


class NotLoaded(Exception):
    """A decision needs what it was not given; inside `decide` only, which answers with ``load_more``."""

    def __init__(self, load_more: LoadMore) -> None:
        super().__init__(load_more)
        self.load_more = load_more


class Lines:
    """The waiting entries of one event: a scratch sheet of one decision.

    Every class is a sorted list. Where only its front was loaded, entries behind the last one loaded are out
    of sight, and looking there raises `NotLoaded`.
    """

    def __init__(self, inventory: Inventory) -> None:
        """Lay out the fronts."""
        self._depth = inventory.needs.depth
        self._entries: dict[EntryId, WaitlistEntry] = {}
        self._classes: dict[ClassKey, list[_Slot]] = {}
        self._horizon: dict[ClassKey, Order] = {}
        self._tallies: dict[TicketTypeId, dict[int, Tally]] = {
            ticket_type: dict(tiers) for ticket_type, tiers in inventory.tallies.items()
        }
        self._firsts: tuple[frozenset[TicketTypeId], tuple[WaitlistEntry, ...]] | None = None
        for key, front in inventory.fronts.items():
            self._classes[key] = [(*entry.order, entry.id) for entry in front.entries]
            self._entries.update((entry.id, entry) for entry in front.entries)
            if not front.complete:
                self._horizon[key] = front.entries[-1].order

    def add(self, entry: WaitlistEntry) -> None:
        """Put an entry in its place."""
        insort(self._classes.setdefault((entry.ticket_type_id, entry.least), []), (*entry.order, entry.id))
        self._entries[entry.id] = entry
        self._count(entry, 1)

    def remove(self, entry: WaitlistEntry) -> None:
        """Take an entry out, in sight or not."""
        slots = self._classes.get((entry.ticket_type_id, entry.least), [])
        slot = (*entry.order, entry.id)
        index = bisect_left(slots, slot)
        if index < len(slots) and slots[index] == slot:
            del slots[index]
        self._entries.pop(entry.id, None)
        self._count(entry, -1)

    def replace(self, before: WaitlistEntry, after: WaitlistEntry) -> None:
        """Let an entry go on as something else: it may move, shrink, or stop waiting."""
        if (
            before.is_waiting
            and after.is_waiting
            and before.order == after.order
            and before.least == after.least
        ):
            self._in_place(before, after)
            return
        if before.is_waiting:
            self.remove(before)
        if after.is_waiting:
            self.add(after)

    def _in_place(self, before: WaitlistEntry, after: WaitlistEntry) -> None:
        if before.id in self._entries:
            self._entries[after.id] = after
        if before.missing != after.missing:
            self._count(before, -1)
            self._count(after, 1)
        self._firsts = None

    def _count(self, entry: WaitlistEntry, sign: int) -> None:
        tiers = self._tallies.setdefault(entry.ticket_type_id, {})
        tiers[entry.priority] = tiers.get(entry.priority, Tally()).plus(sign, sign * entry.missing)
        self._firsts = None

    def next_of(self, key: ClassKey, after: Order = FIRST) -> WaitlistEntry | None:
        """Return the first entry of a class behind a place; None if there is none.

        Raises:
            NotLoaded: whoever is next there was not loaded.
        """
        slots = self._classes.get(key, [])
        index = bisect_left(slots, (after[0], after[1] + 1))  # a sequence is taken once
        horizon = self._horizon.get(key)
        if index < len(slots) and (horizon is None or slots[index][:2] <= horizon):
            return self._entries[slots[index][2]]
        if horizon is not None:
            raise NotLoaded(LoadMore(depth=2 * self._depth + 8))
        return None

    def heads(self, ticket_types: frozenset[TicketTypeId]) -> Iterator[tuple[ClassKey, WaitlistEntry]]:
        """Yield the head of each class of these lines."""
        for key in list(self._classes):
            if key[0] in ticket_types and (entry := self.next_of(key)) is not None:
                yield key, entry

    def firsts(self, ticket_types: frozenset[TicketTypeId]) -> tuple[WaitlistEntry, ...]:
        """Return the first of each of these lines, in order. They speak for their lines."""
        if self._firsts is None or self._firsts[0] != ticket_types:
            first: dict[TicketTypeId, WaitlistEntry] = {}
            for (ticket_type, _), entry in self.heads(ticket_types):
                if ticket_type not in first or entry.order < first[ticket_type].order:
                    first[ticket_type] = entry
            self._firsts = (ticket_types, tuple(sorted(first.values(), key=lambda entry: entry.order)))
        return self._firsts[1]

    @property
    def waiting(self) -> int:
        """How many entries wait for the event."""
        return sum(tally.entries for tiers in self._tallies.values() for tally in tiers.values())

    def waiting_for(self, ticket_type: TicketTypeId) -> int:
        """How many entries wait in one line."""
        return sum(tally.entries for tally in self._tallies.get(ticket_type, {}).values())

    def place_of_newcomer(self, ticket_type: TicketTypeId) -> Place:
        """Return where somebody stands who joins the line now: at the end of the tier of priority 0."""
        return place_behind(self._tallies.get(ticket_type, {}))


def place_behind(tiers: Mapping[int, Tally]) -> Place:
    """Return the place at the end of the tier of priority 0."""
    ahead = [tally for priority, tally in tiers.items() if priority >= 0]
    return Place(1 + sum(tally.entries for tally in ahead), sum(tally.seats for tally in ahead))
