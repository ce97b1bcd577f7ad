"""What must know every live instance. Subclass, say how it is made, and let pytest collect it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import attrs

from evently_core.instances import Instance, InstanceKind
from evently_core.ports import Instances

START = datetime(2030, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)
LIVE_FOR = timedelta(milliseconds=400)
DEADLINE_SECONDS = 60.0


def an_instance(name: str, kind: InstanceKind = InstanceKind.API) -> Instance:
    """Return an instance that has just begun."""
    return Instance(
        name=name, kind=kind, version="1.2.3", host="höst", pid=7, started_at=START, last_beat_at=START
    )


class InstancesContract:
    """Promises of `Instances`."""

    def make_instances(self, live_for: timedelta) -> Instances:
        """Return one that knows nobody yet, or that knows whom the others made in this test know."""
        raise NotImplementedError

    def test_who_beats_is_live_as_of_the_last_beat(self) -> None:
        """By name, and every word of it."""
        instances = self.make_instances(timedelta(minutes=1))
        api, worker = an_instance("b-api"), an_instance("a-worker", InstanceKind.WORKER)
        assert list(instances.live()) == []
        instances.beat(api)
        instances.beat(worker)
        assert list(instances.live()) == [worker, api]
        later = attrs.evolve(api, last_beat_at=START + timedelta(seconds=1), requests=12)
        instances.beat(later)
        assert list(instances.live()) == [worker, later]

    def test_who_leaves_is_gone_at_once(self) -> None:
        """The second time changes nothing."""
        instances = self.make_instances(timedelta(minutes=1))
        instances.beat(an_instance("a"))
        instances.beat(an_instance("b"))
        instances.leave("a")
        instances.leave("a")
        assert [instance.name for instance in instances.live()] == ["b"]

    def test_who_beats_no_more_vanishes(self) -> None:
        """And is back with the next beat."""
        instances = self.make_instances(LIVE_FOR)
        gone, lives = an_instance("gone"), an_instance("lives")
        instances.beat(gone)
        self._beat_until(instances, [lives], [lives])
        self._beat_until(instances, [gone, lives], [gone, lives])

    @staticmethod
    def _beat_until(instances: Instances, beating: Sequence[Instance], live: Sequence[Instance]) -> None:
        """Let some beat until these are live; whoever beats late on a busy machine may be missed for a while."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            for instance in beating:
                instances.beat(instance)
            found = list(instances.live())
            if found == live:
                return
            assert time.monotonic() < deadline, found
            time.sleep(LIVE_FOR.total_seconds() / 8)
