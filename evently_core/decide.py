"""`decide`: a batch of commands about one event is answered, one after another, each with its pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import attrs

from evently_core.admission import GRANTS_MAX, Allowance, run_pass
from evently_core.commands import Advance, Book, Command, JoinWaitlist
from evently_core.decision import Decision
from evently_core.inventory import Answered, Inventory, LoadMore
from evently_core.lines import NotLoaded
from evently_core.outcomes import KEPT, Deferred, EntryChanged, EventSettled, Outcome, Refused
from evently_core.reasons import MENDABLE, Reason, ReasonCode
from evently_core.sheet import Sheet
from evently_core.steps import first_step


def decide(
    inventory: Inventory,
    commands: Sequence[Command],
    now: datetime,
    ids: Iterator[UUID],
    *,
    grants_max: int | None = GRANTS_MAX,
) -> Decision | LoadMore:
    """Decide a batch of commands about one event, in order. A single command is a batch of one.

    Pure: the same snapshot, commands, time and ids give the same decision. Each command has its own pass, so
    that grouping changes nothing: n commands in one batch are answered exactly as n batches of one.

    If a pass has more to grant than ``grants_max`` (None: no bound), the decision stops there, unsettled,
    with the commands behind it unanswered; the next transaction goes on where this one stopped.

    Returns:
        The decision, or `LoadMore` if the inventory does not hold what it takes.
    """
    sheet = Sheet(inventory, now, ids)
    outcomes: list[Outcome] = []
    allowance = Allowance(grants_max)
    try:
        settled = run_pass(sheet, allowance)
        opening = sheet.settlement()
        for command in commands:
            if not settled:
                break
            outcome, settled = _answer(sheet, command, allowance)
            outcomes.append(outcome)
    except NotLoaded as missing:
        return missing.load_more
    return sheet.decision(opening, outcomes, settled=settled)


def _answer(sheet: Sheet, command: Command, allowance: Allowance) -> tuple[Outcome, bool]:
    """Answer one command: from its key, or by its first step and a pass."""
    if command.key is not None and (kept := sheet.answered(command.key)) is not None:
        return replay(kept, command), True
    if sheet.inventory.queued and isinstance(command, Book | JoinWaitlist):
        return Deferred(), True  # whoever was accepted before is decided before (I4)
    cause = command.cause if isinstance(command, Advance) else command.name
    sheet.acting(command.actor, cause, getattr(command, "reason", None))
    sheet.granted.clear()
    outcome = first_step(sheet, command)
    settled = run_pass(sheet, allowance)
    if isinstance(outcome, EventSettled):
        outcome = sheet.settlement()
    elif isinstance(outcome, EntryChanged):
        outcome = _as_it_is_now(sheet, outcome)  # whoever is moved to the front may be served at once
    if command.key is not None and _is_kept(outcome):
        sheet.keep_answer(command.key, Answered(command.fingerprint(), outcome))
    return outcome, settled


def _as_it_is_now(sheet: Sheet, outcome: EntryChanged) -> EntryChanged:
    entry = sheet.entry(outcome.entry.id)
    assert entry is not None, "an entry never goes away"
    return attrs.evolve(outcome, entry=entry)


def _is_kept(outcome: Outcome) -> bool:
    return isinstance(outcome, KEPT) and not (
        isinstance(outcome, Refused) and outcome.reason.code in MENDABLE
    )


def replay(kept: Answered, command: Command) -> Outcome:
    """Answer the same again to the same, and refuse anything else under that key (I6)."""
    if kept.fingerprint != command.fingerprint():
        return Refused(Reason(ReasonCode.IDEMPOTENCY_KEY_REUSED))
    return attrs.evolve(kept.outcome, replayed=True)
