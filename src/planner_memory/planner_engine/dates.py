"""Deadlines in the words of an intent: "by Friday", "before end of March", "in two weeks", "by the 12th", ISO dates.

Everything is read in the person's own day. A day as a deadline is inclusive (the midnight after it); "before" a day ends at its start.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.local_time import at_wall_time

MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): i for i, name in enumerate(calendar.month_abbr) if name}
MONTHS["sept"] = 9
DAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)} | {"tues": 1, "thur": 3, "thurs": 3}
DAYS |= {name.lower(): i for i, name in enumerate(calendar.day_abbr)}
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: i for i, word in enumerate(_NUMBER_WORDS.split(), 1)} | {"a": 1, "an": 1, "couple": 2}

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = "|".join(sorted(DAYS, key=len, reverse=True))
_NUMBER = r"\d{1,3}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_STRONG = (
    r"(?:by|until|till|before|due(?:\s+(?:on|by))?|no later than|not later than|"
    r"deadline(?:\s+(?:is|of|on))?:?|finish(?:ed)? by|at the latest(?:\s+(?:on|by))?)"
)
_WEAK = r"(?:on|for|in|within|at|over)"
_HOURS = re.compile(rf"\bwithin\s+(?:the\s+next\s+)?({_NUMBER})\s+hours?\b")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is exclusive, in UTC. `text` is the words it was read from, `day` the last local day, `note` says what was ambiguous."""

    at: datetime
    text: str
    day: date
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    note: str | None = None
    starts: date | None = None  # the first day of a span such as a week or month: what "before" it means


def _in_month(year: int, month: int, day: int) -> date | None:
    return date(year, month, day) if 1 <= day <= calendar.monthrange(year, month)[1] else None


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _months_on(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _year_of(month: int, today: date, day: int | None = None) -> int:
    """The year in which that month, or that day of it, comes next."""
    passed = (month, day if day is not None else 31) < (today.month, today.day)
    return today.year + 1 if passed else today.year


def _number(text: str) -> int:
    return int(text) if text.isdigit() else NUMBERS[text]


def _iso(m: re.Match[str], today: date) -> _Day | None:
    found = _safe(int(m["y"]), int(m["m"]), int(m["d"]))
    return _Day(found) if found else None


def _safe(year: int, month: int, day: int) -> date | None:
    return _in_month(year, month, day) if 1 <= month <= 12 and 1 <= year <= 9998 else None


def _numeric(m: re.Match[str], today: date) -> _Day | None:
    first, second = int(m["a"]), int(m["b"])
    year = int(m["y"]) if m["y"] else None
    if year is not None and year < 100:
        year += 2000
    day_first, month_first = (second, first), (first, second)  # as (month, day)
    dotted = m["sep"] == "."
    order = [day_first] if dotted or first > 12 else [month_first] if second > 12 else [day_first, month_first]
    month, day = order[0]
    if not 1 <= month <= 12:
        return None
    found = _safe(year or _year_of(month, today, day), month, day)
    note = None
    if len(order) == 2 and first != second and found:
        note = f"{m[0].strip()} was read as day/month: {found.isoformat()}. Write the month as a word or the date as YYYY-MM-DD to be sure."
    return _Day(found, note) if found else None


def _day_month(m: re.Match[str], today: date) -> _Day | None:
    month, day = MONTHS[m["month"]], int(m["d"])
    year = int(m["y"]) if m["y"] else _year_of(month, today, day)
    found = _safe(year, month, day)
    if found is None and not m["y"] and month == 2 and day == 29:
        found = next(date(y, 2, 29) for y in range(today.year, today.year + 9) if calendar.isleap(y) and date(y, 2, 29) >= today)
    return _Day(found) if found else None


def _the_nth(m: re.Match[str], today: date) -> _Day | None:
    day = int(m["d"])
    if not 1 <= day <= 31:
        return None
    months = [_months_on(today.replace(day=1), i) for i in range(3)]
    if day >= today.day:
        this = _in_month(today.year, today.month, day)
        if this:
            note = f"The {day}. was read as today, {this.isoformat()}." if this == today else None
            return _Day(this, note)
    found = next(d for first in months[1:] if (d := _in_month(first.year, first.month, day)))
    note = (
        None
        if (found.year * 12 + found.month) - (today.year * 12 + today.month) == 1 and day < today.day
        else f"The {day}. was read as {found.isoformat()}."
    )
    return _Day(found, note)


def _weekday(m: re.Match[str], today: date) -> _Day:
    wanted, which = DAYS[m["day"]], (m["which"] or "").strip()
    ahead = (wanted - today.weekday()) % 7
    if which == "next":
        monday = today + timedelta(days=7 - today.weekday())
        found = monday + timedelta(days=wanted)
        ambiguous = ahead != 0 and today + timedelta(days=ahead) != found
        note = f"'Next {m['day'].title()}' was read as the one of next week, {found.isoformat()}, not {(today + timedelta(days=ahead)).isoformat()}."
        return _Day(found, note if ambiguous else None)
    if ahead == 0:
        if which == "this":
            return _Day(today)
        found = today + timedelta(days=7)
        return _Day(found, f"Today is a {calendar.day_name[wanted]}, so '{m['day'].title()}' was read as a week from now, {found.isoformat()}.")
    return _Day(today + timedelta(days=ahead))


def _relative(m: re.Match[str], today: date) -> _Day | None:
    number, unit = _number(m["n"]), m["unit"]
    if unit.startswith("day"):
        return _Day(today + timedelta(days=number))
    if unit.startswith(("business", "working")):
        day = today
        for _ in range(number):
            day += timedelta(days=1)
            while day.weekday() >= 5:
                day += timedelta(days=1)
        return _Day(day)
    if unit.startswith("week"):
        return _Day(today + timedelta(weeks=number))
    return _Day(_months_on(today, number * (12 if unit.startswith("year") else 1)))


def _friday(today: date, weeks: int) -> _Day:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    friday = monday + timedelta(days=4)
    if friday < today:
        return _Day(today + timedelta(days=6 - today.weekday()), None, monday)
    return _Day(friday, None, monday)


def _span(m: re.Match[str], today: date) -> _Day:
    which, unit, ends = (m["which"] or "").strip(), m["unit"], bool(m["ends"])
    later = 1 if which == "next" else 0
    if unit == "week":
        return _friday(today, later)
    if unit == "month":
        first = _months_on(today.replace(day=1), later)
        return _Day(_month_end(first.year, first.month), None, None if ends else first)
    if unit == "quarter":
        quarter = today.year * 4 + (today.month - 1) // 3 + later
        year, q = divmod(quarter, 4)
        return _Day(_month_end(year, q * 3 + 3), None, None if ends else date(year, q * 3 + 1, 1))
    return _Day(date(today.year + later, 12, 31), None, None if ends else date(today.year + later, 1, 1))


def _month(m: re.Match[str], today: date) -> _Day | None:
    month, part = MONTHS[m["month"]], (m["part"] or "").replace("-", " ").split()
    year = int(m["y"]) if m["y"] else _year_of(month, today)
    if part and part[0] in ("mid", "middle"):
        return _Day(date(year, month, 15))
    if part and part[0] in ("beginning", "start", "early"):
        return _Day(
            date(year, month, 5 if part[0] == "early" else 1),
            f"'{m[0].strip()}' was read as {date(year, month, 5 if part[0] == 'early' else 1).isoformat()}.",
        )
    end = _month_end(year, month)
    return _Day(end, None, None if part else date(year, month, 1))


def _quarter(m: re.Match[str], today: date) -> _Day:
    q = int(m["q"])
    year = int(m["y"]) if m["y"] else _year_of(q * 3, today)
    return _Day(_month_end(year, q * 3), None, None if m["ends"] else date(year, q * 3 - 2, 1))


def _word(m: re.Match[str], today: date) -> _Day:
    return _Day(today + timedelta(days={"tomorrow": 1, "day after tomorrow": 2}.get(re.sub(r"^the\s+", "", m["word"]), 0)))


def _feast(m: re.Match[str], today: date) -> _Day:
    christmas = m["feast"].startswith(("christmas", "xmas"))
    day = date(today.year, 12, 24 if christmas else 31)
    day = day if day >= today else date(today.year + 1, day.month, day.day)
    return _Day(day, f"'{m['feast'].title()}' was read as {day.isoformat()}.", day + timedelta(days=1) if not christmas else day)


Reader = Callable[[re.Match[str], date], "_Day | None"]
_TIME = r"(?:[\s,]+(?:at\s+)?(?P<clock>noon|midday|midnight|end of (?:the )?day|eod|cob|\d{1,2}(?::\d{2})?\s*(?:am|pm)|\d{1,2}:\d{2}))?"
# (pattern, reader, needs): needs "cue" for a word such as by or on before it, "strong" for by/before/until, "" for none
_FORMS: tuple[tuple[str, Reader, str], ...] = (
    (r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b", _iso, ""),
    (rf"(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?,?(?:\s+(?P<y>\d{{4}}))?", _day_month, "cue"),
    (rf"(?P<month>{_MONTH})\.?\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:hours?|h\b|%))(?:,?\s+(?P<y>\d{{4}}))?", _day_month, "cue"),
    (r"(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?:(?P=sep)(?P<y>\d{4}|\d{2}))?(?!\w)", _numeric, "cue"),
    (rf"(?:the\s+)?(?P<part>end|mid(?:dle)?|beginning|start|early)(?:[\s-]+of)?[\s-]+(?P<month>{_MONTH})\b(?:\s+(?P<y>\d{{4}}))?", _month, "cue"),
    (rf"(?P<part>)(?P<month>{_MONTH})\b(?:\s+(?P<y>\d{{4}}))?", _month, "strong"),
    (r"(?:the\s+)?(?P<ends>end\s+of\s+)?q(?P<q>[1-4])\b(?:\s+(?P<y>\d{4}))?", _quarter, "strong"),
    (r"(?:the\s+)?(?P<d>\d{1,2})(?:st|nd|rd|th)\b", _the_nth, "cue"),
    (rf"(?P<which>(?:this|next|coming)\s+)?(?P<day>{_DAY})\b", _weekday, "cue"),
    (rf"(?P<n>{_NUMBER})(?:\s+of)?\s+(?P<unit>days?|(?:business|working)\s+days?|weeks?|months?|years?)\b(?:'?\s+time)?", _relative, "in"),
    (r"(?:the\s+)?(?P<ends>end\s+of\s+)(?:the\s+)?(?P<which>this\s+|next\s+)?(?P<unit>week|month|quarter|year)\b", _span, ""),
    (r"(?P<ends>)(?P<which>this\s+|next\s+)(?P<unit>week|month|quarter|year)\b", _span, ""),
    (r"(?P<word>today|tonight|tomorrow|(?:the\s+)?day after tomorrow)\b", _word, ""),
    (r"(?P<feast>christmas|xmas|new year(?:'?s)?(?: eve)?)\b", _feast, "strong"),
)
_NOT_A_DEADLINE = re.compile(r"(?:since|from|after|starting|as of|between|of|last|previous)\s+(?:on\s+|the\s+)?$")


def _clock(text: str | None) -> time | None:
    if not text or text in ("end of day", "end of the day", "eod", "cob", "midnight"):
        return None
    if text in ("noon", "midday"):
        return time(12)
    found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?\s*(am|pm)?", text)
    if not found:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[3]:
        hour = hour % 12 + (12 if found[3] == "pm" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


_COMPILED = tuple(
    (
        re.compile(
            rf"(?<![\w/.-])(?:(?P<strong>{_STRONG})\s+(?:(?:the\s+)?end\s+of\s+(?:the\s+)?day\s+(?:on\s+)?|eod\s+|cob\s+)?|(?P<weak>{_WEAK})\s+)?(?P<all>{form}){_TIME}"
        ),
        reader,
        needs,
    )
    for form, reader, needs in _FORMS
)


def read_deadline(intent: str, now: datetime, tz: ZoneInfo) -> Deadline | None:
    """The deadline that an intent names, or None. Words such as "by" beat "on" and "for"; of equals the first counts.

    `now` is an aware instant; days are those of `tz`. A date without a year is the next one to come.
    """
    text, today = re.sub(r"\s+", " ", intent).lower(), now.astimezone(tz).date()
    best: tuple[tuple[int, int, int], tuple[int, int], Deadline] | None = None
    strong_spans: list[tuple[int, int]] = []
    for rank, (form, reader, needs) in enumerate(_COMPILED):
        for m in form.finditer(text):
            strong, weak = m["strong"], m["weak"]
            if _NOT_A_DEADLINE.search(text[: m.start()]) and not strong:
                continue
            if needs == "strong" and not strong:
                continue
            if needs == "cue" and not (strong or weak) and not re.match(r"(?:this|next|coming)\s", m["all"]):
                continue
            if needs == "in" and weak not in ("in", "within"):
                continue
            found = reader(m, today)
            if found is None:
                continue
            deadline = _deadline(found, m, tz)
            if strong:
                strong_spans.append(m.span("all"))
            key = (0 if strong else 1, m.start("all"), rank)
            if best is None or key < best[0]:
                best = (key, m.span("all"), deadline)
    if best is None:
        hours = _HOURS.search(text)
        if hours is None:
            return None
        at = now.astimezone(UTC) + timedelta(hours=_number(hours[1]))
        return Deadline(at, hours[0], at.astimezone(tz).date())
    _, (start, end), chosen = best
    if any(e <= start or s >= end for s, e in strong_spans) and chosen.note is None:
        chosen = Deadline(chosen.at, chosen.text, chosen.day, f"The intent names several dates; '{chosen.text}' was taken as the deadline.")
    return chosen


def _deadline(found: _Day, m: re.Match[str], tz: ZoneInfo) -> Deadline:
    words = m[0].strip()
    if (m["strong"] or "").startswith("before"):
        # "before March" and "before Friday" end when it begins; "before the end of March" ends with it
        ends = "end" in m["all"].split()[:2]
        first = found.day + timedelta(days=1) if ends else found.starts or found.day
        return Deadline(at_wall_time(first, time.min, tz), words, first - timedelta(days=1), found.note)
    clock = _clock(m["clock"])
    if clock is not None:
        return Deadline(at_wall_time(found.day, clock, tz), words, found.day, found.note)
    return Deadline(at_wall_time(found.day + timedelta(days=1), time.min, tz), words, found.day, found.note)


def given_deadline(value: str, now: datetime, tz: ZoneInfo) -> Deadline | None:
    """A deadline given as a field: an ISO date (inclusive) or instant, or the words that an intent may use. None when it is none of these."""
    text = value.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
        return Deadline(at_wall_time(day + timedelta(days=1), time.min, tz), text, day)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        lowered = text.lower()
        return read_deadline(text, now, tz) or read_deadline(f"by {lowered}", now, tz) or read_deadline(f"in {lowered}", now, tz)
    at = (moment if moment.tzinfo else moment.replace(tzinfo=tz)).astimezone(UTC)
    return Deadline(at, text, (at - timedelta(microseconds=1)).astimezone(tz).date())
