"""The intake: requests for seats that are accepted now, durably, and decided later, in the order accepted.

A request whose acceptance was answered is not lost, whatever is killed. The requests of one event are decided
first in, first out, in batches, by whoever drains the intake; each is settled once, in the transaction that
records what was decided about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import attrs

from evently_core.commands import Book, JoinWaitlist
from evently_core.documents import seat_request_from
from evently_core.errors import EventlyError
from evently_core.outcomes import Admitted, Failed, Refused, Rejected
from evently_core.reasons import Reason, ReasonCode
from evently_core.values import EventId, RequestId, UserId

SeatRequest = Book | JoinWaitlist
"""What may be queued. Whoever gives seats back, and whoever organises, never waits behind those who ask."""

DEPTH_MAX = 1_000_000
"""The most requests that wait for one event; who comes then is told that it is too much."""


class RequestState(StrEnum):
    """Where a request is: it waits, seats or a place in line came of it, or nothing did."""

    QUEUED = "queued"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """It could not be decided: our own fault. It was set aside, so that those behind it go on."""


@attrs.frozen(kw_only=True)
class Asked:
    """A request on its way in."""

    id: RequestId
    command: SeatRequest
    at: datetime


@attrs.frozen(kw_only=True)
class Receipt:
    """A request was accepted: it will be decided, whatever happens to this process."""

    id: RequestId
    ahead: int
    """How many requests for the same event were still to be decided before it."""
    replayed: bool = False
    """The same request waits under its key already: this is its receipt."""


def reused() -> Refused:
    """Return the refusal of another request under a key whose request still waits."""
    return Refused(Reason(ReasonCode.IDEMPOTENCY_KEY_REUSED))


@attrs.frozen
class QueueFull:
    """A request was not accepted: too many wait for the event."""


Acceptance = Receipt | Refused | QueueFull
"""What becomes of a request on its way in."""


class StillQueued(EventlyError):
    """The request was accepted, and it is not its turn yet; its receipt says where to ask for the answer."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(f"Others asked before. The request waits for its turn under the id {receipt.id}.")
        self.receipt = receipt


class SetAside(EventlyError):
    """The request could not be decided: our own fault, which the log knows more about."""


@attrs.frozen(kw_only=True)
class QueuedRequest:
    """A request whose turn it is."""

    id: RequestId
    event_id: EventId
    user_id: UserId
    sequence: int
    """Its number among the requests of its event, in the order accepted, without gaps."""
    document: Mapping[str, Any]
    """The command, as `documents` writes it."""
    redelivered: bool = False
    """It was given out before, and may have been settled since."""

    def command(self) -> SeatRequest:
        """Return what is asked for. Raises whatever is wrong with the document."""
        return seat_request_from(self.document)

    def settled(self, outcome: Admitted | Refused | Rejected | Failed, at: datetime) -> Settlement:
        """Return what came of it."""
        return Settlement(
            id=self.id,
            event_id=self.event_id,
            user_id=self.user_id,
            sequence=self.sequence,
            outcome=outcome,
            at=at,
        )


@attrs.frozen(kw_only=True)
class Settlement:
    """What came of a queued request."""

    id: RequestId
    event_id: EventId
    user_id: UserId
    sequence: int
    outcome: Admitted | Refused | Rejected | Failed
    at: datetime

    @property
    def state(self) -> RequestState:
        """Done, refused or failed."""
        match self.outcome:
            case Admitted():
                return RequestState.DONE
            case Failed():
                return RequestState.FAILED
        return RequestState.REFUSED


@attrs.frozen(kw_only=True)
class Waiting:
    """A request that is still to be decided, as its asker sees it."""

    user_id: UserId
    ahead: int


@attrs.frozen(kw_only=True)
class QueueFigures:
    """What there is to know about the queue as a whole. Its rates are how fast ``accepted`` and ``decided`` rise."""

    depth: int
    """Requests that are still to be decided."""
    events: int
    """Events that have such requests."""
    oldest: datetime | None
    """When the one that waits longest was accepted."""
    accepted: int
    """Requests that were ever accepted."""
    decided: int
    """Requests that were ever decided."""


class Intake(Protocol):
    """Where accepted requests wait. Threads and processes share it."""

    def accept(self, event_id: EventId, asked: Sequence[Asked]) -> Sequence[Acceptance]:
        """Accept requests for one event, in this order, behind all that were accepted before.

        They are durable when this returns. Accepting waits for no decision that is under way.

        Returns:
            For each its receipt; the receipt of the same request that waits under the same key already; a
            refusal if another request waits under that key; or that the queue is full.

        Raises:
            Unavailable: whether they were accepted is not known.
        """

    def claim(self, limit: int) -> AbstractContextManager[Sequence[QueuedRequest]]:
        """Give the next requests of an event, or of several, in the order accepted; none if none waits.

        While the context is open nobody else is given requests of these events. A claim whose process died is
        free within five seconds. Leaving the context says that all of them are settled; leaving it with an
        exception gives what is not settled out again.
        """

    def find(self, request_id: RequestId) -> Waiting | None:
        """Return a request that waits; None if there is none, or none any more."""

    def unseen(self, event_id: EventId) -> int:
        """Return how many requests for an event wait that the inventory of the event does not tell of."""

    def figures(self) -> QueueFigures:
        """Return what there is to know about the queue as a whole."""
