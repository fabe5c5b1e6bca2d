"""What remembered preferences say about days: those on which the person works, and those without meetings."""

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planner_memory.core.profile import WEEKDAYS, Profile
from planner_memory.core.titles import is_meeting
from planner_memory.planner_engine.checklist import Draft
from planner_memory.planner_engine.named_days import DAYS
from planner_memory.ports.memory import RecalledMemory

_DAY = rf"(?:{'|'.join(sorted(DAYS, key=len, reverse=True))})"
_JOINT = r"\s*(?:,|and|or|&|to|-|–|through|till|until)\s*(?:on\s+)?"
_LIST = rf"(?:(?:{_DAY}s?\b(?:{_JOINT})?)+|weekends?\b)"
_TIME = r"(?:mornings?|afternoons?|evenings?|nights?)"
_PART = rf"(?P<part>\s+(?:{_TIME}|before\s+\S+|after\s+\S+))?"
_NOT = r"(?:do\s+not|don't|never|cannot|can't)"
_OFF = re.compile(
    rf"\b(?:(?:i|we)\s+{_NOT}\s+work|(?:i\s+am|i'm|we\s+are|we're)\s+(?:off|not\s+working)|no\s+work|not\s+working|days?\s+off\s*(?:is|are|:))"
    rf"\s+(?:on\s+)?(?:a\s+)?(?P<days>{_LIST})(?!\s+{_TIME}\b)"
)
_ON = (
    re.compile(rf"\b(?:i|we)\s+(?:only\s+)?work\s+(?:only\s+)?(?:on\s+|from\s+)?(?P<days>{_LIST})(?!\s+{_TIME}\b)"),
    re.compile(rf"\bworking\s+days?\s*(?:are|is|:)\s*(?P<days>{_LIST})"),
)
_KIND = r"(?:meetings?|calls?|appointments?)"
_MEETINGS = rf"{_KIND}(?:\s*(?:,|or|and)\s*{_KIND})*"
_NO_MEETINGS = (
    re.compile(
        rf"\b(?:no|never(?:\s+\w+)?|without|avoid|(?:{_NOT}|not)\s+(?:to\s+)?(?:want|schedule|plan|book|put|have|hold|take|do))\s+(?:any\s+)?(?:\w+\s+)?"
        rf"{_MEETINGS}\s+(?:for\s+me\s+)?(?:on\s+)?(?:a\s+)?(?P<days>{_LIST}){_PART}"
    ),
    re.compile(rf"\b(?P<days>{_LIST}){_PART}\s+(?:is|are|stays?)\s+(?:meeting[\s-]free|free\s+of\s+meetings|without\s+meetings)"),
    re.compile(rf"\bmeeting[\s-]free\s+(?P<days>{_LIST}){_PART}"),
)
_NAMES = dict(zip(WEEKDAYS, calendar.day_name, strict=True))


@dataclass(frozen=True, slots=True)
class DayWishes:
    """Weekdays as in WEEKDAYS; with each day without meetings the part of it, in the person's words, or "". `sources` are the memories."""

    off: frozenset[str] = frozenset()
    no_meetings: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def noted(self) -> dict[str, Any] | None:
        """For a plan's metadata; None without wishes."""
        if not self.sources:
            return None
        return {"days_off": [d for d in WEEKDAYS if d in self.off], "no_meetings_on": dict(self.no_meetings), "sources": list(self.sources)}


def day_wishes(memories: Sequence[RecalledMemory]) -> DayWishes:
    """The newest word about working days counts; wishes about meetings add up."""
    off: frozenset[str] = frozenset()
    meetings: dict[str, str] = {}
    sources: list[str] = []
    for memory in sorted(memories, key=lambda m: m.occurred_at):
        text = re.sub(r"\s+", " ", memory.content.lower().replace("’", "'"))
        said_off, said_on, no = _OFF.search(text), _first(_ON, text), _first(_NO_MEETINGS, text)
        if said_off is not None:
            off = weekdays(said_off["days"])
        elif said_on is not None:
            off = frozenset(WEEKDAYS) - weekdays(said_on["days"])
        if no is not None:
            meetings |= dict.fromkeys(weekdays(no["days"]), (no["part"] or "").strip())
        if said_off or said_on or no:
            sources.append(memory.content[:200])
    return DayWishes(off if len(off) < len(WEEKDAYS) else frozenset(), meetings, tuple(sources))


def _first(forms: Sequence[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((m for form in forms if (m := form.search(text))), None)


def weekdays(words: str) -> frozenset[str]:
    """`monday to thursday`, `fri and sat`, `weekends`, as in WEEKDAYS."""
    if words.startswith("weekend"):
        return frozenset(("sat", "sun"))
    out: set[str] = set()
    last, is_range = None, False
    for token in re.findall(rf"{_DAY}|\bto\b|through|till|until|-|–", words):
        if token not in DAYS:
            is_range = True
            continue
        day = DAYS[token]
        if is_range and last is not None:
            out |= {WEEKDAYS[(last + i) % 7] for i in range((day - last) % 7 + 1)}
        out.add(WEEKDAYS[day])
        last, is_range = day, False
    return frozenset(out)


def with_days_off(profile: Profile, wishes: DayWishes) -> Profile:
    """The profile without working hours on the days that the person does not work, as they say."""
    if not wishes.off:
        return profile
    return replace(profile, working_hours={day: () if day in wishes.off else spans for day, spans in profile.working_hours.items()})


def with_wishes(steps: Sequence[Draft], wishes: DayWishes) -> tuple[Draft, ...]:
    """Meetings say on which days the person wants none; the scheduler keeps to the same memories."""
    named = [(_NAMES[day], wishes.no_meetings[day]) for day in WEEKDAYS if day in wishes.no_meetings]
    if not named:
        return tuple(steps)
    said = f"Not on {' or '.join(f'{day} {part}' if part else f'{day}s' for day, part in named)}, as you prefer."
    return tuple(replace(s, description=f"{s.description} {said}".strip()) if is_meeting(s.title) else s for s in steps)
