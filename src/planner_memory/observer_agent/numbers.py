"""Finds every number, percentage, duration, date and time of day in a prose, written in digits or in words."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["count", "percent", "minutes", "factor", "date", "time", "weekday", "week", "year"]


def plain(value: float) -> str:
    """A number as prose has it: no exponent, no zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a number may mean. `precision` is the size of its last digit: 1 for "12", 0.1 for "12.5"; 0.1 h is 6 minutes.

    `value` is a Decimal; (year or None, month or None, day) for a date; (hour, minute) for a time; 0 (Monday) to 6 for a weekday.
    """

    kind: Kind
    value: Any
    precision: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Mention:
    """One number as the prose has it, and where. `others` are further meanings: "1,234", "9h30", "three times". `is_rough`: "about" or the like."""

    text: str
    kind: Kind
    value: Any
    precision: Decimal = Decimal(1)
    start: int = 0
    end: int = 0
    is_rough: bool = False
    weekday: int | None = None  # of a date, when it is said before it
    others: tuple[Reading, ...] = ()
    is_each: bool = False  # told without a number: "no meetings", "both runs"
    leans: int = 0  # 1: "more than" or the like stands before it, so that the exact value is a little above; -1: a little below

    def meanings(self) -> Iterator["Mention"]:
        """The mention once for each of its meanings, the likeliest first."""
        yield replace(self, others=())
        for other in self.others:
            yield replace(self, kind=other.kind, value=other.value, precision=other.precision, others=())
