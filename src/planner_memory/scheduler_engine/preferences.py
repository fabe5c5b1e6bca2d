"""What remembered preferences say about when to work, read without a language model. Only plain statements count: wrong is worse than none."""

import re
from datetime import time

from planner_memory.scheduler_engine.rules import Rule
from planner_memory.scheduler_engine.tasks import MEETING as _MEETING

QUERY = "when I prefer to work: deep work in the morning, no work on Fridays, nothing after 16:00"
_PARTS = {"morning": (time(6), time(12)), "afternoon": (time(12), time(17)), "evening": (time(17), time(22))}
_ENERGY = {
    "high": r"(?:deep|focus(?:ed)?|hard|demanding|creative|concentrated)\s+work",
    "low": r"(?:shallow|light|routine|easy|admin(?:istrative)?)\s+work|admin|email",
}
_DAY = r"(?P<day>mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekends?)"
_NO = r"(?:no|never|not|nothing|don't|do\s+not|avoid|without)"
_CLOCK = r"(?P<clock>noon|(?:[01]?\d|2[0-3])(?::[0-5]\d)?\s*(?:am|pm|h)?)\b"
_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORD_HOUR = re.compile(rf"\b(after|before)\s+({'|'.join(_HOURS)})\b")
_UNSURE = re.compile(r"\b(?:maybe|perhaps|might|sometimes|usually\s+not|unless|except|used\s+to|this\s+week|next\s+week|today|tomorrow|if)\b|\?")
_CLIPS = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?(?P<side>after|before)\s+{_CLOCK}")
_DAY_OFF = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?on\s+(?:the\s+)?{_DAY}\b")
_NO_MEETINGS = re.compile(rf"\b{_NO}\s+(?:\w+\s+)?{_MEETING}\s+on\s+{_DAY}\b")


def rules_in(text: str) -> list[Rule]:
    """The rules that a text states, sentence by sentence; none where it hedges."""
    out = []
    for sentence in re.split(r"[.;!\n]+(?=\s|$)", text):
        lowered = " ".join(sentence.lower().replace("’", "'").split())
        lowered = _WORD_HOUR.sub(lambda m: f"{m[1]} {_HOURS.index(m[2]) + 1}", lowered)
        if not lowered or _UNSURE.search(lowered):
            continue
        source = " ".join(sentence.split())[:200]
        out += _bands(lowered, source)
        if m := _NO_MEETINGS.search(lowered):
            out.append(Rule("no_meetings", source, days=_days(m["day"])))
        elif m := _DAY_OFF.search(lowered):
            out.append(Rule("day_off", source, days=_days(m["day"])))
        elif (m := _CLIPS.search(lowered)) and not re.search(_MEETING, lowered) and not re.search(rf"\bon\s+{_DAY}", lowered):
            at = _clock(m["clock"], m["side"])
            if at is not None and time.min < at < time.max:
                out.append(Rule("clip", source, spans=((time.min, at),) if m["side"] == "after" else ((at, time.max),)))
    return out


def _bands(sentence: str, source: str) -> list[Rule]:
    if re.search(rf"\b{_NO}\b", sentence):
        return []
    part = next((p for p in _PARTS if re.search(rf"\b(?:in|during)\s+the\s+{p}s?\b|\b{p}s\b", sentence)), None)
    return [Rule("band", source, energy=e, spans=(_PARTS[part],)) for e, form in _ENERGY.items() if part and re.search(rf"\b(?:{form})\b", sentence)]


def _days(word: str) -> tuple[str, ...]:
    return ("sat", "sun") if word.startswith("weekend") else (word[:3],)


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
