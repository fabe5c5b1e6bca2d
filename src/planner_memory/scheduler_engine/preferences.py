"""What remembered preferences say about when to work, as hours, bands and days. Only plain statements count: a wrong rule costs more than none."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time

from planner_memory.core.profile import WEEKDAYS, Span
from planner_memory.ports.memory import RecalledMemory
from planner_memory.scheduler_engine.availability import Hours
from planner_memory.scheduler_engine.tasks import Task

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
_MEETING = r"(?:calls?|meetings?|interviews?|appointments?)"
_UNSURE = re.compile(r"\b(?:maybe|perhaps|might|sometimes|usually\s+not|unless|except|used\s+to|this\s+week|next\s+week|today|tomorrow|if)\b|\?")
_CLIPS = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?(?P<side>after|before)\s+{_CLOCK}")
_DAY_OFF = re.compile(rf"\b{_NO}\s+(?:(?:work(?:ing)?|tasks?|blocks?|to\s+work|anything|schedule\s+anything)\s+)?on\s+(?:the\s+)?{_DAY}\b")
_NO_MEETINGS = re.compile(rf"\b{_NO}\s+(?:\w+\s+)?{_MEETING}\s+on\s+{_DAY}\b")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a memory asks for: `kind` is "band", "clip", "day_off" or "no_meetings"; `source` is the memory's own text."""

    kind: str
    source: str
    memory_id: str = ""
    energy: str = ""
    spans: tuple[Span, ...] = ()
    days: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        what = {
            "band": f"{self.energy}-energy tasks preferably {_written(self.spans)}",
            "clip": f"work only {_written(self.spans)}",
            "day_off": f"no work on {', '.join(self.days)}",
            "no_meetings": f"no calls or meetings on {', '.join(self.days)}",
        }[self.kind]
        return f"{what}, because you said: “{self.source}”"


def read(memories: Iterable[RecalledMemory]) -> list[Rule]:
    """The rules in those memories; of two about the same thing the newer one holds."""
    found: dict[tuple[str, str], Rule] = {}
    for memory in sorted(memories, key=lambda m: (m.occurred_at, str(m.memory_id))):
        for rule in rules_in(memory.content):
            key = (rule.kind, rule.energy or ",".join(rule.days) or _side(rule))
            found[key] = replace(rule, memory_id=str(memory.memory_id))
    return list(found.values())


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


def _side(rule: Rule) -> str:
    return "after" if rule.spans and rule.spans[0][0] == time.min else "before"


def _written(spans: Sequence[Span]) -> str:
    return " and ".join(f"until {b:%H:%M}" if a == time.min else f"from {a:%H:%M}" if b == time.max else f"{a:%H:%M} to {b:%H:%M}" for a, b in spans)


def applied(hours: Hours, rules: Iterable[Rule], *, own_hours: bool, own_bands: bool) -> tuple[Hours, list[Rule]]:
    """The hours with the rules in force, and which ones are. A request's own hours or bands win over what is remembered."""
    used: list[Rule] = []
    for rule in rules:
        if rule.kind == "band" and not own_bands:
            hours = replace(hours, bands={**hours.bands, rule.energy: rule.spans})
        elif rule.kind == "clip" and not own_hours:
            hours = replace(hours, working={day: _clipped(spans, rule.spans) for day, spans in hours.working.items()})
        elif rule.kind == "day_off" and not own_hours:
            hours = replace(hours, working={day: () if day in rule.days else spans for day, spans in hours.working.items()})
        elif rule.kind != "no_meetings":
            continue
        used.append(rule)
    return hours, used


def _clipped(spans: Sequence[Span], allowed: Sequence[Span]) -> tuple[Span, ...]:
    return tuple((max(a, c), min(b, d)) for a, b in spans for c, d in allowed if max(a, c) < min(b, d))


def kept_off(task: Task, rules: Iterable[Rule]) -> Mapping[str, str]:
    """The weekdays on which a task must not stand, each with the memory that says so."""
    if task.fixed_start is not None or not re.search(rf"\b{_MEETING}\b", task.title.lower()):
        return {}
    return {day: rule.source for rule in rules if rule.kind == "no_meetings" for day in rule.days if day in WEEKDAYS}
