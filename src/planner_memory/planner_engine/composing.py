"""Intents that name two or three pieces of work: one pattern for each, put together into one plan."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner_memory.planner_engine.checklist import Filled, filled
from planner_memory.planner_engine.choice import Choice, choose
from planner_memory.planner_engine.names import Names
from planner_memory.planner_engine.patterns import Pattern

MOST_PARTS = 3
_SURE = 0.6  # of each part: below it, words of one piece of work are too easily taken for a second one
_THEN = r"(?:,\s*)?(?:and\s+)?(?:then|afterwards|after\s+that|once\s+(?:that|this|it)\s+is\s+done|when\s+(?:that|this|it)\s+is\s+done)\b,?\s*"
_ALSO = r"(?:,\s*)?(?:and|as\s+well\s+as|plus)\s+(?:also\s+)?|[;,\n]\s*|\.\s+(?=[A-Z])"
_JOINT = re.compile(rf"\s*(?:(?P<then>{_THEN})|(?P<also>{_ALSO}))", re.IGNORECASE)
_BEFORE = re.compile(r"\s*,?\s*\bbefore\s+(?=[a-z]+ing\b)", re.IGNORECASE)  # `write the proposal before onboarding them`
_AFTER = re.compile(r"\s*,?\s*\bafter\s+(?=[a-z]+ing\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A pattern and the words that ask for it. `follows`: it begins when the part before it is done."""

    pattern: Pattern
    text: str
    follows: bool
    why: str


def parts_of(intent: str) -> list[Part]:
    """Two or three parts in the order of work; empty when the intent is about one thing. Words without a pattern belong to the part before."""
    parts: list[Part] = []
    waiting = ""
    for text, follows in _clauses(intent):
        found = choose(text)
        is_new = found.pattern is not None and found.score >= _SURE and found.pattern.key not in {p.pattern.key for p in parts}
        if is_new and found.pattern is not None:
            parts.append(Part(found.pattern, f"{waiting} {text}".strip(), follows and bool(parts), found.why))
            waiting = ""
        elif parts:
            parts[-1] = replace(parts[-1], text=f"{parts[-1].text}, {text}")
        else:
            waiting = f"{waiting} {text}".strip()
    whole = choose(intent)
    if whole.pattern is None or len(parts) < 2 or whole.pattern.key not in {p.pattern.key for p in parts[:MOST_PARTS]}:
        return []
    return parts[:MOST_PARTS]


def _clauses(intent: str) -> list[tuple[str, bool]]:
    text = re.sub(r"[ \t]+", " ", intent.strip())
    for form, turned in ((_BEFORE, False), (_AFTER, True)):
        found = form.search(text)
        if found and text[: found.start()].strip():
            first, second = text[: found.start()], text[found.end() :]
            return [(second, False), (first, True)] if turned else [(first, False), (second, True)]
    out: list[tuple[str, bool]] = []
    start, follows = 0, False
    for joint in _JOINT.finditer(text):
        out.append((text[start : joint.start()], follows))
        start, follows = joint.end(), bool(joint["then"])
    out.append((text[start:], follows))
    return [(clause.strip(" ,.;"), after) for clause, after in out if clause.strip(" ,.;")]


def composed(parts: Sequence[Part], names: Names) -> tuple[Choice, Filled]:
    """The parts as one choice and one list of steps. A part that follows begins after the last steps of the one before; others run beside it."""
    steps = []
    ends: tuple[str, ...] = ()
    sizes: dict[str, float] = {}
    assumed: dict[str, float] = {}
    for part in parts:
        one = filled(part.pattern, part.text, names)
        needed = {key for step in one.steps for key in step.depends_on}
        steps += [replace(s, depends_on=ends) if part.follows and not s.depends_on else s for s in one.steps]
        ends = tuple(s.step_key for s in one.steps if s.step_key not in needed)
        sizes |= one.sizes
        assumed |= one.assumed
    first, *rest = (p.pattern for p in parts)
    name = " and ".join([first.name, *(_lower(p.name) for p in rest)])
    whole = Pattern(
        key="+".join(p.pattern.key for p in parts),
        name=name,
        summary=" ".join(p.pattern.summary for p in parts),
        triggers=(),
        steps=tuple(s for p in parts for s in p.pattern.steps),
    )
    words = "; ".join(f"'{p.pattern.name}' for '{p.text}'" for p in parts)
    score = round(min(choose(p.text).score for p in parts), 3)
    return Choice(whole, score, f"The intent names {len(parts)} pieces of work: {words}."), Filled(tuple(steps), sizes, assumed)


def _lower(name: str) -> str:
    """For the middle of a title; abbreviations and names keep their capitals."""
    first = name.split()[0]
    return name if first.isupper() or first[1:] != first[1:].lower() else name[0].lower() + name[1:]
