"""Files of comma-separated values: what is exported can be imported elsewhere, line by line.

Importing may be repeated: every line has a key, its own or one made of its content, and has its effect once. A line
that is refused is told of with its number and its reason, and does not keep the others out.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import attrs
import click

from evently_cli.desk import progress, show, time_of, told
from evently_cli.failures import REFUSED, WRONG_USAGE, fail
from evently_core.errors import EventlyError, InvalidValue, Unavailable
from evently_core.outcomes import Refused

LINE_LENGTH_MAX = 1_000_000
"""The longest cell that is read."""
YES, NO = ("yes", "true", "1"), ("no", "false", "0")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet would take for a formula, unless there is an apostrophe before it."""

import_argument = click.argument("file", type=click.File(encoding="utf-8-sig", errors="surrogateescape"))
export_argument = click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))


@attrs.frozen
class Line:
    """A line of a file: its number, and its cells by column. An empty cell is as good as none."""

    number: int
    cells: Mapping[str, str]
    fault: str | None = None
    """What is wrong with the line as a whole."""

    def text(self, column: str) -> str | None:
        """Return what stands in a column; None if nothing does."""
        return self.cells.get(column) or None

    def required(self, column: str) -> str:
        """Return what stands in a column.

        Raises:
            InvalidValue: nothing does.
        """
        text = self.text(column)
        if text is None:
            raise InvalidValue(column, "required", "The cell is empty.")
        return text

    def whole(self, column: str) -> int | None:
        """Return the whole number in a column.

        Raises:
            InvalidValue: it is none.
        """
        text = self.text(column)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            raise InvalidValue(column, "not_an_integer", f"{text!r} is no whole number.")
        return int(text)

    def flag(self, column: str) -> bool | None:
        """Return the yes or no in a column.

        Raises:
            InvalidValue: it is neither.
        """
        text = self.text(column)
        if text is None:
            return None
        if text.casefold() not in YES + NO:
            raise InvalidValue(column, "not_a_flag", f"{text!r} is neither yes nor no.")
        return text.casefold() in YES

    def time(self, column: str, zone: str) -> datetime | None:
        """Return the time in a column; one without an offset is in this zone.

        Raises:
            InvalidValue: it is no time.
        """
        text = self.text(column)
        return None if text is None else time_of(text, zone, column)


@attrs.frozen(kw_only=True)
class Came:
    """What came of a line: a word such as ``booked``, and the id of the thing it made or found."""

    line: int
    outcome: str
    id: Any = None
    reason: Mapping[str, Any] | None = None
    """Why it was refused or left out: ``code`` and ``detail``, and the figures beside them."""


def refused(number: int, code: str, detail: str, figures: Mapping[str, Any] | None = None) -> Came:
    """Return that a line was refused, and why."""
    return Came(line=number, outcome="refused", reason={"code": code, "detail": detail, **(figures or {})})


def refused_by(number: int, answer: Refused) -> Came:
    """Return that a rule refused a line."""
    figures = {name: value for name, value in answer.reason.figures.items() if value is not None}
    return refused(number, answer.reason.code, answer.reason.sentence, figures)


def read_lines(file: TextIO, columns: Sequence[str], needed: Sequence[str]) -> list[Line]:
    """Read a file whose first line names its columns, with commas or, as some spreadsheets write, semicolons.

    Exits with wrong usage if a needed column is missing, or one is named that nobody knows.
    """
    text = file.read()
    first = text.split("\n", 1)[0]
    csv.field_size_limit(LINE_LENGTH_MAX)
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = [name.strip().casefold() for name in next(rows, [])]
    known = ", ".join(columns)
    for name in header:
        if name not in columns or header.count(name) > 1:
            fail(
                f"The first line names a column {name!r}, unknown or twice. There are: {known}.", WRONG_USAGE
            )
    if missing := [name for name in needed if name not in header]:
        fail(f"The first line names no column {missing[0]!r}. There are: {known}.", WRONG_USAGE)
    return list(_lines(rows, header))


def _lines(rows: Any, header: Sequence[str]) -> Iterator[Line]:
    while True:
        number = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Line(number, {}, f"It cannot be read: {error}.")
            continue
        if len(cells) > len(header):
            yield Line(number, {}, f"It has {len(cells)} cells, and the first line names {len(header)}.")
        elif any(cell.strip() for cell in cells):
            yield Line(number, dict(zip(header, map(_as_meant, cells), strict=False)))


def _as_meant(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell.strip()


def carry_out(lines: Sequence[Line], step: Callable[[Line], Came], what: str) -> list[Came]:
    """Do something with each line; what is wrong with one is its own affair.

    Raises:
        Unavailable: the store is gone; it has been said how far things came.
    """
    came: list[Came] = []
    with progress(lines, what) as shown:
        for line in shown:
            try:
                came.append(_one(line, step))
            except Unavailable:
                click.echo(
                    f"Stopped at line {line.number}. Import the file again: nothing is done twice.", err=True
                )
                raise
    return came


def _one(line: Line, step: Callable[[Line], Came]) -> Came:
    if line.fault is not None:
        return refused(line.number, "unreadable", line.fault)
    try:
        return step(line)
    except InvalidValue as wrong:
        return refused(line.number, wrong.code, f"{wrong.field}: {wrong.message}")
    except Unavailable:
        raise
    except EventlyError as error:
        return refused(line.number, getattr(error, "code", type(error).__name__.lower()), str(error))


def tell(came: Sequence[Came], *, dry_run: bool, as_json: bool) -> None:
    """Tell what came of all lines; exit with 1 if some were refused."""
    counts = Counter(each.outcome for each in came)
    if as_json:
        shapes = [attrs.asdict(each, recurse=False) for each in came]
        show(
            {"dry_run": dry_run, "lines": len(came), "outcomes": dict(counts), "results": shapes},
            as_json=True,
        )
    else:
        for each in came:
            if each.reason is not None:
                click.echo(f"Line {each.line} {_word(each.outcome)}: {_why(each.reason)}", err=True)
        summary = ", ".join(f"{count} {_word(outcome)}" for outcome, count in counts.items())
        told(f"{len(came)} lines: {summary}" if came else "The file has no lines", dry_run=dry_run)
    if counts["refused"]:
        sys.exit(REFUSED)


def _word(outcome: str) -> str:
    return outcome.replace("_", " ")


def _why(reason: Mapping[str, Any]) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in reason.items() if name not in ("code", "detail"))
    return f"{reason['detail']}" + (f" ({figures})" if figures else "")


def write_lines(file: Path | None, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows into a file, which is there whole or not at all, or to standard output."""
    if file is None:
        _write(sys.stdout, columns, rows)
        return
    part = file.with_name(f".{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as target, progress(rows, "Exporting") as shown:
            count = _write(target, columns, shown)
        part.replace(file)
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}.", WRONG_USAGE)
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{count} lines written to {file}.")


def _write(target: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
        count += 1
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text
