"""What knows the live instances against the suite that each must pass."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from evently_core.instances import InstanceKind
from evently_core.memory.basics import FixedClock
from evently_core.memory.instances import MemoryInstances
from evently_core.ports import Instances
from evently_core.services.presence import Presence
from evently_core.testing.instances_contract import InstancesContract, an_instance
from evently_redis.connection import RedisLink
from evently_redis.instances import RedisInstances
from evently_redis.keys import Keys
from tests.redis_servers import MakeRedis

NOW = datetime(2030, 5, 2, tzinfo=UTC)


class TestMemoryInstances(InstancesContract):
    def make_instances(self, live_for: timedelta) -> Instances:
        return MemoryInstances(live_for)


class TestRedisInstances(InstancesContract):
    @pytest.fixture
    def address(self, redis_server: str) -> str:
        return redis_server

    @pytest.fixture(autouse=True)
    def _address(self, address: str, make_redis_prefix: Callable[[], str]) -> Iterator[None]:
        self.url, self.keys = address, Keys(make_redis_prefix())
        with ExitStack() as self.stack:
            yield

    def make_instances(self, live_for: timedelta) -> Instances:
        link = RedisLink(self.url)
        self.stack.callback(link.close)
        return RedisInstances(link, self.keys, live_for=live_for)


class TestRedisInstancesOnACluster(TestRedisInstances):
    @pytest.fixture
    def address(self, redis_cluster_url: str) -> str:
        return redis_cluster_url


class TestPresence:
    def test_a_process_knows_itself_before_its_first_beat_and_the_others_after_theirs(self) -> None:
        instances = MemoryInstances()
        here = Presence(instances, an_instance("here"), FixedClock(NOW))
        for _ in range(3):
            here.answered()
        there = Presence(instances, an_instance("a-worker", InstanceKind.WORKER), FixedClock(NOW))
        assert [each.name for each in here.live()] == ["here"]
        there.beat()
        here.beat()
        live = here.live()
        assert [each.name for each in live] == ["a-worker", "here"]
        assert (live[1].requests, live[1].last_beat_at) == (3, NOW)
        assert [each.name for each in there.live()] == ["a-worker", "here"]

    def test_who_has_left_beats_no_more(self) -> None:
        instances = MemoryInstances()
        here = Presence(instances, an_instance("here"), FixedClock(NOW))
        here.beat()
        here.leave()
        here.beat()
        assert list(instances.live()) == []

    def test_while_the_others_cannot_be_asked_for_it_knows_itself(self, make_redis: MakeRedis) -> None:
        server = make_redis()
        link = RedisLink(server.url)
        here = Presence(RedisInstances(link), an_instance("here"), FixedClock(NOW))
        there = Presence(RedisInstances(link), an_instance("there"), FixedClock(NOW))
        there.beat()
        here.beat()
        server.kill()
        here.beat()
        assert [each.name for each in here.live()] == ["here"]
        server.start()
        there.beat()
        assert [each.name for each in here.live()] == ["here", "there"]
        server.kill()
        here.leave()
        link.close()
