"""The forms in which a prose writes its numbers: one rule for each form, tried in order."""

# ruff: noqa: E501, ISC004 - a pattern is read best on one line

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from planner_memory.observer_agent.number_words import DIGITS, ORDINALS, VALUE, WORD, value_of, values_of
from planner_memory.observer_agent.numbers import Mention, Reading

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\b\.?"
)
_TH = r"(?:st|nd|rd|th|\.)"
_DAY = r"(?P<day>3[01]|[12]\d|0?[1-9])"
_YEAR = r"(?:,?\s+(?P<year>(?:19|20)\d\d)\b)?"
_H, _MIN = r"(?:h\b|hrs?\b|hours?\b|std\b|stunden?\b)", r"(?:m\b|mins?\b|minutes?\b|minuten\b|[′'](?!\w))"
_MINUTES_AFTER = rf"(?P<rest>{VALUE})[ \t\u00a0-]*{_MIN}"
_TIME_BEFORE = r"(?:(?<=\bat\s)|(?<=\bfrom\s)|(?<=\bsince\s)|(?<=\buntil\s)|(?<=\btill\s)|(?<=\bum\s)|(?<=\bab\s)|(?<=\bbis\s))"
_ONE = Decimal(1)
Found = list[Reading]
Groups = dict[str, str | None]


def _minutes(value: Decimal, precision: Decimal = _ONE) -> Reading:
    return Reading("minutes", value, precision)


def _hours(text: str) -> Found:
    return [_minutes(value * 60, precision * 60) for value, precision in values_of(text)]


def _date(got: Groups) -> Found:
    month = next(n for n, name in enumerate(_MONTHS, 1) if (got["month"] or "").lower().startswith(name))
    year = got.get("year")
    return [Reading("date", (int(year) if year else None, month, int(got["day"] or 0)))]


def _numeric_date(got: Groups) -> Found:
    year = got["year"]
    whole = None if not year else int(year) + (2000 if len(year) == 2 else 0)
    a, b = int(got["a"] or 0), int(got["b"] or 0)
    day_first, month_first = Reading("date", (whole, b, a)), Reading("date", (whole, a, b))
    found = [reading for reading in (day_first, month_first) if 1 <= reading.value[1] <= 12 and 1 <= reading.value[2] <= 31]
    if whole is not None:
        return found
    plain = Decimal(f"{a}.{b}")  # a sentence may end behind a number: "hours: 7.1."
    more = [Reading("minutes", plain * 60, Decimal(6)), Reading("count", plain, _ONE / 10), Reading("factor", plain, _ONE / 10)]
    return [*found, *([Reading("time", (a, b))] if a < 24 and b < 60 else []), *(more if got["b"] and len(got["b"]) == 1 else [])]


def _half_time(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    minute = {"half past": 30, "quarter past": 15, "quarter to": 45}[re.sub(r"^a\s+", "", " ".join((got["part"] or "").lower().split()))]
    hour -= minute == 45
    return [Reading("time", (hour % 24, minute)), Reading("time", ((hour + 12) % 24, minute))]


def _o_clock(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    return [Reading("time", (hour % 24, 0)), Reading("time", ((hour + 12) % 24, 0))]


def _clock(got: Groups) -> Found:
    hour, minute = int(got["hour"] or 0), int(got["minute"] or 0)
    lasting = _minutes(Decimal(hour * 60 + minute))
    return [Reading("time", (hour, minute)), lasting] if hour < 24 else [lasting]


def _ap(got: Groups) -> Found:
    hour = int(got["hour"] or 0) % 12 + (12 if (got["half"] or "").lower().startswith("p") else 0)
    return [Reading("time", (hour, int(got["minute"] or 0)))]


def _spoken_hours(got: Groups) -> Found:
    quarter = Decimal(15)
    part = (got.get("part") or "").lower()
    if got.get("whole") is None:
        return [_minutes(Decimal(30) if part.startswith("half") else quarter * 3 if part.startswith("three") else quarter)]
    whole = Decimal(60) if (got["whole"] or "").lower() in ("an", "a") else value_of(got["whole"] or "1")[0] * 60
    more = Decimal(30) if "half" in part else quarter * 3 if "three" in part else quarter
    return [_minutes(whole + more)]


_PARTS_OF_ONE = (
    ("half", Decimal("0.5")),
    ("three", Decimal("0.75")),
    ("quarter", Decimal("0.25")),
    ("two", Decimal(2) / 3),
    ("third", Decimal(1) / 3),
)


def _and_a_part(got: Groups) -> Found:
    """ "Three and a quarter", the hours left unsaid."""
    whole = value_of(got["whole"] or "0")[0]
    part = (got["part"] or "").lower()
    exact = whole + next(share for word, share in _PARTS_OF_ONE if word in part)
    return [_minutes(exact * 60), Reading("count", exact, _ONE / 10), Reading("factor", exact, _ONE / 20), Reading("percent", exact, _ONE / 10)]


def _in_the_day(got: Groups) -> Found:
    hour = int(value_of(got["hour"] or "0")[0])
    return [Reading("time", (hour % 12 + (0 if (got["part"] or "").lower() == "morning" else 12), int(got["minute"] or 0)))]


def _hours_and(got: Groups) -> Found:
    whole = Decimal(60) if (got["whole"] or "").lower() in ("an", "a") else value_of(got["whole"] or "0")[0] * 60
    rest = value_of(got["rest"] or "0")[0]
    return [_minutes(whole + rest)] if rest < 60 else []  # "16 h, and 910 minutes" are two


def _glued(got: Groups) -> Found:
    hour, minute = int(got["hour"] or 0), int(got["minute"] or 0)
    lasting = _minutes(Decimal(hour * 60 + minute))
    return [lasting, Reading("time", (hour, minute))] if hour < 24 and len(got["minute"] or "") == 2 else [lasting]


_PARTS = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PART = rf"(?:{'|'.join(_PARTS)}|fourth|second)"


def _share(got: Groups) -> Found:
    words = re.sub(r"^(?:a|an|every|each)\s+", "one ", re.sub(r"[-\s]+", " ", (got["part"] or "").lower())).split()
    last = {"second": "half", "fourth": "quarter"}.get(words[-1].removesuffix("s"), words[-1].removesuffix("s"))
    bottom = Decimal(2 if words[-1] in ("half", "halves") else _PARTS.index(last) + 2)
    top = value_of(words[0])[0] if len(words) > 1 else _ONE
    return [Reading("percent", top * 100 / bottom, _ONE if words == ["half"] else Decimal(2))]


def _in_every(got: Groups) -> Found:
    return [Reading("percent", value_of(got["a"] or "0")[0] * 100 / max(value_of(got["b"] or "1")[0], _ONE))]


def _times(got: Groups) -> Found:
    return [Reading(kind, value, precision) for value, precision in values_of(got["n"] or "0") for kind in ("factor", "count")]


def _word_times(got: Groups) -> Found:
    n = {"once": 1, "twice": 2, "thrice": 3, "double": 2, "doubled": 2, "triple": 3, "tripled": 3}[(got["word"] or "").lower()]
    found = [Reading("factor", Decimal(n), _ONE / 10)]
    return [*found, Reading("count", Decimal(n))] if (got["word"] or "").lower() in ("once", "twice", "thrice") else found


def _counted(got: Groups) -> Found:
    text = got["n"] or "0"
    if text.isdigit() and len(text) == 4 and 1900 <= int(text) <= 2199:
        return [Reading("year", int(text)), Reading("count", Decimal(text))]
    found = [Reading("count", value, precision) for value, precision in values_of(text)]
    found += [Reading("minutes", each.value * 60, each.precision * 60) for each in found if each.precision < 1]  # "hours: 7.5"
    found += [Reading("factor", each.value, each.precision) for each in found if each.precision < 1 and each.kind == "count"]
    if clock := re.fullmatch(r"(0\d|1\d|2[0-3])\.([0-5]\d)", text):
        found.append(Reading("time", (int(clock[1]), int(clock[2]))))
    return found


def _constant(kind: Any, value: Any) -> Callable[[Groups], Found]:
    return lambda _: [Reading(kind, value)]


def _percent(got: Groups) -> Found:
    sign = -1 if (got["sign"] or "").strip() in ("-", "−") else 1
    return [Reading("percent", sign * value, precision) for value, precision in values_of(got["n"] or "0")]


_COUNTED = (
    r"(?=\s+(?:[\w-]+\s+){0,2}?(?:tasks?|runs?|meetings?|calls?|plans?|events?|entry|entries|blocks?|steps?|days?|weeks?|timers?"
    r"|switch\w*|workflows?|templates?|deadlines?|items?|to-?dos?|appointments?)\b)"
)
_RULES: tuple[tuple[str, Callable[[Groups], Found]], ...] = (
    (r"\b(?P<y>\d{4})[-/](?P<m>\d{2})[-/](?P<d>\d{2})(?!\d)", lambda g: [Reading("date", (int(g["y"] or 0), int(g["m"] or 0), int(g["d"] or 0)))]),
    (r"(?<![\d.,])(?P<a>3[01]|[12]\d|0?[1-9])\.[ \u00a0]?(?P<b>1[0-2]|0?[1-9])\.(?:\s?(?P<year>(?:19|20)?\d\d)(?![\d]))?(?!\d)", _numeric_date),
    (r"(?<![\d.,/])(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<year>(?:19|20)\d\d|\d\d)(?![\d/])", _numeric_date),
    (r"(?:^|(?<=\b(?:mon|tue|wed|thu|fri|sat|sun)\s))(?P<a>\d{1,2})/(?P<b>\d{1,2})(?P<year>)(?=\s*(?:--|[\u2013\u2014:)]))", _numeric_date),
    (rf"\b{_DAY}{_TH}?\s+(?:of\s+)?{_MONTH}{_YEAR}(?!\s*\d)", _date),
    (rf"\b{_MONTH}\s+(?:the\s+)?{_DAY}{_TH}?(?!\d|[.,]\d|\s*(?:h\b|hours?|min|%|:\d|tasks?|meetings?|events?)){_YEAR}", _date),
    (rf"\b{_DAY}{_TH}?\s*(?:[–—-]|to|and|through|until)\s*(?=(?:the\s+)?\d{{1,2}}{_TH}?\s+(?:of\s+)?{_MONTH})", _date),
    (rf"(?<=[–—-]){_DAY}{_TH}?(?=,?\s+(?:19|20)\d\d\b)", lambda g: [Reading("date", (None, None, int(g["day"] or 0)))]),
    (r"(?<!this\s)(?<!last\s)(?<!per\s)(?<!next\s)(?<!previous\s)(?<!a\s)\b(?:iso\s)?(?:(?:calendar\s+)?week|wk|KW|CW)\s(?:no\.?\s?|number\s)?(?P<n>\d{1,2})\b(?!\s*(?:h\b|hours?|min|%|tasks?|days?|[:.,]\d))",
     lambda g: [Reading("week", int(g["n"] or 0)), Reading("count", Decimal(g["n"] or 0))]),
    (r"\b(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?\s*(?P<half>[ap])\.?\s?m\b\.?", _ap),
    (rf"\b(?P<part>half\s+past|(?:a\s+)?quarter\s+(?:past|to))\s+(?P<hour>\d{{1,2}}|{WORD})\b", _half_time),
    (rf"\b(?P<hour>\d{{1,2}}|{WORD})\s+o[’']\s?clock\b", _o_clock),
    (r"\b(?:(?<=at\s)|(?<=until\s)|(?<=by\s))noon\b", _constant("time", (12, 0))),
    (r"\b(?:(?<=at\s)|(?<=until\s)|(?<=by\s))midnight\b", _constant("time", (0, 0))),
    (rf"\b(?P<hour>\d{{1,4}}):(?P<minute>[0-5]\d)\s*{_H}", lambda g: [_minutes(Decimal(int(g["hour"] or 0) * 60 + int(g["minute"] or 0)))]),
    (r"\b(?P<hour>\d{1,4}):(?P<minute>[0-5]\d)(?!\d)(?:\s?uhr\b)?", _clock),
    (rf"(?:{_TIME_BEFORE}(?P<hour>[01]?\d|2[0-3])\.(?P<minute>[0-5]\d)(?![\d%]|\s*(?:%|{_H}|times\b|[x×]))|\b(?P<hour2>[01]?\d|2[0-3])\.(?P<minute2>[0-5]\d)\s*uhr\b)",
     lambda g: [Reading("time", (int(g["hour"] or g["hour2"] or 0), int(g["minute"] or g["minute2"] or 0)))]),
    (rf"(?P<sign>(?<![\w–.,])[+\-−]\s?)?(?P<n>{VALUE})\s*(?:%|(?:percent(?:age)?\s+)?points?\b|percent\b|per\s+cent\b|pct\b|prozent\b)", _percent),
    (r"(?<![\w.,])(?P<hour>\d{1,3})[ \t]?h[ \t]?(?P<minute>[0-5]?\d)(?:\s?m(?:in)?\b|(?![\w%]|[.,]\d|\s*%))", _glued),
    (r"\b(?:(?P<whole>an|one)\s+hour|(?<![\w])hour)\s+and\s+(?P<part>a\s+half|a\s+quarter|three\s+quarters)\b",
     lambda g: _spoken_hours({**g, "whole": g["whole"] or "an"})),
    (rf"(?P<whole>{VALUE})\s+and\s+(?:(?P<part>a\s+half|a\s+quarter|three[\s-]quarters?)[\s-]+){_H}", _spoken_hours),
    (rf"(?P<whole>{VALUE})\s+hours?\s+and\s+(?P<part>a\s+half|a\s+quarter|three\s+quarters)\b", _spoken_hours),
    (r"\b(?P<part>half|(?:a\s+|one\s+)?quarter|three[-\s]quarters?)\s+(?:of\s+)?(?:an\s+)?hours?\b", _spoken_hours),
    (rf"(?P<whole>(?<![\w])an|{VALUE})[ \t\u00a0-]*{_H}(?:[ \t]*,(?=[ \t]*\d|[ \t]+and\b))?[ \t]*(?:and\s+|plus\s+)?{_MINUTES_AFTER}", _hours_and),
    (rf"(?P<whole>(?<![\w])an|(?<![\w-])(?:{WORD}))[ \t-]+hours?[ \t]+(?:and[ \t]+)?(?P<rest>five|ten|fifteen|twenty(?:[-\s]five)?|thirty(?:[-\s]five)?|forty(?:[-\s]five)?|fifty(?:[-\s]five)?)\b(?!\s+(?:tasks?|meetings?|runs?))", _hours_and),
    (r"\b(?P<hour>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?:[:.](?P<minute>[0-5]\d))?\s+in\s+the\s+(?P<part>morning|afternoon|evening)\b", _in_the_day),
    (rf"(?P<whole>{VALUE})\s+and\s+(?P<part>a\s+half|a\s+quarter|three[\s-]quarters?|a\s+third|two[\s-]thirds)(?!\s+(?:tasks?|times))\b", _and_a_part),
    (rf"(?P<whole>{VALUE})\s?{_H}[ \t](?P<rest>[0-5]\d)\b(?![:%]|[.,]\d|\s*%|[\s-]+(?:{_H}|percent\b|points?\b)|\s+of\b|{_COUNTED})", _hours_and),
    (rf"(?P<n>{VALUE})[ \t\u00a0-]*{_H}", lambda g: _hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})(?=\s+(?:out\s+)?of\s+{VALUE}\s+(?:\w+\s+)?{_H})", lambda g: _hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})\s+(?:(?:planned|billable|recorded|scheduled|working|solid|free|full|whole|good|extra|more|estimated|logged|focused|tracked|booked|unbillable|billed)\s+){{1,3}}hours?\b",
     lambda g: _hours(g["n"] or "0")),
    (rf"(?P<n>{VALUE})[ \t\u00a0-]*{_MIN}", lambda g: [_minutes(value, precision) for value, precision in values_of(g["n"] or "0")]),
    (r"\b(?:an|a\s+full|a\s+whole|a\s+single)\s+hour\b(?!\s+(?:ago|later|or\s+more))", lambda _: [_minutes(Decimal(60), Decimal(30))]),
    (r"\bhalf\s+as\s+(?:much|long|many)\s+again\b", lambda _: [Reading("percent", Decimal(50), Decimal(2)), Reading("percent", Decimal(150), Decimal(2))]),
    (rf"\b(?P<part>half|(?:a|one|two|three|four|five|six|seven|eight|nine)[-\s](?:{_PART})s?)\b(?!\s+(?:an?\s+)?(?:hours?|day|days|past)\b)(?!\s+as\b)"
     r"(?!\s+(?:the|its|their)\s+(?:estimate|time))(?=\s+(?:of\b|the\b|your\b|my\b|planned\b|tasks?\b|over\b|under\b|above\b|below\b|more\b|less\b|fewer\b|longer\b|shorter\b|faster"
     r"|slower|off\b|again\b|beyond\b|on\b|in\b)|\s*[.,;:!?)]|\s+\w+\s+(?:was|were|is|are)\b|\s*$)", _share),
    (r"\b(?P<part>(?:every|each)\s+(?:second|third|fourth|fifth))\b(?!\s+(?:day|week|time)\b)", _share),
    (rf"(?P<a>{VALUE})\s+(?:(?:cases?|times|tasks?|hours?|minutes?)\s+)?(?:(?:out\s+)?of\s+every|in\s+every|out\s+of(?=\s+(?:ten|10)\b))\s+(?P<b>{VALUE})(?:\s+(?:hours?|tasks?|minutes?|cases?)\b)?", _in_every),
    (rf"(?P<a>{VALUE})\s+in\s+(?P<b>{VALUE})(?!\s*(?:{_H}|{_MIN}|%|days?|weeks?|runs?|calls?|meetings?|blocks?|sittings?))", _in_every),
    (r"\bhalf\s+(?=as\s+\w+|the\s+(?:estimate|time)|its|their|what\b)", _constant("factor", Decimal("0.5"))),
    (rf"(?:\b(?P<half>one\s+and\s+a\s+half)\s+times\b|(?P<n>{VALUE})(?:\s?(?:×|x)(?!\w)|\s+times\b|-fold\b))",
     lambda g: [Reading("factor", Decimal("1.5"), _ONE / 10)] if g["half"] else _times(g)),
    (r"\b(?P<word>once|twice|thrice|doubled?|tripled?)\b(?!-)(?<!\bat once)", _word_times),
    (rf"\bthe\s+(?P<n>\d{{1,2}})(?:st|nd|rd|th)\b(?!\s+(?:of\s+{_MONTH}|\w*\s*(?:time|day|week|run|task)))",
     lambda g: [Reading("date", (None, None, int(g["n"] or 0))), Reading("count", Decimal(g["n"] or 0))]),
    (rf"(?P<n>(?<![\w.,]){DIGITS})(?:st|nd|rd|th)?(?![\w]|[.,]\d|-(?:week|day|month)\b)", _counted),
    (rf"(?<!\bon\s)(?<!\bfrom\s)(?<!\bat\s)(?<!\bno\s)\b(?:one|a\s+single){_COUNTED}(?!\s+(?:week|day|month)\s+(?:ago|before|earlier|later))", _constant("count", _ONE)),
    (r"(?:(?<=completed\s)|(?<=finished\s)|(?<=managed\s)|(?<=done:\s)|(?<=completed:\s))one\b", _constant("count", _ONE)),
    (rf"\bone(?=\s+(?:out\s+)?of\s+(?:(?:the|its|those|your)\s+)?(?:them\b|{VALUE}))", _constant("count", _ONE)),
    (r"\bone(?=\s+(?:is\s+|was\s+|are\s+|were\s+|has\s+|have\s+|had\s+|stays?\s+|stayed\s+|remains?\b|remained\b)?(?:been\s+|not\b\s*)?(?:still|left|open|remaining|to\s+go|done|finished|completed|missed|slipped)\b)", _constant("count", _ONE)),
    (r"(?<=[|:(*/]\s)one(?=\s*(?:[|,.;)*\n]|$))|(?<=vs\.\s)one\b|(?<=vs\s)one\b|(?<=\bwas\s)one(?=[.,;])|(?<=\bis\s)one(?=[.,;])|(?<=/)one\b|(?<=[|:(*]\s)one(?=\s*[|,.;)*\n])|(?<=[|(*])one(?=\s*[|,.;)*])|^one(?=\s*[,.;])", _constant("count", _ONE)),
    (rf"(?<!-)\b(?P<n>(?!one\b){WORD})\b(?!-(?:week|day|month)s?\b)", _counted),
    (rf"\b(?P<n>{'|'.join(ORDINALS[2:])})(?=\s+(?:working\s+|consecutive\s+|straight\s+)?(?:day|week|time|run)\b)",
     lambda g: [Reading("count", Decimal(ORDINALS.index((g["n"] or "").lower()) + 1))]),
    (rf"\b(?P<n>{'|'.join(_WEEKDAYS)})\b|(?<=\()(?P<short>mon|tue|wed|thu|fri|sat|sun)(?=\)|\s\d)",
     lambda g: [Reading("weekday", next(n for n, name in enumerate(_WEEKDAYS) if name.startswith((g["n"] or g["short"] or "").lower())))]),
    (r"(?P<n>\d+(?:[.,]\d+)?)", _counted),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.MULTILINE), read) for pattern, read in _RULES)
_ROUGHLY = re.compile(
    r"(?:\b(?:about|around|roughly|some|close\s+to|approximately|approx\.?|circa|ca\.|or\s+so|maybe|perhaps|something\s+like)|[~≈])\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_ABOVE = re.compile(  # "more than", "a good": the exact value is a little more
    r"\b(?:(?:just|slightly|well|far|a\s+(?:little|bit|touch|shade))\s+(?:over|above|more\s+than|beyond)|more\s+than|over|upwards\s+of|at\s+least|an?\s+good|a\s+solid|north\s+of|above|beyond)"
    r"\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_BELOW = re.compile(
    r"\b(?:nearly|almost|(?:just|slightly|well|a\s+(?:little|bit|touch|shade))\s+(?:under|below|shy\s+of|short\s+of|less\s+than)|less\s+than|under|not\s+quite|barely|close\s+on|close\s+to"
    r"|approaching|fewer\s+than|below|at\s+most)\s*(?:the\s+|of\s+|an?\s+)?$",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^[ \t>]*\d{1,2}[.)](?=\s)", re.MULTILINE)
_NOT_ONE = re.compile(r"(?:\bnot|n['’]t|\bnever|\bwithout)\b[^.,;:\d]*$", re.IGNORECASE)  # "not a single meeting" are none
_ONE_THING = re.compile(r"(?:one(?:\s+minute|\s+hour)?|a\s+single)$", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,|,?\s+(?:and|or))\s+", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|between)\s+$", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|and|[–—-])\s*", re.IGNORECASE)


def mentions(prose: str) -> list[Mention]:
    """Every number of the prose, in order."""
    taken = bytearray(len(prose))
    for mark in _LIST_MARK.finditer(prose):
        taken[mark.start() : mark.end()] = b"\x01" * len(mark.group())
    found: list[Mention] = []
    for pattern, read in _COMPILED:
        for match in pattern.finditer(prose):
            text = match.group().strip()
            start = match.start() + len(match.group()) - len(match.group().lstrip())
            end = start + len(text)
            if not text or any(taken[start:end]):
                continue
            readings = read(match.groupdict())
            if not readings:
                continue
            taken[start:end] = b"\x01" * len(text)
            before = prose[max(0, start - 30) : start]
            leans = 1 if _ABOVE.search(before) else -1 if _BELOW.search(before) else 0
            rough = bool(leans) or _ROUGHLY.search(before) is not None or prose[end : end + 6].lower() == " or so"
            first, *others = (
                [replace(each, value=each.value * 0) for each in readings] if _NOT_ONE.search(before) and _ONE_THING.match(text) else readings
            )
            found.append(Mention(text, first.kind, first.value, first.precision, start, end, rough, None, tuple(others), leans=leans))
    return _with_weekdays(prose, _with_hours(prose, sorted(found, key=lambda m: m.start)))


def _with_hours(prose: str, found: list[Mention]) -> list[Mention]:
    """In "from 9 to 5" both may be hours of the day, and each of "at 9, 11 and 14 o'clock"."""
    out = list(found)
    for at in range(len(found) - 2, -1, -1):
        first, second = out[at], out[at + 1]
        is_hour = second.kind == "time" or any(other.kind == "time" and other.value[1] == 0 for other in second.others)
        if (
            first.kind == "count"
            and is_hour
            and first.value == int(first.value)
            and first.value <= 24
            and _LISTED.fullmatch(prose[first.end : second.start])
        ):
            hour = int(first.value)
            out[at] = replace(first, others=(*first.others, *(Reading("time", (each % 24, 0)) for each in (hour, hour + 12))))
    for n, (first, second) in enumerate(pairwise(found)):
        if (
            first.kind == "count"
            and second.kind in ("count", "time")
            and _FROM.search(prose[: first.start])
            and _TO.fullmatch(prose[first.end : second.start])
        ):
            for at, each in ((n, first), (n + 1, second)):
                if each.kind == "count" and each.value == int(each.value) and each.value <= 24:
                    hours = {int(each.value) % 24, (int(each.value) + 12) % 24}
                    out[at] = replace(each, others=(*each.others, *(Reading("time", (hour, 0)) for hour in sorted(hours))))
    return out


def _with_weekdays(prose: str, found: list[Mention]) -> list[Mention]:
    """A weekday right before its date, or in brackets behind it, is one mention with it."""
    out: list[Mention] = []
    for made in found:
        before = out[-1] if out else None
        if before is not None and made.kind == "date" and before.kind == "weekday" and prose[before.end : made.start].strip(" ,.the(") == "":
            text = prose[before.start : made.end]
            made = Mention(text, "date", made.value, made.precision, before.start, made.end, made.is_rough, before.value)
            out.pop()
        out.append(made)
    return out
