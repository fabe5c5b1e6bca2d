"""Days that stand beside a title."""

import re
from datetime import date, timedelta

from planner_memory.observer_agent.bindings import Bindings, Owner
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import is_day, is_of_span
from planner_memory.observer_agent.title_values import WORKED
from planner_memory.observer_agent.verdicts import Verdict, verdict_of

_MEANT_FOR = re.compile(r"\b(?:meant|planned|scheduled|intended|foreseen|down)\s+(?:for|on)\s+$", re.IGNORECASE)
_AGAIN_ON = re.compile(r"\b(?:now|again|moved|new|next|calendar|is|are)\b", re.IGNORECASE)
_OF_A_PERIOD = re.compile(r"\b(?:period|week\s+(?:of|from)|covers?|runs?\s+from|dates)\b", re.IGNORECASE)
_OF_A_SPAN = re.compile(r"\b(?:since|before|until|after|last|by)\s+$", re.IGNORECASE)


def on_a_day(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    """A day beside a title is one of those that the facts name with it; of what was done they name none but the period's own."""
    scene = bindings.scene
    if is_of_span(mention, scene):
        return None
    records = owner.title.of(scene.records)
    slipped = owner.title.of(scene.records, "slipped")
    if (
        slipped
        and (_MEANT_FOR.search(scene.sentence.before(mention)) or scene.sentence.is_about("slipped") or scene.sentence.is_about("open"))
        and not _AGAIN_ON.search(scene.text)
    ):
        records = slipped
    days = [value for record in records for key, value in record.values.items() if key.startswith("date ") and isinstance(value, date)]
    if any(is_day(mention, day) for day in days):
        return verdict_of(mention, records[0].name)
    first, last = scene.ledger.first_day, scene.ledger.last_day
    is_worked = (
        not slipped
        and owner.title in bindings.titles
        and not _OF_A_PERIOD.search(scene.text)
        and any(record.group in WORKED for record in records)
        and not any(scene.sentence.is_about(c) for c in ("slipped", "planned", "scheduled", "upcoming"))
    )
    if (
        is_worked
        and first is not None
        and last is not None
        and any(is_day(mention, first + timedelta(days=n)) for n in range((last - first).days + 1))
    ):
        return verdict_of(mention, "starts_on to ends_on")
    is_done = any(record.group not in ("slipped", "upcoming") for record in records)
    if not days or is_done or not owner.is_sure or not owner.title.is_plain or _OF_A_SPAN.search(scene.sentence.before(mention)):
        return None
    return verdict_of(mention, records[0].name, f"“{records[0].name}” is on {min(days)}.")
