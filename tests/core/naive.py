"""The rules of one event once more: slow, plain, and obviously right. One command at a time.

Nothing is counted and nothing is remembered that could be added up: free seats are summed from the bookings
each time, and after every command everybody who waits is looked at, in order. Times are whole minutes,
bookings and entries are named by the order they came to be in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

Answer = tuple[Any, ...]


class No(Exception):
    """A rule says no."""


class Nonsense(Exception):
    """The command makes no sense for whoever gives it."""


@attrs.define
class Kind:
    """A ticket type; ``own`` are the seats of its own pool, if it has one."""

    own: int | None = None
    price: int = 1000
    min_party: int = 1
    max_party: int | None = None
    opens: int | None = None
    closes: int | None = None


@attrs.define
class Venue:
    """An event and its policy."""

    seats: int
    kinds: dict[str, Kind]
    status: str = "published"
    starts: int = 10_000
    ends: int = 10_180
    opens: int | None = None
    closes: int | None = None
    max_party: int = 10
    per_user: int | None = None
    hold_for: int = 0
    cancel_until: int | None = None
    waitlist: bool = True
    max_entries: int | None = None
    offer_window: int = 0
    bypass: int = 0
    requeue: bool = False

    def pools(self, kind: str) -> list[str]:
        """The total, and its own if it has one."""
        return ["total"] if self.kinds[kind].own is None else ["total", kind]

    def opens_at(self, kind: str) -> int:
        """The later of both windows."""
        return max(self.opens or -1, self.kinds[kind].opens or -1)

    def closes_at(self, kind: str) -> int:
        """The earlier of both windows, and at the latest the start, unless the event says otherwise."""
        event = self.starts if self.closes is None else self.closes
        own = self.kinds[kind].closes
        return event if own is None else min(event, own)

    def is_sound(self) -> bool:
        """Whether its parts do not contradict each other."""
        closes = self.starts if self.closes is None else self.closes
        windows = [(self.opens, self.closes), *((k.opens, k.closes) for k in self.kinds.values())]
        return (
            self.starts < self.ends
            and closes <= self.ends
            and (closes <= self.starts or not (self.hold_for or self.offer_window))
            and all(o is None or c is None or o < c for o, c in windows)
            and all(k.max_party is None or k.min_party <= k.max_party for k in self.kinds.values())
        )


@attrs.define
class Booked:
    """A booking; ``entry`` is the place in line of the same request, ``waited`` whether it came from there."""

    user: int
    kind: str
    seats: int
    price: int
    cancel_until: int
    expires: int | None
    entry: int | None
    waited: bool
    status: str

    @property
    def takes_seats(self) -> bool:
        return self.status in ("held", "confirmed")

    @property
    def is_offer(self) -> bool:
        return self.waited and self.status == "held"


@attrs.define
class Waiter:
    """A waitlist entry."""

    user: int
    kind: str
    missing: int
    part: bool
    min_party: int
    price: int
    place: int
    priority: int = 0
    over: int = 0
    status: str = "waiting"
    requeued: bool = False

    @property
    def least(self) -> int:
        return min(self.missing, self.min_party) if self.part else self.missing

    @property
    def order(self) -> tuple[int, int]:
        return (-self.priority, self.place)

    @property
    def is_over(self) -> bool:
        return self.status not in ("waiting", "offered")


@attrs.frozen
class Say:
    """A command in words: what, with which figures, and under which key it may be repeated."""

    what: str
    args: Mapping[str, Any]
    key: str | None = None


@attrs.define
class Naive:
    """One event."""

    venue: Venue
    now: int = 0
    bookings: list[Booked] = attrs.field(factory=list)
    entries: list[Waiter] = attrs.field(factory=list)
    next_place: int = 1
    answers: dict[str, tuple[Say, Answer]] = attrs.field(factory=dict)
    passed: list[tuple[int, tuple[int, ...]]] = attrs.field(factory=list)
    """Each grant with the entries it passed over."""

    # -- one command ------------------------------------------------------------------------------------------

    def do(self, say: Say) -> Answer:
        """The state goes on by the clock, the command takes its step, the lines are walked."""
        self.settle()
        if say.key is not None and say.key in self.answers:
            asked, kept = self.answers[say.key]
            return kept if asked == say else ("refused", "idempotency_key_reused")
        try:
            answer: Answer = getattr(self, say.what)(**say.args)
        except No as no:
            answer = ("refused", str(no))
        except Nonsense:
            answer = ("rejected",)
        granted = self.settle()
        if answer == ("settled",):
            answer = ("settled", granted, len(self.waiting()))
        if answer[0] == "entry":
            answer = ("entry", answer[1], self.entries[answer[1]].status)
        if say.key is not None and answer != ("rejected",):
            self.answers[say.key] = (say, answer)
        return answer

    def settle(self) -> int:
        """Free what has lapsed, close what is over, walk the lines; how many were granted something."""
        self.lapse()
        self.close()
        return self.walk()

    # -- the clock --------------------------------------------------------------------------------------------

    def lapse(self) -> None:
        due = [
            b for b in self.bookings if b.status == "held" and b.expires is not None and b.expires <= self.now
        ]
        for booking in sorted(due, key=lambda b: (b.expires, self.bookings.index(b))):
            booking.status = "expired"
            entry = self.entry_of(booking)
            if entry is None or entry.is_over:
                continue
            if booking.waited and self.may_wait_again(entry):
                entry.missing += booking.seats
                entry.min_party = self.venue.kinds[entry.kind].min_party
                entry.place, self.next_place = self.next_place, self.next_place + 1
                entry.over, entry.requeued, entry.status = 0, True, "waiting"
            else:
                entry.status = "lapsed"

    def may_wait_again(self, entry: Waiter) -> bool:
        others = [
            e for e in self.waiting() if e.user == entry.user and e.kind == entry.kind and e is not entry
        ]
        return self.venue.requeue and not entry.requeued and not self.is_closed(entry.kind) and not others

    def is_closed(self, kind: str) -> bool:
        return self.venue.status in ("cancelled", "completed") or self.venue.closes_at(kind) <= self.now

    def close(self) -> None:
        for entry in self.waiting():
            if self.is_closed(entry.kind):
                entry.status = "closed"

    # -- the pass ---------------------------------------------------------------------------------------------

    def waiting(self) -> list[Waiter]:
        return sorted((e for e in self.entries if e.status == "waiting"), key=lambda e: e.order)

    def taking_part(self) -> list[Waiter]:
        return [e for e in self.waiting() if self.why_not_on_sale(e.kind) is None]

    def capacity(self, pool: str) -> int:
        if pool == "total":
            return self.venue.seats
        own = self.venue.kinds[pool].own
        assert own is not None
        return own

    def taken(self, pool: str) -> int:
        return sum(b.seats for b in self.bookings if b.takes_seats and pool in self.venue.pools(b.kind))

    def free(self, kind: str) -> int:
        return min(self.capacity(pool) - self.taken(pool) for pool in self.venue.pools(kind))

    def has_stopped(self, entry: Waiter) -> bool:
        return entry.over >= self.venue.bypass

    def room(self, kind: str, ahead: Iterable[Waiter]) -> int:
        """What is free in all pools and not set aside for those who speak ahead and have stopped their lines."""
        aside: Counter[str] = Counter()
        for first in ahead:
            if self.has_stopped(first):
                left = min(self.capacity(p) - self.taken(p) - aside[p] for p in self.venue.pools(first.kind))
                aside.update(dict.fromkeys(self.venue.pools(first.kind), left))
        return min(self.capacity(p) - self.taken(p) - aside[p] for p in self.venue.pools(kind))

    def walk(self) -> int:
        """Look at everybody who waits, in order."""
        speaking: dict[str, Waiter] = {}
        granted = 0
        for entry in self.taking_part():
            first = speaking.get(entry.kind)
            if first is not None and self.has_stopped(first):
                continue
            ahead = list(speaking.values())
            room = self.room(entry.kind, ahead)
            if room >= entry.least:
                self.grant_to_waiting(entry, min(room, entry.missing), ahead)
                granted += 1
            if entry.status == "waiting":
                speaking.setdefault(entry.kind, entry)
        return granted

    def grant(self, booking: Booked, ahead: list[Waiter]) -> int:
        """Seats are taken; who speaks ahead, has not stopped, and has less room now was passed over."""
        before = [self.room(first.kind, ahead[:n]) for n, first in enumerate(ahead)]
        self.bookings.append(booking)
        after = [self.room(first.kind, ahead[:n]) for n, first in enumerate(ahead)]
        passed = [
            first
            for first, more, less in zip(ahead, before, after, strict=True)
            if not self.has_stopped(first) and less < more
        ]
        for first in passed:
            first.over += 1
        self.passed.append((len(self.bookings) - 1, tuple(self.entries.index(first) for first in passed)))
        return len(self.bookings) - 1

    def grant_to_waiting(self, entry: Waiter, seats: int, ahead: list[Waiter]) -> None:
        expires = self.end_of_hold(entry.kind, self.venue.offer_window or self.venue.hold_for)
        number = self.entries.index(entry)
        self.grant(self.a_booking(entry.user, entry.kind, seats, entry.price, expires, number, True), ahead)
        entry.missing -= seats
        self.look_if_served(entry)

    def look_if_served(self, entry: Waiter) -> None:
        if not entry.is_over and not entry.missing:
            entry.status = "offered" if self.open_offers(entry) else "served"

    def a_booking(
        self,
        user: int,
        kind: str,
        seats: int,
        price: int,
        expires: int | None,
        entry: int | None,
        waited: bool,
    ) -> Booked:
        until = self.venue.starts if self.venue.cancel_until is None else self.venue.cancel_until
        status = "held" if expires is not None else "confirmed"
        return Booked(user, kind, seats, price, until, expires, entry, waited, status)

    def end_of_hold(self, kind: str, window: int) -> int | None:
        if not window:
            return None
        return min(self.now + window, self.venue.closes_at(kind), self.venue.starts)

    def open_offers(self, entry: Waiter) -> list[Booked]:
        return [b for b in self.bookings if b.is_offer and self.entry_of(b) is entry]

    def entry_of(self, booking: Booked) -> Waiter | None:
        return None if booking.entry is None else self.entries[booking.entry]

    # -- asking -----------------------------------------------------------------------------------------------

    def why_not_on_sale(self, kind: str) -> str | None:
        by_status = {
            "draft": "event_not_published",
            "cancelled": "event_cancelled",
            "completed": "event_completed",
        }
        if self.venue.status in by_status:
            return by_status[self.venue.status]
        if self.now < self.venue.opens_at(kind):
            return "sales_not_open"
        return "sales_closed" if self.venue.closes_at(kind) <= self.now else None

    def has(self, user: int) -> int:
        booked = sum(b.seats for b in self.bookings if b.user == user and b.takes_seats)
        return booked + sum(e.missing for e in self.waiting() if e.user == user)

    def may_ask(self, user: int, kind: str, seats: int) -> None:
        settings, limits = self.venue.kinds[kind], self.venue
        if limits.status == "draft":
            raise Nonsense  # who books does not know of a draft
        no_sale = self.why_not_on_sale(kind)
        if no_sale:
            raise No(no_sale)
        most = limits.max_party if settings.max_party is None else min(limits.max_party, settings.max_party)
        if seats > most:
            raise No("over_booking_limit")
        if seats < settings.min_party:
            raise No("below_minimum")
        if limits.per_user is not None and self.has(user) + seats > limits.per_user:
            raise No("over_user_limit")

    def ahead_of_newcomers(self) -> list[Waiter]:
        """Those who speak for their lines, as far as they come before somebody who joins the end of tier 0."""
        firsts: dict[str, Waiter] = {}
        for entry in self.taking_part():
            firsts.setdefault(entry.kind, entry)
        return [entry for entry in firsts.values() if entry.priority >= 0]

    def why_not_more(self, kind: str) -> str:
        free = self.free(kind)
        if not free:
            return "sold_out"
        return "line_ahead" if self.room(kind, self.ahead_of_newcomers()) < free else "not_enough_for_party"

    def why_no_waiting(self) -> str | None:
        if not self.venue.waitlist:
            return "waitlist_off"
        most = self.venue.max_entries
        return "waitlist_full" if most is not None and len(self.waiting()) >= most else None

    def waits_already(self, user: int, kind: str) -> bool:
        return any(e.user == user and e.kind == kind for e in self.waiting())

    def join(self, user: int, kind: str, seats: int, part: bool) -> tuple[int, int, int]:
        """Stand at the end of tier 0: which entry, at which position, behind how many seats."""
        ahead = [e for e in self.waiting() if e.kind == kind and e.priority >= 0]
        settings = self.venue.kinds[kind]
        self.entries.append(
            Waiter(user, kind, seats, part, settings.min_party, settings.price, self.next_place)
        )
        self.next_place += 1
        return len(self.entries) - 1, len(ahead) + 1, sum(e.missing for e in ahead)

    def book(self, user: int, kind: str, seats: int, part: bool = False, join: bool = False) -> Answer:
        """Take what there is room for; the rest waits, or is refused."""
        self.may_ask(user, kind, seats)
        if join and self.waits_already(user, kind):
            raise No("already_waiting")
        settings = self.venue.kinds[kind]
        ahead = self.ahead_of_newcomers()
        room = self.room(kind, ahead)
        least = min(seats, settings.min_party) if part else seats
        granted = min(room, seats) if room >= least else 0
        no_waiting = self.why_no_waiting() if join else None
        if not granted and (not join or no_waiting):
            raise No(no_waiting or self.why_not_more(kind))
        waits = granted < seats and join and not no_waiting
        booking = None
        if granted:
            expires = self.end_of_hold(kind, self.venue.hold_for)
            entry = len(self.entries) if waits else None
            booking = self.grant(
                self.a_booking(user, kind, granted, settings.price, expires, entry, False), ahead
            )
        if granted == seats:
            return ("admitted", booking, granted, None, None)
        reason = no_waiting or self.why_not_more(kind)
        place = self.join(user, kind, seats - granted, part) if waits else None
        return ("admitted", booking, granted, place, reason)

    def join_waitlist(self, user: int, kind: str, seats: int, part: bool = False) -> Answer:
        """Wait for seats that are not to be had now."""
        self.may_ask(user, kind, seats)
        least = min(seats, self.venue.kinds[kind].min_party) if part else seats
        if self.room(kind, self.ahead_of_newcomers()) >= least:
            raise No("seats_available")
        if self.waits_already(user, kind):
            raise No("already_waiting")
        no_waiting = self.why_no_waiting()
        if no_waiting:
            raise No(no_waiting)
        reason = self.why_not_more(kind)
        return ("admitted", None, 0, self.join(user, kind, seats, part), reason)

    def explain(self, kind: str, waiter: Waiter | None) -> str | None:
        """Why somebody has no seat: one who waits in that line, or one who would ask for the smallest party now."""
        no_sale = self.why_not_on_sale(kind)
        firsts: dict[str, Waiter] = {}
        for entry in self.taking_part():
            firsts.setdefault(entry.kind, entry)
        if waiter is not None:
            ahead = [first for first in firsts.values() if first.order < waiter.order]
            least = waiter.least
        else:
            ahead, least = self.ahead_of_newcomers(), self.venue.kinds[kind].min_party
        room, free = self.room(kind, ahead), self.free(kind)
        if no_sale or room >= least:
            return no_sale
        if not free:
            return "sold_out"
        return "line_ahead" if room < free else "not_enough_for_party"

    # -- answering, giving back -------------------------------------------------------------------------------

    def confirm(self, booking: int) -> Answer:
        it = self.bookings[booking]
        if it.status in ("cancelled", "expired"):
            raise No("booking_cancelled" if it.status == "cancelled" else "hold_expired")
        if it.status == "held":
            if self.venue.status != "published":
                raise No(f"event_{self.venue.status}")
            it.status, it.expires = "confirmed", None
            entry = self.entry_of(it)
            if it.waited and entry is not None:
                self.look_if_served(entry)
        return ("booking", booking, it.status, it.seats)

    def may_give_back(self, it: Booked, organiser: bool) -> None:
        if not organiser and it.cancel_until <= self.now:
            raise No("cancel_deadline_passed")

    def withdraw_rest(self, it: Booked) -> None:
        entry = self.entry_of(it)
        if entry is not None and not entry.is_over:
            entry.status = "left"

    def cancel(self, booking: int, organiser: bool = False) -> Answer:
        it = self.bookings[booking]
        if it.takes_seats:
            self.may_give_back(it, organiser)
            it.status, it.expires = "cancelled", None
            self.withdraw_rest(it)
        return ("booking", booking, it.status, it.seats)

    def reduce(self, booking: int, seats: int, organiser: bool = False) -> Answer:
        it = self.bookings[booking]
        if not it.takes_seats:
            raise No("booking_cancelled" if it.status == "cancelled" else "hold_expired")
        if seats >= it.seats:
            raise No("not_fewer")
        if seats < self.venue.kinds[it.kind].min_party:
            raise No("below_minimum")
        self.may_give_back(it, organiser)
        it.seats = seats
        self.withdraw_rest(it)
        return ("booking", booking, it.status, it.seats)

    def the_offer(self, entry: int, already: str) -> int:
        """The only open offer; else the last one that was answered so; else the last that lapsed."""
        offers = [n for n, b in enumerate(self.bookings) if b.waited and b.entry == entry]
        opened = [n for n in offers if self.bookings[n].is_offer]
        if len(opened) > 1:
            raise No("booking_id_required")
        for status in ("held", already, "expired"):
            found = [n for n in offers if self.bookings[n].status == status]
            if found:
                return found[-1]
        raise No("no_open_offer")

    def accept(self, entry: int) -> Answer:
        return self.confirm(self.the_offer(entry, "confirmed"))

    def decline(self, entry: int) -> Answer:
        number = self.the_offer(entry, "cancelled")
        it = self.bookings[number]
        if it.status == "expired":
            raise No("hold_expired")
        if it.status == "held":
            it.status, it.expires = "cancelled", None
            self.withdraw_rest(it)
        return ("booking", number, it.status, it.seats)

    def leave(self, entry: int) -> Answer:
        it = self.entries[entry]
        if not it.is_over:
            it.status = "left"
        return ("entry", entry, it.status)

    def move(self, entry: int, priority: int) -> Answer:
        it = self.entries[entry]
        if it.status != "waiting":
            raise No("not_waiting")
        it.priority = priority
        return ("entry", entry, it.status)

    # -- organising -------------------------------------------------------------------------------------------

    def set(self, kind: str | None = None, **changes: Any) -> Answer:
        """Set figures of the event, or of one of its ticket types."""
        before = self.venue
        kinds = {name: attrs.evolve(each) for name, each in before.kinds.items()}
        if kind is not None:
            kinds[kind] = attrs.evolve(kinds[kind], **changes)
            changes = {}
        after = attrs.evolve(before, kinds=kinds, **changes)
        if not after.is_sound():
            raise Nonsense
        if after == before:
            return ("settled",)
        if before.status in ("cancelled", "completed"):
            raise No(f"event_{before.status}")
        self.venue = after
        if not all(self.may_ever_be_booked(name) for name in after.kinds):
            self.venue = before
            raise Nonsense
        pools = ["total", *(name for name, each in after.kinds.items() if each.own is not None)]
        if any(self.taken(pool) > self.capacity(pool) for pool in pools):
            self.venue = before
            raise No("capacity_below_taken")
        self.shorten_holds()
        return ("settled",)

    def may_ever_be_booked(self, kind: str) -> bool:
        """Whether no figure is in the way of the smallest party, as long as seats are left."""
        least, limits = self.venue.kinds[kind].min_party, self.venue
        most = [self.capacity(pool) for pool in limits.pools(kind) if self.taken(pool) < self.capacity(pool)]
        most += [each for each in (limits.max_party, limits.per_user) if each is not None]
        return all(least <= each for each in most)

    def shorten_holds(self) -> None:
        """No hold outlives the end of sales or the start."""
        for booking in self.bookings:
            if booking.status == "held" and booking.expires is not None:
                end = min(self.venue.closes_at(booking.kind), self.venue.starts)
                booking.expires = min(booking.expires, end)

    def advance(self, step: str) -> Answer:
        """Publish, complete or cancel."""
        to = {"publish": "published", "complete": "completed", "cancel": "cancelled"}[step]
        venue = self.venue
        if venue.status == to:
            return ("settled",)
        allowed = [
            ("draft", "published"),
            ("published", "completed"),
            ("draft", "cancelled"),
            ("published", "cancelled"),
        ]
        if (venue.status, to) not in allowed:
            raise No("event_not_published" if venue.status == "draft" else f"event_{venue.status}")
        if to == "published" and venue.ends <= self.now:
            raise No("event_ended")
        self.venue = attrs.evolve(venue, status=to)
        if to == "cancelled":
            for booking in self.bookings:
                if booking.takes_seats:
                    booking.status, booking.expires = "cancelled", None
            for entry in self.entries:
                if not entry.is_over:
                    entry.status = "closed"
        return ("settled",)

    def sweep(self) -> Answer:
        return ("settled",)
