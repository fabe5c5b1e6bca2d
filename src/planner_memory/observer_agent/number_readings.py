"""What the forms of numbers mean: from the named groups of a rule's match to the readings that it may have, the likeliest first."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from planner_memory.observer_agent.number_words import value_of, values_of
from planner_memory.observer_agent.numbers import Reading

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONE = Decimal(1)
Found = list[Reading]
Groups = dict[str, str | None]


def minutes(value: Decimal, precision: Decimal = ONE) -> Reading:
    return Reading("minutes", value, precision)


def hours(text: str) -> Found:
    return [minutes(value * 60, precision * 60) for value, precision in values_of(text)]


def date(got: Groups) -> Found:
    month = next(n for n, name in enumerate(MONTHS, 1) if (got["month"] or "").lower().startswith(name))
    year = got.get("year")
    return [Reading("date", (int(year) if year else None, month, int(got["day"] or 0)))]


def numeric_date(got: Groups) -> Found:
    year = got["year"]
    whole = None if not year else int(year) + (2000 if len(year) == 2 else 0)
    a, b = int(got["a"] or 0), int(got["b"] or 0)
    day_first, month_first = Reading("date", (whole, b, a)), Reading("date", (whole, a, b))
    found = [reading for reading in (day_first, month_first) if 1 <= reading.value[1] <= 12 and 1 <= reading.value[2] <= 31]
    if whole is not None:
        return found
    plain, last = Decimal(f"{a}.{got['b']}"), ONE / 10 ** len(got["b"] or "")  # a sentence may end behind a number: "hours: 7.1."
    more = [Reading("minutes", plain * 60, last * 60), Reading("count", plain, last), Reading("factor", plain, last)]
    return [*found, *([Reading("time", (a, b))] if a < 24 and b < 60 else []), *more]


def half_time(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    minute = {"half past": 30, "quarter past": 15, "quarter to": 45}[re.sub(r"^a\s+", "", " ".join((got["part"] or "").lower().split()))]
    hour -= minute == 45
    return [Reading("time", (hour % 24, minute)), Reading("time", ((hour + 12) % 24, minute))]


def o_clock(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    return [Reading("time", (hour % 24, 0)), Reading("time", ((hour + 12) % 24, 0))]


def clock(got: Groups) -> Found:
    hour, minute = int(got["hour"] or 0), int(got["minute"] or 0)
    lasting = minutes(Decimal(hour * 60 + minute))
    return [Reading("time", (hour, minute)), lasting] if hour < 24 else [lasting]


def dotted_time(got: Groups) -> Found:
    """ "At 9.30": a time, but "at 9.30 hours" and "up from 9.30" may be sizes."""
    hour, minute = got["hour"] or got["hour2"] or "0", got["minute"] or got["minute2"] or "0"
    size = Decimal(f"{hour}.{minute}")
    sizes = [minutes(size * 60, ONE * 60 / 100), Reading("count", size, ONE / 100), Reading("factor", size, ONE / 100)]
    return [Reading("time", (int(hour), int(minute))), *(sizes if got["hour"] else [])]


def ap(got: Groups) -> Found:
    hour = int(got["hour"] or 0) % 12 + (12 if (got["half"] or "").lower().startswith("p") else 0)
    return [Reading("time", (hour, int(got["minute"] or 0)))]


def spoken_hours(got: Groups) -> Found:
    quarter = Decimal(15)
    part = (got.get("part") or "").lower()
    if got.get("whole") is None:
        return [minutes(Decimal(30) if part.startswith("half") else quarter * 3 if part.startswith("three") else quarter)]
    whole = Decimal(60) if (got["whole"] or "").lower() in ("an", "a") else value_of(got["whole"] or "1")[0] * 60
    more = Decimal(30) if "half" in part else quarter * 3 if "three" in part else quarter
    return [minutes(whole + more)]


_PARTS_OFONE = (
    ("half", Decimal("0.5")),
    ("three", Decimal("0.75")),
    ("quarter", Decimal("0.25")),
    ("two", Decimal(2) / 3),
    ("third", Decimal(1) / 3),
)


def and_a_part(got: Groups) -> Found:
    """ "Three and a quarter", the hours left unsaid."""
    whole = value_of(got["whole"] or "0")[0]
    part = (got["part"] or "").lower()
    exact = whole + next(share for word, share in _PARTS_OFONE if word in part)
    return [minutes(exact * 60), Reading("count", exact, ONE / 10), Reading("factor", exact, ONE / 20), Reading("percent", exact, ONE / 10)]


def in_the_day(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    return [Reading("time", (hour % 12 + (0 if (got["part"] or "").lower() == "morning" else 12), int(got["minute"] or 0)))]


def hours_and(got: Groups) -> Found:
    whole = Decimal(60) if (got["whole"] or "").lower() in ("an", "a") else value_of(got["whole"] or "0")[0] * 60
    rest = value_of(got["rest"] or "0")[0]
    is_one = rest < 60 and not re.search(r"[.,]\d", got["whole"] or "")  # "16 h, and 910 minutes" are two, "2.75 hours, 45 minutes more" too
    return [minutes(whole + rest)] if is_one else []


def glued(got: Groups) -> Found:
    hour, minute = int(got["hour"] or 0), int(got["minute"] or 0)
    lasting = minutes(Decimal(hour * 60 + minute))
    return [lasting, Reading("time", (hour, minute))] if hour < 24 and len(got["minute"] or "") == 2 else [lasting]


PARTS = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def share(got: Groups) -> Found:
    words = re.sub(r"^(?:a|an|every|each)\s+", "one ", re.sub(r"[-\s]+", " ", (got["part"] or "").lower())).split()
    last = {"second": "half", "fourth": "quarter"}.get(words[-1].removesuffix("s"), words[-1].removesuffix("s"))
    bottom = Decimal(2 if words[-1] in ("half", "halves") else PARTS.index(last) + 2)
    top = value_of(words[0])[0] if len(words) > 1 else ONE
    return [Reading("percent", top * 100 / bottom, ONE if words == ["half"] else Decimal(2))]


def in_every(got: Groups) -> Found:
    return [Reading("percent", value_of(got["a"] or "0")[0] * 100 / max(value_of(got["b"] or "1")[0], ONE))]


def times(got: Groups) -> Found:
    return [Reading(kind, value, precision) for value, precision in values_of(got["n"] or "0") for kind in ("factor", "count")]


def word_times(got: Groups) -> Found:
    n = {"once": 1, "twice": 2, "thrice": 3, "double": 2, "doubled": 2, "triple": 3, "tripled": 3}[(got["word"] or "").lower()]
    found = [Reading("factor", Decimal(n), ONE / 10)]
    return [*found, Reading("count", Decimal(n))] if (got["word"] or "").lower() in ("once", "twice", "thrice") else found


def counted(got: Groups) -> Found:
    text = got["n"] or "0"
    if text.isdigit() and len(text) == 4 and 1900 <= int(text) <= 2199:
        return [Reading("year", int(text)), Reading("count", Decimal(text))]
    found = [Reading("count", value, precision) for value, precision in values_of(text)]
    found += [Reading("minutes", each.value * 60, each.precision * 60) for each in found if each.precision < 1]  # "hours: 7.5"
    found += [Reading("factor", each.value, each.precision) for each in found if each.precision < 1 and each.kind == "count"]
    if clock := re.fullmatch(r"(0\d|1\d|2[0-3])\.([0-5]\d)", text):
        found.append(Reading("time", (int(clock[1]), int(clock[2]))))
    return found


def constant(kind: Any, value: Any) -> Callable[[Groups], Found]:
    return lambda _: [Reading(kind, value)]


def percent(got: Groups) -> Found:
    sign = -1 if (got["sign"] or "").strip() in ("-", "−") else 1
    return [Reading("percent", sign * value, precision) for value, precision in values_of(got["n"] or "0")]
