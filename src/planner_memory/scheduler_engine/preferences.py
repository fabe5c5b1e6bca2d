"""What remembered preferences say about when to work, read without a language model. Only plain statements count: wrong is worse than none."""

import re
from datetime import time

from planner_memory.core.profile import WEEKDAYS
from planner_memory.core.titles import MEETING as _MEETING
from planner_memory.scheduler_engine.rules import Rule

QUERY = "when I prefer to work: deep work in the morning, no work on Fridays, nothing after 16:00"
_PARTS = {"morning": (time(6), time(12)), "afternoon": (time(12), time(17)), "evening": (time(17), time(22))}
_ENERGY = {
    "high": r"(?:deep|focus(?:ed)?|hard|demanding|creative|concentrated)\s+work",
    "low": r"(?:shallow|light|routine|easy|admin(?:istrative)?)\s+work|admin|email",
}
_ONE_DAY = r"(?:mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekends?)"
_DAY = rf"(?P<day>{_ONE_DAY}(?:(?:\s*,\s*|\s+)(?:(?:and|or)\s+)?(?:on\s+)?{_ONE_DAY})*)"
_PART = rf"(?:\s+(?P<part>{'|'.join(_PARTS)})s?\b)?"
_NO = r"(?:no|never|not|nothing|don't|do\s+not|avoid|without)"
_CLOCK = r"(?P<clock>noon|(?:[01]?\d|2[0-3])(?::[0-5]\d)?\s*(?:am|pm|h)?)\b"
_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD_HOUR = re.compile(rf"\b(after|before)\s+({'|'.join(_HOURS)})\b")
_UNSURE = re.compile(r"\b(?:maybe|perhaps|might|sometimes|usually\s+not|unless|except|used\s+to|this\s+week|next\s+week|today|tomorrow|if)\b|\?")
_CLIPS = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?(?P<side>after|before)\s+{_CLOCK}")
_DAY_OFF = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?on\s+(?:the\s+)?{_DAY}\b{_PART}")
_NO_MEETINGS = re.compile(rf"\b{_NO}\s+(?:\w+\s+)?{_MEETING}\s+on\s+{_DAY}\b{_PART}")
_WORKS = "|".join(_ENERGY.values())
_NEXT = re.compile(rf"(?:,\s+(?:(?:and|but)\s+)?|\s+(?:and|but)\s+)(?=(?:(?:i|we)\s+(?:\w+\s+)?)?(?:{_NO}|{_WORKS})\b)")
_WHEN = re.compile(rf"\b(?:after|before)\s+{_CLOCK}|\b{_DAY}\b|\b(?:{'|'.join(_PARTS)})s?\b")


def rules_in(text: str) -> list[Rule]:
    """The rules that a text states, sentence by sentence; none where it hedges."""
    out = []
    for sentence in re.split(r"[.;!\n]+(?=\s|$)", text):
        lowered = " ".join(sentence.lower().replace("’", "'").split())
        lowered = _WORD_HOUR.sub(lambda m: f"{m[1]} {_HOURS.index(m[2]) + 1}", lowered)
        if not lowered or _UNSURE.search(lowered):
            continue
        source = " ".join(sentence.split())[:200]
        for clause in _clauses(lowered):
            out += _stated(clause, source)
    return out


def _clauses(sentence: str) -> list[str]:
    """The statements of a sentence. What a "no" may still reach over is not cut off: "never admin, deep work or calls before noon" is one."""
    out, since = [], 0
    for m in _NEXT.finditer(sentence):
        left = sentence[since : m.start()]
        if _WHEN.search(left):
            out.append(left)
            since = m.end()
    return [*out, sentence[since:]]


def _stated(clause: str, source: str) -> list[Rule]:
    out = _bands(clause, source)
    if m := _NO_MEETINGS.search(clause):
        if not m["part"]:  # there is no rule for meetings in a part of a day
            out.append(Rule("no_meetings", source, days=_days(m["day"])))
    elif m := _DAY_OFF.search(clause):
        days = _days(m["day"])
        out.append(Rule("keep_free", source, spans=(_PARTS[m["part"]],), days=days) if m["part"] else Rule("day_off", source, days=days))
    elif (m := _CLIPS.search(clause)) and not re.search(_MEETING, clause) and not re.search(rf"\bon\s+{_DAY}", clause):
        at = _clock(m["clock"], m["side"])
        if at is not None and time.min < at < time.max:
            out.append(Rule("clip", source, spans=((time.min, at),) if m["side"] == "after" else ((at, time.max),)))
    return out


def _bands(sentence: str, source: str) -> list[Rule]:
    if re.search(rf"\b{_NO}\b", sentence):
        return []
    part = next((p for p in _PARTS if re.search(rf"\b(?:in|during)\s+the\s+{p}s?\b|\b{p}s\b", sentence)), None)
    return [Rule("band", source, energy=e, spans=(_PARTS[part],)) for e, form in _ENERGY.items() if part and re.search(rf"\b(?:{form})\b", sentence)]


def _days(words: str) -> tuple[str, ...]:
    """The days that "fridays", "mondays and fridays" or "weekends" name, each once, Monday first."""
    named = {day for word in re.findall(_ONE_DAY, words) for day in (("sat", "sun") if word.startswith("weekend") else (word[:3],))}
    return tuple(day for day in WEEKDAYS if day in named)


def _clock(text: str, side: str) -> time | None:
    """A wall time; of a bare hour from 1 to 7 the afternoon's is meant after, and the morning's before."""
    if text.startswith("noon"):
        return time(12)
    m = re.match(r"(\d+)(?::(\d+))?\s*(am|pm|h)?", text)
    if m is None:
        return None
    hour, minute = int(m[1]), int(m[2] or 0)
    if (m[3] == "pm" and hour < 12) or (not m[3] and not m[2] and side == "after" and 1 <= hour <= 7):
        hour += 12
    elif m[3] == "am" and hour == 12:
        hour = 0
    return time(hour, minute) if hour < 24 else None
