"""Counters against the suite that each of them must pass."""

from __future__ import annotations

from collections.abc import Callable

import limits
import pytest

from evently_core.counting import Counters, Rate
from evently_core.memory.counters import MemoryCounters
from evently_core.testing.counters_contract import CountersContract
from evently_redis.connection import RedisLink
from evently_redis.counters import RedisCounters
from evently_redis.keys import Keys


class TestMemoryCounters(CountersContract):
    def make_counters(self) -> Counters:
        return MemoryCounters()

    def test_closed_windows_take_no_room(self) -> None:
        now = 0.0
        counters = MemoryCounters(seconds=lambda: now)
        for name in range(10_000):
            now += 1.0
            counters.count(str(name), 60)
        assert len(counters._windows) <= 1_000

    def test_there_are_never_more_names_than_allowed_and_the_oldest_go_first(self) -> None:
        counters = MemoryCounters(names_max=100)
        for name in range(1_000):
            counters.count(str(name), 60)
            assert len(counters._windows) <= 100
        assert counters.count("999", 60).count == 2
        assert counters.count("0", 60).count == 1


class TestRedisCounters(CountersContract):
    @pytest.fixture(autouse=True)
    def _server(self, redis_server: str, make_redis_prefix: Callable[[], str]) -> None:
        self._url, self._prefix = redis_server, make_redis_prefix

    def make_counters(self) -> Counters:
        return RedisCounters(RedisLink(self._url), Keys(self._prefix()))

    def test_processes_count_together(self) -> None:
        keys = Keys(self._prefix())
        here, there = (RedisCounters(RedisLink(self._url), keys) for _ in range(2))
        assert [each.count("a", 60).count for each in (here, there, here)] == [1, 2, 3]


RATES = [
    "100 per 15 minutes",
    "1000 per 15 minutes",
    "10/minute",
    "5 per 2 hours",
    "7 / 3 day",
    "1 per second",
]


@pytest.mark.parametrize("text", RATES)
def test_a_rate_means_what_the_library_of_limits_takes_it_for(text: str) -> None:
    item = limits.parse(text)
    assert Rate.parse(text) == Rate(item.amount, item.get_expiry())


@pytest.mark.parametrize(
    "text", ["", "100", "per minute", "0 per minute", "5 per 0 minutes", "-1/minute", "5 per fortnight"]
)
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Rate.parse(text)
