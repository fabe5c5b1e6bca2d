"""Finds every number, percentage, duration, date and time of day in a prose, and those that are none of the facts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["count", "percent", "minutes", "date", "time"]

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
    "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "dozen": 12, "twice": 2,
}  # fmt: skip
_COUNTED = r"(?=\s+(?:task|run|meeting|plan|event|block|step|hour|minute|day|week|timer|switch|workflow|template|deadline|percent))"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_VALUE = rf"(?:{_NUMBER}|\b(?:one|{'|'.join(_WORDS)})\b)"

_PATTERN = re.compile(
    rf"""
    (?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}\b)
  | \b(?P<day_a>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH.format("month_a")}(?:,?\s+(?P<year_a>\d{{4}})\b)?
  | \b{_MONTH.format("month_b")}\s+(?P<day_b>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:h\b|min|%))(?:,?\s+(?P<year_b>\d{{4}})\b)?
  | \b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\b(?!\s*(?:h\b|hours?\b))
  | (?P<sign>[+\-−]\s?)?(?P<percent>{_VALUE})\s*(?:%|percent\b|per\s+cent\b)
  | (?P<clock_h>\d+):(?P<clock_m>[0-5]\d)\s*(?:h|hours?)\b
  | (?P<hours>{_VALUE})[\s-]*(?:h|hrs?|hours?)\b(?:[\s,]*(?:and\s+)?(?P<with_min>{_VALUE})[\s-]*(?:m|mins?|minutes?)\b)?
  | (?P<minutes>{_VALUE})[\s-]*(?:m|mins?|minutes?)\b
  | \b(?P<half>half)\s+(?:of|the)\b
  | (?P<count>(?<![\w.,]){_NUMBER}(?:st|nd|rd|th)?(?![\w]))
  | \b(?P<word>{"|".join(_WORDS)})\b
  | \b(?P<one>one|a\s+single){_COUNTED}
  | (?P<rest>\d+(?:\.\d+)?)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def plain(value: float) -> str:
    """A number as prose has it: no exponent, no zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Mention:
    """One number as the prose has it. `precision` is the size of its last digit: 1 for "12", 0.1 for "12.5"; 0.1 h is 6 minutes."""

    text: str
    kind: Kind
    value: Any  # Decimal; (year or None, month, day) for a date; (hour, minute) for a time
    precision: Decimal = Decimal(1)


def _decimal(text: str) -> tuple[Decimal, Decimal]:
    text = re.sub(r"(?:st|nd|rd|th)$", "", text.lower().replace(",", ""))
    if text == "one" or text in _WORDS:
        return Decimal(_WORDS.get(text, 1)), Decimal(1)
    value = Decimal(text)
    exponent = value.as_tuple().exponent
    return value, Decimal(10) ** exponent if isinstance(exponent, int) and exponent < 0 else Decimal(1)


def _month(name: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, start=1) if month.startswith(name.lower()[:3]))


def _read(match: re.Match[str]) -> Mention:
    text, got = match.group().strip(), match.groupdict()
    if got["iso"]:
        year, month, day = map(int, got["iso"].split("-"))
        return Mention(text, "date", (year, month, day))
    for side in ("a", "b"):
        if got[f"month_{side}"]:
            stated = got[f"year_{side}"]
            return Mention(text, "date", (int(stated) if stated else None, _month(got[f"month_{side}"]), int(got[f"day_{side}"])))
    if got["hour"]:
        return Mention(text, "time", (int(got["hour"]), int(got["minute"])))
    if got["percent"]:
        value, precision = _decimal(got["percent"])
        return Mention(text, "percent", -value if got["sign"] and got["sign"][0] in "-−" else value, precision)
    if got["half"]:
        return Mention(text, "percent", Decimal(50))
    if got["clock_h"]:
        return Mention(text, "minutes", Decimal(int(got["clock_h"]) * 60 + int(got["clock_m"])))
    if got["hours"]:
        value, precision = _decimal(got["hours"])
        if got["with_min"]:
            return Mention(text, "minutes", value * 60 + _decimal(got["with_min"])[0])
        return Mention(text, "minutes", value * 60, precision * 60)
    if got["minutes"]:
        value, precision = _decimal(got["minutes"])
        return Mention(text, "minutes", value, precision)
    if got["one"]:
        return Mention(text, "count", Decimal(1))
    value, precision = _decimal(got["count"] or got["word"] or got["rest"])
    return Mention(text, "count", value, precision)


def mentions(prose: str) -> list[Mention]:
    """Every number of the prose, in order."""
    return [_read(match) for match in _PATTERN.finditer(prose)]


@dataclass(slots=True)
class FactNumbers:
    """The numbers of a facts document by kind, and the names in it, whose digits are no claims."""

    counts: set[Decimal] = field(default_factory=set)
    percents: set[Decimal] = field(default_factory=set)
    minutes: set[Decimal] = field(default_factory=set)
    dates: set[date] = field(default_factory=set)
    times: set[tuple[int, int]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            if key in ("by_type", "by_source"):
                yield "name", inner_key
            yield from _leaves(inner, str(inner_key) if key not in ("by_type", "by_source") else "")
    elif isinstance(value, list):
        yield "", len(value)
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def fact_numbers(document: Any) -> FactNumbers:
    """Sorts the numbers by the unit in their key: `_hours`, `_percent`, `_on`, `_at`; all others are counts. Lists count by their length."""
    found = FactNumbers()
    for key, value in _leaves(document):
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, (int, float)):
            exact = Decimal(str(value))
            if key.endswith("_hours"):
                found.minutes.add(Decimal(round(exact * 60)) if abs(exact * 60 - round(exact * 60)) < Decimal("0.01") else exact * 60)
            elif key.endswith("_percent"):
                found.percents.add(exact)
            else:
                found.counts.add(exact)
        elif key.endswith("_on"):
            found.dates.add(date.fromisoformat(value))
        elif key.endswith("_at"):
            moment = datetime.fromisoformat(value)
            found.dates.add(moment.date())
            found.times.add((moment.hour, moment.minute))
        elif isinstance(value, str):
            found.names.add(value)
    return found


def _near(value: Decimal, known: set[Decimal], precision: Decimal) -> bool:
    return any(abs(value - each) <= precision / 2 for each in known)


def _is_fact(mention: Mention, facts: FactNumbers) -> bool:
    if mention.kind == "date":
        year, month, day = mention.value
        return any((each.month, each.day) == (month, day) and year in (None, each.year) for each in facts.dates)
    if mention.kind == "time":
        return mention.value in facts.times
    if mention.kind == "percent":
        return _near(abs(mention.value), facts.percents, mention.precision)
    if mention.kind == "minutes":
        return _near(mention.value, facts.minutes, mention.precision)
    # a whole number claims a whole count: rounding is for those with decimals
    return mention.value in facts.counts or (mention.precision < 1 and _near(mention.value, facts.counts, mention.precision))


def _without_names(prose: str, names: set[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        prose = prose.replace(f"“{name}”", "“”")
        if any(c.isdigit() for c in name) and any(c.isalpha() for c in name):
            prose = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "“”", prose)
    return prose


def unsupported(prose: str, document: Any) -> list[Mention]:
    """The numbers of the prose that are none of the facts, in order. A number may be rounded, and must keep its unit.

    Names of the facts are taken out first: the 3 of a task called “Draft 3” is no claim.
    """
    facts = fact_numbers(document)
    return [mention for mention in mentions(_without_names(prose, facts.names)) if not _is_fact(mention, facts)]
