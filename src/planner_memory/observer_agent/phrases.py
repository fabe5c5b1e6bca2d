"""Counts, durations and dates as the prose has them."""

from collections.abc import Sequence
from datetime import date, datetime

from planner_memory.observer_agent.numbers import plain

_SAME_YEAR_DAYS = 180


def duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def count(n: float, noun: str, plural: str | None = None) -> str:
    return f"{plain(n)} {noun if n == 1 else plural or noun + 's'}"


def percentage(value: float) -> str:
    """In whole percent; with its decimal where whole percent would say "all" or "nothing" of what is not."""
    return f"{plain(value if 0 < value < 1 or 99 < value < 100 else round(value))} %"


def day(value: date) -> str:
    return f"{value:%A} {value.day} {value:%B %Y}"


def short_day(value: date, near: date | None) -> str:
    """Without the year when that is plain from the date that the reader has before them."""
    return f"{value:%A} {value.day} {value:%B}" if near is not None and abs((value - near).days) < _SAME_YEAR_DAYS else day(value)


def moment(value: datetime, near: date | None = None) -> str:
    return f"{value:%H:%M} on {short_day(value.date(), near)}"


def quoted(names: Sequence[str], shown: int) -> str:
    """The first few names in quotes, as one phrase."""
    first = [f"“{name}”" for name in names[:shown]]
    if len(names) > shown:
        return ", ".join(first) + " and others"
    return " and ".join(filter(None, [", ".join(first[:-1]), first[-1]]))


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
