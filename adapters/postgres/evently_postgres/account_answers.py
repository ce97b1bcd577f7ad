"""Answers kept under idempotency keys that are not about one event: those to who makes accounts, webhooks and the like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from evently_core.accounts import AnswerKey, KeyReused
from evently_core.errors import Conflict
from evently_postgres.account_tables import account_answers


def begin_answer(connection: Connection, key: AnswerKey, at: datetime) -> bool:
    """Take the key; False if it is taken. While another transaction is taking it, this waits for that one."""
    statement = insert_or_not(account_answers).values(
        scope=key.scope, key=key.key, fingerprint=key.fingerprint, answered_at=at
    )
    taking = statement.on_conflict_do_nothing().returning(account_answers.c.key)
    return connection.execute(taking).first() is not None


def keep_answer(connection: Connection, key: AnswerKey, answer: Mapping[str, Any]) -> None:
    """Keep the answer under a key that was taken in this transaction."""
    connection.execute(update(account_answers).where(_is(key)).values(answer=answer))


def kept_answer(connection: Connection, key: AnswerKey) -> Mapping[str, Any]:
    """Return the answer under a key.

    Raises:
        KeyReused: the key came with another fingerprint before.
        Conflict: the answer was forgotten at this moment.
    """
    kept = connection.execute(select(account_answers).where(_is(key))).one_or_none()
    if kept is None:
        raise Conflict("The answer was forgotten at this moment; ask again.")
    if kept.fingerprint != key.fingerprint:
        raise KeyReused
    answer: Mapping[str, Any] = kept.answer
    return answer


def _is(key: AnswerKey) -> ColumnElement[bool]:
    return (account_answers.c.scope == key.scope) & (account_answers.c.key == key.key)
