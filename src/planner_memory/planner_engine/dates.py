"""Deadlines in the words of an intent: "by Friday", "before end of March", "in two weeks", "by the 12th", ISO dates.

Everything is read in the person's own day. A day as a deadline is inclusive (the midnight after it); "before" a day ends at its start.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dateparser

from planner_memory.core.local_time import at_wall_time
from planner_memory.planner_engine.named_days import (
    DAYS,
    MONTHS,
    NUMBERS,
    NamedDay,
    day_and_month,
    feast_named,
    iso_day,
    month_named,
    nth_day,
    numeric_day,
    quarter_named,
    relative_day,
    span_named,
    today_or_tomorrow,
    weekday_named,
    weekend_named,
    whole_number,
)

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = "|".join(sorted(DAYS, key=len, reverse=True))
_NUMBER = r"\d{1,3}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_UNIT = r"days?|(?:business|working)\s+days?|weeks?|months?|years?"
_BIS = r"bis(?:\s+zum)?"  # before a clock time and an English date as well
_STRONG = (
    rf"(?:by|until|till|{_BIS}|before|due(?:\s+(?:on|by))?|no later than|not later than|"
    r"deadline(?:\s+(?:is|of|on))?:?|finish(?:ed)? by|at the latest(?:\s+(?:on|by))?)"
)
_PART = r"end|mid(?:dle)?|beginning|start|early"
_WEAK = r"(?:on|for|in|within|at|over)"
_ORDINAL_WORDS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
seventeenth eighteenth nineteenth twentieth"""
_ORDINALS = _ORDINAL_WORDS.split()
_SUFFIXES = {1: "st", 2: "nd", 3: "rd"}
_ORDINAL = re.compile(rf"(?<=the )({'|'.join(_ORDINALS)})\b(?=\s+(?:of\s+)?(?:{_MONTH})\b)")
_ABROAD = (
    rf"{_BIS}|vor\s+dem|spätestens(?:\s+am)?|avant(?:\s+le)?|d'ici(?:\s+(?:le|au))?|au\s+plus\s+tard\s+le|antes\s+del?|para\s+el|hasta\s+el"
    r"|entro(?:\s+il)?"
)
_ANY_CUE = re.compile(rf"\b(?:(?P<abroad>{_ABROAD})|{_STRONG})\s+")
_ARTICLE = re.compile(r"\bde[nm]\s+")  # which the library does not know
_LANGUAGES = ["en", "de", "fr", "es", "it"]
_SOME_DAY = re.compile(r"\d[./-]\d|\d.*[^\W\d_]{3}|[^\W\d_]{3}.*\d")
_MONTH_ABROAD = re.compile(r"\d\W+[^\W\d_]{4}|[^\W\d_]{4}\W+\d")
_HOURS = re.compile(rf"\bwithin\s+(?:the\s+next\s+)?({_NUMBER})\s+hours?\b")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is exclusive, in UTC. `text` is the words it was read from, `day` the last local day, `note` says what was ambiguous."""

    at: datetime
    text: str
    day: date
    note: str | None = None


Reader = Callable[[re.Match[str], date], "NamedDay | None"]
_CLOCK = r"(?P<clock>noon|midday|midnight|end of (?:the )?day|eod|cob|\d{1,2}(?::\d{2})?\s*(?:am|pm)|\d{1,2}:\d{2})"
_TIME = rf"(?:[\s,]+(?:at\s+)?{_CLOCK})?"
_CLOCK_ALONE = re.compile(rf"\b{_STRONG}\s+(?:the\s+)?{_CLOCK}(?!\w)")
# (pattern, reader, needs): needs "cue" for a word such as by or on before it, "strong" for by/before/until, "" for none
_FORMS: tuple[tuple[str, Reader, str], ...] = (
    (r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b", iso_day, ""),
    (r"(?P<y>\d{4})[/.](?P<m>\d{1,2})[/.](?P<d>\d{1,2})\b", iso_day, "cue"),
    (rf"(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?,?(?:\s+(?P<y>\d{{4}}))?", day_and_month, "cue"),
    (rf"(?P<month>{_MONTH})\.?\s+(?:the\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:hours?|h\b|%))(?:,?\s+(?P<y>\d{{4}}))?", day_and_month, "cue"),
    (r"(?P<a>\d{1,2})(?P<sep>[./])(?P<b>\d{1,2})(?:(?P=sep)(?P<y>\d{4}|\d{2}))?(?!\w)", numeric_day, "cue"),
    (r"(?P<a>\d{1,2})(?P<sep>-)(?P<b>\d{1,2})-(?P<y>\d{4})(?!\w)", numeric_day, "cue"),
    (
        rf"(?:the\s+)?(?P<part>{_PART})(?:[\s-]+of)?[\s-]+(?P<month>{_MONTH})\b(?:\s+(?P<y>\d{{4}}))?",
        month_named,
        "cue",
    ),
    (rf"(?P<part>)(?P<month>{_MONTH})\b(?:\s+(?P<y>\d{{4}}))?", month_named, "strong"),
    (r"(?:the\s+)?(?P<ends>end\s+of\s+)?q(?P<q>[1-4])\b(?:\s+(?P<y>\d{4}))?", quarter_named, "strong"),
    (r"(?:the\s+)?(?P<d>\d{1,2})(?:st|nd|rd|th)\b", nth_day, "cue"),
    (rf"(?P<which>(?:this|next|coming)\s+)?(?P<day>{_DAY})\b", weekday_named, "cue"),
    (r"(?:the\s+)?(?P<which>this\s+|next\s+)?weekend\b", weekend_named, "cue"),
    (
        rf"(?:the\s+next\s+)?(?P<n>{_NUMBER})(?:\s+of)?\s+(?P<unit>{_UNIT})\b(?:'?\s+time)?",
        relative_day,
        "in",
    ),
    (r"(?:the\s+)?(?P<ends>end\s+of\s+)(?:the\s+)?(?P<which>this\s+|next\s+)?(?P<unit>week|month|quarter|year)\b", span_named, ""),
    (r"(?P<ends>)(?P<which>this\s+|next\s+)(?P<unit>week|month|quarter|year)\b", span_named, ""),
    (r"(?P<word>today|tonight|tomorrow|(?:the\s+)?day after tomorrow)\b", today_or_tomorrow, ""),
    (r"(?P<feast>christmas|xmas|new year(?:'?s)?(?: eve)?)\b", feast_named, "strong"),
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
    text, today = _plain(intent), now.astimezone(tz).date()
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
            if needs == "in" and weak not in ("in", "within", "over"):
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
            return _today_at(text, now, tz) or _abroad(text, now, tz)
        at = now.astimezone(UTC) + timedelta(hours=whole_number(hours[1]))
        return Deadline(at, hours[0], at.astimezone(tz).date())
    _, (start, end), chosen = best
    if any(e <= start or s >= end for s, e in strong_spans) and chosen.note is None:
        chosen = Deadline(chosen.at, chosen.text, chosen.day, f"The intent names several dates; '{chosen.text}' was taken as the deadline.")
    return chosen


def _plain(text: str) -> str:
    """Lower case, one space between words, `the second of March` as `the 2nd of march`, `a fortnight` as `2 weeks`."""
    lowered = re.sub(r"\s+", " ", text).lower()
    lowered = re.sub(r"\b(?:a|one)?\s*fortnight(?:'?s time)?\b", " 2 weeks", lowered).replace("  ", " ")
    return _ORDINAL.sub(lambda m: f"{_ORDINALS.index(m[1]) + 1}{_SUFFIXES.get(_ORDINALS.index(m[1]) + 1, 'th')}", lowered)


def _today_at(text: str, now: datetime, tz: ZoneInfo) -> Deadline | None:
    """`by 5pm`: today, or tomorrow when that has passed."""
    said = _CLOCK_ALONE.search(text)
    if said is None:
        return None
    today, clock = now.astimezone(tz).date(), _clock(said["clock"])
    if clock is None:
        return Deadline(at_wall_time(today + timedelta(days=1), time.min, tz), said[0], today)
    at = at_wall_time(today, clock, tz)
    day = today if at > now else today + timedelta(days=1)
    return Deadline(at_wall_time(day, clock, tz), said[0], day)


def _abroad(text: str, now: datetime, tz: ZoneInfo) -> Deadline | None:
    """What the forms above do not know, such as a date in German or French, after a word such as "by" or "bis"; read by the library."""
    for cue in _ANY_CUE.finditer(text):
        languages, least = (_LANGUAGES[1:], _SOME_DAY) if cue["abroad"] else (_LANGUAGES, _MONTH_ABROAD)
        words = text[cue.end() :].split()[:5]
        for count in range(len(words), 0, -1):
            said = " ".join(words[:count]).strip(".,;:!?")
            if least.search(said) is None:
                continue  # numbers alone, and words alone, are read too boldly: `by 5 percent`, `by may`
            found = dateparser.parse(
                _ARTICLE.sub("", said), languages=languages, settings={"PREFER_DATES_FROM": "future", "RELATIVE_BASE": _naive(now, tz)}
            )
            if found is not None:
                day = found.date()
                return Deadline(at_wall_time(day + timedelta(days=1), time.min, tz), f"{cue[0].strip()} {said}", day)
    return None


def _naive(now: datetime, tz: ZoneInfo) -> datetime:
    return now.astimezone(tz).replace(tzinfo=None)


def _deadline(found: NamedDay, m: re.Match[str], tz: ZoneInfo) -> Deadline:
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
