"""What remembered preferences say about the shape of a plan, as numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from planner_memory.planner_engine.sizes import NUMBER, number
from planner_memory.ports.memory import RecalledMemory

SMALLEST_LIMIT_MINUTES = 5
_THING = r"(?:tasks?|steps?|to-?dos?|chunks?|blocks?|pieces?(?:\s+of\s+work)?|work\s+items?|items?|sittings?|work\s+blocks?|activit(?:y|ies))"
_AMOUNT = rf"(?P<amount>(?P<n>{NUMBER}|an?|half\s+an?)(?P<half>\s+and\s+a\s+half)?[\s-]*(?P<unit>hours?|hrs?|h|minutes?|mins?|min|m)\b)"
_MORE = r"(?:longer\s+than|more\s+than|larger\s+than|bigger\s+than|greater\s+than|over|above|beyond|exceed(?:s|ing)?|of\s+more\s+than)"
_MOST = (
    r"(?:at\s+most|max(?:imum|imal)?\.?(?:\s+of)?|up\s+to|no\s+(?:more|longer|larger|bigger)\s+than|not\s+(?:be\s+)?(?:more|longer|larger|bigger)\s+than|"
    r"never\s+(?:more|longer|larger|bigger)\s+than|under|below|less\s+than|shorter\s+than|smaller\s+than|within|capped\s+at|limited\s+to|"
    r"(?:must|should|may|can)\s+not\s+(?:exceed|take\s+more\s+than|be\s+(?:longer|larger)\s+than)|≤|<=?)"
)
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\b(?:no|never|not|don't|do\s+not|nothing|avoid|without)\b[^.;]{{0,40}}?{_THING}[^.;]{{0,30}}?{_MORE}\s+{_AMOUNT}",
        rf"\b(?:largest|longest|biggest|maximum|max\.?|maximal)\s+(?:\w+\s+)?{_THING}(?:\s+(?:size|length|duration))?[^.;\d]{{0,25}}?{_AMOUNT}",
        rf"\b{_THING}\b[^.;]{{0,40}}?{_MOST}\s+{_AMOUNT}",
        rf"{_MOST}\s+{_AMOUNT}\s+(?:per|a|for\s+(?:a|each|every|one)|in\s+(?:a|one)|each|every|long)?\s*{_THING}?",
        rf"\b(?:split|break|divide|cut)\b[^.;]{{0,50}}?{_MORE}\s+{_AMOUNT}",
        rf"\b(?:split|break|divide|cut)\b[^.;]{{0,40}}?\b(?:into|in)\b[^.;]{{0,20}}?{_THING}[^.;]{{0,20}}?{_AMOUNT}",
        rf"\b(?:split|break|divide|cut)\b[^.;]{{0,40}}?\b(?:into|in)\s+(?:\w+\s+)?{_AMOUNT}[\s-]+{_THING}",
        rf"{_AMOUNT}[\s-]+(?:max(?:imum)?|limit|cap)\b[^.;]{{0,30}}?{_THING}",
        rf"\b{_THING}\b[^.;]{{0,30}}?\b{_AMOUNT}\s+(?:or\s+less|at\s+(?:the\s+)?most|max(?:imum)?|or\s+(?:shorter|smaller))",
    )
)
_PER_THING = _FORMS[3]


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest step, in minutes, and where that was said."""

    minutes: int
    source: str


def largest_step_minutes(text: str) -> int | None:
    """The largest step that a sentence allows, in minutes; None when it does not speak of one."""
    lowered = re.sub(r"\s+", " ", text.lower().replace("’", "'"))
    for form in _FORMS:
        for m in form.finditer(lowered):
            if form is _PER_THING and not re.search(rf"\b{_THING}\b", m[0]):
                continue
            given = m["n"]
            value = 0.5 if given.startswith("half") else 1.0 if given in ("a", "an") else number(given)
            value += 0.5 if m["half"] else 0.0
            minutes = round(value * (60 if m["unit"].startswith("h") else 1))
            if minutes >= SMALLEST_LIMIT_MINUTES:
                return minutes
    return None


def step_limit(memories: Sequence[RecalledMemory], profile_minutes: int | None) -> Limit | None:
    """The limit that binds: of remembered ones the newest, and the profile's own if that is stricter."""
    found: Limit | None = None
    for memory in sorted(memories, key=lambda m: m.occurred_at):
        minutes = largest_step_minutes(memory.content)
        if minutes is not None:
            found = Limit(minutes, f"remembered: {memory.content[:200]}")
    if profile_minutes is not None and (found is None or profile_minutes <= found.minutes):
        return Limit(profile_minutes, "the profile's largest task")
    return found
