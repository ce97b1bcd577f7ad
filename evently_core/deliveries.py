"""What is told to the outside: deliveries of journal lines to targets, their attempts, and when to try again.

The journal is the truth. Each recorded decision leaves a note of its lines in the outbox, in the same transaction; a
single planner makes of each line one delivery for every target that is interested in it. A delivery is made at least
once. Those of one event to one target are a *lane*: they are made in the order of the journal, one at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Protocol
from uuid import UUID

import attrs

from evently_core.storage import JournalLine
from evently_core.values import EventId, UserId

DeliveryId = NewType("DeliveryId", UUID)
TargetId = NewType("TargetId", UUID)
"""Who is told: a webhook by its id, a person by the user's."""
WorkerId = NewType("WorkerId", UUID)
"""A process that delivers, in one of its lives."""

GIVE_UP_AFTER = timedelta(hours=24)
"""How long a delivery is tried."""
FIRST_RETRY = timedelta(seconds=5)
RETRY_MAX = timedelta(hours=2)
"""The longest pause between two attempts."""
JITTER = 0.2
"""By which part of it a pause is longer or shorter, so that what failed together does not come back together."""
DELIVERIES_KEPT = timedelta(days=30)
"""How long what is done can be looked up and made again."""
ERROR_MAX = 300
"""So many characters of what went wrong are kept."""


class Channel(StrEnum):
    """How a target is told."""

    WEBHOOK = "webhook"
    MAIL = "mail"


class DeliveryState(StrEnum):
    """``pending`` is still to be made; the others are ends."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was tried for a day, or the target is gone for good."""
    DROPPED = "dropped"
    """There was nobody to tell any more, or nothing worth telling."""


@attrs.frozen(kw_only=True)
class Attempt:
    """One try to make a delivery."""

    number: int
    at: datetime
    ms: int
    """How long it took, in milliseconds."""
    status: int | None = None
    """What the target answered: of HTTP or of SMTP; None if it did not answer."""
    error: str | None = None
    """What went wrong; None if nothing did."""


@attrs.frozen(kw_only=True)
class Lane:
    """The deliveries of one event to one target."""

    event_id: EventId
    target_id: TargetId
    channel: Channel


@attrs.frozen(kw_only=True)
class Delivery:
    """One line of an event's journal for one target."""

    id: DeliveryId
    event_id: EventId
    target_id: TargetId
    channel: Channel
    number: int
    """Of the journal line."""
    kind: str
    """Of the journal line."""
    planned_at: datetime
    due_at: datetime
    give_up_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    done_at: datetime | None = None

    @property
    def lane(self) -> Lane:
        """The lane it is in."""
        return Lane(event_id=self.event_id, target_id=self.target_id, channel=self.channel)

    @property
    def is_pending(self) -> bool:
        """Tell whether it is still to be made."""
        return self.state is DeliveryState.PENDING

    def delivered(self, at: datetime) -> Delivery:
        """Return it made, by one more attempt."""
        return self._tried(DeliveryState.DELIVERED, at)

    def failed(self, at: datetime) -> Delivery:
        """Return it failed for good, by one more attempt."""
        return self._tried(DeliveryState.FAILED, at)

    def failed_or_to_be_retried(self, at: datetime, chance: float) -> Delivery:
        """Return it after an attempt that came to nothing: due again later, or failed when its day is over.

        Args:
            at: when the attempt ended.
            chance: a number from 0 to 1, of which the jitter is made.
        """
        if at >= self.give_up_at:
            return self.failed(at)
        due_at = min(at + pause_after(self.attempts + 1, chance), self.give_up_at)
        return attrs.evolve(self, attempts=self.attempts + 1, due_at=due_at)

    def failed_untried(self, at: datetime) -> Delivery:
        """Return it failed for good without an attempt: the target cannot be told anything."""
        return attrs.evolve(self, state=DeliveryState.FAILED, done_at=at)

    def dropped(self, at: datetime) -> Delivery:
        """Return it given up without an attempt: there is nobody to tell, or nothing worth telling."""
        return attrs.evolve(self, state=DeliveryState.DROPPED, done_at=at)

    def to_be_made_again(self, at: datetime) -> Delivery:
        """Return it to be made now, with another day to try; its attempts go on counting."""
        return attrs.evolve(
            self, state=DeliveryState.PENDING, due_at=at, give_up_at=at + GIVE_UP_AFTER, done_at=None
        )

    def _tried(self, state: DeliveryState, at: datetime) -> Delivery:
        return attrs.evolve(self, state=state, attempts=self.attempts + 1, done_at=at)


def pause_after(attempts: int, chance: float) -> timedelta:
    """Return how long to wait after so many attempts: 5 seconds, then four times as long each time, up to 2 hours."""
    times: int = 4 ** min(attempts - 1, 10)
    pause = min(FIRST_RETRY * times, RETRY_MAX)
    return pause * (1 + JITTER * (2 * chance - 1))


@attrs.frozen(kw_only=True)
class OutboxLine:
    """A line of the journal that nobody was told of yet."""

    line: JournalLine
    organiser_id: UserId
    """Whose event it is, or was."""
    user_id: UserId | None
    """Whose booking or entry the line is about."""


class Planning(Protocol):
    """Some lines that nobody was told of yet, in the hands of the one planner there is at a time."""

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to plan."""

    def lines(self) -> Sequence[OutboxLine]:
        """Return the lines; those of one event in order, and none before it was planned."""

    def plan(self, deliveries: Sequence[Delivery]) -> None:
        """Add these deliveries and take the lines out of the outbox, in one transaction."""


class Outbox(Protocol):
    """What was recorded and not planned yet. Whatever is committed to the journal comes out, once."""

    def planning(self, limit: int) -> AbstractContextManager[Planning | None]:
        """Take at most ``limit`` lines, or None while another process plans.

        Leaving without ``plan`` leaves them where they were.
        """

    def backlog(self, most: int) -> int:
        """Return how much is not planned yet, in the store's own notes, counted up to ``most``; 0 is nothing."""


class Deliveries(Protocol):
    """The deliveries, and who makes which of them now.

    A worker holds what it claimed while it is alive: as long as its last ``beat`` says. Then others may take over.
    How long that is the store measures itself, so that the clocks of two machines may differ.
    """

    def beat(self, worker: WorkerId, lease: timedelta) -> None:
        """Say that a worker is alive, and will be for so long."""

    def leave(self, worker: WorkerId) -> None:
        """Say that a worker is gone; what it held may be claimed at once."""

    def claim(
        self, worker: WorkerId, now: datetime, limit: int, channels: Collection[Channel] = tuple(Channel)
    ) -> Sequence[Lane]:
        """Return at most ``limit`` lanes of these channels with something due, no two of one target, and hold them.

        A target that is being told something is left alone until that is over.
        """

    def held(self, worker: WorkerId) -> Sequence[Lane]:
        """Return the lanes that a worker holds."""

    def pending(self, lane: Lane, limit: int) -> Sequence[Delivery]:
        """Return the first deliveries of a lane that are still to be made, in the order of the journal."""

    def note(self, worker: WorkerId, delivery: Delivery, attempt: Attempt | None) -> bool:
        """Keep how a delivery stands and how it was tried; False, changing nothing, if the lane is lost."""

    def release(self, worker: WorkerId, lane: Lane) -> None:
        """Let go of a lane; it is due again when its first delivery is."""

    def hold_back(self, target_id: TargetId, until: datetime) -> None:
        """Let nothing be due before then for a target that cannot be told anything now."""

    def next_due(self, channels: Collection[Channel] = tuple(Channel)) -> datetime | None:
        """Return when the next lane of these channels is due that nobody holds; None if there is none."""

    def delivery(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return a delivery."""

    def of_target(self, target_id: TargetId, before: DeliveryId | None, limit: int) -> Sequence[Delivery]:
        """Return at most ``limit`` deliveries to a target, newest first, from those older than ``before``."""

    def attempts(self, delivery_ids: Sequence[DeliveryId]) -> dict[DeliveryId, tuple[Attempt, ...]]:
        """Return how these were tried, oldest first."""

    def make_again(self, delivery: Delivery) -> None:
        """Keep a delivery that is to be made (again), and let its lane be due when it is."""

    def forget(self, before: datetime) -> int:
        """Forget deliveries that were done before then; return how many."""
