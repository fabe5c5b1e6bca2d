"""Why the fact that a number was found to be cannot be meant: its words speak of other things, or of another record."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.inferred_counts import of_a_type
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import GAP, REST, Scene, has_day, is_day
from planner_memory.observer_agent.sentences import nearness
from planner_memory.observer_agent.weighing import is_method

_BLOCKS = re.compile(r"\s+(?:(?:calendar|scheduled|booked)\s+)?blocks?\b", re.IGNORECASE)
_OF_BLOCKS = re.compile(r"\b(?:upcoming|ahead|scheduled)")
_AT = re.compile(r"(?<!now\s)(?<!is\s)(?<!was\s)\b(?:at|until|till|from)\s+$", re.IGNORECASE)
_NOTHING = re.compile(r"\s*(?:[.,;:)!]|$|and\b|then\b|until\b|to\b|with\b)", re.IGNORECASE)
_ANY = re.compile(r"\b(?:an?|one|single|every|each|any|some)\s+$", re.IGNORECASE)
_HOURS_OF_A_DAY = 24
_OWN = 0.2
_OF_RECORDS = ("minutes", "percent", "time", "factor")
_OWN_PAST = re.compile(
    r"\b(?:you\s+\w+ed|ended|was|were|went|got\s+done|completed|finished|closed|worked|tracked|logged|brought|had)\b", re.IGNORECASE
)
_OF_OTHER_DAYS = ("upcoming", "scheduled", "slipped", "deadline", "timer", "past", "open")
_UNSAID = "of which the sentence does not speak."
_NOUNS = frozenset({"task", "meeting", "event", "switch", "plan", "step", "run", "day", "week"})
_TOPICS = frozenset({"deep", "meeting", "billable", "nonbillable", "unmarked", "scheduled", "switch", "sprint", "work", "past", "share", "rate"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A number, and the fact that its words were found to mean."""

    number: Mention
    claim: Claim
    scene: Scene
    near: dict[str, float]

    @property
    def said(self) -> set[str]:
        """The names that are spoken of."""
        return {record.name for record in self.scene.named} | {name[1:] for name in self.near if name.startswith(":")}

    @property
    def is_topic_said(self) -> bool:
        topics = self.claim.concepts & _TOPICS
        return any(max(self.near.get(f"own {topic}", 0.0), self.near.get(f"mine {topic}", 0.0)) > _OWN for topic in topics)


def why_misplaced(number: Mention, scene: Scene, claim: Claim | None) -> str:
    """Why the fact that a number was found to be cannot be meant; empty when nothing is against it."""
    if (day := _on_another_day(number, scene) or _not_on_that_day(number, scene, claim)) or claim is None:
        return day
    found = Finding(number, claim, scene, nearness(number, scene.sentence))
    if "thresholds" in claim.path and number.kind in (*_OF_RECORDS, "count"):
        is_said = number.kind != "count" or is_method(claim, found.near, scene.sentence.before(number))
        return "" if is_said else f"This is {claim.path}, {_UNSAID}"
    doubts = _OF_COUNTS if number.kind == "count" else _OF_OTHERS if number.kind in _OF_RECORDS else ()
    why = next((why for doubt in doubts if (why := doubt(found))), "")
    return f"This is {claim.path}, {why}" if why else ""


def _on_another_day(number: Mention, scene: Scene) -> str:
    """The records of the sentence lie ahead, and none of them on the weekday that it names."""
    is_last = scene.last_day is not None and scene.last_day.weekday() == number.value
    if number.kind != "weekday" or is_last or _ANY.search(scene.sentence.before(number)) or any(r.group != "upcoming" for r in scene.here):
        return ""
    days = [record.starts_on for record in scene.here if record.starts_on is not None]
    return f"“{scene.here[0].name}” is on another day." if days and all(day.weekday() != number.value for day in days) else ""


def _not_on_that_day(number: Mention, scene: Scene, claim: Claim | None) -> str:
    """Of what is done and counted, and of no record, the sentence tells: that was in the period."""
    if _ANY.search(scene.sentence.before(number)):
        return ""
    is_of_period = any(is_day(number, day) for day in scene.ledger.period) if number.kind in ("date", "weekday") else True
    if is_of_period or claim is None or not claim.names or scene.titles or scene.here or not scene.ledger.period:
        return ""
    is_own = _OWN_PAST.search(scene.text) and not any(scene.sentence.is_about(concept) for concept in _OF_OTHER_DAYS)
    return f"That day is none of the period; this is {claim.path}." if is_own else ""


def _a_time_of_day(found: Finding) -> str:
    before, after = found.scene.sentence.before(found.number), found.scene.sentence.after(found.number)
    is_clock = found.number.value <= _HOURS_OF_A_DAY and has_day(found.scene) and _AT.search(before) and _NOTHING.match(after)
    return "but the words speak of a time of day." if is_clock else ""


def _entries_of_a_type(found: Finding) -> str:
    types = [value for value, _ in of_a_type(found.number, found.scene)]
    is_other = types and found.number.value not in types and (not found.claim.path.endswith("meetings") or found.scene.sentence.is_about("event"))
    return "but the words speak of entries of the log." if is_other else ""


def _an_unsaid_type(found: Finding) -> str:
    text = found.scene.text.lower()
    is_said = found.claim.names & found.said or any(word in text for name in found.claim.names for word in _spellings(name))
    return "" if is_said or ".by_" not in found.claim.path else _UNSAID


def _blocks(found: Finding) -> str:
    is_of_blocks = _BLOCKS.match(found.scene.sentence.after(found.number)) and not _OF_BLOCKS.search(found.claim.path)
    return "but the words speak of blocks in the calendar." if is_of_blocks else ""


def _something_else(found: Finding) -> str:
    claim = found.claim
    is_said = not claim.concepts or any(concept in found.near for concept in claim.concepts) or claim.names & found.said
    return "" if is_said or not any(f"own {noun}" in found.near for noun in _NOUNS) else "but the words speak of something else."


def _a_difference_unsaid(found: Finding) -> str:
    is_said = GAP.search(found.scene.text) or REST.search(found.scene.text)
    return "" if is_said or found.claim.pattern != "difference" else "and no word says that one is measured against the other."


def _of_another_record(found: Finding) -> str:
    here = found.scene.here
    if not here or found.scene.sentence.has_names or found.is_topic_said or found.claim.names & {record.name for record in here}:
        return ""
    return f"but the sentence speaks of “{here[0].name}”."


def _of_a_record_unsaid(found: Finding) -> str:
    is_of_record = found.claim.names and "]" in found.claim.path
    return _UNSAID if is_of_record and not found.claim.names & found.said and not found.is_topic_said else ""


def _spellings(name: str) -> set[str]:
    return {word for word in name.lower().replace("_", " ").split() if len(word) > 2}


_OF_COUNTS: tuple[Callable[[Finding], str], ...] = (
    _a_time_of_day,
    _entries_of_a_type,
    _an_unsaid_type,
    _blocks,
    _a_difference_unsaid,
    _something_else,
)
_OF_OTHERS: tuple[Callable[[Finding], str], ...] = (_a_difference_unsaid, _of_another_record, _of_a_record_unsaid)
