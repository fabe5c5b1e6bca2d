"""Why the fact that a number was found to be cannot be meant: its words speak of other things, or of another record."""

import re
from collections.abc import Sequence
from datetime import date

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.inferred_counts import of_a_type
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene, has_day
from planner_memory.observer_agent.sentences import nearness
from planner_memory.observer_agent.weighing import is_method

_BLOCKS = re.compile(r"\s+(?:(?:calendar|scheduled|booked)\s+)?blocks?\b", re.IGNORECASE)
_OF_BLOCKS = re.compile(r"\b(?:upcoming|ahead|scheduled)")
_AT = re.compile(r"(?<!now\s)(?<!is\s)(?<!was\s)\b(?:at|until|till|from)\s+$", re.IGNORECASE)
_NOTHING = re.compile(r"\s*(?:[.,;:)!]|$|and\b|then\b|until\b|to\b|with\b)", re.IGNORECASE)
_ANY = re.compile(r"\b(?:an?|one|single|every|each|any|some)\s+$", re.IGNORECASE)
_HOURS_OF_A_DAY = 24
_NOUNS = frozenset({"task", "meeting", "event", "switch", "plan", "step", "run", "day", "week"})
_TOPICS = frozenset({"deep", "meeting", "billable", "nonbillable", "unmarked", "scheduled", "switch", "sprint", "work", "past", "share", "rate"})


def _days_of(here: Sequence[Record]) -> list[date]:
    """Of the records of a sentence that all lie ahead."""
    if any(record.group != "upcoming" for record in here):
        return []
    return [record.starts_on for record in here if record.starts_on is not None]


def why_misplaced(mention: Mention, scene: Scene, claim: Claim | None) -> str:
    """Why the fact that a number was found to be cannot be meant: it is of a record that is not spoken of, or the words beside it speak of others."""
    sentence, here, named = scene.sentence, scene.here, scene.named
    is_any = _ANY.search(sentence.before(mention)) is not None
    is_last = mention.kind == "weekday" and scene.last_day is not None and scene.last_day.weekday() == mention.value
    if mention.kind == "weekday" and not is_any and not is_last and (days := _days_of(here)) and all(day.weekday() != mention.value for day in days):
        return f"“{here[0].name}” is on another day."
    if claim is None or mention.kind not in ("minutes", "percent", "time", "count", "factor"):
        return ""
    near = nearness(mention, sentence)
    if "thresholds" in claim.path:
        is_said = mention.kind != "count" or is_method(claim, near, sentence.before(mention))
        return "" if is_said else f"This is {claim.path}, of which the sentence does not speak."
    said = {record.name for record in (*here, *named)} | {name[1:] for name in near if name.startswith(":")}
    is_plain = any(max(near.get(f"own {topic}", 0.0), near.get(f"mine {topic}", 0.0)) > 0.2 for topic in claim.concepts & _TOPICS)
    if mention.kind == "count":
        if mention.value <= _HOURS_OF_A_DAY and has_day(scene) and _AT.search(sentence.before(mention)) and _NOTHING.match(sentence.after(mention)):
            return f"This is {claim.path}, but the words speak of a time of day."
        types = [value for value, _ in of_a_type(mention, scene)]
        if types and mention.value not in types and not claim.path.endswith("meetings"):
            return f"This is {claim.path}, but the words speak of entries of the log."
        if (
            ".by_" in claim.path
            and not any(word in sentence.text.lower() for name in claim.names for word in _spellings(name))
            and not claim.names & said
        ):
            return f"This is {claim.path}, of which the sentence does not speak."
        if _BLOCKS.match(sentence.after(mention)) and not _OF_BLOCKS.search(claim.path):
            return f"This is {claim.path}, but the words speak of blocks in the calendar."
        is_elsewhere = bool(claim.concepts) and not any(concept in near for concept in claim.concepts) and not claim.names & said
        return (
            f"This is {claim.path}, but the words speak of something else." if is_elsewhere and any(f"own {noun}" in near for noun in _NOUNS) else ""
        )
    if here and not sentence.has_names and not claim.names & {record.name for record in here} and not is_plain:
        return f"This is {claim.path}, but the sentence speaks of “{here[0].name}”."
    if claim.names and "]" in claim.path and not claim.names & said and not is_plain:
        return f"This is {claim.path}, of which the sentence does not speak."
    return ""


def _spellings(name: str) -> set[str]:
    return {word for word in name.lower().replace("_", " ").split() if len(word) > 2}
