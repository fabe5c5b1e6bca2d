"""Streaks of days, and what a day ahead holds: counts whose words leave one fact to be meant."""

import re
from collections.abc import Sequence
from decimal import Decimal

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.quoted import clause_of
from planner_memory.observer_agent.scene import Scene, is_day
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_STREAK = re.compile(
    r"\bstreaks?\b|\bin\s+a\s+row\b|\bdays?\s+(?:running|straight|on\s+end)\b|\b(?:consecutive|straight|successive)\s+days?\b", re.IGNORECASE
)
_KINDS = {
    "completed_task_days": re.compile(r"\b(?:tasks?|complet\w*|finish\w*|clos\w+|something\s+done)\b", re.IGNORECASE),
    "deep_work_days": re.compile(r"\b(?:deep|focus\w*|concentrat\w*)\b", re.IGNORECASE),
    "plan_kept_days": re.compile(r"\bplans?\b|\bplan-", re.IGNORECASE),
}
_DAYS = re.compile(r"\s*(?:\w+\s+)?days?\b", re.IGNORECASE)
_AT = re.compile(r"\b(?:at|is|to|of|reache[sd]|counts|now)\s+(?:\w+\s+)?$", re.IGNORECASE)
_OTHERS = re.compile(r"\bothers?\b", re.IGNORECASE)
_THINGS = re.compile(r"\s+(?:(?:scheduled|booked|planned|more|fixed)\s+)?(?:tasks?|blocks?|slots?|items?|entries|things)\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:in\s+all|in\s+total|altogether|together|out\s+of)\b", re.IGNORECASE)
_COMING = re.compile(r"\b(?:next|tomorrow|focus|ahead|coming)\b", re.IGNORECASE)
_WAS = re.compile(r"\b(?:was|were|done|completed|finished|slipped|closed|had|did|missed|got|kept)\b|\w+n['’]t\b", re.IGNORECASE)


def streaks(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """ "The streak of kept plans is at 3 days": nothing but that streak is meant."""
    told = {claim.path.rpartition(".")[2]: claim for claim in scene.claims if ".streaks." in f".{claim.path}"}
    if not told or not _STREAK.search(scene.text):
        return {}
    found: dict[int, Verdict] = {}
    for number in numbers:
        before, after = scene.sentence.before(number), scene.sentence.after(number)
        if number.kind != "count" or not (_DAYS.match(after) or (_AT.search(before) and not re.match(r"\s+\w", after))):
            continue
        meant = _meant(number, scene, told)
        if meant and all(claim.value == number.value for claim in meant):
            found[number.start] = verdict_of(number, meant[0].path)
        elif meant and not _OTHERS.search(scene.text):
            wrong = next(claim for claim in meant if claim.value != number.value)
            found[number.start] = verdict_of(number, wrong.path, f"{wrong.path} is {wrong.value}.")
    return found


def _meant(number: Mention, scene: Scene, told: dict[str, Claim]) -> list[Claim]:
    """Those streaks that the number's clause names, else the sentence."""
    low, high = clause_of(number, scene.sentence)
    start = scene.sentence.start
    for text in (scene.text[low - start : high - start], scene.text):
        if meant := [told[leaf] for leaf, words in _KINDS.items() if leaf in told and words.search(text)]:
            return meant
    return []


def day_ahead(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """ "Tuesday has 4 tasks": as many as have a block on that day, or as there are blocks."""
    days = [n for n in scene.sentence.numbers if n.kind in ("weekday", "date")]
    dates = {r.starts_on for r in scene.group("upcoming") if r.starts_on is not None and len(days) == 1 and is_day(days[0], r.starts_on)}
    is_of_period = bool(days) and days[0].kind == "weekday" and any(is_day(days[0], day) for day in scene.ledger.period)
    if len(dates) != 1 or _WAS.search(scene.text) or _ALL.search(scene.text) or (is_of_period and not _COMING.search(scene.section)):
        return {}
    day = dates.pop()
    blocks = [r for r in scene.group("upcoming") if r.starts_on == day]
    tasks = {r.name for r in blocks}
    found: dict[int, Verdict] = {}
    for number in numbers:
        low, high = clause_of(number, scene.sentence)
        if number.kind != "count" or number.is_each or not low <= days[0].start < high:
            continue
        noun = _THINGS.match(scene.sentence.after(number))
        if noun is not None and ("task" in noun.group().lower() or not scene.titles):  # the blocks of a title are no day's
            allowed = {Decimal(len(tasks) if "task" in noun.group().lower() else len(blocks)), Decimal(len(scene.sentence.names))} - {Decimal(0)}
            why = "" if number.value in allowed else f"On {day} there are {len(tasks)} tasks in {len(blocks)} blocks."
            found[number.start] = verdict_of(number, f"upcoming on {day}", why)
    return found
