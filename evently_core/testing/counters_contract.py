"""What everything that counts must do. Subclass, say how it is made, let pytest collect it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from evently_core.counting import Counters


class CountersContract:
    """What everything that counts must do."""

    def make_counters(self) -> Counters:
        """Return counters that have counted nothing. To be overridden."""
        raise NotImplementedError

    def test_each_name_is_counted_by_itself(self) -> None:
        """The first is one."""
        counters = self.make_counters()
        names = ["a", "b", "a", "a", "b"]
        assert [counters.count(name, 60).count for name in names] == [1, 1, 2, 3, 2]

    def test_a_window_opens_with_the_first_and_nothing_extends_it(self) -> None:
        """Who comes again and again does not have to stay away for longer."""
        counters = self.make_counters()
        opened = time.monotonic()
        left = [counters.count("a", 60).seconds_left for _ in range(3)]
        time.sleep(0.05)
        left.append(counters.count("a", 60).seconds_left)
        passed = time.monotonic() - opened
        assert left == sorted(left, reverse=True)
        assert 59.9 - passed < left[-1] <= 59.96
        assert left[0] <= 60

    def test_counting_begins_anew_when_the_window_has_closed(self) -> None:
        """And other windows stay as they are."""
        counters = self.make_counters()
        assert [counters.count("short", 1).count, counters.count("long", 60).count] == [1, 1]
        time.sleep(1.02)
        assert [counters.count("short", 1).count, counters.count("long", 60).count] == [1, 2]

    def test_nothing_that_happens_at_once_is_missed(self) -> None:
        """Threads share the counters."""
        counters = self.make_counters()
        with ThreadPoolExecutor(8) as threads:
            counts = list(threads.map(lambda _: counters.count("a", 60).count, range(400)))
        assert sorted(counts) == list(range(1, 401))
