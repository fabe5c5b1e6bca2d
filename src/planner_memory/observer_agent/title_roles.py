"""Which of a task's figures a number beside its title is: what it took, its estimate, or how far the one is from the other."""

# ruff: noqa: E501 - a pattern is read best on one line

import re
from typing import Literal

from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import Scene

Role = Literal["actual", "estimate", "over", ""]
FILL = r"(?:(?:the|an?|its|their|your|of|at|was|were|only|just|about|around|roughly|nearly|almost|exactly|some|had|been|said|is|to|over|under|more|less|than|[~≈])\s+)*"
_ESTIMATE_BEFORE = re.compile(
    rf"(?:(?<!well\s)\bestimat\w*|\best\.?|\bplanned|\bexpected|\bagainst|\binstead\s+of|\brather\s+than|\bvs\.?|\bversus|(?<=,)\s*not|\b(?:meant|supposed|going|due)\s+to\s+(?:take|last|need)|\bwhere|\bcompared\s+(?:with|to)"
    rf"|\b(?:longer|shorter|more|less|over|under|above|below|beyond)\s+than\s+(?:the|its|your))[\s:=(]*{FILL}$",
    re.IGNORECASE,
)
_NEAR_ESTIMATE = re.compile(
    r"\b(?:to|within|near|under|over|above|below|beyond|past|on|at|with|than|from|by|inside|match\w*|hit|kept|met)\s+(?:its|the|your|their|that)\s+(?:\w+\s+)?estimates?\s*[:(–—,-]\s*$",
    re.IGNORECASE,
)  # "close to its estimate: 2.08 hours" is what was, not what was estimated
_FOR = re.compile(rf"[^,;:.]*\bfor\s+{FILL}$", re.IGNORECASE)  # "three hours for an estimated two", and not "the slides for three hours"
_ESTIMATE_AFTER = re.compile(
    r"(?:\s+(?!(?:and|but|for|where|when|against|than|instead|rather|versus|vs|compared|though|although|took|needed|of|over|under|above|below|off)\b)[\w’']+){0,4}?"
    r"\s+(?:estimated?|estimates|planned|expected|allowed|allotted|budgeted|set\s+aside|guessed?|reckoned|foreseen)\b",
    re.IGNORECASE,
)
_ACTUAL_BEFORE = re.compile(
    rf"(?:\b(?:took|taken|takes|needed|cost|ate|used|spent|lasted|lasts|needs|consumed|required|ran|went\s+to|came\s+to|came\s+in\s+at|in|at|done|finished|after)(?:\s+(?:you|me|us|it))?|[:(–—|-])\s*{FILL}$",
    re.IGNORECASE,
)
_OVER_AFTER = re.compile(
    r"\s*(?:too\s+|\w+ly\s+|hours?\s+|minutes?\s+)?(?:more|less|over|under|longer|shorter|short|late|later|early|earlier|above|below|beyond|too|off|behind|ahead|faster|slower|quicker|extra|shy|sooner|overrun|overtime)\b",
    re.IGNORECASE,
)
_OVER_BEFORE = re.compile(rf"(?:\b(?:by|missed|saved|saving|extra|overran|off|overrun\s+of|overshoot\s+of)\s+{FILL}|[+−]\s*)$", re.IGNORECASE)
_AGAIN = re.compile(r"\s*(?:\w+\s+)?[(,]?\s*(?:or|i\.\s?e\.|that\s+is|namely)?,?\s*(?:by\s+)?", re.IGNORECASE)


def role_of(mention: Mention, scene: Scene) -> Role:
    """By the words right before and right behind the number; empty where they do not say."""
    before, after = scene.sentence.before(mention), scene.sentence.after(mention)
    if _OVER_AFTER.match(after) or _OVER_BEFORE.search(before) or mention.text[0] in "+−":
        return "over"
    if _NEAR_ESTIMATE.search(before):
        return "actual"
    last = next((n for n in reversed(scene.sentence.numbers) if n.end <= mention.start), None)
    if (
        last is not None
        and last.kind != mention.kind
        and "percent" in (last.kind, mention.kind)
        and _AGAIN.fullmatch(scene.sentence.between(last, mention))
    ):
        return role_of(last, scene) if role_of(last, scene) == "over" or last.kind != "percent" else "over"
    if last is not None and last.kind in ("minutes", "count") and _FOR.fullmatch(scene.sentence.between(last, mention)):
        return "estimate"
    if _ESTIMATE_BEFORE.search(before) or _ESTIMATE_AFTER.match(re.split(r"[,;:.()|]", after)[0]):
        return "estimate"
    return "actual" if _ACTUAL_BEFORE.search(before) else ""
