"""What every lock in front of an event must do. Subclass, say how a lock is made, and let pytest collect it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event, Lock
from uuid import UUID, uuid4

from evently_core.ports import EventLock
from evently_core.values import EventId

PATIENCE_SECONDS = 20.0
"""Nobody waits longer than this for a lock, whatever happens; a patient one waits longer for its turn."""


class EventLockContract:
    """Promises of `EventLock`."""

    def make_lock(self) -> EventLock:
        """Return a lock; those made in one test stand for processes that know nothing of each other."""
        raise NotImplementedError

    def make_patient_lock(self) -> EventLock:
        """Return a lock that waits for its turn as long as a slow machine needs: half a minute."""
        return self.make_lock()

    def event(self) -> EventId:
        """Return an event that nobody has locked before."""
        return EventId(UUID(bytes=uuid4().bytes))

    def test_the_lock_can_be_had_again_and_again(self) -> None:
        """Tokens, where there are any, rise; whoever holds it next may be another process."""
        ours, theirs, event = self.make_patient_lock(), self.make_patient_lock(), self.event()
        tokens = []
        for lock in (ours, theirs, ours, theirs):
            with lock.hold(event) as token:
                tokens.append(token)
        given = [token for token in tokens if token is not None]
        assert given == sorted(set(given))
        assert len(given) in (0, len(tokens))

    def test_what_is_raised_in_the_block_comes_out_and_the_lock_is_free(self) -> None:
        """The lock keeps nothing to itself."""
        lock, event = self.make_lock(), self.event()
        mistake = ZeroDivisionError("ours")
        caught = None
        try:
            with lock.hold(event):
                raise mistake
        except ZeroDivisionError as error:
            caught = error
        assert caught is mistake
        started = time.monotonic()
        with self.make_patient_lock().hold(event):
            assert time.monotonic() - started < PATIENCE_SECONDS

    def test_who_waits_too_long_goes_on_without(self) -> None:
        """A holder that does not come back holds nobody up for good."""
        event = self.event()
        with self.make_lock().hold(event):
            started = time.monotonic()
            with self.make_lock().hold(event) as token:
                assert time.monotonic() - started < PATIENCE_SECONDS
            assert token is None

    def test_events_do_not_wait_for_each_other(self) -> None:
        """Each has a lock of its own; threads of one process may hold several."""
        lock, meeting = self.make_patient_lock(), Barrier(3, timeout=PATIENCE_SECONDS)

        def hold(event: EventId) -> None:
            with lock.hold(event):
                meeting.wait()

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(hold, [self.event() for _ in range(3)]))

    def test_after_it_was_told_to_the_lock_gives_only_higher_tokens(self) -> None:
        """As when it has forgotten what the store knows."""
        lock, event = self.make_patient_lock(), self.event()
        with lock.hold(event) as token:
            high = (token or 0) + 10**15
        lock.rise_above(event, high)
        lock.rise_above(event, high - 1)
        with self.make_patient_lock().hold(event) as token:
            assert token is None or token > high


class ExclusiveEventLockContract(EventLockContract):
    """Promises of locks that keep others out, while they are held and well."""

    def test_one_at_a_time(self) -> None:
        """Threads of two processes never meet inside."""
        locks, event, inside = [self.make_patient_lock(), self.make_patient_lock()], self.event(), Lock()
        met: list[bool] = []

        def visit(number: int) -> None:
            with locks[number % 2].hold(event):
                met.append(inside.acquire(blocking=False))
                time.sleep(0.002)
                with suppress(RuntimeError):  # two who met have released it once already
                    inside.release()

        with ThreadPoolExecutor(6) as threads:
            list(threads.map(visit, range(24)))
        assert met == [True] * 24

    def test_who_waits_is_let_in_as_soon_as_the_lock_is_free(self) -> None:
        """The end of one hold is the beginning of the next."""
        event, waits = self.event(), Event()
        moments: list[float] = []

        def follow() -> None:
            lock = self.make_patient_lock()
            waits.set()
            with lock.hold(event):
                moments.append(time.monotonic())

        with ThreadPoolExecutor(1) as threads:
            with self.make_patient_lock().hold(event):
                following = threads.submit(follow)
                assert waits.wait(PATIENCE_SECONDS)
                time.sleep(0.1)
                assert moments == []
                moments.append(time.monotonic())
            following.result(PATIENCE_SECONDS)
        freed, entered = moments
        assert entered - freed < PATIENCE_SECONDS / 2, "it was not let in by who left"
