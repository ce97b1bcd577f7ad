"""What is true of every pass, whatever happens: tried on many random histories of one event."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import attrs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from evently_core.evolve import EventState
from evently_core.facts import Granted
from evently_core.invariants import violations
from evently_core.outcomes import EventSettled, Outcome, Rejected
from tests.core.histories import LINES, WHOLE_LIFE, Histories
from tests.core.house import Both, CoreHouse, at
from tests.core.naive import Kind, Say, Venue

TIMES = int(os.environ.get("EVENTLY_EXAMPLES_TIMES", "1"))
"""For hammering by hand; a run of all tests has little time for each."""


def examples(number: int) -> settings:
    """Return how often a property is tried; what fails is made small, and not explained at length."""
    phases = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
    return settings(max_examples=number * TIMES, phases=phases, report_multiple_bugs=False)


def told(data: st.DataObject, histories: Histories, **how: Any) -> Both:
    """Tell a random history to the core and to the plain model; both answer alike and agree after each word."""
    both = Both.of(data.draw(histories.venues()), **how)
    for _ in range(data.draw(st.integers(1, 25 if histories.limits else 40))):
        if histories.limits and data.draw(st.integers(0, 4)) == 0:
            both.naive.now += data.draw(st.integers(1, 6))
        both.say(data.draw(histories.says(both.naive)))
        both.agree()
    return both


def told_again(both: Both, **how: Any) -> CoreHouse:
    """Return a house with the same event at its beginning."""
    return CoreHouse(EventState(both.beginning), **how)


def plain(outcomes: Iterable[Outcome]) -> list[object]:
    """Return outcomes so that they can be compared: an error is never equal to another."""
    return [repr(each.error) if isinstance(each, Rejected) else each for each in outcomes]


@examples(300)
@given(st.data())
def test_the_fast_pass_answers_as_one_that_walks_everything(data: st.DataObject) -> None:
    told(data, WHOLE_LIFE)


@examples(300)
@given(st.data())
def test_long_lines_are_walked_as_if_everybody_were_looked_at(data: st.DataObject) -> None:
    told(data, LINES)


@examples(150)
@given(st.data(), st.sampled_from([WHOLE_LIFE, LINES]))
def test_grouping_changes_nothing_wherever_it_is_cut(data: st.DataObject, histories: Histories) -> None:
    both = told(data, histories)
    grouped = told_again(both, depth=data.draw(st.sampled_from([1, None])))
    answers: list[Outcome] = []
    batch: list[tuple[int, Any]] = []
    cuts = data.draw(st.sampled_from([st.booleans(), st.integers(0, 9).map(lambda number: not number)]))
    for minute, command in both.told:
        if batch and (batch[0][0] != minute or data.draw(cuts)):
            answers += grouped.tell([each for _, each in batch], batch[0][0])
            batch = []
        batch.append((minute, command))
    answers += grouped.tell([each for _, each in batch], batch[0][0])
    assert plain(answers) == plain(both.answers)
    assert grouped.state == both.core.state
    assert grouped.journal == both.core.journal
    assert (grouped.figures, grouped.waits) == (both.core.figures, both.core.waits)


@examples(100)
@given(st.data(), st.sampled_from([WHOLE_LIFE, LINES]))
def test_heads_of_lines_are_as_good_as_whole_lines(data: st.DataObject, histories: Histories) -> None:
    both = told(data, histories, depth=1)
    whole = told_again(both, depth=1000)
    answers = [outcome for minute, command in both.told for outcome in whole.tell([command], minute)]
    assert plain(answers) == plain(both.answers)
    assert whole.state == both.core.state
    assert whole.journal == both.core.journal


@examples(100)
@given(st.data(), st.integers(1, 3))
def test_many_small_transactions_come_to_the_same_as_a_large_one(data: st.DataObject, most: int) -> None:
    both = told(data, LINES)
    bounded = told_again(both, grants_max=most)
    answers = [outcome for minute, command in both.told for outcome in bounded.tell([command], minute)]
    assert plain(answers) == plain(both.answers)
    assert bounded.state == both.core.state
    assert [record.fact for record in bounded.journal] == [record.fact for record in both.core.journal]
    assert (bounded.figures, bounded.waits) == (both.core.figures, both.core.waits)


@examples(150)
@given(st.data(), st.sampled_from([WHOLE_LIFE, LINES]))
def test_the_books_are_right_after_every_command(data: st.DataObject, histories: Histories) -> None:
    both = Both.of(data.draw(histories.venues()))
    limit_max = both.naive.venue.bypass
    for _ in range(data.draw(st.integers(1, 15))):
        both.naive.now += data.draw(st.sampled_from([0, 0, 0, 1, 4]))
        both.say(data.draw(histories.says(both.naive)))
        limit_max = max(limit_max, both.naive.venue.bypass)
        core = both.core
        assert violations(core.state) == []
        assert core.folded == core.state, "the journal says something else than what was recorded"
        assert all(entry.passed_over <= limit_max for entry in core.entries())
        _every_seat_is_accounted_for(core)
        _a_second_pass_does_nothing(core, both.naive.now)


def _every_seat_is_accounted_for(core: CoreHouse) -> None:
    """Seats granted are seats taken, given back or lapsed; seats asked for in line were granted or still wait."""
    granted = Counter(
        record.fact.booking.ticket_type_id
        for record in core.journal
        if isinstance(record.fact, Granted)
        for _ in range(record.fact.booking.quantity)
    )
    freed: Counter[Any] = Counter()
    for record in core.journal:
        given_back = getattr(record.fact, "freed", 0)
        if given_back:
            booking = core.state.bookings[record.fact.booking_id]  # type: ignore[union-attr]  # facts that free name it
            freed[booking.ticket_type_id] += given_back
    event = core.state.event
    assert event is not None
    for kind in event.ticket_types:
        taken = sum(b.quantity for b in core.bookings() if b.takes_seats and b.ticket_type_id == kind.id)
        assert granted[kind.id] - freed[kind.id] == taken


def _a_second_pass_does_nothing(core: CoreHouse, minute: int) -> None:
    decision = core.plan([], minute)
    assert decision.journal == ()
    assert decision.settled
    assert not decision.changes_anything


@examples(150)
@given(st.data())
def test_the_second_time_does_nothing(data: st.DataObject) -> None:
    """Cancel, leave, accept, decline, confirm, move and the steps of an event: twice is once (I7).

    Who was moved and served at once does not wait any more: that is another answer, and nothing else.
    """
    both = told(data, WHOLE_LIFE)
    twice = {"confirm", "cancel", "accept", "decline", "leave", "move", "advance", "set", "sweep"}
    say = data.draw(WHOLE_LIFE.says(both.naive).filter(lambda say: say.what in twice and say.key is None))
    both.say(say)
    first, state, written = both.answers[-1], _copy(both.core.state), len(both.core.journal)
    both.say(say)
    if not isinstance(first, EventSettled) and say.what != "move":
        assert plain([both.answers[-1]]) == plain([first])
    assert both.core.state == state
    assert len(both.core.journal) == written


def _copy(state: EventState) -> EventState:
    return attrs.evolve(state, bookings=dict(state.bookings), entries=dict(state.entries))


@examples(100)
@given(st.data())
def test_a_dry_run_answers_the_same_and_changes_nothing(data: st.DataObject) -> None:
    both = told(data, WHOLE_LIFE)
    say = data.draw(WHOLE_LIFE.says(both.naive))
    before = _copy(both.core.state)
    planned = both.core.plan([both.command(say)], both.naive.now)
    assert both.core.state == before
    both.say(say)
    assert plain(planned.outcomes) == plain([both.answers[-1]])


@examples(50)
@given(st.data())
def test_the_same_snapshot_gives_the_same_decision(data: st.DataObject) -> None:
    both = told(data, LINES)
    command = both.command(data.draw(LINES.says(both.naive)))
    first, second = (both.core.plan([command], both.naive.now) for _ in range(2))
    assert first == second


@examples(100)
@given(st.data())
def test_nobody_is_woken_for_nothing_and_nothing_is_slept_through(data: st.DataObject) -> None:
    """Between two commands nothing changes by itself before a hold lapses or the lines are to be looked at."""
    both = told(data, WHOLE_LIFE)
    core = both.core
    holds = [b.expires_at for b in core.bookings() if b.takes_seats and b.expires_at is not None]
    moments = [moment for moment in (core.wake_at, *holds) if moment is not None]
    for minute in range(both.naive.now, both.naive.now + 40):
        due = [moment for moment in moments if moment <= at(minute)]
        if not due:
            assert core.plan([], minute).journal == ()


def test_who_joins_in_a_batch_does_not_stand_before_those_who_were_not_loaded() -> None:
    """With one entry of the line in sight, the newcomer is the second that can be seen, and the third in line.

    Three seats come free: ben gets two, and dan, who takes the last one, goes past cara and not past eve.
    """
    ana, ben, cara, eve, dan = range(5)
    both = Both.of(Venue(seats=3, kinds={"floor": Kind(), "box": Kind()}, bypass=1))
    both.say(Say("book", {"user": ana, "kind": "floor", "seats": 3}))
    for user in (ben, cara):
        both.say(Say("book", {"user": user, "kind": "floor", "seats": 2, "join": True}))
    batch = [
        both.command(Say("book", {"user": eve, "kind": "floor", "seats": 2, "join": True})),
        both.command(Say("cancel", {"booking": 0})),
        both.command(Say("book", {"user": dan, "kind": "box", "seats": 1})),
    ]
    both.core.tell(batch, 0)
    entries = both.core.entries()
    assert [entry.status for entry in entries] == ["served", "waiting", "waiting"]
    assert [entry.passed_over for entry in entries] == [0, 1, 0]
