"""Finds every number, percentage, duration, date and time of day in a prose, written in digits or in words."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["count", "percent", "minutes", "factor", "date", "time", "weekday", "week", "year"]

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_ONES = "|".join(list(_UNITS)[:9])
_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:[-\s](?:{_ONES})\b)?|{'|'.join(sorted(_UNITS, key=len, reverse=True))}|zero|dozen|(?:one|a)\s+hundred)"
_COUNTED = (
    r"(?=\s+(?:\w+\s+){0,2}?(?:tasks?|runs?|meetings?|calls?|plans?|events?|blocks?|steps?|days?|weeks?|timers?"
    r"|switch\w*|workflows?|templates?|deadlines?|items?)\b)"
)
_NUMBER = r"(?:\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_VALUE = rf"(?:(?<![\w.,]){_NUMBER}|\b{_WORD}\b)"
_TH = r"(?:st|nd|rd|th)"
_HOURS, _MINUTES = r"(?:h\b|hrs?\b|hours?\b)", r"(?:m\b|mins?\b|minutes?\b|′)"
_NO_UNIT = rf"(?!\s*(?:{_HOURS}|{_MINUTES}|%|days?|weeks?|:\d))"

_PATTERN = re.compile(
    rf"""
    (?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}}(?!\d))
  | \b(?P<day_r>\d{{1,2}}){_TH}?\s*(?:[–—-]|to|and)\s*(?=\d{{1,2}}{_TH}?\s+(?:of\s+)?{_MONTH.format("month_r")})
  | \b(?P<day_a>\d{{1,2}}){_TH}?\s+(?:of\s+)?{_MONTH.format("month_a")}(?:,?\s+(?P<year_a>\d{{4}})\b)?
  | \b{_MONTH.format("month_b")}\s+(?P<day_b>\d{{1,2}}){_TH}?\b(?!\s*(?:h\b|hours?|min|%|:|tasks?|meetings?|events?))(?:,?\s+(?P<year_b>\d{{4}})\b)?
  | \b(?:iso[ ])?week[ ](?:no\.?[ ]?|number[ ])?(?P<week>\d{{1,2}})\b{_NO_UNIT}
  | \b(?P<ap_h>1[0-2]|0?[1-9])(?:[:.](?P<ap_m>[0-5]\d))?\s*(?P<ap>[ap])\.?\s?m\b\.?
  | \b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\b(?!\s*{_HOURS})
  | (?P<sign>(?<![\w–])[+\-−]\s?)?(?P<percent>{_VALUE})\s*(?:%|percent\b|per\s+cent\b)
  | (?P<clock_h>\b\d+):(?P<clock_m>[0-5]\d)\s*{_HOURS}
  | \b(?P<quarters>half|(?:a\s+|one\s+)?quarter|three[-\s]quarters)\s+(?:of\s+)?(?:an\s+)?hours?\b
  | \b(?P<an_hour>an|one)\s+hour\s+and\s+(?:(?P<an_half>a\s+half)|(?P<an_quarter>a\s+quarter)|(?P<an_min>{_VALUE})[\s-]*{_MINUTES})
  | (?P<half_hours>{_VALUE})\s+and\s+a\s+half[\s-]+{_HOURS}
  | (?P<hours_half>{_VALUE})\s+hours?\s+and\s+(?P<add>a\s+half|a\s+quarter)\b
  | (?P<hours>{_VALUE})[\s-]*{_HOURS}(?:[\s,]*(?:and\s+)?(?P<with_min>{_VALUE})[\s-]*{_MINUTES}|\s?(?P<bare_min>[0-5]\d)\b(?![:.\d%]|\s*%))?
  | (?<![\w.,])(?P<glued_h>\d{{1,3}})h(?P<glued_m>[0-5]\d)(?:m(?:in)?)?\b
  | \ban\s+(?P<single_hour>hour)\b(?!\s+(?:ago|later))
  | (?P<minutes>{_VALUE})[\s-]*{_MINUTES}
  | (?P<part>\b(?:half|(?:a|one)[-\s](?:third|quarter|fifth)|two[-\s]thirds|three[-\s]quarters))\s+(?:of\b|the\b)
  | (?P<in_a>{_VALUE})\s+(?:in|out\s+of\s+every)\s+(?P<in_b>{_VALUE}){_NO_UNIT}
  | \b(?P<as_long>half|twice|double)\s+(?:as\s+\w+|the|its|their|what)\b
  | (?P<factor>{_VALUE})\s*(?:times\b|×|x\b)
  | \b(?P<word_factor>twice|thrice|doubled|tripled)\b
  | (?P<count>(?<![\w.,]){_NUMBER}{_TH}?(?![\w]))
  | (?<!\bon\s)(?<!\bfrom\s)(?<!\bat\s)\b(?P<one>one|a\s+single){_COUNTED}
  | (?:(?<=completed\s)|(?<=finished\s)|(?<=managed\s))(?P<one_done>one)\b
  | \b(?P<word>(?!one\b){_WORD})\b
  | \b(?P<one_of>one)\s+(?=(?:out\s+)?of\s+(?:(?:the|its|those)\s+)?(?:them\b|{_NUMBER}|{_WORD})\b)
  | \b(?P<weekday>{"|".join(_WEEKDAYS)})\b
  | (?P<rest>\d+(?:\.\d+)?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ROUGHLY = re.compile(
    r"(?:\b(?:about|around|roughly|nearly|almost|some|close\s+to|just\s+(?:over|under)|a\s+little\s+(?:over|under)|approximately|circa|ca\.|an?\s+good)"
    r"|[~≈])\s*(?:the\s+)?$",
    re.IGNORECASE,
)
_PARTS: dict[str, Decimal | int] = {
    "half": 50,
    "third": Decimal(100) / 3,
    "two third": Decimal(200) / 3,
    "quarter": 25,
    "three quarter": 75,
    "fifth": 20,
}
_FACTORS = {"half": Decimal("0.5"), "twice": Decimal(2), "double": Decimal(2), "thrice": Decimal(3), "doubled": Decimal(2), "tripled": Decimal(3)}


def plain(value: float) -> str:
    """A number as prose has it: no exponent, no zeros at the end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Mention:
    """One number as the prose has it, and where. `precision` is the size of its last digit: 1 for "12", 0.1 for "12.5"; 0.1 h is 6 minutes.

    `value` is a Decimal; (year or None, month, day) for a date; (hour, minute) for a time; 0 (Monday) to 6 for a weekday. `is_rough`: the
    prose says "about" or the like.
    """

    text: str
    kind: Kind
    value: Any
    precision: Decimal = Decimal(1)
    start: int = 0
    end: int = 0
    is_rough: bool = False
    weekday: int | None = None  # of a date, when it is said before it


def _decimal(text: str) -> tuple[Decimal, Decimal]:
    text = re.sub(rf"{_TH}$", "", text.lower().replace(",", "").replace("\u202f", "")) if text[0].isdigit() else text.lower()
    if text[0].isdigit():
        value = Decimal(text)
        exponent = value.as_tuple().exponent
        return value, Decimal(10) ** exponent if isinstance(exponent, int) and exponent < 0 else Decimal(1)
    if text.endswith("hundred"):
        return Decimal(100), Decimal(1)
    words = {"zero": 0, "dozen": 12, **_UNITS, **_TENS}
    return Decimal(sum(words[part] for part in re.split(r"[-\s]+", text))), Decimal(1)


def _month(name: str) -> int:
    return next(n for n, month in enumerate(_MONTHS, start=1) if month.startswith(name.lower()[:3]))


def _dated(got: dict[str, str | None]) -> Any:
    if iso := got["iso"]:
        year, month, day = map(int, iso.split("-"))
        return year, month, day
    for side in ("a", "b", "r"):
        if name := got[f"month_{side}"]:
            stated = got.get(f"year_{side}")
            return int(stated) if stated else None, _month(name), int(got[f"day_{side}"] or 0)
    return None


def _lasting(got: dict[str, str | None]) -> tuple[Decimal, Decimal] | None:
    """Minutes and precision of a duration."""
    quarter = Decimal(15)
    if hours := got["clock_h"]:
        return Decimal(int(hours) * 60 + int(got["clock_m"] or 0)), Decimal(1)
    if part := got["quarters"]:
        return (Decimal(30) if part.lower() == "half" else quarter * 3 if part.lower().startswith("three") else quarter), Decimal(1)
    if got["an_hour"]:
        return 60 + (Decimal(30) if got["an_half"] else quarter if got["an_quarter"] else _decimal(got["an_min"] or "0")[0]), Decimal(1)
    if hours := got["half_hours"]:
        return _decimal(hours)[0] * 60 + 30, Decimal(1)
    if hours := got["hours_half"]:
        return _decimal(hours)[0] * 60 + (30 if (got["add"] or "").endswith("half") else quarter), Decimal(1)
    if hours := got["hours"]:
        value, precision = _decimal(hours)
        if rest := got["with_min"] or got["bare_min"]:
            return value * 60 + _decimal(rest)[0], Decimal(1)
        return value * 60, precision * 60
    if hours := got["glued_h"]:
        return Decimal(hours) * 60 + Decimal(got["glued_m"] or 0), Decimal(1)
    if got["single_hour"]:
        return Decimal(60), Decimal(60)
    return _decimal(minutes) if (minutes := got["minutes"]) else None


def _kind_and_value(got: dict[str, str | None]) -> tuple[Kind, Any, Decimal]:
    one = Decimal(1)
    if (when := _dated(got)) is not None:
        return "date", when, one
    if week := got["week"]:
        return "week", int(week), one
    if hour := got["ap_h"]:
        return "time", (int(hour) % 12 + (12 if (got["ap"] or "").lower() == "p" else 0), int(got["ap_m"] or 0)), one
    if hour := got["hour"]:
        return "time", (int(hour), int(got["minute"] or 0)), one
    if percent := got["percent"]:
        value, precision = _decimal(percent)
        return "percent", -value if got["sign"] and got["sign"][0] in "-−" else value, precision
    if (lasting := _lasting(got)) is not None:
        return "minutes", *lasting
    if part := got["part"]:
        key = re.sub(r"^(?:a|one)\s+", "", re.sub(r"[-\s]+", " ", part.lower())).removesuffix("s")
        return "percent", Decimal(_PARTS[key]), one
    if got["in_a"]:
        return "percent", _decimal(got["in_a"])[0] * 100 / max(_decimal(got["in_b"] or "1")[0], one), one
    if word := got["as_long"] or got["word_factor"]:
        return "factor", _FACTORS[word.lower()], one / 10
    if factor := got["factor"]:
        return "factor", *_decimal(factor)
    if weekday := got["weekday"]:
        return "weekday", _WEEKDAYS.index(weekday.lower()), one
    if got["one"] or got["one_of"] or got["one_done"]:
        return "count", one, one
    text = got["count"] or got["word"] or got["rest"] or "0"
    value, precision = _decimal(text)
    is_year = text.isdigit() and len(text) == 4 and 1900 <= int(text) <= 2199
    return ("year", int(text), one) if is_year else ("count", value, precision)


def mentions(prose: str) -> list[Mention]:
    """Every number of the prose, in order."""
    found: list[Mention] = []
    for match in _PATTERN.finditer(prose):
        kind, value, precision = _kind_and_value(match.groupdict())
        rough = _ROUGHLY.search(prose[max(0, match.start() - 30) : match.start()]) is not None
        text = match.group().strip()
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        made = Mention(text, kind, value, precision, start, start + len(text), rough)
        before = found[-1] if found else None
        if before is not None and kind == "date" and before.kind == "weekday" and prose[before.end : start].strip(" ,.the") == "":
            made = Mention(prose[before.start : made.end], kind, value, precision, before.start, made.end, rough, before.value)
            found.pop()
        found.append(made)
    return found
