"""A journal as people read it, and what is new in it since the last look."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from evently_cli.desk import emails, local
from evently_core.paging import LIMIT_MAX, PageRequest
from evently_core.storage import JournalLine
from evently_core.values import Actor, EventId, UserId

if TYPE_CHECKING:
    from evently_wiring.application import Application


LOOK_SECONDS = 0.5
"""How often it is looked whether something is new."""
_FIGURES = ("quantity", "asked", "freed", "returned", "priority", "status")


class Diary:
    """Says what lines of a journal mean to people: users by their e-mails, times in the event's zone."""

    COLUMNS = ("no", "at", "what", "by", "cause", "reason", "in short")

    def __init__(self, app: Application, zone: str) -> None:
        """Know nobody yet."""
        self._app = app
        self._zone = zone
        self._known: dict[UserId, str] = {}

    def rows(self, lines: Sequence[JournalLine]) -> list[tuple[Any, ...]]:
        """Return lines as rows under the columns."""
        self._meet(lines)
        return [
            (line.number, local(line.at, self._zone), line.kind, self._actor(line), line.cause, line.reason or "",
             self._gist(line.data))
            for line in lines
        ]  # fmt: skip

    def sentence(self, line: JournalLine) -> str:
        """Return a line as one sentence, to the second."""
        self._meet([line])
        at = line.at.astimezone(ZoneInfo(self._zone))
        by, gist = self._actor(line), self._gist(line.data)
        said = [gist, "" if gist.startswith(by) else f"by {by}", line.reason or ""]
        return f"{at:%Y-%m-%d %H:%M:%S}  {line.number:>6}  {line.kind}: {', '.join(filter(None, said))}"

    def _meet(self, lines: Iterable[JournalLine]) -> None:
        strangers = {user_id for line in lines for user_id in _people_in(line)} - self._known.keys()
        if strangers:
            self._known.update(emails(self._app, strangers))

    def _actor(self, line: JournalLine) -> str:
        return line.actor if line.actor_id is None else self._known.get(line.actor_id, line.actor)

    def _gist(self, data: Mapping[str, Any]) -> str:
        """Return what a fact says, short enough for a table: whose it is, its figures, what was changed."""
        subject = _subject(data)
        user_id = subject.get("user_id")
        words = [] if user_id is None else [self._known.get(UserId(UUID(str(user_id))), str(user_id))]
        words += [f"{name} {subject[name]}" for name in _FIGURES if subject.get(name)]
        words += [f"{name} {before} → {after}" for name, (before, after) in data.get("changes", {}).items()]
        if passed_over := data.get("passed_over"):
            words.append(f"went past {len(passed_over)}")
        words += [f"{each['what']} {each['recorded']} → {each['true']}" for each in data.get("mended", ())]
        return ", ".join(words)


def _people_in(line: JournalLine) -> Iterator[UserId]:
    if line.actor_id is not None:
        yield line.actor_id
    if (user_id := _subject(line.data).get("user_id")) is not None:
        yield UserId(UUID(str(user_id)))


def _subject(data: Mapping[str, Any]) -> Mapping[str, Any]:
    subject: Mapping[str, Any] = data.get("booking") or data.get("entry") or data
    return subject


class Follower:
    """Reads a journal from its end."""

    def __init__(self, app: Application, actor: Actor, event_id: EventId) -> None:
        """Begin at the end: only what comes later is new."""
        self._app = app
        self._actor = actor
        self._event_id = event_id
        self.number = 0
        """That of the newest line that was read."""
        self.last(1)

    def last(self, count: int) -> list[JournalLine]:
        """Return the last lines there are, at most so many, in the order things happened; later ones are new."""
        lines: list[JournalLine] = []
        for line in self._backwards():
            if len(lines) == count:
                break
            lines.append(line)
        return self._read(lines)

    def new(self, most: int | None = None) -> list[JournalLine]:
        """Return what was written since the last look, in order; of more than ``most`` only the newest."""
        lines: list[JournalLine] = []
        for line in self._backwards():
            if line.number <= self.number or (most is not None and len(lines) == most):
                break
            lines.append(line)
        return self._read(lines)

    def _read(self, lines: Sequence[JournalLine]) -> list[JournalLine]:
        if lines:
            self.number = lines[0].number
        return list(reversed(lines))

    def _backwards(self) -> Iterator[JournalLine]:
        cursor: str | None = None
        while True:
            request = PageRequest(LIMIT_MAX, cursor)
            page = self._app.evently.events.journal(self._actor, self._event_id, request, newest_first=True)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return


def each(seconds: float) -> Iterator[float]:
    """Come up every so many seconds, until somebody presses Ctrl-C; yield how long it was since the last time."""
    before = due = time.monotonic()
    while True:
        due = max(due + seconds, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        yield now - before
        before = now


def bar(part: int, whole: int, width: int) -> str:
    """Return a part of a whole as a bar."""
    full = width if whole <= 0 else min(width, round(width * part / whole))
    return "█" * full + "░" * (width - full)


def sparkline(figures: Sequence[float], width: int) -> str:
    """Return the last figures as small bars, the highest of them the largest."""
    shown = list(figures)[-width:]
    highest = max(shown, default=0.0)
    return "".join("▁" if figure <= 0 else "▂▃▄▅▆▇█"[int(6 * figure / highest)] for figure in shown)
