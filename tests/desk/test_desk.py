"""Every asker of the desk gets exactly one answer, their own, whatever happens on the way."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evently_core.commands import Command, Sweep
from evently_core.desk import Desk
from evently_core.errors import Conflict, NotFound, Overloaded, Unavailable
from evently_core.outcomes import Outcome, Refused
from evently_core.reasons import Reason, ReasonCode
from evently_core.values import Actor, EventId, Role

ONE = EventId(UUID(int=1))
TWO = EventId(UUID(int=2))
PATIENCE = 120.0
"""Seconds for what comes at once on a machine that is not busy."""


def numbered(number: int) -> Sweep:
    """A command that says who asked."""
    return Sweep(actor=Actor(None, Role.ADMIN, str(number)))


def answer_to(command: Command) -> Outcome:
    return Refused(Reason(ReasonCode.SOLD_OUT, {"asker": command.actor.name}))


class Store:
    """Decides when it is told to: each batch waits for a verdict, and remembers what it was made of."""

    def __init__(self) -> None:
        self.batches: dict[EventId, list[list[str]]] = defaultdict(list)
        self.arrived: dict[EventId, SimpleQueue[int]] = defaultdict(SimpleQueue)
        self.verdicts: dict[EventId, SimpleQueue[Exception | tuple[int, Exception] | None]] = defaultdict(
            SimpleQueue
        )
        self.under_way: dict[EventId, int] = defaultdict(int)
        self.lock = Lock()

    def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        with self.lock:
            self.under_way[event_id] += 1
            assert self.under_way[event_id] == 1, "two batches of one event at the same time"
            self.batches[event_id].append([command.actor.name for command in commands])
        self.arrived[event_id].put(len(commands))
        verdict = self.verdicts[event_id].get(timeout=PATIENCE)
        try:
            for place, command in enumerate(commands):
                if isinstance(verdict, tuple) and verdict[0] <= place:
                    raise verdict[1]
                if isinstance(verdict, Exception):
                    raise verdict
                yield answer_to(command)
        finally:
            with self.lock:
                self.under_way[event_id] -= 1


class AtOnce:
    """Decides at once; a command of the name ``bad`` brings the rules down."""

    def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
        if any(command.actor.name == "bad" for command in commands):
            raise AssertionError("a rule is broken")
        yield from map(answer_to, commands)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.0005)


class Play:
    """Threads that ask one after another, so that who is where is known at each step."""

    def __init__(self, desk: Desk, store: Store, pool: ThreadPoolExecutor) -> None:
        self.desk, self.store, self.pool = desk, store, pool
        self.asked: dict[int, tuple[EventId, Future[Outcome]]] = {}
        self.queued: dict[EventId, int] = defaultdict(int)
        self.at_work: dict[EventId, bool] = defaultdict(bool)

    def ask(self, event_id: EventId) -> None:
        number = len(self.asked)
        self.asked[number] = (event_id, self.pool.submit(self.desk.submit, event_id, numbered(number)))
        if self.at_work[event_id]:
            self.queued[event_id] += 1
            until(lambda: self.desk.waiting_for(event_id) == self.queued[event_id])
        else:
            self.at_work[event_id] = True
            assert self.store.arrived[event_id].get(timeout=PATIENCE) == 1, "a lone command goes at once"

    def end(self, event_id: EventId, verdict: Exception | tuple[int, Exception] | None) -> None:
        if not self.at_work[event_id]:
            return
        self.store.verdicts[event_id].put(verdict)
        if self.queued[event_id]:
            taken = self.store.arrived[event_id].get(timeout=PATIENCE)
            assert taken == min(self.queued[event_id], BATCH)
            self.queued[event_id] -= taken
        else:
            self.at_work[event_id] = False
            until(lambda: self.desk.waiting_for(event_id) == 0 and self.store.under_way[event_id] == 0)
            until(lambda: self.desk.events_in_work == sum(self.at_work.values()))


BATCH = 3

verdicts = st.one_of(
    st.none(),
    st.sampled_from([Conflict("lost"), Unavailable("gone"), NotFound("event")]),
    st.tuples(st.integers(0, 3), st.sampled_from([Conflict("lost"), Unavailable("gone")])),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from([ONE, TWO]), st.none()),
        st.tuples(st.just("ask"), st.sampled_from([ONE, TWO]), st.none()),
        st.tuples(st.just("end"), st.sampled_from([ONE, TWO]), verdicts),
    ),
    max_size=24,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_every_asker_gets_one_answer_and_it_is_their_own(script: list[tuple[str, EventId, object]]) -> None:
    store = Store()
    desk = Desk(store, batch_max=BATCH, patience=PATIENCE)
    with ThreadPoolExecutor(32) as pool:
        play = Play(desk, store, pool)
        failed: dict[str, Exception] = {}
        for what, event_id, verdict in [*script, *[("end", event, None) for event in (ONE, TWO)] * 30]:
            if what == "ask":
                play.ask(event_id)
                continue
            if play.at_work[event_id]:
                failed.update(_who_fails(store.batches[event_id][-1], verdict))
            play.end(event_id, verdict)  # type: ignore[arg-type]  # a verdict or None
        for number, (_, future) in play.asked.items():
            error = failed.get(str(number))
            if error is None:
                assert future.result(timeout=PATIENCE) == answer_to(numbered(number))
            else:
                assert future.exception(timeout=PATIENCE) is error
    for event_id in (ONE, TWO):
        order = [name for batch in store.batches[event_id] for name in batch]
        assert order == [str(number) for number, (event, _) in play.asked.items() if event == event_id]
        assert all(len(batch) <= BATCH for batch in store.batches[event_id])
    assert desk.events_in_work == 0


def _who_fails(batch: list[str], verdict: object) -> dict[str, Exception]:
    if isinstance(verdict, tuple):
        spared: int = verdict[0]
        error: Exception = verdict[1]
        return dict.fromkeys(batch[spared:], error)
    return dict.fromkeys(batch, verdict) if isinstance(verdict, Exception) else {}


def test_a_full_queue_refuses_at_once() -> None:
    store = Store()
    desk = Desk(store, queue_max=2, patience=PATIENCE)
    with ThreadPoolExecutor(4) as pool:
        play = Play(desk, store, pool)
        for _ in range(3):
            play.ask(ONE)
        with pytest.raises(Overloaded, match="Too many requests wait"):
            desk.submit(ONE, numbered(99))  # or else it would wait for a verdict that comes after it
        for _ in range(2):
            play.end(ONE, None)


def test_who_waited_too_long_is_told_that_nothing_was_changed() -> None:
    store = Store()
    desk = Desk(store, patience=0.05)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(desk.submit, ONE, numbered(1))
        store.arrived[ONE].get(timeout=PATIENCE)
        with pytest.raises(Overloaded):
            desk.submit(ONE, numbered(2))
        desk._patience = PATIENCE  # the next one is served, however busy the machine is
        third = pool.submit(desk.submit, ONE, numbered(3))
        until(lambda: desk.waiting_for(ONE) == 1)
        store.verdicts[ONE].put(None)
        store.verdicts[ONE].put(None)
        assert first.result(timeout=PATIENCE) == answer_to(numbered(1))
        assert third.result(timeout=PATIENCE) == answer_to(numbered(3))
    assert store.batches[ONE] == [["1"], ["3"]]
    assert desk.events_in_work == 0


def test_a_command_that_brings_the_rules_down_takes_nobody_along() -> None:
    decisions = AtOnce()
    desk = Desk(decisions, patience=PATIENCE)
    batch = [*map(str, range(5)), "bad", *map(str, range(6, 9))]
    with ThreadPoolExecutor(16) as pool:
        futures = {
            name: pool.submit(desk.submit, ONE, Sweep(actor=Actor(None, Role.ADMIN, name)))
            for name in batch * 1
        }
        for name, future in futures.items():
            if name == "bad":
                with pytest.raises(AssertionError):
                    future.result(timeout=PATIENCE)
            else:
                assert future.result(timeout=PATIENCE) == answer_to(
                    Sweep(actor=Actor(None, Role.ADMIN, name))
                )


def test_a_leader_that_dies_strands_nobody() -> None:
    class Dies:
        calls = 0

        def decide_in_turn(self, event_id: EventId, commands: Sequence[Command]) -> Iterator[Outcome]:
            self.calls += 1
            if self.calls == 1:
                entered.put(None)
                go.get(timeout=PATIENCE)
                raise KeyboardInterrupt
            yield from map(answer_to, commands)

    entered: SimpleQueue[None] = SimpleQueue()
    go: SimpleQueue[None] = SimpleQueue()
    desk = Desk(Dies(), patience=PATIENCE)
    with ThreadPoolExecutor(4) as pool:
        leader = pool.submit(desk.submit, ONE, numbered(1))
        entered.get(timeout=PATIENCE)
        follower = pool.submit(desk.submit, ONE, numbered(2))
        until(lambda: desk.waiting_for(ONE) == 1)
        go.put(None)
        assert isinstance(leader.exception(timeout=PATIENCE), KeyboardInterrupt)
        assert follower.result(timeout=PATIENCE) == answer_to(numbered(2))
    assert desk.events_in_work == 0


def test_many_events_go_side_by_side() -> None:
    store = Store()
    desk = Desk(store, patience=PATIENCE)
    with ThreadPoolExecutor(4) as pool:
        play = Play(desk, store, pool)
        play.ask(ONE)
        play.ask(TWO)
        assert desk.events_in_work == 2
        play.end(TWO, None)
        assert play.asked[1][1].result(timeout=PATIENCE) == answer_to(numbered(1))
        play.end(ONE, None)
