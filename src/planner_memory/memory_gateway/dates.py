"""Dates that a question names, as intervals: "on 7 May 2023", "in March", "last week"."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time

_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH = (
    r"(?P<month>january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
)
_ISO = re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{2})(?:-(?P<day>\d{2}))?\b")
_DAY_FIRST = re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}\b\.?,?(?: (?P<year>\d{{4}}))?")
_MONTH_FIRST = re.compile(rf"\b{_MONTH}\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}}))?")
_MONTH_ALONE = re.compile(rf"\b(?:(?P<before>in|during|of|since|last|early|late|mid|this) )?{_MONTH}\b,?(?: (?P<year>\d{{4}}))?")
_YEAR = re.compile(r"\b(?:in|during|of|since) (?P<year>(?:19|20)\d{2})\b")
_FADES_OVER = timedelta(days=7)


def named_intervals(query: str, now: datetime, tz: ZoneInfo) -> list[Interval]:
    """Every date, month, year or relative day that the text names, as local days in UTC. A date without a year is its last occurrence up to today."""
    text = query.lower()
    today = now.astimezone(tz).date()
    found = [*_relative(text, today)]
    taken = text
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST, _MONTH_ALONE, _YEAR):
        for match in pattern.finditer(taken):
            span = _span(match.groupdict(), today)
            if span:
                found.append(span)
        taken = pattern.sub(" ", taken) if pattern is not _MONTH_ALONE else taken
    return [Interval(at_wall_time(first, datetime.min.time(), tz), at_wall_time(last, datetime.min.time(), tz)) for first, last in found]


def nearness(occurred_at: datetime, intervals: list[Interval]) -> float:
    """1 inside a named interval, falling to 0 a week away from it: what happened on a day is often told a few days later."""
    best = 0.0
    at = occurred_at.astimezone(UTC)
    for each in intervals:
        away = max(each.start - at, at - each.end, timedelta(0))
        best = max(best, 1 - away / _FADES_OVER)
    return max(0.0, best)


def _span(parts: dict[str, str | None], today: date) -> tuple[date, date] | None:
    number = int(parts["number"] or 0) if "number" in parts else _month_number(parts.get("month"))
    year, day = parts.get("year"), parts.get("day")
    if number is None:
        return (date(int(year), 1, 1), date(int(year) + 1, 1, 1)) if year else None
    if parts.get("month") == "may" and "before" in parts and not parts["before"] and not year:
        return None  # the verb
    try:
        first = date(int(year) if year else today.year, number, int(day) if day else 1)
        if not year and first > today:
            first = first.replace(year=first.year - 1)
    except ValueError:
        return None
    if day:
        return first, first + timedelta(days=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _month_number(name: str | None) -> int | None:
    return next((i + 1 for i, full in enumerate(_NAMES) if full.startswith(name[:3])), None) if name else None


def _relative(text: str, today: date) -> Iterator[tuple[date, date]]:
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    spans = {
        "today": (today, today + timedelta(days=1)),
        "yesterday": (today - timedelta(days=1), today),
        "this week": (monday, monday + timedelta(days=7)),
        "last week": (monday - timedelta(days=7), monday),
        "this month": (first, (first + timedelta(days=32)).replace(day=1)),
        "last month": ((first - timedelta(days=1)).replace(day=1), first),
    }
    for phrase, span in spans.items():
        if re.search(rf"\b{phrase}\b", text):
            yield span
