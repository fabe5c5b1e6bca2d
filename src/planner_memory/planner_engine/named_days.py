"""One reader per form in which people write a day: what it means, seen from today. None: the form fits, but there is no such day."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {name.lower(): i for i, name in enumerate(calendar.month_name) if name}
MONTHS |= {name.lower(): i for i, name in enumerate(calendar.month_abbr) if name}
MONTHS["sept"] = 9
DAYS = {name.lower(): i for i, name in enumerate(calendar.day_name)} | {"tues": 1, "thur": 3, "thurs": 3}
DAYS |= {name.lower(): i for i, name in enumerate(calendar.day_abbr)}
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: i for i, word in enumerate(_NUMBER_WORDS.split(), 1)} | {"a": 1, "an": 1, "couple": 2}


@dataclass(frozen=True, slots=True)
class NamedDay:
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


def whole_number(text: str) -> int:
    return int(text) if text.isdigit() else NUMBERS[text]


def iso_day(m: re.Match[str], today: date) -> NamedDay | None:
    found = _safe(int(m["y"]), int(m["m"]), int(m["d"]))
    return NamedDay(found) if found else None


def _safe(year: int, month: int, day: int) -> date | None:
    return _in_month(year, month, day) if 1 <= month <= 12 and 1 <= year <= 9998 else None


def numeric_day(m: re.Match[str], today: date) -> NamedDay | None:
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
    return NamedDay(found, note) if found else None


def day_and_month(m: re.Match[str], today: date) -> NamedDay | None:
    month, day = MONTHS[m["month"]], int(m["d"])
    year = int(m["y"]) if m["y"] else _year_of(month, today, day)
    found = _safe(year, month, day)
    if found is None and not m["y"] and month == 2 and day == 29:
        found = next(date(y, 2, 29) for y in range(today.year, today.year + 9) if calendar.isleap(y) and date(y, 2, 29) >= today)
    return NamedDay(found) if found else None


def nth_day(m: re.Match[str], today: date) -> NamedDay | None:
    day = int(m["d"])
    if not 1 <= day <= 31:
        return None
    months = [_months_on(today.replace(day=1), i) for i in range(3)]
    if day >= today.day:
        this = _in_month(today.year, today.month, day)
        if this:
            note = f"The {day}. was read as today, {this.isoformat()}." if this == today else None
            return NamedDay(this, note)
    found = next(d for first in months[1:] if (d := _in_month(first.year, first.month, day)))
    note = (
        None
        if (found.year * 12 + found.month) - (today.year * 12 + today.month) == 1 and day < today.day
        else f"The {day}. was read as {found.isoformat()}."
    )
    return NamedDay(found, note)


def weekday_named(m: re.Match[str], today: date) -> NamedDay:
    wanted, which = DAYS[m["day"]], (m["which"] or "").strip()
    ahead = (wanted - today.weekday()) % 7
    if which == "next":
        monday = today + timedelta(days=7 - today.weekday())
        found = monday + timedelta(days=wanted)
        ambiguous = ahead != 0 and today + timedelta(days=ahead) != found
        note = f"'Next {m['day'].title()}' was read as the one of next week, {found.isoformat()}, not {(today + timedelta(days=ahead)).isoformat()}."
        return NamedDay(found, note if ambiguous else None)
    if ahead == 0:
        if which == "this":
            return NamedDay(today)
        found = today + timedelta(days=7)
        return NamedDay(found, f"Today is a {calendar.day_name[wanted]}, so '{m['day'].title()}' was read as a week from now, {found.isoformat()}.")
    return NamedDay(today + timedelta(days=ahead))


def weekend_named(m: re.Match[str], today: date) -> NamedDay:
    """Its Sunday; it starts on Saturday."""
    sunday = today + timedelta(days=6 - today.weekday() + (7 if (m["which"] or "").strip() == "next" else 0))
    return NamedDay(sunday, None, sunday - timedelta(days=1))


def relative_day(m: re.Match[str], today: date) -> NamedDay | None:
    number, unit = whole_number(m["n"]), m["unit"]
    if unit.startswith("day"):
        return NamedDay(today + timedelta(days=number))
    if unit.startswith(("business", "working")):
        day = today
        for _ in range(number):
            day += timedelta(days=1)
            while day.weekday() >= 5:
                day += timedelta(days=1)
        return NamedDay(day)
    if unit.startswith("week"):
        return NamedDay(today + timedelta(weeks=number))
    return NamedDay(_months_on(today, number * (12 if unit.startswith("year") else 1)))


def _friday(today: date, weeks: int) -> NamedDay:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    friday = monday + timedelta(days=4)
    if friday < today:
        return NamedDay(today + timedelta(days=6 - today.weekday()), None, monday)
    return NamedDay(friday, None, monday)


def span_named(m: re.Match[str], today: date) -> NamedDay:
    which, unit, ends = (m["which"] or "").strip(), m["unit"], bool(m["ends"])
    later = 1 if which == "next" else 0
    if unit == "week":
        return _friday(today, later)
    if unit == "month":
        first = _months_on(today.replace(day=1), later)
        return NamedDay(_month_end(first.year, first.month), None, None if ends else first)
    if unit == "quarter":
        quarter = today.year * 4 + (today.month - 1) // 3 + later
        year, q = divmod(quarter, 4)
        return NamedDay(_month_end(year, q * 3 + 3), None, None if ends else date(year, q * 3 + 1, 1))
    return NamedDay(date(today.year + later, 12, 31), None, None if ends else date(today.year + later, 1, 1))


def month_named(m: re.Match[str], today: date) -> NamedDay | None:
    month, part = MONTHS[m["month"]], (m["part"] or "").replace("-", " ").split()
    year = int(m["y"]) if m["y"] else _year_of(month, today)
    if part and part[0] in ("mid", "middle"):
        return NamedDay(date(year, month, 15))
    if part and part[0] in ("beginning", "start", "early"):
        return NamedDay(
            date(year, month, 5 if part[0] == "early" else 1),
            f"'{m[0].strip()}' was read as {date(year, month, 5 if part[0] == 'early' else 1).isoformat()}.",
        )
    end = _month_end(year, month)
    return NamedDay(end, None, None if part else date(year, month, 1))


def quarter_named(m: re.Match[str], today: date) -> NamedDay:
    q = int(m["q"])
    year = int(m["y"]) if m["y"] else _year_of(q * 3, today)
    return NamedDay(_month_end(year, q * 3), None, None if m["ends"] else date(year, q * 3 - 2, 1))


def today_or_tomorrow(m: re.Match[str], today: date) -> NamedDay:
    return NamedDay(today + timedelta(days={"tomorrow": 1, "day after tomorrow": 2}.get(re.sub(r"^the\s+", "", m["word"]), 0)))


def feast_named(m: re.Match[str], today: date) -> NamedDay:
    christmas = m["feast"].startswith(("christmas", "xmas"))
    day = date(today.year, 12, 24 if christmas else 31)
    day = day if day >= today else date(today.year + 1, day.month, day.day)
    return NamedDay(day, f"'{m['feast'].title()}' was read as {day.isoformat()}.", day + timedelta(days=1) if not christmas else day)
