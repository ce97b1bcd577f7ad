"""What people do with requests that are decided later: hand them in, and ask what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from evently_core.combiner import Combiner
from evently_core.commands import Book, Command, JoinWaitlist, Key
from evently_core.decide import replay
from evently_core.errors import NotFound, Overloaded
from evently_core.event import EventStatus
from evently_core.intake import (
    Acceptance,
    Asked,
    Intake,
    QueueFigures,
    QueueFull,
    Receipt,
    RequestState,
    SeatRequest,
    SetAside,
    Settlement,
    StillQueued,
    Waiting,
)
from evently_core.inventory import Answered
from evently_core.outcomes import Admitted, Deferred, Failed, Outcome, Refused, Rejected
from evently_core.ports import Clock, Ids
from evently_core.services.decisions import CommandPort
from evently_core.storage import Records
from evently_core.values import Actor, EventId, RequestId
from evently_core.watch import WAITERS_MAX, Watch

PATIENCE_SECONDS = 10.0
"""How long somebody who wanted an answer at once waits for their turn in the queue."""

_EVENTS_KNOWN_MAX = 10_000


@attrs.frozen
class RequestView:
    """A request that was accepted, as its asker sees it."""

    id: RequestId
    state: RequestState
    ahead: int = 0
    """How many requests for the same event are to be decided before it."""
    outcome: Admitted | Refused | Rejected | Failed | None = None
    """What came of it; None while it waits."""


class QueueService:
    """The use cases around the intake. It is a `CommandPort` in which nobody overtakes those who were accepted."""

    def __init__(
        self,
        intake: Intake,
        desk: CommandPort,
        records: Records,
        clock: Clock,
        ids: Ids,
        *,
        waiters_max: int = WAITERS_MAX,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Take the ports; at most ``waiters_max`` threads wait for an answer at a time, for ``patience`` seconds."""
        self._intake = intake
        self._desk = desk
        self._records = records
        self._clock = clock
        self._ids = ids
        self._patience = patience
        self._accepting: Combiner[Asked, Acceptance | Admitted] = Combiner(self._accept)
        self._watch = Watch(records.settlements, waiters_max=waiters_max)
        self._known: set[EventId] = set()

    def figures(self) -> QueueFigures:
        """Return what there is to know about the queue as a whole."""
        return self._intake.figures()

    # -- asking -----------------------------------------------------------------------------------------------

    def ask(self, event_id: EventId, command: SeatRequest) -> Receipt | Admitted | Refused:
        """Accept a request, to be decided when it is its turn; what its key was answered before is the answer.

        Raises:
            NotFound: there is no such event, or the asker may not know of it.
            Overloaded: too many requests wait for the event.
            Unavailable: whether it was accepted is not known.
        """
        self._require_known(event_id, command.actor)
        asked = Asked(id=RequestId(self._ids.new()), command=command, at=self._clock.now())
        acceptance = self._accepting.submit(event_id, asked)
        if isinstance(acceptance, QueueFull):
            raise Overloaded("Too many requests wait for this event. Try again later.", retry_after=5)
        return acceptance

    def submit(self, event_id: EventId, command: Command) -> Outcome:
        """Have a command decided now, or, if it asks for seats and others were accepted before, behind them.

        Raises:
            StillQueued: it was accepted, but it is not its turn yet.
            SetAside: it could not be decided.
            NotFound, Overloaded, Unavailable: as `ask` and the desk say.
        """
        outcome = self._desk.submit(event_id, command)
        if not isinstance(outcome, Deferred):
            return outcome
        assert isinstance(command, Book | JoinWaitlist), "nobody else is deferred"
        receipt = self.ask(event_id, command)
        if not isinstance(receipt, Receipt):
            return receipt
        settlement = self._watch.wait(receipt.id, self._patience)
        if settlement is None:
            raise StillQueued(receipt)
        if isinstance(settlement.outcome, Failed):
            raise SetAside("The request could not be decided; that was our fault.")
        return settlement.outcome

    def _require_known(self, event_id: EventId, actor: Actor) -> None:
        if event_id in self._known:
            return
        event = self._records.event(event_id)
        if event is None:
            raise NotFound("event")
        if event.status is EventStatus.DRAFT:
            if not actor.may_organise(event.organiser_id):
                raise NotFound("event")
            return  # the next one who asks may be somebody else
        if len(self._known) >= _EVENTS_KNOWN_MAX:
            self._known.clear()
        self._known.add(event_id)  # drafts are the only events that are ever deleted

    def _accept(self, event_id: EventId, batch: Sequence[Asked]) -> Iterator[Acceptance | Admitted]:
        """Accept what arrived together, but for what its keys were answered before."""
        answered = self._answered(event_id, batch)
        fresh = [asked for asked in batch if _key_of(asked) not in answered]
        accepted = iter(self._intake.accept(event_id, fresh) if fresh else ())
        for asked in batch:
            kept = answered.get(_key_of(asked))
            yield next(accepted) if kept is None else _replayed(kept, asked)

    def _answered(self, event_id: EventId, batch: Sequence[Asked]) -> dict[Key | None, Answered]:
        keys = [key for key in map(_key_of, batch) if key is not None]
        return dict(self._records.answered(event_id, keys)) if keys else {}  # type: ignore[arg-type]  # None is never in it

    # -- reading ----------------------------------------------------------------------------------------------

    def request(self, actor: Actor, request_id: RequestId, *, wait: float = 0.0) -> RequestView:
        """Return a request to its asker and to admins; with ``wait`` seconds it is returned as soon as it is decided.

        Raises:
            NotFound: there is no such request, or it is not the actor's.
        """
        found = self._find(request_id)
        if found is None or not (actor.is_user(found.user_id) or actor.is_admin):
            raise NotFound("booking request")
        if isinstance(found, Waiting) and wait > 0:
            found = self._watch.wait(request_id, wait) or self._find(request_id) or found
        if isinstance(found, Waiting):
            return RequestView(request_id, RequestState.QUEUED, found.ahead)
        return RequestView(request_id, found.state, outcome=found.outcome)

    def _find(self, request_id: RequestId) -> Settlement | Waiting | None:
        return (
            self._settlement(request_id)
            or self._intake.find(request_id)
            or self._settlement(request_id)  # it was settled between the two looks
        )

    def _settlement(self, request_id: RequestId) -> Settlement | None:
        return self._records.settlements([request_id]).get(request_id)


def _key_of(asked: Asked) -> Key | None:
    return asked.command.key


def _replayed(kept: Answered, asked: Asked) -> Admitted | Refused:
    outcome = replay(kept, asked.command)
    assert isinstance(outcome, Admitted | Refused), outcome
    return outcome
