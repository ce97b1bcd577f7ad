"""How often something may happen: so often in a window of time that opens with the first."""

from __future__ import annotations

import re
from typing import Protocol, Self

import attrs

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_RATE = re.compile(r"(\d{1,9}) *(?:per|/) *(\d{1,5})? *(second|minute|hour|day)s?", re.ASCII | re.IGNORECASE)


@attrs.frozen
class Rate:
    """A limit such as 100 per 15 minutes."""

    amount: int = attrs.field(validator=attrs.validators.ge(1))
    seconds: int = attrs.field(validator=attrs.validators.ge(1))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rate that a text such as ``100 per 15 minutes`` or ``5/second`` means.

        Raises:
            ValueError: it means none.
        """
        found = _RATE.fullmatch(text.strip())
        if found is None:
            raise ValueError("A rate looks like 100 per 15 minutes.")
        amount, multiple, unit = found.groups()
        return cls(int(amount), int(multiple or 1) * _UNITS[unit.lower()])


@attrs.frozen
class Counted:
    """How often something happened in the window that is open, this time included."""

    count: int
    seconds_left: float
    """Until the window closes."""


class Counters(Protocol):
    """Counts what happens under a name; a count is forgotten when its window closes."""

    def count(self, name: str, seconds: int) -> Counted:
        """Count once more. The first opens a window of so many seconds, which nothing extends.

        Raises:
            Unavailable: who counts cannot be reached.
        """
